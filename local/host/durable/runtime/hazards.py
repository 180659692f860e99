"""What production does to an app now and then, on purpose and repeatable: the same seed gives the same trouble.

Activities are delivered at least once, messages arrive late and in another order than they were sent, and functions
run into their time-out. Entity requests keep their order, as Azure keeps it for one sender and one entity.
Source: Azure docs, durable-functions-overview and durable-functions-perf-and-scale; durable-functions-entities.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from local.host.durable.protocol.episode import Message
from local.host.durable.protocol.events import COMPLETING, EventType


@dataclass(slots=True, kw_only=True)
class Hazards:
    """Probabilities from 0 to 1. `longest_delay_ms` bounds the delay of a message; different delays reorder."""

    duplicate_activities: float = 0.0
    time_out_activities: float = 0.0
    delay_messages: float = 0.0
    longest_delay_ms: int = 1000
    seed: int = 0
    chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311  # it has to be repeatable, not secret

    @classmethod
    def parse(cls, raw: object) -> Hazards:
        """Raises ValueError with what is wrong."""
        known = {f.name: type(f.default) for f in fields(cls) if f.init}
        if not isinstance(raw, dict) or set(raw) - set(known):
            raise ValueError(f"Hazards must be an object with some of {', '.join(known)}; got {raw!r}.")
        for name, value in raw.items():
            whole = known[name] is int
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise ValueError(f"'{name}' must be {'a whole number' if whole else 'a number'}; it is {value!r}.")
            if not whole and not 0 <= value <= 1:
                raise ValueError(f"'{name}' must be a probability from 0 to 1; it is {value!r}.")
        return cls(**raw)

    def report(self) -> dict[str, Any]:
        """The settings, as `parse` takes them."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}

    def duplicates(self) -> bool:
        """Whether this activity is delivered twice."""
        return self._happens(self.duplicate_activities)

    def times_out(self) -> bool:
        """Whether this activity, having done its work, counts as timed out."""
        return self._happens(self.time_out_activities)

    def spread(self, messages: Iterable[Message], now: datetime) -> list[Message]:
        """The messages, some of them due later than they were sent."""
        return [self._late(message, now) for message in messages]

    def _late(self, message: Message, now: datetime) -> Message:
        kind = message.body.get("EventType")
        delayed = kind == EventType.EVENT_RAISED or (kind in COMPLETING and kind != EventType.TIMER_FIRED)
        if not delayed or not self._happens(self.delay_messages):
            return message
        late = timedelta(milliseconds=self.chance.uniform(0, self.longest_delay_ms))
        return replace(message, due=(message.due or now) + late)

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self.chance.random() < probability
