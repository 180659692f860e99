"""Replaying actions over a history, with nothing around it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from local.host.durable.protocol.events import Event, EventType, event, event_raised, execution_started, stamp
from local.host.durable.protocol.replay import Outcome, Refused, replay, retry_delay

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def activity(name: str = "a", value: object = None) -> dict[str, Any]:
    return {"actionType": 0, "functionName": name, "input": json.dumps(value)}


def timer(seconds: int = 5, *, cancelled: bool = False) -> dict[str, Any]:
    return {"actionType": 5, "fireAt": stamp(NOW + timedelta(seconds=seconds)), "isCanceled": cancelled}


def wait(name: str = "go") -> dict[str, Any]:
    return {"actionType": 6, "externalEventName": name, "reason": "ExternalEvent"}


def any_of(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": 11, "compoundActions": list(actions)}


def all_of(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": 12, "compoundActions": list(actions)}


def retried(attempts: int) -> dict[str, Any]:
    options = {"firstRetryIntervalInMilliseconds": 1000, "maxNumberOfAttempts": attempts}
    return all_of({"actionType": 1, "functionName": "a", "input": "null", "retryOptions": options})


class History:
    """Grows as the engine would let it grow."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.now = NOW
        self._ids = count()
        started = execution_started(NOW, name="o", instance="i", execution="e", input_text=None)
        self._opening: list[Event] = [started]

    def turn(self, actions: list[dict[str, Any]], *messages: Event, later: int = 0) -> Outcome:
        """One episode: `messages` arrive, and the orchestrator has asked for `actions` by its end."""
        self.now += timedelta(seconds=later)
        self.events += [event(EventType.ORCHESTRATOR_STARTED, self.now), *self._opening, *messages]
        self._opening = []
        outcome = replay(actions, self.events, execution="e", new_id=lambda: f"request-{next(self._ids)}")
        self.events += outcome.scheduled
        return outcome


def kinds(outcome: Outcome) -> list[EventType]:
    return [EventType(made["EventType"]) for made in outcome.scheduled]


def completed(task: int) -> Event:
    return event(EventType.TASK_COMPLETED, NOW, TaskScheduledId=task, Result="1")


def failed(task: int) -> Event:
    return event(EventType.TASK_FAILED, NOW, TaskScheduledId=task, Reason="r", Details="d")


def fired(task: int) -> Event:
    return event(EventType.TIMER_FIRED, NOW, TimerId=task, FireAt=stamp(NOW))


def test_an_action_is_scheduled_once_however_often_it_is_replayed() -> None:
    history = History()

    first = history.turn([activity("a", {"k": 1})])
    second = history.turn([activity("a", {"k": 1}), activity("b")], completed(0))

    assert [(e["EventId"], e["Name"], e["Input"]) for e in first.scheduled] == [(0, "a", json.dumps(['{"k": 1}']))]
    assert [(e["EventId"], e["Name"]) for e in second.scheduled] == [(1, "b")]
    assert not second.ended


def test_it_has_ended_when_the_last_action_has() -> None:
    history = History()
    history.turn([activity()])

    assert history.turn([activity()], completed(0)).ended


def test_waits_take_no_id() -> None:
    history = History()

    outcome = history.turn([all_of(wait("x"), activity(), wait("y"), timer())])

    assert [e["EventId"] for e in outcome.scheduled] == [0, 1]


def test_an_event_that_comes_before_its_wait_is_kept() -> None:
    history = History()
    history.turn([activity()], event_raised("go", "1", NOW))

    assert history.turn([activity(), wait("GO")], completed(0)).ended


def test_a_losing_timer_keeps_the_orchestration_running_until_it_fires() -> None:
    history = History()
    history.turn([any_of(wait(), timer())])

    assert not history.turn([any_of(wait(), timer())], event_raised("go", "1", NOW)).ended
    assert history.turn([any_of(wait(), timer())], fired(0)).ended


def test_a_cancelled_timer_does_not() -> None:
    history = History()
    history.turn([any_of(wait(), timer())])

    assert history.turn([any_of(wait(), timer(cancelled=True))], event_raised("go", "1", NOW)).ended


def test_a_new_timer_that_is_already_cancelled_is_not_scheduled() -> None:
    outcome = History().turn([timer(cancelled=True), activity()])

    assert [(e["EventId"], e["EventType"]) for e in outcome.scheduled] == [(1, EventType.TASK_SCHEDULED)]


def test_when_all_waits_for_everything_also_after_a_failure() -> None:
    history = History()
    both = all_of(activity("a"), activity("b"))
    history.turn([both])

    assert kinds(history.turn([both, activity("c")], failed(0))) == []
    assert kinds(history.turn([both, activity("c")], completed(1))) == [EventType.TASK_SCHEDULED]


def test_a_retry_has_timers_between_its_attempts_and_one_of_no_length_after_the_last() -> None:
    history = History()
    turns = [
        history.turn([retried(2)]),
        history.turn([retried(2)], failed(0), later=10),
        history.turn([retried(2)], fired(1), later=1),
        history.turn([retried(2)], failed(2), later=10),
    ]
    last = history.turn([retried(2)], fired(3))

    made = [turn.scheduled[0] for turn in turns]
    assert [e["EventId"] for e in made] == [0, 1, 2, 3]
    assert [EventType(e["EventType"]).name for e in made] == [
        "TASK_SCHEDULED",
        "TIMER_CREATED",
        "TASK_SCHEDULED",
        "TIMER_CREATED",
    ]
    assert made[1]["FireAt"] == stamp(NOW + timedelta(seconds=11))
    assert made[3]["FireAt"] == stamp(NOW + timedelta(seconds=21))
    assert last.ended


def test_retry_delays_grow_up_to_their_limit() -> None:
    options = {
        "firstRetryIntervalInMilliseconds": 1000,
        "backoffCoefficient": 2,
        "maxRetryIntervalInMilliseconds": 3000,
    }

    assert [retry_delay(options, n).total_seconds() for n in (1, 2, 3, 5000)] == [1, 2, 3, 3]


def test_an_entity_call_ends_with_the_answer_to_its_request_and_is_not_an_open_task() -> None:
    history = History()
    call = {"actionType": 7, "instanceId": "@counter@k", "operation": "get", "input": "null"}
    sent = history.turn([call]).scheduled[0]
    request = json.loads(sent["Input"])

    assert (sent["EventType"], sent["InstanceId"], request["op"]) == (EventType.EVENT_SENT, "@counter@k", "get")
    assert history.turn([call], event_raised(request["id"], '{"result": "1"}', NOW)).ended


def test_a_signal_is_sent_and_not_waited_for() -> None:
    signal = {"actionType": 9, "instanceId": "@counter@k", "operation": "add", "input": "1"}

    outcome = History().turn([signal])

    assert outcome.ended
    assert json.loads(outcome.scheduled[0]["Input"])["signal"] is True


def test_a_sub_orchestration_without_an_id_gets_one_from_its_parents_execution() -> None:
    call = {"actionType": 2, "functionName": "s", "input": "[1]", "instanceId": None, "version": None}

    made = History().turn([activity(), call]).scheduled

    assert kinds(History().turn([call])) == [EventType.SUB_ORCHESTRATION_CREATED]
    assert len(made) == 1, "one after the other"
    assert History().turn([call]).scheduled[0]["InstanceId"] == "e:0"
    assert History().turn([call]).scheduled[0]["Input"] == '"[1]"'


def test_continue_as_new_carries_its_input_when_all_else_has_ended() -> None:
    history = History()
    again = {"actionType": 4, "input": '{"n": 1}'}
    history.turn([activity()])

    outcome = history.turn([activity(), again], completed(0))

    assert outcome.ended
    assert outcome.continue_as_new == json.dumps('{"n": 1}')


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ([activity("other")], "activity 'a', but replaying the orchestrator gave a call of activity 'other'"),
        ([timer()], "activity 'a', but replaying the orchestrator gave a timer"),
        ([wait()], "activity 'a', but replaying the orchestrator gave nothing"),
    ],
    ids=["another name", "another kind", "nothing"],
)
def test_an_orchestrator_that_does_not_repeat_itself_is_found_out(then: list[dict[str, Any]], told: str) -> None:
    history = History()
    history.turn([activity("a")])

    with pytest.raises(Refused, match="Non-Deterministic") as caught:
        history.turn(then, event_raised("x", "1", NOW))

    assert told in str(caught.value)


def test_names_that_differ_in_case_are_the_same_function() -> None:
    history = History()
    history.turn([activity("Hello")])

    assert history.turn([activity("hello")], completed(0)).ended


def test_what_is_not_supported_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="'scheduled_signal_entity'"):
        History().turn([{"actionType": 10, "instanceId": "@a@b"}])


def test_an_http_call_is_one_task() -> None:
    history = History()
    call = {"actionType": 8, "httpRequest": {"method": "GET", "uri": "http://somewhere"}}

    made = history.turn([call]).scheduled

    assert [(e["EventId"], e["Name"]) for e in made] == [(0, "BuiltIn::HttpActivity")]
    assert json.loads(json.loads(made[0]["Input"])[0])["uri"] == "http://somewhere"
    assert history.turn([call], completed(0)).ended
