"""Retries of activities and sub-orchestrations, seen from outside. Time runs fast, so that minutes can be waited for.

Sources: Azure docs, durable-functions-error-handling (automatic retry on failure); Azure/durabletask,
RetryInterceptor.cs; azure-functions-durable, RetryOptions.py and Task.py (RetryAbleTask).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.local.host.hosting import Host, running

MINUTE = timedelta(minutes=1)
FAILED = "Activity function 'work' failed:  ValueError: "


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with running("conformance", tmp_path_factory.mktemp("host"), "--clock-rate", "6000") as started:
        yield started


def order(key: str, *, fails: int = 0, attempts: int = 3, interval: int = 60_000, **more: Any) -> dict[str, Any]:
    """What the sample app's `retried` takes."""
    return {"key": key, "value": "x", "fails": fails, "attempts": attempts, "interval": interval} | more


def attempts(host: Host, key: str) -> int:
    return len(host.http.get(f"/api/journal/{key}").json())


def history(host: Host, instance: str, kind: str) -> list[dict[str, Any]]:
    found = host.status(instance, showHistory="true", showHistoryOutput="true")["historyEvents"]
    return [event for event in found if event["EventType"] == kind]


def waits(host: Host, instance: str) -> list[timedelta]:
    """How long each timer of an instance was asked to run."""
    timers = history(host, instance, "TimerFired")
    return [moment(timer["FireAt"]) - moment(timer["ScheduledTime"]) for timer in timers]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_an_activity_that_succeeds_is_not_repeated(host: Host) -> None:
    """Azure docs, durable-functions-error-handling: retries are for failures."""
    instance = host.start("retried", order("sound"))

    assert host.finished(instance)["output"] == "x"
    assert attempts(host, "sound") == 1
    assert waits(host, instance) == []


def test_an_activity_is_repeated_until_it_succeeds_and_no_longer(host: Host) -> None:
    """Azure docs, durable-functions-error-handling (automatic retry on failure); durabletask, RetryInterceptor.cs."""
    instance = host.start("retried", order("mending", fails=2, attempts=5))

    assert host.finished(instance)["output"] == "x"
    assert attempts(host, "mending") == 3
    assert waits(host, instance) == [MINUTE, MINUTE]


def test_the_maximum_counts_the_first_attempt_too(host: Host) -> None:
    """Azure docs, durable-functions-error-handling: max number of attempts; 1 means no retry."""
    for most in (1, 2, 4):
        key = f"most-{most}"
        host.finished(host.start("retried", order(key, fails=99, attempts=most)))
        assert attempts(host, key) == most


def test_between_attempts_there_is_the_first_retry_interval_every_time(host: Host) -> None:
    """Azure docs, durable-functions-error-handling: first retry interval; the back-off coefficient is 1 by default,
    and azure-functions-durable, RetryOptions.py, offers no other."""
    instance = host.start("retried", order("evenly", fails=99, attempts=4))
    host.finished(instance)

    assert waits(host, instance)[:3] == [MINUTE, MINUTE, MINUTE]


def test_after_the_last_failure_nothing_more_is_waited_for(host: Host) -> None:
    """Azure/durabletask, RetryInterceptor.cs; azure-functions-durable, Task.py (RetryAbleTask), which counts on a timer
    after the last attempt: it has no length."""
    instance = host.start("retried", order("giving-up", fails=99, attempts=2))
    host.finished(instance)

    assert waits(host, instance) == [MINUTE, timedelta(0)]


def test_the_orchestrator_catches_the_last_failure(host: Host) -> None:
    """Azure/durabletask, RetryInterceptor.cs: what the last attempt threw is thrown."""
    found = host.finished(host.start("retried", order("caught", fails=99)))

    assert (found["runtimeStatus"], found["output"]) == ("Completed", f"caught {FAILED}attempt 3 at x")


def test_the_last_failure_that_nobody_catches_ends_the_instance(host: Host) -> None:
    """Azure docs, durable-functions-error-handling: unhandled exceptions end the instance as Failed."""
    found = host.finished(host.start("retried", order("thrown", fails=99, uncaught=True)))

    assert found["runtimeStatus"] == "Failed"
    assert found["output"].startswith(f"Orchestrator function 'retried' failed: {FAILED}attempt 3 at x")


def test_every_attempt_is_in_the_history(host: Host) -> None:
    """Azure docs, durable-functions-error-handling: each retry is a call of its own, with timers between them."""
    instance = host.start("retried", order("recorded", fails=2))
    host.finished(instance)

    told = [event["Reason"].split("\n", 1)[0].strip() for event in history(host, instance, "TaskFailed")]
    assert told == [f"{FAILED}attempt 1 at x", f"{FAILED}attempt 2 at x"]
    assert [event["Result"] for event in history(host, instance, "TaskCompleted")] == ["x"]


def test_a_sub_orchestration_is_repeated_with_the_same_input(host: Host) -> None:
    """Azure docs, durable-functions-error-handling (automatic retry): activities and sub-orchestrations alike."""
    instance = host.start("retried", order("child", fails=2, child=True))

    assert host.finished(instance)["output"] == "x"
    assert attempts(host, "child") == 3
    assert len(history(host, instance, "SubOrchestrationInstanceFailed")) == 2
    assert waits(host, instance) == [MINUTE, MINUTE]


def test_the_last_failure_of_a_sub_orchestration_names_it_and_what_failed_in_it(host: Host) -> None:
    """durable extension, test/e2e (texts of failures): each level puts its own name in front."""
    found = host.finished(host.start("retried", order("bad-child", fails=99, attempts=2, child=True)))

    assert found["output"] == f"caught Orchestrator function 'child' failed: {FAILED}attempt 2 at x"
    assert attempts(host, "bad-child") == 2


def test_activities_that_are_retried_side_by_side_do_not_count_each_others_attempts(host: Host) -> None:
    """Azure docs, durable-functions-cloud-backup (fan-out) with retries: options belong to one call."""
    orders = [{"key": f"side-{n}", "value": n, "fails": n} for n in range(3)]
    found = host.finished(host.start("retried_together", orders))

    assert found["output"] == [0, 1, 2]
    assert [attempts(host, f"side-{n}") for n in range(3)] == [1, 2, 3]


def test_an_interval_of_nothing_is_refused_before_anything_runs(host: Host) -> None:
    """azure-functions-durable, RetryOptions.py: the first retry interval must be greater than 0."""
    found = host.finished(host.start("retried", order("hasty", interval=0)))

    assert found["runtimeStatus"] == "Failed"
    assert "must be greater than 0" in found["output"]
    assert attempts(host, "hasty") == 0
