"""What a landed folder costs in durable operations.

The unmodified app runs on the real host (its webhook, durable API and engine, and the SDK's own handlers) with a clock
that jumps; only storage and Azure ML are fakes. So the counts are the same in every run, on every machine.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import httpx
from azure.durable_functions.models.utils import http_utils

from bench.blob_events import HEADERS, HOOK, blob_created
from bench.figures import Row
from local import serving
from local.host.durable.management.client_binding import client_binding
from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.store import Store
from local.host.durable.runtime.turns import Counts
from local.host.keys import keys_of
from local.host.server import Parts, application
from local.host.triggers import blobs
from local.host.triggers.blob_work import BlobWork
from local.host.virtual import VirtualClock, seeded_ids
from local.host.worker.calling import Callee, Caller
from local.host.worker.invoking import AppFunctions, Invoker
from local.host.worker.loading import load
from local.host.worker.registry import Registry
from shared.core.location import Location
from shared.services import Services, services
from shared.work import inquiry
from shared.work.inquiry import read_query
from testbed.examples import LANDING, ROOT, SETTINGS, endpoint_over
from testbed.fakes import NOON, FakeBlobs

FOLDER = "digits/tuesday"
SECONDS = 20.0
"""How long each upload takes when all take the same time: eight times the 2.5 s in which events share a watch."""
A_SECOND = 100
"""Files, when all uploads are equally fast."""
STEP = 0.5
"""Seconds of files that arrive together."""
AT_ONCE = 100
"""Events in one request."""
DONE_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Hosted:
    """The host, and what calls its functions."""

    engine: Engine
    http: httpx.AsyncClient
    invoker: Invoker
    registry: Registry


@dataclass(frozen=True, slots=True)
class Upload:
    """So many files, spread evenly over so many seconds. `beside`: a file that is not for scoring."""

    files: int
    seconds: float
    beside: str | None = None

    def steps(self) -> Iterator[tuple[timedelta, list[str]]]:
        """Moments from the beginning, and the files that arrive there. The last file arrives at the end."""
        last = max(1, self.files - 1)
        arriving: dict[float, list[str]] = {}
        for number in range(self.files):
            moment = STEP * round(self.seconds * number / last / STEP)
            arriving.setdefault(moment, []).append(f"{FOLDER}/{number:05}.png")
        for moment, paths in arriving.items():
            yield timedelta(seconds=moment), paths


def measure(*, quick: bool = False) -> list[Row]:
    """The operations of folders of growing size: uploaded in the same time, and at the same speed."""
    sizes = (10, 100) if quick else (10, 1_000, 10_000)
    first = sizes[0]
    in_place = {size: work_of(Upload(size, SECONDS)) for size in sizes}
    copied = {size: work_of(Upload(size, SECONDS, beside="notes.txt")) for size in sizes}
    as_fast = {size: work_of(Upload(size, size / A_SECOND)) for size in sizes}
    return [
        *(
            Row(
                name=f"{size:,} files in {SECONDS:.0f} s: {_spoken(counts)}",
                value=operations(counts),
                unit="",
                ratio=operations(counts) / operations(in_place[first]),
                against=f"{first} files",
                n=1,
                aim=1.0,
            )
            for size, counts in in_place.items()
        ),
        *(
            Row(
                name=f"{size:,} files in {SECONDS:.0f} s, scored as copies because of a file beside them",
                value=operations(counts),
                unit="",
                ratio=operations(counts) / operations(copied[first]),
                against=f"{first} files",
                n=1,
            )
            for size, counts in copied.items()
        ),
        *(
            Row(
                name=f"{size:,} files, {A_SECOND} a second: for each file",
                value=operations(counts) / size,
                unit="",
                ratio=operations(counts) / operations(as_fast[first]) * first / size,
                against=f"{first} files",
                n=1,
            )
            for size, counts in as_fast.items()
        ),
    ]


def operations(counts: Counts) -> int:
    """Everything that the durable engine is asked to do."""
    return counts.orchestrations + counts.activities + counts.entity_operations + counts.timers


def _spoken(counts: Counts) -> str:
    return (
        f"{counts.orchestrations} orchestrations, {counts.activities} activities, "
        f"{counts.entity_operations} entity operations, {counts.timers} timers"
    )


def work_of(upload: Upload) -> Counts:
    """What is done from the first event of an upload until its run is published and its watchers have left."""
    counts, _ = lived_through(upload)
    return counts


def lived_through(upload: Upload) -> tuple[Counts, Counter[str]]:
    """What is done meanwhile, and what storage is asked for, by kinds of requests."""
    return asyncio.run(_lived_through(upload))


async def _lived_through(upload: Upload) -> tuple[Counts, Counter[str]]:
    clock = VirtualClock(NOON)
    blobs = FakeBlobs(clock.now)
    furnish(clock, blobs)
    if upload.beside is not None:
        blobs.put(Location(LANDING, f"{FOLDER}/{upload.beside}"), b"not for scoring")
    async with hosting(clock) as host:
        for offset, paths in upload.steps():
            await clock.wait_until(NOON + offset)
            with clock.held():
                await _land(blobs, host.http, paths)
        await clock.wait_until(clock.now() + DONE_WITHIN)
        requests = Counter(blobs.requests)  # without that of the look at what came of it
        (run,) = inquiry.runs(services().ledger, read_query({})).runs
        assert (run["status"], run["snapshot"]["files"]) == ("published", upload.files)
        return host.engine.counts, requests


async def _land(blobs: FakeBlobs, http: httpx.AsyncClient, paths: list[str]) -> None:
    for path in paths:
        blobs.put(Location(LANDING, path), path.encode())
    for start in range(0, len(paths), AT_ONCE):
        events = [blob_created(path) for path in paths[start : start + AT_ONCE]]
        (await http.post(HOOK, json=events, headers=HEADERS)).raise_for_status()


def furnish(clock: VirtualClock, blobs: FakeBlobs) -> None:
    """Give the app this clock and fakes for what it would build on first use."""
    services.cache_clear()
    own: Services = services()
    own.env = {**SETTINGS, "LANDFALL_STATE_URL": "https://state.blob.core.windows.net/landfall"}
    own.now = clock.now
    own.blobs = blobs
    (route,) = own.routes.usable
    own.endpoint = endpoint_over(blobs, route)


@cache
def _callees() -> list[Callee]:
    """The app can be indexed once per process."""
    return load(ROOT)


@asynccontextmanager
async def hosting(clock: VirtualClock) -> AsyncIterator[Hosted]:
    """The host, but for the clock, and without timers, queues and containers."""
    callees = _callees()
    registry = Registry(callee.function for callee in callees)
    async with AsyncExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = Store(state / "durable.sqlite")
        stack.callback(store.close)
        # The durable client keeps one HTTP session, on the event loop that it was first used on.
        stack.push_async_callback(http_utils._close_session)
        caller = Caller(ROOT, callees)
        stack.callback(caller.close)
        invoker = Invoker(caller, clock=clock)
        engine = Engine(store, AppFunctions(registry, invoker), clock, new_id=seeded_ids(0))
        await stack.enter_async_context(engine)
        keys = keys_of(state, enforced=False)
        none = blobs.BlobTriggers((), BlobWork(":memory:"), invoker, blobs.Options(), {})
        parts = Parts(registry=registry, invoker=invoker, blobs=none, engine=engine, routes=[], keys=keys, hub="Bench")
        base_url = f"http://127.0.0.1:{await serving.listen(stack, application(parts), 0)}"
        caller.client_binding = client_binding(base_url, parts.hub, keys.durabletask_extension)
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=base_url, timeout=120.0, trust_env=False))
        yield Hosted(engine, http, invoker, registry)
