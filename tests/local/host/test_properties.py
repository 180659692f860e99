"""Properties of replay, for orchestrators made at random and run by the SDK's real handlers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.host.durable.protocol import episode
from local.host.durable.protocol.episode import Episode
from local.host.durable.protocol.events import SCHEDULING, Event, EventType, moment
from local.host.durable.protocol.replay import Refused, replay
from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.hazards import Hazards
from tests.local.host.driving import counter, drive, result

LEAVES = st.one_of(
    st.tuples(st.just("call"), st.integers(0, 9)),
    st.tuples(st.just("fail"), st.integers(0, 9)),
    st.tuples(st.just("retry"), st.integers(1, 3)),
    st.tuples(st.just("sleep"), st.integers(0, 3600)),
    st.tuples(st.just("count"), st.integers(0, 9)),
    st.tuples(st.just("child"), st.integers(0, 9)),
)
STEPS = st.one_of(
    LEAVES,
    st.tuples(st.just("all"), st.lists(LEAVES.filter(lambda leaf: leaf[0] not in ("fail", "retry")), max_size=4)),
    st.tuples(st.just("race"), st.integers(0, 120)),
    st.tuples(st.just("signal"), st.integers(0, 9)),
)
PROGRAMS = st.lists(STEPS, max_size=7)
ORDERLESS = st.lists(
    st.one_of(LEAVES, st.tuples(st.just("all"), st.lists(st.tuples(st.just("call"), st.integers(0, 9)), max_size=6))),
    max_size=5,
)
"""Programs whose result must not depend on the order in which things end: nothing races."""
Program = Sequence[tuple[str, Any]]
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
MINE = df.EntityId("counter", "k")


def task(context: Any, kind: str, value: Any) -> Any:
    match kind:
        case "call" | "fail":
            return context.call_activity(kind, value)
        case "retry":
            return context.call_activity_with_retry("fail", df.RetryOptions(1000, value), 0)
        case "sleep":
            return context.create_timer(context.current_utc_datetime + timedelta(seconds=value))
        case "count":
            return context.call_entity(MINE, "add", value)
        case "child":
            return context.call_sub_orchestrator("child", value)
        case "all":
            return context.task_all([task(context, *leaf) for leaf in value])
    raise AssertionError(kind)


def run_program(context: Any) -> Any:
    results: list[Any] = []
    for kind, value in context.get_input():
        if kind == "signal":
            context.signal_entity(MINE, "add", value)
            continue
        if kind == "race":
            timer = task(context, "sleep", value)
            won = yield context.task_any([timer, context.call_activity("call", value)])
            if won is not timer:
                timer.cancel()
            results.append(won is timer)
            continue
        try:
            results.append((yield task(context, kind, value)))
        except Exception as error:
            results.append(str(error).split(" \n ")[0])
    return results


def child(context: Any) -> Any:
    return (yield context.call_activity("call", context.get_input())) + 1


def fail(value: Any) -> None:
    raise ValueError(value)


FUNCTIONS: dict[str, Any] = {
    "orchestrators": {"main": run_program, "child": child},
    "activities": {"call": lambda value: value, "fail": fail},
    "entities": {"counter": counter},
}


def record(program: Program, **hazards: Any) -> tuple[Any, list[Event]]:
    """What a program comes to, and its history."""

    async def script(engine: Engine) -> tuple[Any, list[Event]]:
        engine.hazards = Hazards(**hazards)
        instance = engine.start("main", program)
        return result(await engine.wait(instance)), engine.store.history(instance)

    recorded: tuple[Any, list[Event]] = drive(script, **FUNCTIONS)
    return recorded


def ask(history: Sequence[Event]) -> dict[str, Any]:
    """What the orchestrator answers to a history, all of it played."""
    begun = Episode(
        "i", history[1]["OrchestrationInstance"]["ExecutionId"], history, [], moment(history[0]["Timestamp"])
    )
    state: dict[str, Any] = json.loads(df.Orchestrator.create(run_program)(episode.context(begun)))
    return state


@SETTINGS
@given(PROGRAMS)
def test_a_recorded_run_replayed_from_its_history_gives_the_same_actions(program: Program) -> None:
    output, history = record(program)
    execution = history[1]["OrchestrationInstance"]["ExecutionId"]

    ends = [at for at, e in enumerate(history) if e["EventType"] == EventType.ORCHESTRATOR_COMPLETED]
    for end in ends:
        state = ask(history[:end])
        outcome = replay(state["actions"][0], history[:end], execution=execution, new_id=lambda: "none is new")
        assert not outcome.scheduled, "all that it asks for was asked for before"
        assert outcome.ended is (end == ends[-1])
    assert ask(history).get("output", []) == output


@SETTINGS
@given(ORDERLESS, st.integers(0, 1000))
def test_the_order_in_which_things_end_does_not_change_a_deterministic_result(program: Program, seed: int) -> None:
    in_order, _ = record(program)
    shuffled, _ = record(program, delay_messages=0.8, longest_delay_ms=600_000, duplicate_activities=0.3, seed=seed)

    assert shuffled == in_order


@SETTINGS
@given(PROGRAMS, PROGRAMS)
def test_another_program_over_a_recorded_history_is_found_out_or_asks_for_the_same(one: Program, two: Program) -> None:
    """Replaying is total: whatever a changed orchestrator asks for, it is refused with a sentence or fits."""
    _, history = record(one)
    _, other = record(two)
    execution = history[1]["OrchestrationInstance"]["ExecutionId"]
    asked = ask(other)["actions"][0]

    try:
        outcome = replay(asked, history, execution=execution, new_id=lambda: "new")
    except Refused as refusal:
        assert "Non-Deterministic workflow detected" in str(refusal)
        assert "Was its code changed" in str(refusal)
    else:
        known = {e["EventId"] for e in history if e["EventType"] in SCHEDULING}
        assert not known & {e["EventId"] for e in outcome.scheduled}
