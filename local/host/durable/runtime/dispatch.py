"""Who runs when: turns one at a time for each key, activities in lanes of their own, all bounded.

What is queued here is only a hint that there is something to do. The store knows what it is, so nothing is lost with
the process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from local.host.durable.runtime.store import Activity

log = logging.getLogger("Host.Durable")

RunTurn = Callable[[str], Awaitable[bool]]
"""Carries out one turn of an instance or entity; says whether there is more to do for it right away."""
RunActivity = Callable[[Activity], Awaitable[None]]


class Dispatcher:
    """Queues and runs turns and activities."""

    def __init__(self) -> None:
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

    def wake(self, key: str) -> None:
        """Have a turn of `key` run, after the one that may be running."""
        if key in self._running:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._count(1)
            self._turns.put_nowait(key)

    def add(self, activity: Activity) -> None:
        """Have an activity run."""
        self._count(1)
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
            more = False
            try:
                more = await run_turn(key)
            except Exception:
                # A fault of the engine, not of the app: its messages are still there for the next time.
                log.exception("Could not run the turn of '%s'.", key)
            finally:
                self._running.discard(key)
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
                self._count(-1)
