"""What the app asks of storage: for a landing of some size, and in a day on which nothing lands.

Counted, not measured: the app runs as for `durable_work`, and storage in memory counts the requests that the adapter
would send (tests/contract/test_requests_sent.py). What the host itself asks of its own storage account is not in it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from bench.durable_work import SECONDS, Upload, furnish, hosting, lived_through
from bench.figures import Row
from local.host.triggers.timers import request_datum
from local.host.virtual import VirtualClock
from shared.core.location import Location
from shared.core.tally import SWEEPS_APART
from testbed.examples import LANDING
from testbed.fakes import NOON, FakeBlobs

SWEEPS = int(timedelta(days=1) / SWEEPS_APART)
"""In a day."""
OLD = timedelta(days=3)


def measure(*, quick: bool = False) -> list[Row]:
    """Requests for landings of growing size, and of sweeps that find nothing new."""
    sizes = (10, 100) if quick else (10, 1_000, 10_000)
    landings = {size: lived_through(Upload(size, SECONDS))[1] for size in sizes}
    kept = (0, 100 if quick else 2_000)
    sweeps = {old: asyncio.run(_sweep(old)) for old in kept}
    first, none = landings[sizes[0]], sweeps[0]
    return [
        *(
            Row(
                name=f"storage requests of a landing of {size:,} files: {_spoken(used)}",
                value=used.total(),
                unit="",
                ratio=used.total() / first.total(),
                against=f"{sizes[0]} files",
                n=1,
            )
            for size, used in landings.items()
        ),
        *(
            Row(
                name=f"of a day without any, and {old:,} old ones: {SWEEPS} x ({_spoken(used)})",
                value=SWEEPS * used.total(),
                unit="",
                ratio=used.total() / none.total(),
                against="an empty container",
                n=1,
            )
            for old, used in sweeps.items()
        ),
    ]


def _spoken(requests: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(requests.items()) if count)


async def _sweep(old: int) -> Counter[str]:
    """One sweep among so many landings that it has seen before, once it has purged what it does once a day."""
    clock = VirtualClock(NOON - OLD)
    blobs = FakeBlobs(clock.now)
    furnish(clock, blobs)
    for number in range(old):
        blobs.put(Location(LANDING, f"digits/{number:05}/0.png"), b"1")
    async with hosting(clock) as host:
        sweep = host.registry.get("sweep")
        assert sweep is not None
        for turn in range(3):
            await clock.wait_until(NOON + turn * SWEEPS_APART)
            with clock.held():
                blobs.requests.clear()
                await host.invoker.invoke(sweep, request_datum(None, past_due=False), reason="Bench")
        return blobs.requests
