"""Durable Functions end to end: the SDK's client in the app, the management API, and what instances come to.

Sources: Azure/azure-functions-durable-extension, HttpApiHandler.cs and its test/e2e (texts of failures);
azure-functions-durable, DurableOrchestrationClient.py.
"""

from __future__ import annotations

import httpx
import pytest

from testbed.eventually import eventually
from tests.local.host.hosting import Host

API = "/runtime/webhooks/durabletask"


def client(host: Host, what: str, instance: str, value: object = None, **query: str) -> httpx.Response:
    """Have the app's own function use its durable client."""
    return host.http.post(f"/api/client/{what}/{instance}", params=query, json=value)


def test_a_chain_of_activities_completes(host: Host) -> None:
    found = host.finished(host.start("Chain"))

    assert (found["runtimeStatus"], found["output"]) == ("Completed", ["Hello Tokyo!", "Hello Seattle!"])


def test_an_activity_failure_ends_an_orchestration_that_does_not_catch_it(host: Host) -> None:
    found = host.finished(host.start("rethrow"))

    assert found["runtimeStatus"] == "Failed"
    assert found["output"].startswith(
        "Orchestrator function 'rethrow' failed: Activity function 'fail' failed:  ValueError: This activity failed: x"
    )


def test_retries_end_with_the_last_failure(host: Host) -> None:
    found = host.finished(host.start("retrying"))

    assert found["output"].startswith("caught Activity function 'fail' failed:  ValueError")


def test_sub_orchestrations_fan_out(host: Host) -> None:
    results = host.finished(host.start("parent"))["output"]

    assert results[:3] == [0, 10, 20]
    assert results[3].startswith("Orchestrator function 'Rethrow' failed: Activity function 'fail' failed:")


def test_entities_answer_their_callers(host: Host) -> None:
    assert host.finished(host.start("counting"))["output"] == [3, "boom"]


def test_an_event_from_the_client_arrives_as_text_and_one_from_the_api_as_a_value(host: Host) -> None:
    first, second = host.start("waiting"), host.start("waiting")

    assert client(host, "raise", first, {"a": 1}, event="go").text == "ok"
    assert host.http.post(f"{API}/instances/{second}/raiseEvent/go", json={"a": 1}).status_code == 202

    assert host.finished(first)["output"] == '{"a": 1}'
    assert host.finished(second)["output"] == {"a": 1}


def test_the_client_hears_what_it_did_wrong(host: Host) -> None:
    ended = host.start("chain")
    host.finished(ended)

    assert client(host, "raise", "nope", event="go").text == "No instance with ID nope found."
    assert client(host, "raise", ended, event="go").text == (
        f"Instance with ID {ended} is gone: either completed or failed"
    )
    assert "doesn't exist, is disabled, or is not an orchestrator function" in host.http.post("/api/start/nope").text
    running = host.start("waiting")
    again = host.http.post("/api/start/waiting", params={"id": running})
    assert "An Orchestration instance with the status" in again.text


def test_an_instance_is_terminated_suspended_and_resumed_by_the_client(host: Host) -> None:
    first, second = host.start("waiting"), host.start("waiting")

    assert client(host, "terminate", first, reason="enough").text == "ok"
    assert client(host, "suspend", second).text == "ok"
    eventually(lambda: host.status(second)["runtimeStatus"] == "Suspended")
    assert client(host, "suspend", second).text.endswith("unexpected status code 500")
    assert client(host, "raise", second, 1, event="go").text == "ok"
    assert client(host, "resume", second).text == "ok"

    found = host.finished(first)
    assert (found["runtimeStatus"], found["output"]) == ("Terminated", "enough")
    assert host.finished(second)["runtimeStatus"] == "Completed"


def test_an_entity_is_signalled_read_and_deleted(host: Host) -> None:
    assert client(host, "read", "mine").json() == [False, None]
    assert client(host, "signal", "mine", 5, op="add").text == "ok"

    eventually(lambda: client(host, "read", "mine").json() == [True, 5])
    listed = host.http.get(f"{API}/entities/counter", params={"fetchState": "true"}).json()
    assert {"name": "counter", "key": "mine"} in [item["entityId"] for item in listed]
    assert host.http.request("DELETE", f"{API}/entities/counter/mine").status_code == 202
    eventually(lambda: client(host, "read", "mine").json() == [False, None])
    assert host.http.post(f"{API}/entities/nobody/k?op=x").status_code == 400


def test_a_status_shows_what_was_asked_for(host: Host) -> None:
    instance = host.start("waiting", {"folder": "a"})
    pending = eventually(lambda: (a := host.http.get(f"{API}/instances/{instance}")).json()["customStatus"] and a)

    assert pending.status_code == 202
    assert pending.headers["Location"].endswith(instance)
    assert pending.json()["customStatus"] == {"waits": "for go"}
    assert pending.json()["input"] == '{"folder": "a"}'
    assert host.status(instance, showInput="false")["input"] is None
    client(host, "raise", instance, 1, event="go")
    found = host.finished(instance)
    assert "historyEvents" not in found
    shown = host.status(instance, showHistory="true", showHistoryOutput="true")["historyEvents"]
    assert [event["EventType"] for event in shown] == ["ExecutionStarted", "EventRaised", "ExecutionCompleted"]
    assert host.http.get(f"{API}/instances/nobody").status_code == 404


def test_a_failed_instance_can_be_shown_as_an_error(host: Host) -> None:
    instance = host.start("rethrow")
    host.finished(instance)

    path = f"{API}/instances/{instance}"
    assert host.http.get(path).status_code == 200
    assert host.http.get(path, params={"returnInternalServerErrorOnFailure": "true"}).status_code == 500


def test_instances_are_listed_filtered_and_paged(host: Host) -> None:
    started = [host.start("chain", id=f"listed-{n}") for n in range(3)]
    for instance in started:
        host.finished(instance)

    def listed(token: str | None = None, **query: str) -> httpx.Response:
        headers = {"x-ms-continuation-token": token} if token else {}
        params = {"instanceIdPrefix": "listed-"} | query
        return host.http.get(f"{API}/instances/", params=params, headers=headers)

    assert [i["instanceId"] for i in listed().json()] == started
    assert len(listed(runtimeStatus="Completed,Failed").json()) == 3
    assert listed(runtimeStatus="Running").json() == []
    assert listed(createdTimeFrom="2999-01-01T00:00:00Z").json() == []
    first = listed(top="2")
    rest = listed(first.headers["x-ms-continuation-token"], top="2")
    assert [i["instanceId"] for i in [*first.json(), *rest.json()]] == started


def test_only_what_has_ended_can_be_purged(host: Host) -> None:
    ended, running = host.start("chain"), host.start("waiting")
    host.finished(ended)

    assert client(host, "purge", ended).text == "1"
    assert client(host, "purge", ended).text == "0"
    assert host.http.request("DELETE", f"{API}/instances/{running}").status_code == 412
    assert host.http.request("DELETE", f"{API}/instances/").status_code == 400
    for_good = host.start("chain", id="purged")
    host.finished(for_good)
    query = {"createdTimeFrom": "2000-01-01T00:00:00Z", "instanceIdPrefix": "purged"}
    answer = host.http.request("DELETE", f"{API}/instances/", params=query)
    assert answer.json() == {"instancesDeleted": 1}


def test_a_start_can_wait_for_the_output(host: Host) -> None:
    query = {"timeout": "20", "pollingInterval": "1"}
    answer = host.http.post(f"{API}/orchestrators/chain", params=query)

    assert (answer.status_code, answer.json()) == (200, ["Hello Tokyo!", "Hello Seattle!"])
    late = host.http.post(f"{API}/orchestrators/waiting", params={"timeout": "0.05", "pollingInterval": "0.01"})
    assert late.status_code == 202
    assert {"id", "statusQueryGetUri", "terminatePostUri"} <= late.json().keys()


def test_a_restart_can_wait_for_the_output_as_well(host: Host) -> None:
    host.finished(host.start("chain", id="once-more"))

    again = host.http.post(f"{API}/instances/once-more/restart", params={"timeout": "20", "pollingInterval": "1"})

    assert (again.status_code, again.json()) == (200, ["Hello Tokyo!", "Hello Seattle!"])
    hasty = host.http.post(f"{API}/orchestrators/chain", params={"timeout": "1", "pollingInterval": "5"})
    assert (hasty.status_code, "bigger than retry timeout" in hasty.json()["Message"]) == (400, True)
    assert host.http.post(f"{API}/orchestrators/chain?timeout=nan&pollingInterval=1").status_code == 400


def test_paths_are_taken_in_any_case_and_with_a_slash_at_their_end(host: Host) -> None:
    instance = host.start("waiting")

    assert host.http.get(f"{API}/Instances/{instance}/").status_code == 202
    assert host.http.post(f"{API}/instances/{instance}/RaiseEvent/unheard", json=1).status_code == 202
    assert host.http.post(f"{API}/instances/{instance}/TERMINATE", params={"reason": "loud"}).status_code == 202
    host.finished(instance)


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"[" * 200_000, b"{"],
    ids=["no text", "deep", "cut off"],
)
def test_what_is_no_json_is_refused(host: Host, content: bytes) -> None:
    answer = host.http.post(f"{API}/orchestrators/chain", content=content)

    assert (answer.status_code, "Invalid JSON content" in answer.json()["Message"]) == (400, True)


def test_a_number_of_any_length_is_json(host: Host) -> None:
    assert host.http.post(f"{API}/orchestrators/waiting", content=b"7" * 5000).status_code == 202


def test_bad_requests_are_refused(host: Host) -> None:
    post = host.http.post
    instance = host.start("waiting")
    json_type = {"Content-Type": "application/json"}

    assert post(f"{API}/orchestrators/chain", content="{", headers=json_type).status_code == 400
    assert post(f"{API}/orchestrators/chain/@bad").status_code == 400
    answer = post(f"{API}/instances/{instance}/raiseEvent/go", content="x", headers={"Content-Type": "text/plain"})
    assert answer.json()["Message"] == "Only application/json request content is supported"
    assert post(f"{API}/instances/nobody/raiseEvent/go", content="x").status_code == 404, "before its body is looked at"
    assert post(f"{API}/orchestrators/nope").json()["ExceptionMessage"].startswith("The function 'nope' doesn't exist")
    assert host.http.put(f"{API}/orchestrators/chain").status_code == 404


def test_many_instances_run_at_the_same_time(host: Host) -> None:
    started = [host.start("waiting") for _ in range(20)]
    for instance in started:
        client(host, "raise", instance, 1, event="go")

    assert {host.finished(instance)["runtimeStatus"] for instance in started} == {"Completed"}


def test_counts_are_shown(host: Host) -> None:
    host.finished(host.start("chain"))

    counts = host.http.get("/admin/durable/counts").json()
    assert counts.keys() == {"orchestrations", "episodes", "activities", "entity_operations", "timers", "wakes"}
    assert counts["activities"] >= 2
