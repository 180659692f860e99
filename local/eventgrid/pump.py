"""One subscription's deliveries: what is due is attempted, many at a time, until none is left."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from local.clock import Clock
from local.eventgrid import policy
from local.eventgrid.destinations import Destinations
from local.eventgrid.schema import subject
from local.eventgrid.store import Delivery, Store
from local.eventgrid.subscription import Subscription

logger = logging.getLogger(__name__)

AT_A_TIME = 16
"""How many attempts of one subscription run concurrently."""


@dataclass(slots=True)
class Pump:
    """Delivers to one subscription for as long as `run` runs. `recent` is told about every attempt."""

    subscription: Subscription
    store: Store
    destinations: Destinations
    clock: Clock
    recent: deque[dict[str, Any]]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: dict[asyncio.Task[None], tuple[int, ...]] = field(default_factory=dict)

    async def run(self) -> None:
        """Attempt what is due, wait, and so on; cancelled when the subscription goes or changes."""
        try:
            while True:
                self.wake.clear()
                for batch in self._due():
                    self._begin(batch)
                await self._something_new()
        finally:
            for task in self.under_way:
                task.cancel()

    def _due(self) -> list[list[Delivery]]:
        free = AT_A_TIME - len(self.under_way)
        if free <= 0:
            return []
        limit = free * self.subscription.max_batch
        due = self.store.due(self.subscription.name, self.clock.now(), limit=limit, but=self._ids())
        return batches(due, self.subscription.max_batch)[:free]

    def _ids(self) -> list[int]:
        return [number for numbers in self.under_way.values() for number in numbers]

    def _begin(self, batch: list[Delivery]) -> None:
        work = self._bury(batch[0]) if batch[0].given_up else self._attempt(batch)
        task = asyncio.create_task(work)
        self.under_way[task] = tuple(delivery.id for delivery in batch)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.under_way.pop(task, None)
        self.wake.set()
        if not task.cancelled() and task.exception() is not None:
            logger.error("A delivery to %s failed.", self.subscription.name, exc_info=task.exception())

    async def _something_new(self) -> None:
        """Return when woken, or when the next delivery is due and there is room for it."""
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self.wake.wait())]
        due = self.store.next_due(self.subscription.name, but=self._ids())
        if due is not None and len(self.under_way) < AT_A_TIME:
            waits.append(asyncio.create_task(self.clock.wait_until(due)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _attempt(self, batch: Sequence[Delivery]) -> None:
        now = self.clock.now()
        fresh = []
        for delivery in batch:
            late = policy.expired(delivery.published, now, self.subscription.time_to_live, attempts=delivery.attempts)
            if late is None:
                fresh.append(delivery)
            else:
                self._give_up(delivery, late.reason, now)
        status = await self._send(fresh) if fresh else policy.UNREACHABLE
        # One time for all of a batch, so that it stays together when it is tried again.
        now = self.clock.now()
        for delivery in fresh:
            self._settle(delivery, status, now)

    async def _send(self, batch: Sequence[Delivery]) -> int:
        try:
            return await self.destinations.send(self.subscription, batch)
        except Exception:
            # Whatever it is, it must wait its turn like any failed attempt: still due, it would be tried without end.
            logger.exception("A delivery to %s failed.", self.subscription.name)
            return policy.UNREACHABLE

    def _settle(self, delivery: Delivery, status: int, now: datetime) -> None:
        name, attempts = self.subscription.name, delivery.attempts + 1
        decision = policy.decide(status, attempts=attempts, max_attempts=self.subscription.max_attempts, now=now)
        match decision:
            case policy.Done():
                self.store.finish(name, delivery, "delivered")
            case policy.Retry(due):
                self.store.postpone(delivery, due=due, status=status, at=now)
            case policy.GiveUp(reason) if self.subscription.dead_letter:
                due = now + policy.DEAD_LETTER_AFTER
                self.store.postpone(delivery, due=due, status=status, at=now, given_up=reason)
            case policy.GiveUp():
                self.store.finish(name, delivery, "dropped")
        if not isinstance(decision, policy.Done):
            logger.warning("%s: attempt %d answered %s; %s.", name, attempts, policy.outcome(status), decision)
        self.recent.append(_told(self.subscription, delivery, status, now, decision))

    def _give_up(self, delivery: Delivery, reason: str, now: datetime) -> None:
        logger.warning("%s: gave up %s: %s.", self.subscription.name, delivery.event.get("id"), reason)
        if self.subscription.dead_letter:
            due = (delivery.last_attempt or now) + policy.DEAD_LETTER_AFTER
            self.store.wait_for_dead_letter(delivery, due=due, reason=reason)
        else:
            self.store.finish(self.subscription.name, delivery, "dropped")

    async def _bury(self, delivery: Delivery) -> None:
        now, name = self.clock.now(), self.subscription.name
        last = delivery.last_attempt or delivery.published
        if self.subscription.dead_letter is None or now - last > policy.DEAD_LETTER_FOR:
            self.store.finish(name, delivery, "dropped")
        elif await self.destinations.bury(self.subscription, delivery, now):
            self.store.finish(name, delivery, "dead_lettered")
        else:
            due = now + policy.DEAD_LETTER_AFTER
            self.store.wait_for_dead_letter(delivery, due=due, reason=str(delivery.given_up))


def batches(due: Sequence[Delivery], size: int) -> list[list[Delivery]]:
    """`due` in groups of at most `size` with the same number of attempts; each given up one is alone."""
    result: list[list[Delivery]] = []
    for (given_up, _), group in groupby(due, key=lambda d: (d.given_up is not None, d.attempts)):
        members, step = list(group), 1 if given_up else size
        result += [members[start : start + step] for start in range(0, len(members), step)]
    return result


def _told(
    subscription: Subscription, delivery: Delivery, status: int, at: datetime, decision: policy.Decision
) -> dict[str, Any]:
    return {
        "subscription": subscription.name,
        "event_id": delivery.event.get("id"),
        "subject": subject(delivery.event),
        "attempt": delivery.attempts + 1,
        "at": at.isoformat(),
        "status": status,
        "outcome": policy.outcome(status),
        "decision": type(decision).__name__,
    }
