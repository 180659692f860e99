"""Drives the engine in this process, with the SDK's real handlers and a clock that jumps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.functions import PlainFunctions
from local.host.durable.runtime.listing import Instance
from local.host.durable.runtime.store import Store
from local.host.virtual import VirtualClock, seeded_ids

Script = Callable[[Engine], Awaitable[Any]]


def drive(
    script: Script,
    store: Path | str = ":memory:",
    *,
    seed: int = 0,
    seconds: float = 20,
    options: Mapping[str, Any] = MappingProxyType({}),
    **functions: Any,
) -> Any:
    """Run `script` with an engine that has these orchestrators, activities and entities, and these `options`."""

    async def main() -> Any:
        opened = Store(store)
        try:
            clock, ids = VirtualClock(), seeded_ids(seed)
            async with Engine(opened, PlainFunctions(**functions), clock, new_id=ids, **options) as engine:
                return await asyncio.wait_for(script(engine), seconds)
        finally:
            opened.close()

    return asyncio.run(main())


def finish(orchestrator: Any, value: object = None, **functions: Any) -> Instance:
    """The instance that one orchestrator makes."""

    async def script(engine: Engine) -> Instance:
        return await engine.wait(engine.start("main", value))

    orchestrators = {"main": orchestrator} | functions.pop("orchestrators", {})
    found: Instance = drive(script, orchestrators=orchestrators, **functions)
    return found


def result(instance: Instance) -> Any:
    assert instance.status == "Completed", instance.output
    return json.loads(instance.output or "null")


def counter(context: Any) -> None:
    value = context.get_state(lambda: 0)
    if context.operation_name == "add":
        value += context.get_input()
    if context.operation_name == "remove":
        context.destruct_on_exit()
        return
    context.set_state(value)
    context.set_result(value)


def refuse(value: object) -> None:
    raise ValueError(f"not {value}")


def patient(context: Any) -> Any:
    yield context.wait_for_external_event("go")
