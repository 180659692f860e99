"""Retry policies: how often, and after what wait, the host calls a function again that failed. Pure.

Source: Azure docs, functions-bindings-errors (retry policies): only timer, Cosmos DB, Event Hubs and Kafka triggers
have them. Queue messages come again by their dequeue count, Event Grid by its own schedule.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

RETRIED = frozenset({"timerTrigger"})
"""Triggers of this host for which Azure has retry policies."""
_TIMESPAN = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})")
_LONGEST = timedelta(days=1)


class BadRetry(Exception):
    """A retry policy that Azure would not take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """`count` -1: for ever. With `longest` the wait doubles from `shortest`, else it is always `shortest`."""

    count: int
    shortest: timedelta
    longest: timedelta | None = None

    def allows(self, attempt: int) -> bool:
        """Whether there is a retry number `attempt` (from 1)."""
        return self.count < 0 or attempt <= self.count

    def delay(self, attempt: int, chance: random.Random) -> timedelta:
        """The wait before retry number `attempt`; an exponential one varies by a fifth, so that callers spread."""
        if self.longest is None:
            return self.shortest
        doubled = self.shortest * int(2 ** min(attempt - 1, 30))
        varied: timedelta = doubled * chance.uniform(0.8, 1.2)
        return max(self.shortest, min(varied, self.longest))


def policy_of(function: str, trigger: str, settings: Mapping[str, Any] | None) -> RetryPolicy | None:
    """What `@app.retry` says. Raises BadRetry, also for a trigger whose retry policy Azure would not obey."""
    if not settings:
        return None
    if trigger not in RETRIED:
        raise BadRetry(
            f"The function '{function}' has a retry policy, but Azure has none for triggers of type '{trigger}'. "
            f"Remove @app.retry; this host has retry policies for {', '.join(sorted(RETRIED))}."
        )
    count, strategy = int(settings["max_retry_count"]), settings["strategy"]
    if strategy == "fixed_delay":
        return RetryPolicy(count=count, shortest=_span(function, settings, "delay_interval", timedelta()))
    if strategy == "exponential_backoff":
        return RetryPolicy(
            count=count,
            shortest=_span(function, settings, "minimum_interval", timedelta(seconds=1)),
            longest=_span(function, settings, "maximum_interval", _LONGEST),
        )
    raise BadRetry(
        f"The function '{function}' has the retry strategy '{strategy}'; it must be 'fixed_delay' or "
        "'exponential_backoff'."
    )


def _span(function: str, settings: Mapping[str, Any], name: str, default: timedelta) -> timedelta:
    text = settings.get(name)
    if not text:
        return default
    found = _TIMESPAN.fullmatch(str(text))
    if found is None:
        raise BadRetry(f"The retry policy of function '{function}' has a {name} that is not hh:mm:ss: '{text}'.")
    hours, minutes, seconds = (int(part) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
