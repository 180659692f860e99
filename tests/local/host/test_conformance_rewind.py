"""Rewind, seen from outside: what runs again, what does not, and what cannot be rewound.

Sources: Azure docs, durable-functions-instance-management (rewind instances) and durable-functions-http-api (rewind);
Azure/azure-functions-durable-extension, HttpApiHandler.cs; Azure/durabletask, AzureTableTrackingStore.cs
(RewindHistoryAsync).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from testbed.eventually import eventually
from tests.local.host.hosting import Host, running

API = "/runtime/webhooks/durabletask/instances"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with running("conformance", tmp_path_factory.mktemp("host")) as started:
        yield started


def orders(key: str, *values: str) -> list[dict[str, Any]]:
    """Work for the sample app; what is called bad fails until the key is mended."""
    return [{"key": key, "value": value, "fails": 99 if "bad" in value else 0} for value in values]


def journal(host: Host, key: str) -> list[str]:
    found: list[str] = host.http.get(f"/api/journal/{key}").json()
    return found


def rewind(host: Host, instance: str) -> httpx.Response:
    return host.http.post(f"{API}/{instance}/rewind", params={"reason": "mended"})


def failed(host: Host, name: str, value: object) -> str:
    """Start an orchestration that fails; returns the instance id."""
    instance = host.start(name, value)
    assert host.finished(instance)["runtimeStatus"] == "Failed"
    return instance


def rewound(host: Host, instance: str, key: str) -> dict[str, Any]:
    """The status that an instance comes to when it is rewound after what failed was mended."""
    assert host.http.post(f"/api/mend/{key}").status_code == 200
    answer = rewind(host, instance)
    assert (answer.status_code, answer.content) == (202, b"")
    return host.finished(instance)


def test_the_failed_activity_runs_again_and_those_that_succeeded_do_not(host: Host) -> None:
    """Azure docs, durable-functions-instance-management: rewind reruns what failed, and goes on from there."""
    instance = failed(host, "chain", orders("activity", "good", "bad", "late"))

    found = rewound(host, instance, "activity")

    assert (found["runtimeStatus"], found["output"]) == ("Completed", ["good", "bad", "late"])
    assert journal(host, "activity") == ["good", "bad", "bad", "late"]


def test_every_activity_that_failed_runs_again(host: Host) -> None:
    """durabletask, RewindHistoryAsync: all TaskFailed events of the instance are taken back, not only the last."""
    instance = failed(host, "fan", orders("several", "bad-1", "good", "bad-2"))
    eventually(lambda: len(journal(host, "several")) == 3)

    found = rewound(host, instance, "several")

    assert found["output"] == ["bad-1", "good", "bad-2"]
    assert journal(host, "several").count("good") == 1


def test_a_failed_sub_orchestration_is_rewound_and_its_siblings_keep_their_results(host: Host) -> None:
    """durabletask, RewindHistoryAsync: failed sub-orchestrations are rewound in their own histories."""
    instance = failed(host, "parent", orders("children", "good", "bad"))

    assert rewound(host, instance, "children")["output"] == ["good", "bad"]
    assert sorted(journal(host, "children")) == ["bad", "bad", "good"]


def test_a_failure_further_down_is_found_through_every_level(host: Host) -> None:
    """durabletask, RewindHistoryAsync calls itself for the failed sub-orchestrations of sub-orchestrations."""
    instance = failed(host, "grandparent", orders("levels", "good", "bad"))

    assert rewound(host, instance, "levels")["output"] == ["good", "bad"]
    assert sorted(journal(host, "levels")) == ["bad", "bad", "good"]


def test_the_sub_orchestrations_that_are_rewound_are_the_same_instances(host: Host) -> None:
    """durabletask, RewindHistoryAsync: a sub-orchestration is rewound by its id; none is started."""

    def children() -> list[tuple[str, str]]:
        everything = host.http.get(f"{API}/").json()
        return sorted((i["instanceId"], i["runtimeStatus"]) for i in everything if "same-ids" in str(i["input"]))

    instance = failed(host, "parent", orders("same-ids", "good", "bad"))
    before = children()
    rewound(host, instance, "same-ids")

    assert sorted(status for _, status in before) == ["Completed", "Failed", "Failed"]
    assert children() == [(identity, "Completed") for identity, _ in before]


def test_an_orchestrator_that_failed_by_itself_is_replayed_with_what_it_had(host: Host) -> None:
    """Azure docs, durable-functions-instance-management: deploy a fix, then rewind."""
    instance = failed(host, "buggy", orders("bug", "good")[0])

    assert rewound(host, instance, "bug")["output"] == "good"
    assert journal(host, "bug") == ["good"]


def test_what_is_still_broken_fails_again_and_can_be_rewound_again(host: Host) -> None:
    """Azure docs, durable-functions-instance-management: any failed instance can be rewound."""
    instance = failed(host, "chain", orders("again", "good", "bad"))
    assert rewind(host, instance).status_code == 202
    eventually(lambda: journal(host, "again") == ["good", "bad", "bad"])
    assert "attempt 2 at bad" in host.finished(instance)["output"]

    assert rewound(host, instance, "again")["output"] == ["good", "bad"]


def test_a_rewound_instance_keeps_its_id_its_input_and_its_beginning(host: Host) -> None:
    """durabletask, RewindHistoryAsync: history is amended, no new instance is made."""
    instance = failed(host, "chain", orders("kept", "bad"))
    before = host.status(instance)
    after = rewound(host, instance, "kept")

    for field in ("instanceId", "name", "input", "createdTime"):
        assert after[field] == before[field]


def test_the_failure_is_no_longer_in_the_history(host: Host) -> None:
    """durabletask, RewindHistoryAsync: failures become generic events, which the status does not show."""
    instance = failed(host, "chain", orders("forgotten", "good", "bad"))
    rewound(host, instance, "forgotten")

    kinds = [event["EventType"] for event in host.status(instance, showHistory="true")["historyEvents"]]
    assert kinds == ["ExecutionStarted", "TaskCompleted", "TaskCompleted", "ExecutionCompleted"]


def test_the_durable_client_rewinds_too(host: Host) -> None:
    """azure-functions-durable, DurableOrchestrationClient.rewind."""
    instance = failed(host, "chain", orders("client", "bad"))
    host.http.post("/api/mend/client")

    assert host.http.post(f"/api/rewind/{instance}").text == "ok"
    assert host.finished(instance)["output"] == ["bad"]


def test_an_instance_that_has_completed_is_refused_with_412(host: Host) -> None:
    """HttpApiHandler.cs (newest): rewinding what has not failed is a failed precondition. Older versions, and
    durable-functions-http-api still, say 410 of what has completed or was terminated."""
    instance = host.start("chain", [])
    host.finished(instance)

    answer = rewind(host, instance)

    assert answer.status_code == 412
    assert answer.json() == (
        f"The rewind operation is only supported on failed orchestration instances; '{instance}' is Completed."
    )
    assert host.status(instance)["runtimeStatus"] == "Completed"


def test_an_instance_that_is_running_or_was_terminated_is_refused_with_412(host: Host) -> None:
    """HttpApiHandler.cs (newest): only the status Failed will do."""
    instance = host.start("collecting", 1)
    eventually(lambda: host.status(instance)["runtimeStatus"] == "Running")
    assert rewind(host, instance).status_code == 412

    host.http.post(f"{API}/{instance}/terminate")
    assert host.finished(instance)["runtimeStatus"] == "Terminated"
    assert rewind(host, instance).status_code == 412


def test_an_instance_that_nobody_knows_is_answered_with_404(host: Host) -> None:
    """Azure docs, durable-functions-http-api (rewind): HTTP 404 if the instance was not found."""
    assert rewind(host, "nobody").status_code == 404
    told = host.http.post("/api/rewind/nobody").text
    assert told == "No instance with ID nobody found."


def test_an_instance_that_used_timers_is_refused_and_stays_failed(host: Host) -> None:
    """Azure docs, durable-functions-instance-management: rewind does not support orchestrations with durable timers."""
    instance = failed(host, "timed", orders("timers", "bad")[0])

    answer = rewind(host, instance)

    assert answer.status_code == 400
    assert "durable timers" in answer.json()
    assert host.status(instance)["runtimeStatus"] == "Failed"


def test_retries_are_timers_too(host: Host) -> None:
    """Azure/durabletask, RetryInterceptor.cs: the pause before the next attempt is a durable timer."""
    asked = orders("retries", "bad")[0] | {"attempts": 2, "interval": 1, "uncaught": True}
    instance = failed(host, "retried", asked)

    assert rewind(host, instance).status_code == 400
