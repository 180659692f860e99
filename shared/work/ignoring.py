"""What is told of ignored events: one line for each folder and minute, however many of them there are.

Counts are kept in the process until later events, or the sweep, find that their minute is over. A flood costs a look
into a dictionary for each event, and its memory has a bound. What a process has counted when it is stopped is lost. The
first suspicious event of a folder is told of at once, and the minute's others together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.telemetry import log, warn

SPAN = timedelta(minutes=1)
MOST_FOLDERS = 1000
"""Folders, with each reason, that get a line of their own; events of the others share one."""
MOST_SUSPICIOUS = 100
"""The same for suspicious events, which anybody with the key may make up: of their own, so that they hide no others."""
OTHERS = "other folders"
LONGEST_TOLD = 1100
"""Characters of a folder, reason or subject: one of a blob has less, and anybody with the key may send more."""


@dataclass(slots=True)
class _Count:
    reason: str
    example: str
    count: int = 0


@dataclass(slots=True)
class _Counts:
    """How often events of a folder were ignored for a reason."""

    most: int
    of: dict[tuple[str, str], _Count] = field(default_factory=dict)

    def add(self, folder: str, reason: str, example: str) -> None:
        self.of.setdefault(self._key(folder, reason), _Count(reason, example)).count += 1

    def begin(self, folder: str, reason: str, example: str) -> bool:
        """Whether it is the first of a line of its own; then it is not counted."""
        key = self._key(folder, reason)
        is_first = key not in self.of and key[0] != OTHERS
        if is_first:
            self.of[key] = _Count(reason, example)
        return is_first

    def told(self) -> Iterator[dict[str, Any]]:
        """As lines tell it."""
        for (folder, _), one in self.of.items():
            if one.count:
                yield {"folder": folder, "reason": one.reason, "count": one.count, "example": one.example}

    def _key(self, folder: str, reason: str) -> tuple[str, str]:
        key = (folder, reason)
        return key if key in self.of or len(self.of) < self.most else (OTHERS, "")


class IgnoredEvents:
    """Counts what is ignored. Not for threads: the functions that use it run in one event loop."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._plain, self._suspicious = _Counts(MOST_FOLDERS), _Counts(MOST_SUSPICIOUS)

    def add(self, folder: str, reason: str, example: str, now: datetime, *, suspicious: bool) -> None:
        """Count an event; `example` is its subject."""
        self._since = self._since or now
        folder, reason, example = (text[:LONGEST_TOLD] for text in (folder, reason, example))
        if suspicious and self._suspicious.begin(folder, reason, example):
            warn("events.ignored", folder=folder, reason=reason, count=1, example=example)
        else:
            (self._suspicious if suspicious else self._plain).add(folder, reason, example)

    def tell_if_due(self, now: datetime) -> None:
        """Log what was counted if that began a minute ago."""
        if self._since is not None and now - self._since >= SPAN:
            self.tell()

    def tell(self) -> None:
        """Log what was counted, and begin anew."""
        plain, suspicious, self._since = self._plain, self._suspicious, None
        self._plain, self._suspicious = _Counts(MOST_FOLDERS), _Counts(MOST_SUSPICIOUS)
        for told in suspicious.told():
            warn("events.ignored", **told)
        for told in plain.told():
            log("events.ignored", **told)
