"""Managing many instances and entities: queries with pages, purges, rewind, restart, large payloads, history.

Source: Azure/azure-functions-durable-extension, HttpApiHandler.cs; Azure docs, durable-functions-http-api.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from testbed.eventually import eventually
from tests.local.host.hosting import Host

API = "/runtime/webhooks/durabletask"
MEGABYTE = 1 << 20


def client(host: Host, what: str, instance: str, value: object = None, **query: str) -> httpx.Response:
    return host.http.post(f"/api/client/{what}/{instance}", params=query, json=value)


def pages(host: Host, path: str, **query: str) -> list[list[dict[str, Any]]]:
    """All pages of a listing."""
    found: list[list[dict[str, Any]]] = []
    token = ""
    while True:
        answer = host.http.get(f"{API}{path}", params=query, headers={"x-ms-continuation-token": token})
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        token = answer.headers.get("x-ms-continuation-token", "")
        if not token:
            return found


def test_instances_are_listed_a_page_at_a_time_without_gaps(host: Host) -> None:
    ids = [host.start("waiting", id=f"paged-{n}") for n in range(7)]

    found = pages(host, "/instances", instanceIdPrefix="paged-", top="3")
    assert [len(page) for page in found] == [3, 3, 1]
    assert [i["instanceId"] for page in found for i in page] == ids


def test_without_a_size_a_page_has_a_hundred(host: Host) -> None:
    for n in range(101):
        host.http.post(f"{API}/orchestrators/waiting/many-{n}")

    assert [len(page) for page in pages(host, "/instances", instanceIdPrefix="many-")] == [100, 1]


def test_a_token_that_was_not_given_is_refused(host: Host) -> None:
    tokens = ["abc", *(base64.b64encode(json.dumps(one).encode()).decode() for one in (["a", 1], {"a": 1}, [1], 7))]

    for token in tokens:
        told = host.http.get(f"{API}/instances", headers={"x-ms-continuation-token": token})
        assert told.status_code == 400, token


def test_instances_are_found_by_status_and_time(host: Host) -> None:
    running, ended = host.start("waiting", id="q-running"), host.start("chain", id="q-ended")
    host.finished(ended)

    def listed(**query: str) -> list[str]:
        return [i["instanceId"] for page in pages(host, "/instances", instanceIdPrefix="q-", **query) for i in page]

    eventually(lambda: listed(runtimeStatus="Running") == [running])
    assert listed(runtimeStatus="Completed,Failed") == [ended]
    assert listed(createdTimeFrom="2020-01-01T00:00:00Z") == [running, ended]
    assert listed(createdTimeTo="2020-01-01T00:00:00Z") == []
    assert ended in client(host, "query", "x", status="Completed").json()
    both = host.http.get(f"{API}/instances?instanceIdPrefix=q-&runtimeStatus=Running&runtimeStatus=Completed").json()
    assert [one["instanceId"] for one in both] == [running, ended]


@pytest.mark.parametrize(
    "query", ["runtimeStatus=bogus", "top=abc", "top=nan", "top=inf", "createdTimeFrom=yesterday", "showInput=1"]
)
def test_what_a_query_says_and_azure_does_not_understand_says_nothing(host: Host, query: str) -> None:
    instance = host.start("waiting", {"a": 1})

    (found,) = host.http.get(f"{API}/instances?instanceIdPrefix={instance}&{query}").json()

    assert json.loads(found["input"]) == {"a": 1}


def test_the_client_purges_by_filter_and_only_what_has_ended(host: Host) -> None:
    terminated = host.start("waiting", id="to-purge")
    client(host, "terminate", terminated, reason="enough")
    host.finished(terminated)

    assert client(host, "purge-before", "x", status="Terminated").text == "1"
    assert client(host, "purge-before", "x", status="Terminated").text == "0"
    assert host.http.get(f"{API}/instances/{terminated}").status_code == 404
    answer = host.http.delete(f"{API}/instances", params={"createdTimeTo": "2030-01-01"})
    assert (answer.status_code, answer.text) == (400, "Please provide value for 'createdTimeFrom' parameter.")


def test_a_failed_instance_is_rewound_by_the_client(host: Host) -> None:
    instance = host.start("fragile")
    assert host.finished(instance)["runtimeStatus"] == "Failed"

    (host.state / "mended").touch()
    assert client(host, "rewind", instance, reason="mended").text == "ok"

    assert eventually(lambda: (s := host.status(instance))["runtimeStatus"] == "Completed" and s)["output"] == "mended"


def test_what_cannot_be_rewound_says_why(host: Host) -> None:
    ended, retried = host.start("chain"), host.start("retrying")
    host.finished(ended)
    host.finished(retried)

    refused = client(host, "rewind", ended, reason="x")
    assert (refused.status_code, refused.text) == (
        400,
        f"The rewind operation is only supported on failed orchestration instances; '{ended}' is Completed.",
    )
    assert host.http.post(f"{API}/instances/{ended}/rewind").status_code == 412
    assert host.http.post(f"{API}/instances/nobody/rewind").status_code == 404


def test_an_instance_is_restarted_by_the_client(host: Host) -> None:
    first = host.start("child", 4)
    host.finished(first)

    answer = client(host, "restart", first).json()
    assert answer["id"] != first, "the SDK gives the whole answer, not the id"
    assert host.finished(answer["id"])["output"] == 40
    assert client(host, "restart", first, same="1").json()["id"] == first
    waiting = host.start("waiting")
    url = f"{API}/instances/{waiting}/restart"
    assert host.http.post(url, params={"restartWithNewInstanceId": "false"}).status_code == 409
    assert host.http.post(f"{API}/instances/nobody/restart").status_code == 400


def test_payloads_of_megabytes_go_everywhere(host: Host) -> None:
    instance = host.start("heavy", "i" * 4 * MEGABYTE)
    client(host, "raise", instance, "e" * MEGABYTE, event="more")

    output = host.finished(instance)["output"]
    assert len(output) == 5 * MEGABYTE + 2, "an event from the client arrives as JSON text, quotes and all"
    state = host.http.get(f"{API}/entities/keeper/{instance}").json()
    assert len(state) == MEGABYTE + 2


def test_entities_are_listed_a_page_at_a_time_with_their_states_on_request(host: Host) -> None:
    for n in range(1, 4):
        client(host, "signal", f"listed-{n}", n, op="add")
    eventually(lambda: sum(len(p) for p in pages(host, "/entities/counter", fetchState="true")) >= 3)

    found = [e for page in pages(host, "/entities/counter", fetchState="true", top="2") for e in page]
    listed = {e["entityId"]["key"]: e["state"] for e in found if e["entityId"]["key"].startswith("listed-")}
    assert listed == {"listed-1": 1, "listed-2": 2, "listed-3": 3}
    assert "state" not in pages(host, "/entities/counter")[0][0]
    assert pages(host, "/entities/counter", lastOperationTimeTo="2020-01-01T00:00:00Z") == [[]]
    assert pages(host, "/entities/nothing") == [[]]


@pytest.mark.parametrize("outputs", ["true", "false"])
def test_history_is_shown_on_request_with_outputs_on_request(host: Host, outputs: str) -> None:
    instance = host.start("chain")
    host.finished(instance)

    events = host.status(instance, showHistory="true", showHistoryOutput=outputs)["historyEvents"]
    assert [e["EventType"] for e in events] == [
        "ExecutionStarted",
        "TaskCompleted",
        "TaskCompleted",
        "ExecutionCompleted",
    ]
    assert [e.get("FunctionName") for e in events[:3]] == ["chain", "Hello", "hello"]
    assert (events[1].get("Result") == "Hello Tokyo!") is (outputs == "true")
    assert "historyEvents" not in host.status(instance)


def test_purging_an_entity_forgets_it(host: Host) -> None:
    client(host, "signal", "purged", 1, op="add")
    eventually(lambda: host.http.get(f"{API}/entities/counter/purged").status_code == 200)

    assert host.http.delete(f"{API}/instances/@counter@purged").json() == {"instancesDeleted": 1}

    assert host.http.get(f"{API}/entities/counter/purged").status_code == 404
    assert host.http.delete(f"{API}/instances/@counter@purged").status_code == 404
