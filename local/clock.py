"""One clock for every part of the local cloud, so that time can run faster, or jump, on purpose."""

from __future__ import annotations

import asyncio
import time
from argparse import ArgumentTypeError
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

SLOWEST, FASTEST = 0.001, 100_000_000
"""Clock rates that make sense."""


def clock_rate(text: str) -> float:
    """A clock rate on a command line."""
    with suppress(ValueError):
        if SLOWEST <= (value := float(text)) <= FASTEST:
            return value
    raise ArgumentTypeError(f"{text!r} is no clock rate; it is a number from {SLOWEST} to {FASTEST:,}, 1 is real time")


class Clock(Protocol):
    """Where a part takes the time from, and how it waits."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        ...

    async def wait_until(self, moment: datetime) -> None:
        """Return at `moment` or later; at once if it has passed."""
        ...


@dataclass(frozen=True, slots=True)
class SteadyClock:
    """Time that has run `rate` times as fast as real time since `epoch` (seconds since 1970).

    Every part that is given the same epoch and rate sees the same time, also after a restart.
    """

    epoch: float = 0.0
    rate: float = 1.0

    def now(self) -> datetime:
        return self.at(time.time())

    def at(self, real: float) -> datetime:
        """What this clock shows at a real time, in seconds since 1970."""
        return datetime.fromtimestamp(self.epoch + (real - self.epoch) * self.rate, UTC)

    async def wait_until(self, moment: datetime) -> None:
        # One long sleep would drift when the machine's clock is set, so look again at least every real minute.
        while (left := (moment - self.now()) / timedelta(seconds=1)) > 0:
            await asyncio.sleep(min(left / self.rate, 60.0))
