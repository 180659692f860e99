"""Publishing and subscribing: events become deliveries, and every subscription has a pump that makes them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local.clock import SteadyClock
from local.eventgrid.destinations import Destinations
from local.eventgrid.pump import Pump
from local.eventgrid.schema import Event, subject
from local.eventgrid.store import Store
from local.eventgrid.subscription import CUSTOM, Subscription
from local.faults import Faults

SHUFFLE_WINDOW = timedelta(seconds=0.5)
"""How long (in real time) a `shuffle` fault may hold an event back; each is held for a random part of it."""


@dataclass(slots=True)
class Broker:
    """All topics and subscriptions of one state directory."""

    store: Store
    destinations: Destinations
    clock: SteadyClock
    faults: Faults
    recent: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=1000))
    pumps: dict[str, tuple[Pump, asyncio.Task[None]]] = field(default_factory=dict)

    def start(self) -> None:
        """Go on delivering what a predecessor left."""
        for name, body in self.store.subscriptions().items():
            self._pump(Subscription.parse(name, body))

    def stop(self) -> None:
        """Stop delivering. What was not delivered stays in the store."""
        for _, task in self.pumps.values():
            task.cancel()

    def publish(self, topic: str, events: Sequence[Event]) -> None:
        """Queue `events` for every subscription that wants them; they are safe when this returns."""
        now = self.clock.now()
        if topic == CUSTOM:
            self.store.receive(topic, events)
        wanted = [pump for pump, _ in self.pumps.values() if pump.subscription.topic == topic]
        self.store.enqueue(
            (
                (p.subscription.name, e, due)
                for p in wanted
                for e in events
                for due in self._times(p.subscription, e, now)
            ),
            published=now,
        )
        for pump in wanted:
            pump.wake.set()

    async def subscribe(self, name: str, body: object) -> None:
        """Make or replace a subscription. Raises ValueError (not supported) or EndpointRefused."""
        subscription = Subscription.parse(name, body)
        await self.destinations.prove(subscription, self.clock.now())
        self.store.put_subscription(name, body)
        self._pump(subscription)

    def unsubscribe(self, name: str) -> bool:
        """End a subscription and forget what waits for it; False when there is none."""
        if name in self.pumps:
            self.pumps.pop(name)[1].cancel()
        return self.store.delete_subscription(name)

    def status(self) -> dict[str, dict[str, int]]:
        """By subscription, how many deliveries wait and how the others ended."""
        return {name: self.store.totals(name) for name in self.store.subscriptions()}

    def _pump(self, subscription: Subscription) -> None:
        if subscription.name in self.pumps:
            self.pumps.pop(subscription.name)[1].cancel()
        pump = Pump(subscription, self.store, self.destinations, self.clock, self.recent)
        self.pumps[subscription.name] = (pump, asyncio.create_task(pump.run()))

    def _times(self, subscription: Subscription, event: Event, now: datetime) -> Iterator[datetime]:
        """When to deliver the event: once, now; faults make it never, several times, or a little later."""
        if not subscription.filter.accepts(event):
            return
        rule = self.faults.for_delivery(subscription.destination.endpoint, subject(event))
        if rule is None:
            yield now
            return
        if rule.action.get("drop"):
            self.store.count(subscription.name, "dropped")
            return
        for _ in range(1 + int(rule.action.get("duplicate") or 0)):
            held = rule.chance.random() * self.clock.rate if rule.action.get("shuffle") else 0.0
            yield now + SHUFFLE_WINDOW * held
