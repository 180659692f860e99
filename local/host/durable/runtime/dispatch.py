"""Who runs when: turns one at a time for each key, activities in lanes of their own, all bounded.

A turn replays the whole history. So that an instance that waits for a thousand activities is not replayed for every
few of them, one whose turn took long may be let rest before its next turn, for as long as its activities go on, and for
twice the time that the turn took at the most: replaying takes a third of the time, and nobody waits for long.

What is queued here is only a hint that there is something to do. The store knows what it is, so nothing is lost with
the process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from local.host.durable.runtime.store import Activity

log = logging.getLogger("Host.Durable")

QUICK = 0.05
"""Seconds; a turn that took no longer is followed by the next one at once."""
LONGEST_REST = 1.0
"""Seconds."""

RunTurn = Callable[[str], Awaitable[bool]]
"""Carries out one turn of an instance or entity; says whether there is more to do for it right away."""
RunActivity = Callable[[Activity], Awaitable[None]]


class Dispatcher:
    """Queues and runs turns and activities."""

    def __init__(self, *, resting: bool = False) -> None:
        """`resting` goes by real time, so the order of things is no longer the same in every run."""
        self._resting = resting
        self._rested: dict[str, asyncio.TimerHandle] = {}
        self._under_way: Counter[str] = Counter()
        self._turns: asyncio.Queue[str] = asyncio.Queue()
        self._activities: asyncio.Queue[Activity] = asyncio.Queue()
        self._queued: set[str] = set()
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._pending = 0
        self._quiet, self._open = asyncio.Event(), asyncio.Event()
        self._quiet.set()
        self._open.set()
        self._lanes: list[asyncio.Task[None]] = []

    def start(self, run_turn: RunTurn, run_activity: RunActivity, *, turns: int, activities: int) -> None:
        """Begin to run what is queued, so many at once."""
        self._lanes = [asyncio.create_task(self._turn_lane(run_turn)) for _ in range(turns)]
        self._lanes += [asyncio.create_task(self._activity_lane(run_activity)) for _ in range(activities)]

    async def stop(self) -> None:
        """Cancel what is running."""
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        for rest in self._rested.values():
            rest.cancel()

    def wake(self, key: str) -> None:
        """Have a turn of `key` run, after the one that may be running."""
        if key in self._running:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._count(1)
            if key not in self._rested:
                self._turns.put_nowait(key)

    def add(self, activity: Activity) -> None:
        """Have an activity run."""
        self._count(1)
        self._under_way[activity.instance] += 1
        self._activities.put_nowait(activity)

    def pause(self) -> None:
        """Begin nothing new. What is running goes on; what comes in is kept."""
        self._open.clear()

    def go_on(self) -> None:
        """Begin again after `pause`."""
        self._open.set()

    async def settled(self) -> None:
        """Return when there is nothing queued or running."""
        await self._quiet.wait()

    def _count(self, change: int) -> None:
        self._pending += change
        if self._pending:
            self._quiet.clear()
        else:
            self._quiet.set()

    async def _turn_lane(self, run_turn: RunTurn) -> None:
        while True:
            key = await self._turns.get()
            await self._open.wait()
            self._queued.discard(key)
            self._running.add(key)
            more, began = False, time.monotonic()
            try:
                more = await run_turn(key)
            except Exception:
                # A fault of the engine, not of the app: its messages are still there for the next time.
                log.exception("Could not run the turn of '%s'.", key)
            finally:
                self._running.discard(key)
                self._let_rest(key, time.monotonic() - began)
                if more or key in self._again:
                    self._again.discard(key)
                    self.wake(key)
                self._count(-1)

    async def _activity_lane(self, run_activity: RunActivity) -> None:
        while True:
            activity = await self._activities.get()
            await self._open.wait()
            try:
                await run_activity(activity)
            except Exception:
                log.exception("Could not record an activity of '%s'.", activity.instance)
            finally:
                self._one_less(activity.instance)
                self._count(-1)

    def _let_rest(self, key: str, took: float) -> None:
        if self._resting and took > QUICK and self._under_way[key]:
            rest = min(2 * took, LONGEST_REST)
            self._rested[key] = asyncio.get_running_loop().call_later(rest, self._end_rest, key)

    def _end_rest(self, key: str) -> None:
        self._rested.pop(key).cancel()
        if key in self._queued:
            self._turns.put_nowait(key)

    def _one_less(self, instance: str) -> None:
        self._under_way[instance] -= 1
        if not self._under_way[instance]:
            del self._under_way[instance]
            if instance in self._rested:
                self._end_rest(instance)
