"""Who waits in line at an endpoint, as this process has listed it last.

Listing a line takes a request and a fifth of a second of processor time for 5 000 runs. If each of them listed it when
it joins, and whenever it asks, a burst of landings would cost the square of their number.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter

from shared.core.pointer import Pointer

FRESH = timedelta(seconds=5)
FRESH_FOR_EACH = timedelta(milliseconds=2)
"""How long a list is good for, and for how long more by each that waits, so that listing takes a tenth of the time at
the most. What is decided by it is whose turn it is, never how many slots there are: at worst, a run that another
process has put in line, or taken out of it, since then is not counted, or counted."""

_ORDER = attrgetter("claimed", "run_id")  # pointers themselves are slower to compare


class Lines:
    """The lines of all endpoints, by what their slots are filed under. For several threads: while one of them lists a
    line, the others go by the list before; only for the first list of all they wait."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def waiting(self, filed: str, now: datetime, read: Callable[[], Iterable[Pointer]]) -> Sequence[Pointer]:
        """Who waits in that line, by when they were claimed; `read` lists it, if that was not done within the last
        seconds."""
        line = self._line(filed)
        if not line.is_fresh(now) and line.reading.acquire(blocking=line.read_at is None):
            try:
                if not line.is_fresh(now):
                    with line.gate:
                        line.missed = []
                    found = sorted(read(), key=_ORDER)
                    with line.gate:
                        line.pointers, line.read_at = found, now
                        for change, pointer in line.missed:
                            change(line, pointer)
            finally:
                line.reading.release()
        with line.gate:
            return list(line.pointers)

    def joined(self, filed: str, pointer: Pointer) -> None:
        """This process has put a run in line."""
        self._line(filed).note(_Line.add, pointer)

    def left(self, filed: str, pointer: Pointer) -> None:
        """This process has taken a run out of the line."""
        self._line(filed).note(_Line.remove, pointer)

    def _line(self, filed: str) -> _Line:
        return self._lines.setdefault(filed, _Line())


@dataclass(slots=True)
class _Line:
    """`missed`: what has come and gone while a list is being read, which may not have it."""

    read_at: datetime | None = None
    pointers: list[Pointer] = field(default_factory=list)
    missed: list[tuple[Callable[[_Line, Pointer], None], Pointer]] = field(default_factory=list)
    gate: threading.Lock = field(default_factory=threading.Lock)
    reading: threading.Lock = field(default_factory=threading.Lock)

    def is_fresh(self, now: datetime) -> bool:
        good_for = FRESH + len(self.pointers) * FRESH_FOR_EACH
        return self.read_at is not None and timedelta() <= now - self.read_at < good_for

    def note(self, change: Callable[[_Line, Pointer], None], pointer: Pointer) -> None:
        with self.gate:
            change(self, pointer)
            if self.reading.locked():
                self.missed.append((change, pointer))

    def add(self, pointer: Pointer) -> None:
        at = self._place(pointer)
        if self.pointers[at : at + 1] != [pointer]:
            self.pointers.insert(at, pointer)

    def remove(self, pointer: Pointer) -> None:
        at = self._place(pointer)
        if self.pointers[at : at + 1] == [pointer]:
            del self.pointers[at]

    def _place(self, pointer: Pointer) -> int:
        return bisect_left(self.pointers, _ORDER(pointer), key=_ORDER)
