"""The same world as with the hand-written driver, but on the host's engine with the SDK's own handlers.

Time jumps, and ids are the same in every run, so the histories are, too.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from importlib import import_module
from typing import Any

from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.functions import Functions, Handler, Kind, PlainFunctions
from local.host.durable.runtime.store import Store
from local.host.virtual import VirtualClock, seeded_ids
from shared.core.landing import Landing
from shared.core.record import dump
from shared.core.watch import watch_for
from testbed.fakes import NOON
from tests.workflow.driver import ORCHESTRATORS
from tests.workflow.world import World
from triggers import entities
from triggers.names import Entity, Orchestrator

FOLDER = "digits/tuesday"

# The SDK reads the time of every event of a history at each replay, which is most of what a replay takes. These tests
# replay histories of the same few hundred times again and again.
_reading: Any = import_module("azure.durable_functions.models.history.HistoryEvent")
_reading.dt_parse = lru_cache(maxsize=10_000)(_reading.dt_parse)


@dataclass(frozen=True, slots=True)
class Start:
    """A watch of a folder that an event starts, so long after the beginning."""

    instance: str = "watch-1"
    after: timedelta = timedelta()
    is_marker: bool = False
    folder: str = FOLDER


@dataclass(frozen=True, slots=True)
class Episode:
    """What an orchestrator was told and what it asked for, as the host and the SDK put it."""

    context: dict[str, Any]
    answer: dict[str, Any]


@dataclass
class Watching(Functions):
    """Functions that are watched: every episode of an orchestrator is kept, and calls of the others are counted."""

    functions: Functions
    episodes: dict[tuple[str, str], list[Episode]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def names(self, kind: Kind) -> Iterable[str]:
        return self.functions.names(kind)

    def find(self, kind: Kind, name: str) -> Handler | None:
        found = self.functions.find(kind, name)
        if found is None:
            return None

        async def watched(text: str) -> str:
            if kind is Kind.ORCHESTRATOR:
                return await self._asked(name, text, found)
            self.counts[f"{kind.value} {name}"] += 1
            return await found(text)

        return watched

    async def _asked(self, name: str, text: str, handler: Handler) -> str:
        answer = await handler(text)
        context = json.loads(text)
        self.episodes.setdefault((name, context["instanceId"]), []).append(Episode(context, json.loads(answer)))
        return answer


@dataclass(frozen=True, slots=True)
class Played:
    """What has happened: results of watches, episodes by orchestrator and instance, what was called how often."""

    results: list[str]
    episodes: dict[tuple[str, str], list[Episode]]
    counts: Counter[str]


def play(world: World, starts: Sequence[Start]) -> Played:
    """Watch the world's folder on the engine until all watches have ended."""
    return asyncio.run(_play(world, starts))


async def _play(world: World, starts: Sequence[Start]) -> Played:
    clock, store = VirtualClock(NOON), Store(":memory:")
    world.blobs.clock = clock.now
    world.now = clock.now  # type: ignore[method-assign]  # the same time for all
    functions = Watching(
        PlainFunctions(
            orchestrators=ORCHESTRATORS,
            activities=world.driver.activities,
            entities={Entity.LANDING: entities.landing},
        )
    )
    async with Engine(store, functions, clock, new_id=seeded_ids(0)) as engine:
        await _live_through(_agenda(world, starts, engine), clock)
        ended = [await engine.wait(start.instance) for start in starts]
        await engine.settled()
    store.close()
    assert [instance.status for instance in ended] == ["Completed"] * len(starts), ended
    results = [str(json.loads(instance.output or "null")) for instance in ended]
    return Played(results, functions.episodes, functions.counts)


def _agenda(world: World, starts: Sequence[Start], engine: Engine) -> list[tuple[datetime, Callable[[], Any]]]:
    """What happens in the world, and when; of two things at the same moment a watch comes last."""
    watches = [(NOON + start.after, lambda start=start: _start(world, start, engine)) for start in starts]
    return sorted([*world.agenda, *watches], key=lambda entry: entry[0])


async def _live_through(agenda: Iterable[tuple[datetime, Callable[[], Any]]], clock: VirtualClock) -> None:
    for moment, happens in agenda:
        await clock.wait_until(moment)
        with clock.held():
            happens()


def _start(world: World, start: Start, engine: Engine) -> None:
    _, watch = watch_for(Landing(world.route, start.folder), is_marker=start.is_marker, now=engine.now())
    engine.start(Orchestrator.WATCH_LANDING, dump(watch), instance=start.instance)
