"""Rewind and restart. Sources: Azure docs, durable-functions-instance-management; Azure/durabletask,
AzureTableTrackingStore.RewindHistoryAsync; durable extension, HttpApiHandler.cs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from local.host.durable.protocol.rewinding import CannotRewind
from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.errors import InstanceExists, NotFailed, UnknownInstance
from tests.local.host.driving import drive, patient, result


class Flaky:
    """An activity that fails until it is mended, and remembers what it was asked."""

    def __init__(self) -> None:
        self.mended, self.calls = False, []  # type: tuple[bool, list[Any]]

    def __call__(self, value: Any) -> Any:
        self.calls.append(value)
        if not self.mended and value == "bad":
            raise ValueError("broken")
        return value


def chain(context: Any) -> Any:
    results = []
    for value in ("good", "bad", "late"):
        results.append((yield context.call_activity("flaky", value)))  # noqa: PERF401  # a generator cannot yield in one
    return results


def test_a_rewound_instance_repeats_what_failed_and_nothing_else() -> None:
    flaky = Flaky()

    async def script(engine: Engine) -> Any:
        instance = engine.start("main")
        assert (await engine.wait(instance)).status == "Failed"
        flaky.mended = True
        engine.rewind(instance, "mended")
        return await engine.wait(instance)

    assert result(drive(script, orchestrators={"main": chain}, activities={"flaky": flaky})) == ["good", "bad", "late"]
    assert flaky.calls == ["good", "bad", "bad", "late"]


def test_failed_sub_orchestrations_are_rewound_too_and_successful_ones_keep_their_results() -> None:
    flaky = Flaky()

    def child(context: Any) -> Any:
        return (yield context.call_activity("flaky", context.get_input()))

    def parent(context: Any) -> Any:
        return (yield context.task_all([context.call_sub_orchestrator("child", v) for v in ("good", "bad")]))

    async def script(engine: Engine) -> Any:
        instance = engine.start("main")
        assert (await engine.wait(instance)).status == "Failed"
        flaky.mended = True
        engine.rewind(instance, "mended")
        return await engine.wait(instance)

    orchestrators = {"main": parent, "child": child}
    assert result(drive(script, orchestrators=orchestrators, activities={"flaky": flaky})) == ["good", "bad"]
    assert sorted(flaky.calls) == ["bad", "bad", "good"]


def test_a_failed_sub_orchestration_that_was_purged_is_started_again() -> None:
    flaky = Flaky()

    def child(context: Any) -> Any:
        return (yield context.call_activity("flaky", "bad"))

    def parent(context: Any) -> Any:
        return (yield context.call_sub_orchestrator("child", None, "the-child"))

    async def script(engine: Engine) -> Any:
        instance = engine.start("main")
        await engine.wait(instance)
        engine.store.purge(["the-child"])
        flaky.mended = True
        engine.rewind(instance, "mended")
        return await engine.wait(instance)

    orchestrators = {"main": parent, "child": child}
    assert result(drive(script, orchestrators=orchestrators, activities={"flaky": flaky})) == "bad"


def test_an_orchestrator_that_failed_by_itself_is_simply_replayed() -> None:
    mended: list[bool] = []

    def orchestrator(context: Any) -> Any:
        yield context.call_activity("flaky", "good")
        if not mended:
            raise ValueError("a bug")
        return "fixed"

    async def script(engine: Engine) -> Any:
        instance = engine.start("main")
        await engine.wait(instance)
        mended.append(True)
        engine.rewind(instance, "deployed a fix")
        return await engine.wait(instance)

    flaky = Flaky()
    assert result(drive(script, orchestrators={"main": orchestrator}, activities={"flaky": flaky})) == "fixed"
    assert flaky.calls == ["good"]


def test_only_what_failed_without_timers_can_be_rewound() -> None:
    def timed(context: Any) -> Any:
        yield context.call_activity_with_retry("flaky", df.RetryOptions(1000, 2), "bad")

    async def script(engine: Engine) -> None:
        with pytest.raises(UnknownInstance):
            engine.rewind("nobody", "")
        running = engine.start("patient")
        with pytest.raises(NotFailed, match="is Pending"):
            engine.rewind(running, "")
        instance = engine.start("timed")
        await engine.wait(instance)
        with pytest.raises(CannotRewind, match="durable timers"):
            engine.rewind(instance, "")

    drive(script, orchestrators={"timed": timed, "patient": patient}, activities={"flaky": Flaky()})


def test_a_restarted_instance_has_the_name_and_input_of_the_first() -> None:
    def orchestrator(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        return context.get_input()

    async def script(engine: Engine) -> None:
        first = engine.start("main", {"n": 1})
        with pytest.raises(InstanceExists):
            engine.restart(first, same_id=True)
        before = await engine.wait(first)
        second = engine.restart(first)
        again = await engine.wait(second)
        assert (second != first, json.loads(again.output or "")) == (True, {"n": 1})
        assert engine.restart(first, same_id=True) == first
        assert (await engine.wait(first)).execution != before.execution
        with pytest.raises(UnknownInstance):
            engine.restart("nobody")

    drive(script, orchestrators={"main": orchestrator})
