"""What is to be done and when, and who waits to be told: the engine adds to it, and so do the turns that it runs."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from local.clock import Clock
from local.host.durable.protocol.episode import Message
from local.host.durable.runtime.dispatch import Dispatcher, RunActivity, RunTurn
from local.host.durable.runtime.listing import Instance
from local.host.durable.runtime.store import Activity, Store


class Agenda:
    """What waits in the store, brought to those who carry it out when it is due."""

    def __init__(self, store: Store, clock: Clock, *, resting: bool = False) -> None:
        """`resting`: see dispatch.py."""
        self._store, self._clock = store, clock
        self._dispatcher = Dispatcher(resting=resting)
        self._later: set[asyncio.Task[None]] = set()
        self._timers_changed = asyncio.Event()
        self._sleeping_until: datetime | None = None
        self._now = datetime.min.replace(tzinfo=UTC)
        self._waiters: defaultdict[str, list[asyncio.Future[Instance]]] = defaultdict(list)
        self._timers: asyncio.Task[None] | None = None

    def start(self, run_turn: RunTurn, run_activity: RunActivity, *, turns: int, activities: int) -> None:
        """Have everything carried out that is due already, and from now on what becomes due; so many at once."""
        horizon = self.now()
        for instance in self._store.waiting(horizon):
            self.wake(instance)
        for activity in self._store.activities():
            self.add(activity)
        self._dispatcher.start(run_turn, run_activity, turns=turns, activities=activities)
        self._timers = asyncio.create_task(self._watch_timers(horizon))

    async def stop(self) -> None:
        """Cancel what is running, and those who wait."""
        waiting = [*self._later, *([self._timers] if self._timers else [])]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await self._dispatcher.stop()
        for futures in self._waiters.values():
            for future in futures:
                future.cancel()

    def now(self) -> datetime:
        """The clock's time, but never earlier than before: messages are ordered by it."""
        self._now = max(self._now, self._clock.now())
        return self._now

    def pause(self) -> None:
        """Begin nothing new. What is running goes on; what comes in is kept."""
        self._dispatcher.pause()

    def go_on(self) -> None:
        """Begin again after `pause`."""
        self._dispatcher.go_on()

    async def settled(self) -> None:
        """Return when everything that could be done now has been done."""
        await self._dispatcher.settled()

    def wake(self, key: str) -> None:
        """Have a turn of an instance or entity run."""
        self._dispatcher.wake(key)

    def add(self, activity: Activity) -> None:
        """Have an activity run, when it is due."""
        if activity.due is None or activity.due <= self._now:
            self._dispatcher.add(activity)
            return
        task = asyncio.create_task(self._add_later(activity, activity.due))
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _add_later(self, activity: Activity, due: datetime) -> None:
        await self._clock.wait_until(due)
        self._dispatcher.add(activity)

    def posted(self, messages: Sequence[Message]) -> None:
        """Wake those to whom the committed messages are due, and the sleeper if one is due before its time."""
        for message in messages:
            if message.due is None or message.due <= self._now:
                self.wake(message.to)
            elif self._sleeping_until is None or message.due < self._sleeping_until:
                self._timers_changed.set()

    async def end_of(self, instance: str) -> Instance:
        """The instance, which is running, once it has ended."""
        future: asyncio.Future[Instance] = asyncio.get_running_loop().create_future()
        self._waiters[instance].append(future)
        try:
            return await future
        finally:
            self._waiters[instance].remove(future)
            if not self._waiters[instance]:
                del self._waiters[instance]

    def ended(self, instance: str) -> None:
        """Tell those who wait for an instance."""
        found = self._store.instance(instance)
        for future in self._waiters.get(instance, ()):
            if found is not None and not future.done():
                future.set_result(found)

    async def _watch_timers(self, horizon: datetime) -> None:
        """Wake whoever has a message that becomes due after `horizon`."""
        while True:
            self._timers_changed.clear()
            self._sleeping_until = self._store.next_due(horizon)
            changed = asyncio.create_task(self._timers_changed.wait())
            sleepers: set[asyncio.Task[bool] | asyncio.Task[None]] = {changed}
            if self._sleeping_until is not None:
                sleepers.add(asyncio.create_task(_sleep(self._clock, self._sleeping_until)))
            try:
                await asyncio.wait(sleepers, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for sleeper in sleepers:
                    sleeper.cancel()
            now = self.now()
            for instance in self._store.due_between(horizon, now):
                self.wake(instance)
            horizon = now


async def _sleep(clock: Clock, until: datetime) -> None:
    await clock.wait_until(until)
