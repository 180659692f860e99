"""Finding runs by their pointers, so that what a page costs does not grow with the ledger.

Runs that have ended are found by how they have ended, or by their landing; those under way are few, and all looked at.
Ends that were recorded without pointers, by a version of the app that had none, are caught up with once a day; until
that was done for the first time, runs are found by their days alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

from shared.core.pointer import Pointer, at_the_end, ended, of_landing, pointer_to
from shared.core.run import ENDED, Run, Status
from shared.work.ledger import Ledger, Unreadable

CAUGHT_UP = "ended/through"
"""Says up to which day, inclusive, every run that had ended was found to have its pointers."""
OVERLAP = timedelta(days=7)
"""How long after a run was claimed an older version of the app may record its end."""


def runs_by(
    ledger: Ledger,
    *,
    route: str | None = None,
    status: Status | None = None,
    landings: tuple[str, ...] = (),
    since: datetime | None = None,
    before: Pointer | None = None,
) -> Iterator[Run] | Iterator[Run | Unreadable]:
    """Runs from the newest to the oldest claimed, lazily, among them all that are asked for. `landings`: paths that the
    landing may have. A page of n runs costs about n reads; where landings or a status under way are asked for, one
    more for each run under way."""

    def is_wanted(pointer: Pointer) -> bool:
        return route in (None, pointer.route)

    if not (landings or status) or ledger.note(CAUGHT_UP) is None:
        return ledger.newest(since=since, before=before, keep=is_wanted)
    roots = [of_landing(path) for path in landings] or ([ended(status)] if status in ENDED else [])
    lines = [_readable(ledger.newest(since=since, before=before, keep=is_wanted, root=root)) for root in roots]
    if status not in ENDED:
        # Looked at first: what ends after that is found here, and what has ended before has its pointers.
        lines.insert(0, _under_way(ledger, is_wanted, since, before))
    return _once(heapq.merge(*lines, key=pointer_to, reverse=True))


def catch_up(ledger: Ledger, now: datetime) -> int:
    """Write the pointers that are missing; how many runs had none. Does nothing if it has been done today.

    Two at once: both write the same.
    """
    today = f"{now.astimezone(UTC):%Y-%m-%d}"
    through = ledger.note(CAUGHT_UP)
    if through == today:
        return 0
    since = _beginning_of(through) - OVERLAP if through is not None else None
    known = {name for status in ENDED for name in ledger.pointers(ended(status), since=since)}
    missing = [
        run
        for run in ledger.newest(since=since, keep=lambda pointer: pointer not in known)
        if isinstance(run, Run) and run.has_ended
    ]
    for run in missing:
        for pointer in at_the_end(run):
            ledger.point(pointer)
    ledger.make_note(CAUGHT_UP, today)
    return len(missing)


def _beginning_of(day: str) -> datetime:
    """What is no day is as good as the first one: then all runs are gone through."""
    try:
        return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    except ValueError:
        return datetime(2000, 1, 1, tzinfo=UTC)


def _under_way(
    ledger: Ledger, is_wanted: Callable[[Pointer], bool], since: datetime | None, before: Pointer | None
) -> Iterator[Run]:
    runs = [run for run in _readable(ledger.open()) if is_wanted(pointer_to(run))]
    for run in sorted(runs, key=pointer_to, reverse=True):
        is_in_time = since is None or run.timings.claimed >= since
        if is_in_time and (before is None or pointer_to(run) < before):
            yield run


def _readable(runs: Iterator[Run | Unreadable]) -> Iterator[Run]:
    return (run for run in runs if isinstance(run, Run))


def _once(runs: Iterator[Run]) -> Iterator[Run]:
    """A run that ends meanwhile is found twice."""
    seen = set[str]()
    for run in runs:
        if run.run_id not in seen:
            seen.add(run.run_id)
            yield run
