"""What clients can do with instances, and what is kept of them."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.errors import (
    InstanceEnded,
    InstanceExists,
    UnknownFunction,
    UnknownInstance,
    WrongStatus,
)
from local.host.durable.runtime.listing import Instance
from tests.local.host.driving import counter, drive, finish, patient, result


def test_a_custom_status_is_shown_and_must_be_small() -> None:
    def orchestrator(context: Any) -> Any:
        context.set_custom_status("x" * context.get_input())
        yield context.call_activity("same", 1)

    same = {"same": lambda v: v}
    assert json.loads(finish(orchestrator, 10, activities=same).custom or "") == "x" * 10
    assert "16 KB" in str(finish(orchestrator, 10_000, activities=same).output)


def test_a_custom_status_is_measured_as_it_is_and_not_with_its_escapes() -> None:
    def orchestrator(context: Any) -> Any:
        context.set_custom_status("é" * 3000)
        yield context.call_activity("same", 1)
        return "fine"

    assert finish(orchestrator, activities={"same": lambda v: v}).status == "Completed"


def test_a_terminated_instance_ends_with_the_reason() -> None:
    async def script(engine: Engine) -> Instance:
        instance = engine.start("main")
        await engine.settled()
        engine.terminate(instance, "enough")
        return await engine.wait(instance)

    found = drive(script, orchestrators={"main": patient})
    assert (found.status, found.output) == ("Terminated", "enough")


def test_a_suspended_instance_keeps_its_messages_until_it_is_resumed() -> None:
    async def script(engine: Engine) -> tuple[str, Instance]:
        instance = engine.start("main")
        engine.suspend(instance, "wait")
        await engine.settled()
        with pytest.raises(WrongStatus):
            engine.suspend(instance, "again")
        engine.raise_event(instance, "go")
        await engine.settled()
        between = engine.store.instance(instance)
        assert between is not None
        engine.resume(instance, "on")
        return between.status, await engine.wait(instance)

    between, found = drive(script, orchestrators={"main": patient})
    assert (between, found.status) == ("Suspended", "Completed")


def test_clients_are_told_what_they_asked_wrongly() -> None:
    async def script(engine: Engine) -> None:
        with pytest.raises(UnknownFunction, match="'nope'"):
            engine.start("nope")
        with pytest.raises(UnknownInstance):
            engine.raise_event("nobody", "go")
        engine.start("main", instance="one")
        with pytest.raises(InstanceExists, match="status Pending already exists"):
            engine.start("main", instance="one")
        with pytest.raises(WrongStatus):
            engine.resume("one", "not suspended")
        engine.raise_event("one", "go")
        await engine.wait("one")
        with pytest.raises(InstanceEnded):
            engine.raise_event("one", "go")

    drive(script, orchestrators={"main": patient})


def test_the_id_of_an_instance_that_has_ended_can_be_used_again() -> None:
    async def script(engine: Engine) -> list[str]:
        seen = []
        for _ in range(2):
            engine.start("main", instance="one")
            engine.raise_event("one", "go")
            seen.append((await engine.wait("one")).execution)
        return seen

    first, second = drive(script, orchestrators={"main": patient})
    assert first != second


def test_an_engine_goes_on_where_the_last_one_on_its_store_was_left(tmp_path: Path) -> None:
    def orchestrator(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(days=1))
        one = yield context.call_activity("stuck", 1)
        return one

    async def never(_: int) -> int:
        started.set()
        await asyncio.Event().wait()
        return 0

    async def leave(engine: Engine) -> None:
        engine.start("main", instance="i")
        await started.wait()

    async def come_back(engine: Engine) -> Instance:
        return await engine.wait("i")

    started = asyncio.Event()
    store, orchestrators = tmp_path / "d.sqlite", {"main": orchestrator}
    drive(leave, store, orchestrators=orchestrators, activities={"stuck": never})

    assert result(drive(come_back, store, orchestrators=orchestrators, activities={"stuck": lambda v: v})) == 1


def test_counts_say_what_was_done() -> None:
    def orchestrator(context: Any) -> Any:
        yield context.call_activity("same", 1)
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.call_entity(df.EntityId("counter", "k"), "add", 1)

    async def script(engine: Engine) -> Any:
        await engine.wait(engine.start("main"))
        return engine.counts

    counts = drive(
        script, orchestrators={"main": orchestrator}, activities={"same": lambda v: v}, entities={"counter": counter}
    )
    assert (counts.orchestrations, counts.episodes, counts.activities) == (1, 4, 1)
    assert (counts.entity_operations, counts.timers) == (1, 1)
