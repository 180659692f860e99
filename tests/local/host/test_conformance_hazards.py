"""What production does to an app now and then, on request and seen from outside: an app that copes gets it right.

Sources: Azure docs, durable-functions-types-features-overview (activities are executed at least once),
durable-functions-external-events, durable-functions-entities (message delivery), functions-host-json (functionTimeout);
Azure/durabletask, TaskOrchestrationContext.cs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from testbed.eventually import eventually
from tests.local.host.hosting import Host, running

PATH = "/admin/durable/hazards"
API = "/runtime/webhooks/durabletask"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with running("conformance", tmp_path_factory.mktemp("host")) as started:
        yield started


@pytest.fixture
def host(sample: Host) -> Iterator[Host]:
    """The sample app, without any trouble left over from another test."""
    yield sample
    assert sample.http.delete(PATH).status_code == 200


def trouble(host: Host, **hazards: float) -> None:
    assert host.http.put(PATH, json=hazards).status_code == 200


def orders(key: str, count: int) -> list[dict[str, Any]]:
    return [{"key": key, "value": n} for n in range(count)]


def journal(host: Host, key: str) -> list[int]:
    found: list[int] = host.http.get(f"/api/journal/{key}").json()
    return found


def kinds(host: Host, instance: str) -> list[str]:
    return [event["EventType"] for event in host.status(instance, showHistory="true")["historyEvents"]]


def test_an_activity_that_runs_twice_counts_once(host: Host) -> None:
    """Azure docs, durable-functions-types-features-overview: at least once, so activities should be idempotent."""
    trouble(host, duplicate_activities=1)

    instance = host.start("fan", orders("twice", 10))

    assert host.finished(instance)["output"] == list(range(10))
    eventually(lambda: len(journal(host, "twice")) == 20)
    assert sorted(journal(host, "twice")) == sorted([*range(10), *range(10)])
    assert kinds(host, instance).count("TaskCompleted") == 10


def test_only_some_activities_run_twice_when_only_some_should(host: Host) -> None:
    """README of the host, hazards: a probability for each activity; the seed decides for which."""
    trouble(host, duplicate_activities=0.5, seed=1)

    assert host.finished(host.start("fan", orders("some", 30)))["output"] == list(range(30))

    eventually(lambda: len(journal(host, "some")) > 30)
    assert len(journal(host, "some")) < 60


def test_results_that_come_in_another_order_still_belong_to_their_calls(host: Host) -> None:
    """Azure/durabletask, TaskOrchestrationContext.cs: a result completes the task whose id it carries."""
    trouble(host, delay_messages=1, longest_delay_ms=400, seed=3)

    together, racing = host.start("fan", orders("fan", 10)), host.start("race", orders("race", 10))

    assert host.finished(together)["output"] == list(range(10))
    came = host.finished(racing)["output"]
    assert sorted(came) == list(range(10))
    assert came != list(range(10)), "the first to come is not the first that was asked"


def test_events_come_in_another_order_and_none_is_lost(host: Host) -> None:
    """Azure docs, durable-functions-external-events: delivered at least once; no order is promised."""
    trouble(host, delay_messages=1, longest_delay_ms=1000, seed=5)
    instance = host.start("collecting", 12)
    for n in range(12):
        answer = host.http.post(f"{API}/instances/{instance}/raiseEvent/item", json=n)
        assert answer.status_code == 202

    came = host.finished(instance)["output"]

    assert sorted(came) == list(range(12))
    assert came != list(range(12))


def test_entities_get_their_messages_in_order_even_then(host: Host) -> None:
    """Azure docs, durable-functions-entities (message delivery): in order between one sender and one entity."""
    trouble(host, delay_messages=1, longest_delay_ms=100, seed=5)
    operations = [["add", n, False] for n in range(10)]

    found = host.finished(host.start("operating", {"key": "k", "operations": [*operations, ["get", None, True]]}))

    assert found["output"] == [list(range(10))]


def test_an_activity_that_times_out_has_done_its_work_and_fails(host: Host) -> None:
    """Azure docs, functions-host-json (functionTimeout) ends an execution; what it did is not taken back."""
    trouble(host, time_out_activities=1)

    found = host.finished(host.start("chain", orders("late", 2)))

    assert found["runtimeStatus"] == "Failed"
    assert found["output"].startswith(
        "Orchestrator function 'chain' failed: Activity function 'work' failed:  TimeoutError: "
        "The activity function timed out"
    )
    assert journal(host, "late") == [0]


def test_time_outs_are_retried_as_other_failures_are(host: Host) -> None:
    """Azure docs, durable-functions-error-handling: retries make no difference between reasons."""
    trouble(host, time_out_activities=1)
    order = {"key": "tried", "value": 1, "attempts": 3, "interval": 1}

    found = host.finished(host.start("retried", order))

    assert found["output"].startswith("caught Activity function 'work' failed:  TimeoutError")
    assert journal(host, "tried") == [1, 1, 1]


def test_the_same_seed_gives_the_same_trouble_and_another_seed_another(host: Host) -> None:
    """README of the host, hazards: the same seed gives the same trouble."""

    def failures(key: str, seed: int) -> list[bool]:
        trouble(host, time_out_activities=0.5, seed=seed)
        return [isinstance(told, str) for told in host.finished(host.start("stubborn", orders(key, 20)))["output"]]

    first, again, other = failures("first", 1), failures("again", 1), failures("other", 2)

    assert first == again
    assert first != other
    assert {True, False} == set(first)


def test_trouble_ends_when_it_is_cleared(host: Host) -> None:
    """README of the host, hazards: DELETE ends it."""
    trouble(host, time_out_activities=1, duplicate_activities=1)
    cleared = host.http.delete(PATH).json()

    assert {cleared[name] for name in ("time_out_activities", "duplicate_activities", "delay_messages")} == {0}
    assert host.finished(host.start("chain", orders("calm", 3)))["output"] == [0, 1, 2]
    assert journal(host, "calm") == [0, 1, 2]
