"""Entities, seen from outside: calls, signals, state, lists, failures, and one operation at a time.

Sources: Azure docs, durable-functions-entities and durable-functions-http-api (entities);
Azure/azure-functions-durable-extension, TaskEntityShim.cs and HttpApiHandler.cs; azure-functions-durable, entity.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import httpx
import pytest

from testbed.eventually import eventually
from tests.local.host.hosting import Host, running

API = "/runtime/webhooks/durabletask/entities"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with running("conformance", tmp_path_factory.mktemp("host")) as started:
        yield started


def call(operation: str, value: object = None) -> list[object]:
    return [operation, value, True]


def signal(operation: str, value: object = None) -> list[object]:
    return [operation, value, False]


def operate(host: Host, key: str, *operations: list[object], **more: str) -> Any:
    """What an orchestration got for the operations that it waited for."""
    return host.finished(host.start("operating", {"key": key, "operations": operations} | more))["output"]


def send(host: Host, key: str, operation: str, value: object = None) -> httpx.Response:
    """Signal the ledger over the management API: with JSON text in a JSON string, which is what `get_input` reads and
    the durable client sends. Source: azure-functions-durable, DurableEntityContext.py."""
    return host.http.post(f"{API}/ledger/{key}", params={"op": operation}, json=json.dumps(value))


def state(host: Host, key: str) -> Any:
    """What the management API tells of the ledger, None if there is none."""
    answer = host.http.get(f"{API}/ledger/{key}")
    return answer.json() if answer.status_code == 200 else None


def listed(host: Host, name: str = "", **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = host.http.get(f"{API}/{name}", params=query).json()
    return found


def test_a_call_gives_the_result_of_the_operation(host: Host) -> None:
    """Azure docs, durable-functions-entities (calling): two-way, the caller waits for the result."""
    assert operate(host, "called", call("add", "a"), call("add", "b"), call("get")) == [1, 2, ["a", "b"]]


def test_what_an_orchestrator_signals_comes_before_what_it_calls_afterwards(host: Host) -> None:
    """Azure docs, durable-functions-entities (message delivery): in order between one sender and one entity."""
    signals = [signal("add", n) for n in range(10)]

    assert operate(host, "ordered", *signals, call("get")) == [list(range(10))]


def test_signals_over_http_are_accepted_at_once_and_done_in_order(host: Host) -> None:
    """Azure docs, durable-functions-http-api (signal entity): 202 with no content; one sender, so in order."""
    answers = [send(host, "sent", "add", n) for n in range(20)]

    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"")}
    eventually(lambda: len(state(host, "sent") or []) == 20)
    assert state(host, "sent") == list(range(20))


def test_one_entity_does_one_operation_at_a_time_whoever_asks(host: Host) -> None:
    """Azure docs, durable-functions-entities: operations of one entity are executed serially."""
    started = [
        host.start("operating", {"key": "busy", "operations": [call("add", n) for n in range(5)]}) for _ in range(4)
    ]
    with ThreadPoolExecutor(4) as several:
        list(several.map(lambda n: send(host, "busy", "add", n), range(20)))
    results = [number for instance in started for number in host.finished(instance)["output"]]
    eventually(lambda: len(state(host, "busy")) == 40)

    journal = host.http.get("/api/journal/busy").json()
    assert journal == ["begin add", "end add"] * 40
    assert len(set(results)) == 20, "no two additions saw the same list"


def test_an_operation_that_fails_leaves_the_state_as_it_was(host: Host) -> None:
    """Azure docs, durable-functions-entities (exceptions): a failing operation does not destroy the entity."""
    assert operate(host, "firm", call("add", "a"), call("refuse", "b"), call("get")) == [1, "caught no b", ["a"]]
    assert state(host, "firm") == ["a"]


def test_a_failing_signal_is_told_to_nobody_and_what_follows_is_done(host: Host) -> None:
    """Azure docs, durable-functions-entities: signals are one-way, errors do not come back."""
    assert send(host, "quiet", "add", "a").status_code == 202
    assert send(host, "quiet", "refuse", "b").status_code == 202
    assert send(host, "quiet", "add", "c").status_code == 202

    eventually(lambda: state(host, "quiet") == ["a", "c"])


def test_a_signal_whose_body_is_not_said_to_be_json_is_given_its_text(host: Host) -> None:
    """HttpApiHandler.cs, HandlePostEntityOperationRequestAsync."""
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        sent = host.http.post(f"{API}/ledger/plain?op=add", content="5", headers={"Content-Type": kind})
        assert sent.status_code == 202

    eventually(lambda: state(host, "plain") == [5, 5])


def test_a_failure_belongs_to_its_operation_and_not_to_those_that_came_with_it(host: Host) -> None:
    """azure-functions-durable, entity.py: errors belong to one operation of a batch."""
    mixed = operate(host, "batch", signal("add", 1), signal("refuse"), signal("add", 2), call("refuse"), call("get"))

    assert mixed == ["caught no None", [1, 2]]


def test_an_entity_is_there_after_its_first_state_and_not_before(host: Host) -> None:
    """Azure docs, durable-functions-entities: entities are created implicitly; durable-functions-http-api: 404."""
    assert host.http.get(f"{API}/ledger/implicit").status_code == 404
    assert host.http.get("/api/read/ledger/implicit").json() == [False, None]

    operate(host, "implicit", call("add", {"a": [1, None, "ü"]}))

    assert state(host, "implicit") == [{"a": [1, None, "ü"]}]
    assert host.http.get("/api/read/ledger/implicit").json() == [True, [{"a": [1, None, "ü"]}]]


def test_names_are_the_same_in_any_case_and_keys_are_not(host: Host) -> None:
    """Azure docs, durable-functions-entities (entity id): names are not case-sensitive, keys are."""
    operate(host, "Key", call("add", "upper"), name="LEDGER")
    operate(host, "key", call("add", "lower"))

    assert (state(host, "Key"), state(host, "key")) == (["upper"], ["lower"])
    assert host.http.get(f"{API}/Ledger/Key").json() == ["upper"]


def test_an_entity_that_is_deleted_begins_anew(host: Host) -> None:
    """Azure docs, durable-functions-entities: deleting an entity deletes its state; a later operation creates it."""
    done = operate(host, "anew", call("add", "old"), call("delete"), call("add", "new"), call("get"))

    assert (done[0], done[2], done[3]) == (1, 1, ["new"])
    assert send(host, "anew", "delete").status_code == 202
    eventually(lambda: state(host, "anew") is None)
    assert "anew" not in [entity["entityId"]["key"] for entity in listed(host, "ledger")]


def test_a_list_tells_ids_and_times_and_the_state_on_request(host: Host) -> None:
    """Azure docs, durable-functions-http-api (query entities): fetchState is false by default."""
    operate(host, "shown", call("add", 7))

    def shown(**query: str) -> dict[str, Any]:
        (found,) = [e for e in listed(host, "ledger", **query) if e["entityId"]["key"] == "shown"]
        return found

    assert shown().keys() == {"entityId", "lastOperationTime"}
    assert shown()["entityId"] == {"name": "ledger", "key": "shown"}
    assert datetime.fromisoformat(shown()["lastOperationTime"]).tzinfo is not None
    assert shown(fetchState="true")["state"] == [7]


def test_a_list_is_bounded_by_name_and_by_time(host: Host) -> None:
    """Azure docs, durable-functions-http-api (query entities): lastOperationTimeFrom and lastOperationTimeTo."""
    operate(host, "bounded", call("add", 7))

    def keys(name: str = "", **query: str) -> list[str]:
        return [entity["entityId"]["key"] for entity in listed(host, name, **query)]

    assert "bounded" in keys()
    assert keys("nobody") == []
    assert keys("ledger", lastOperationTimeFrom="2999-01-01T00:00:00Z") == []
    assert keys("ledger", lastOperationTimeTo="2000-01-01T00:00:00Z") == []
    assert "bounded" in keys("ledger", lastOperationTimeFrom="2000-01-01T00:00:00Z")


def test_a_list_comes_in_pages(host: Host) -> None:
    """Azure docs, durable-functions-http-api (query entities): top and the x-ms-continuation-token header."""
    for n in range(5):
        operate(host, f"page-{n}", call("add", n))
    seen: list[str] = []
    headers: dict[str, str] = {}
    while True:
        answer = host.http.get(f"{API}/ledger", params={"top": "2"}, headers=headers)
        keys = [entity["entityId"]["key"] for entity in answer.json()]
        assert len(keys) <= 2
        seen += keys
        token = answer.headers.get("x-ms-continuation-token")
        if not token or not keys:
            break
        headers = {"x-ms-continuation-token": token}

    assert {f"page-{n}" for n in range(5)} <= set(seen)
    assert len(seen) == len(set(seen)) == len(listed(host, "ledger"))


def test_an_entity_that_the_app_does_not_have_is_refused(host: Host) -> None:
    """HttpApiHandler.cs and durable-functions-http-api: a signal to a function that is not there is a bad request."""
    answer = host.http.post(f"{API}/nobody/key", params={"op": "add"})

    assert answer.status_code == 400
    assert answer.json()["ExceptionMessage"].startswith("The function 'nobody' doesn't exist")
