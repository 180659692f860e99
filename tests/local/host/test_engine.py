"""What orchestrators can do, and what comes of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.listing import Instance
from tests.local.host.driving import counter, drive, finish, patient, refuse, result


def test_a_chain_passes_results_on() -> None:
    def chain(context: Any) -> Any:
        first = yield context.call_activity("double", context.get_input())
        return (yield context.call_activity("DOUBLE", first))

    assert result(finish(chain, 3, activities={"double": lambda n: n * 2})) == 12


def test_a_week_of_timers_takes_no_time_and_the_orchestrator_sees_it_pass() -> None:
    def week(context: Any) -> Any:
        began = context.current_utc_datetime
        for _ in range(7 * 24):
            yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        return (context.current_utc_datetime - began).total_seconds()

    assert result(finish(week)) == 7 * 24 * 3600


def test_a_timer_beyond_the_limit_of_the_storage_is_made_of_shorter_ones() -> None:
    def month(context: Any) -> Any:
        began = context.current_utc_datetime
        yield context.create_timer(began + timedelta(days=30))
        return (context.current_utc_datetime - began).days

    assert result(finish(month)) == 30


def test_replaying_is_known_to_the_orchestrator() -> None:
    seen: list[bool] = []

    def orchestrator(context: Any) -> Any:
        seen.append(context.is_replaying)
        yield context.call_activity("same", 1)
        seen.append(context.is_replaying)
        yield context.call_activity("same", 2)
        seen.append(context.is_replaying)

    finish(orchestrator, activities={"same": lambda v: v})

    assert seen[-3:] == [True, True, False]


def test_an_activity_that_fails_raises_in_the_orchestrator_with_its_text() -> None:
    def orchestrator(context: Any) -> Any:
        try:
            yield context.call_activity("refuse", "x")
        except Exception as error:
            return str(error).split(" \n ")[0]

    assert result(finish(orchestrator, activities={"refuse": refuse})) == (
        "Activity function 'refuse' failed:  ValueError: not x"
    )


def test_retries_wait_and_give_up() -> None:
    attempts: list[str] = []

    def orchestrator(context: Any) -> Any:
        began = context.current_utc_datetime
        try:
            yield context.call_activity_with_retry("count", df.RetryOptions(60_000, 3), "x")
        except Exception:
            return (context.current_utc_datetime - began).total_seconds()

    def count(value: str) -> None:
        attempts.append(value)
        raise ValueError

    assert result(finish(orchestrator, activities={"count": count})) == 120
    assert attempts == ["x"] * 3


def test_a_retry_stops_at_the_first_success() -> None:
    attempts: list[int] = []

    def orchestrator(context: Any) -> Any:
        return (yield context.call_activity_with_retry("flaky", df.RetryOptions(1000, 5), None))

    def flaky(_: None) -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError
        return len(attempts)

    assert result(finish(orchestrator, activities={"flaky": flaky})) == 3


def test_activities_fan_out_and_in_in_order() -> None:
    async def slow(n: int) -> int:
        await asyncio.sleep(0)
        return n

    def orchestrator(context: Any) -> Any:
        return (yield context.task_all([context.call_activity("slow", n) for n in range(50)]))

    assert result(finish(orchestrator, activities={"slow": slow})) == list(range(50))


def test_an_event_wins_against_a_cancelled_deadline() -> None:
    def orchestrator(context: Any) -> Any:
        deadline = context.create_timer(context.current_utc_datetime + timedelta(days=1))
        event = context.wait_for_external_event("go")
        if (yield context.task_any([deadline, event])) is event:
            deadline.cancel()
            return [event.result, context.current_utc_datetime.isoformat()]

    async def script(engine: Engine) -> Instance:
        instance = engine.start("main")
        engine.raise_event(instance, "go", {"a": 1})
        return await engine.wait(instance)

    value, when = result(drive(script, orchestrators={"main": orchestrator}))
    assert value == '{"a": 1}', "the durable client encodes twice, so an orchestrator receives text"
    assert when.startswith("2026-01-01T00:00:00")


def test_a_deadline_that_was_not_cancelled_holds_the_instance() -> None:
    def orchestrator(context: Any) -> Any:
        deadline = context.create_timer(context.current_utc_datetime + timedelta(days=1))
        yield context.task_any([deadline, context.wait_for_external_event("go")])
        return "early"

    async def script(engine: Engine) -> timedelta:
        began, instance = engine.now(), engine.start("main")
        engine.raise_event(instance, "go")
        assert result(await engine.wait(instance)) == "early"
        return engine.now() - began

    assert drive(script, orchestrators={"main": orchestrator}) == timedelta(days=1)


def test_sub_orchestrations_give_results_and_failures() -> None:
    def child(context: Any) -> Any:
        return (yield context.call_activity("refuse" if context.get_input() == 2 else "same", context.get_input()))

    def orchestrator(context: Any) -> Any:
        one = yield context.call_sub_orchestrator("child", 1, "named")
        try:
            yield context.call_sub_orchestrator_with_retry("child", df.RetryOptions(1000, 2), 2)
        except Exception as error:
            return [one, str(error).split(" \n ")[0]]

    activities = {"same": lambda v: v, "refuse": refuse}
    assert result(finish(orchestrator, orchestrators={"child": child}, activities=activities)) == [
        1,
        "Orchestrator function 'child' failed: Activity function 'refuse' failed:  ValueError: not 2",
    ]


def test_a_sub_orchestration_whose_id_is_taken_fails() -> None:
    def orchestrator(context: Any) -> Any:
        try:
            yield context.call_sub_orchestrator("patient", None, "taken")
        except Exception as error:
            return str(error)

    async def script(engine: Engine) -> Instance:
        engine.start("patient", instance="taken")
        await engine.settled()
        return await engine.wait(engine.start("main"))

    found = drive(script, orchestrators={"main": orchestrator, "patient": patient})
    assert "status Running already exists" in result(found)


def test_continue_as_new_keeps_events_that_have_not_arrived_and_drops_those_that_nobody_waited_for() -> None:
    def orchestrator(context: Any) -> Any:
        if context.get_input():
            return (yield context.wait_for_external_event("item"))
        yield context.wait_for_external_event("go")
        running[0].raise_event_with("i", "item", '"kept"')
        context.continue_as_new(True)

    async def script(engine: Engine) -> Instance:
        running.append(engine)
        engine.start("main", False, instance="i")
        engine.raise_event_with("i", "item", '"dropped"')
        await engine.settled()
        engine.raise_event("i", "go")
        return await engine.wait("i")

    running: list[Engine] = []
    assert result(drive(script, orchestrators={"main": orchestrator})) == "kept"


def test_an_eternal_orchestration_keeps_a_short_history() -> None:
    def orchestrator(context: Any) -> Any:
        count = context.get_input()
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=5))
        if count == 200:
            return count
        context.continue_as_new(count + 1)

    async def script(engine: Engine) -> tuple[Instance, int]:
        instance = await engine.wait(engine.start("main", 0))
        return instance, len(engine.store.history(instance.id))

    instance, length = drive(script, orchestrators={"main": orchestrator})
    assert result(instance) == 200
    assert length < 10


def test_entities_keep_state_and_work_one_operation_at_a_time() -> None:
    def orchestrator(context: Any) -> Any:
        entity = df.EntityId("Counter", "Key")
        context.signal_entity(entity, "add", 5)
        yield context.task_all([context.call_entity(entity, "add", 1) for _ in range(20)])
        return (yield context.call_entity(entity, "get"))

    async def script(engine: Engine) -> tuple[Any, Any]:
        done = await engine.wait(engine.start("main"))
        return result(done), engine.store.entity("@counter@Key")

    value, state = drive(script, orchestrators={"main": orchestrator}, entities={"counter": counter})
    assert value == 25
    assert state.text == "25"


def test_an_operation_that_fails_raises_in_the_caller_and_leaves_the_state() -> None:
    def fragile(context: Any) -> None:
        if context.operation_name == "break":
            raise ValueError("broken")
        counter(context)

    def orchestrator(context: Any) -> Any:
        entity = df.EntityId("fragile", "k")
        yield context.call_entity(entity, "add", 3)
        try:
            yield context.call_entity(entity, "break")
        except Exception as error:
            return [str(error), (yield context.call_entity(entity, "get"))]

    assert result(finish(orchestrator, entities={"fragile": fragile})) == ["broken", 3]


def test_an_entity_that_destructs_is_gone() -> None:
    def orchestrator(context: Any) -> Any:
        entity = df.EntityId("counter", "k")
        yield context.call_entity(entity, "add", 3)
        yield context.call_entity(entity, "remove")
        return (yield context.call_entity(entity, "get"))

    assert result(finish(orchestrator, entities={"counter": counter})) == 0


def test_an_orchestrator_that_changed_its_mind_fails_with_both_names() -> None:
    calls: list[str] = []

    def orchestrator(context: Any) -> Any:
        calls.append("x")
        yield context.call_activity("same" if len(calls) == 1 else "other", 1)
        yield context.call_activity("same", 2)

    found = finish(orchestrator, activities={"same": lambda v: v, "other": lambda v: v})

    assert found.status == "Failed"
    assert "activity 'same'" in str(found.output)
    assert "activity 'other'" in str(found.output)


def test_a_failure_has_the_text_that_the_extension_gives_it() -> None:
    def orchestrator(context: Any) -> Any:
        yield context.call_activity("same", 1)
        raise KeyError("oops")

    def not_a_generator(context: Any) -> Any:
        raise ValueError("v")

    def unserialisable(context: Any) -> Any:
        yield context.call_activity("same", 1)
        return {1, 2}

    same = {"same": lambda v: v}
    assert finish(orchestrator, activities=same).output == "Orchestrator function 'main' failed: 'oops'"
    assert finish(not_a_generator).output == "Orchestrator function 'main' failed:  ValueError: v"
    assert finish(unserialisable, activities=same).output == (
        "Orchestrator function 'main' failed: Object of type set is not JSON serializable"
    )


def test_what_was_asked_for_before_a_failure_is_still_done() -> None:
    def orchestrator(context: Any) -> Any:
        context.signal_entity(df.EntityId("counter", "k"), "add", 1)
        yield context.call_activity("same", 1)
        context.signal_entity(df.EntityId("counter", "k"), "add", 1)
        raise ValueError("late")

    async def script(engine: Engine) -> Any:
        done = await engine.wait(engine.start("main"))
        await engine.settled()
        return done.status, engine.store.entity("@counter@k")

    status, state = drive(
        script,
        orchestrators={"main": orchestrator},
        activities={"same": lambda v: v},
        entities={"counter": counter},
    )
    assert (status, state.text) == ("Failed", "2")


def test_an_unknown_function_fails_the_orchestration_and_names_the_known_ones() -> None:
    def orchestrator(context: Any) -> Any:
        yield context.call_activity("nope", 1)

    found = finish(orchestrator, activities={"same": lambda v: v})

    assert found.output == (
        "Orchestrator function 'main' failed: The function 'nope' doesn't exist, is disabled, or is not an activity "
        "function. Additional info: The following are the known activity functions: 'same'."
    )
