"""How many watches events have begun lately: under a flood each of them has to be worth it."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

SPAN = timedelta(minutes=1)
ORDINARY = 60
"""Watches that one process begins in a minute before it looks whether the blob of an event is there. An upload begins
two or so for each landing, however many files it has."""


class Pace:
    """Counts what was begun in the last minute. Not for threads: its users run in one event loop."""

    def __init__(self, ordinary: int = ORDINARY) -> None:
        self._begun: deque[datetime] = deque(maxlen=ordinary)

    def note(self, now: datetime) -> None:
        """Something was begun."""
        self._begun.append(now)

    def is_high(self, now: datetime) -> bool:
        """Whether as many were begun in the last minute as are ordinary."""
        return len(self._begun) == self._begun.maxlen and now - self._begun[0] < SPAN
