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
"""How long a list is good for. What is decided by it is whose turn it is, never how many slots there are: at worst, a
run that another process has put in line, or taken out of it, since then is not counted, or counted."""

_ORDER = attrgetter("claimed", "run_id")  # pointers themselves are slower to compare


class Lines:
    """The lines of all endpoints, by what their slots are filed under. For several threads: a line that is being listed
    is waited for, and not listed twice."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def waiting(self, filed: str, now: datetime, read: Callable[[], Iterable[Pointer]]) -> Sequence[Pointer]:
        """Who waits in that line, by when they were claimed; `read` lists it, if that was not done within the last
        seconds."""
        line = self._line(filed)
        with line.gate:
            if line.read_at is None or not timedelta() <= now - line.read_at < FRESH:
                line.pointers = sorted(read(), key=_ORDER)
                line.read_at = now
            return list(line.pointers)

    def joined(self, filed: str, pointer: Pointer) -> None:
        """This process has put a run in line."""
        line = self._line(filed)
        with line.gate:
            at = bisect_left(line.pointers, _ORDER(pointer), key=_ORDER)
            if line.pointers[at : at + 1] != [pointer]:
                line.pointers.insert(at, pointer)

    def left(self, filed: str, pointer: Pointer) -> None:
        """This process has taken a run out of the line."""
        line = self._line(filed)
        with line.gate:
            at = bisect_left(line.pointers, _ORDER(pointer), key=_ORDER)
            if line.pointers[at : at + 1] == [pointer]:
                del line.pointers[at]

    def _line(self, filed: str) -> _Line:
        return self._lines.setdefault(filed, _Line())


@dataclass(slots=True)
class _Line:
    read_at: datetime | None = None
    pointers: list[Pointer] = field(default_factory=list)
    gate: threading.Lock = field(default_factory=threading.Lock)
