"""A clock that jumps: when nothing is going on, time moves on to the next moment that somebody waits for.

With it an orchestration that waits for a week takes as long as its work. Everything that may be going on has to be
known to the clock: an Engine makes itself known; a test that does work of its own between two waits does it in
`with clock.held():`.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

PASSES = 5
"""How many times in a row the loop must find nothing to do before time jumps: callbacks can be several hops long."""


class VirtualClock:
    """A Clock for one event loop."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._watched: list[Callable[[], Awaitable[None]]] = []
        self._holds = 0
        self._free = asyncio.Event()
        self._free.set()
        self._driver: asyncio.Task[None] | None = None

    def now(self) -> datetime:
        """The time it has jumped to."""
        return self._now

    def watch(self, settled: Callable[[], Awaitable[None]]) -> None:
        """Let time jump only when `settled` returns, that is when there is nothing left to do at this moment."""
        self._watched.append(settled)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Time stands still inside."""
        self._holds += 1
        self._free.clear()
        try:
            yield
        finally:
            self._holds -= 1
            if not self._holds:
                self._free.set()

    async def wait_until(self, moment: datetime) -> None:
        """Return when time has come to `moment`; at once if it has passed."""
        if moment <= self._now:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (moment, next(self._order), future))
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive())
        await future

    async def _drive(self) -> None:
        while self._forget_cancelled():
            jumps = await self._nothing_to_do()
            if jumps and self._forget_cancelled():
                self._jump()

    async def _nothing_to_do(self) -> bool:
        """Whether everything has been quiet for a while, and still the same sleepers are there."""
        before, quiet = [future for _, _, future in self._sleepers], 0
        while quiet < PASSES:
            quiet = 0 if await self._had_to_wait() else quiet + 1
            await asyncio.sleep(0)
        return before == [future for _, _, future in self._sleepers]

    async def _had_to_wait(self) -> bool:
        """Wait until nothing is known to go on; whether that took any time."""
        passed: list[bool] = []
        # It runs only if one of the waits below gives the loop a turn.
        turn = asyncio.get_running_loop().call_soon(passed.append, True)
        await self._free.wait()
        for settled in self._watched:
            await settled()
        turn.cancel()
        return bool(passed)

    def _jump(self) -> None:
        self._now = max(self._now, self._sleepers[0][0])
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)

    def _forget_cancelled(self) -> bool:
        """Whether anybody still sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return bool(self._sleepers)


def seeded_ids(seed: int) -> Callable[[], str]:
    """Ids for an Engine that are the same in every run with the same seed."""
    chance = random.Random(seed)  # noqa: S311  # they have to be repeatable, not secret
    return lambda: f"{chance.getrandbits(128):032x}"
