"""What the answer to a delivery means: delivered, tried again later, or given up. Pure.

Source: Azure docs, event-grid/delivery-and-retry. Event Grid adds some randomness to the waits; here there is none, so
that a test can count on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

DELIVERED = frozenset({200, 201, 202, 203, 204})
NEVER_RETRIED = frozenset({400, 401, 403, 413})
"""What a webhook answers to say that it will never take the event."""
TIMED_OUT = 408
"""Stands for an endpoint that did not answer in time, or could not be reached (UNREACHABLE)."""
UNREACHABLE = 0
ANSWER_SECONDS = 30.0
DEAD_LETTER_AFTER = timedelta(minutes=5)
"""How long after the last attempt an event is dead-lettered."""
DEAD_LETTER_FOR = timedelta(hours=4)
"""How long dead-lettering is tried before the event is dropped."""

_SCHEDULE = (
    *(timedelta(seconds=s) for s in (10, 30)),
    *(timedelta(minutes=m) for m in (1, 5, 10, 30)),
    *(timedelta(hours=h) for h in (1, 3, 6, 12)),
)
_AT_LEAST = {503: timedelta(seconds=30), 408: timedelta(minutes=2)}


@dataclass(frozen=True, slots=True)
class Retry:
    """Deliver again, no earlier than `due`."""

    due: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Dead-letter (or drop) the event; `reason` is the deadLetterReason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """The event was taken."""


Decision = Done | Retry | GiveUp


def delay(attempts: int, status: int) -> timedelta:
    """How long to wait after the `attempts`-th attempt, which was answered with `status`."""
    scheduled = _SCHEDULE[min(attempts, len(_SCHEDULE)) - 1]
    return max(scheduled, _AT_LEAST.get(status, timedelta()))


def outcome(status: int) -> str:
    """The lastDeliveryOutcome for an HTTP status."""
    if status == UNREACHABLE:
        return "SocketError"
    if status == TIMED_OUT:
        return "TimedOut"
    if status in DELIVERED:
        return "Success"
    try:
        return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")
    except ValueError:
        return f"Http{status}"


def decide(status: int, *, attempts: int, max_attempts: int, now: datetime) -> Decision:
    """What follows from `status`, the answer to the attempt with number `attempts`."""
    if status in DELIVERED:
        return Done()
    if status in NEVER_RETRIED:
        return GiveUp(f"UndeliverableDueToHttp{outcome(status)}")
    if attempts >= max_attempts:
        return GiveUp("MaxDeliveryAttemptsExceeded")
    return Retry(now + delay(attempts, status))


def expired(published: datetime, now: datetime, time_to_live: timedelta, *, attempts: int) -> GiveUp | None:
    """Give up an event that has become too old. Looked at only when an attempt is due, and the first is always made."""
    if attempts > 0 and now - published > time_to_live:
        return GiveUp("TimeToLiveExceeded")
    return None
