"""What the sweep looks for: content that the ledger does not know, and runs that have not ended.

The listing of a route says what is there, its tally what of that is in order (shared/core/tally.py), and the ledger is
asked of the rest. All accounts are treated alike: on those without a hierarchy the tally saves the reads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from itertools import count

from shared.core.course import resumed
from shared.core.landing import Landing
from shared.core.location import Location, fixed_prefix
from shared.core.nesting import LOOKED_THROUGH
from shared.core.route import Route
from shared.core.run import Run, may_run_again, run_id
from shared.core.snapshot import File
from shared.core.tally import Judgement, Sight, Tally, counted_now, entries_in, judge, place_of, tally_of
from shared.errors import LandfallError, UnknownVersion
from shared.ports import BatchEndpoint, Blobs
from shared.routes import Routes
from shared.telemetry import error
from shared.threads import each
from shared.work.ledger import READS_AT_ONCE, Ledger
from shared.work.twins import by_endpoint, cancel_those_of


@dataclass(frozen=True, slots=True)
class Left:
    """What the ledger says is not over: `open` runs, as they are to be carried on if nobody does, and `ended` ones of
    which jobs may still turn up."""

    open: tuple[Run, ...]
    ended: tuple[Run, ...]


def left_over(ledger: Ledger, now: datetime) -> Left:
    """What is not over. A record that cannot be read is reported once, and left as it is."""
    going, ended = [], []
    for run in ledger.unfinished(now):
        if not isinstance(run, Run):
            if ledger.report_once(run):
                error("run.unreadable", run_id=run.run_id, message=run.reason)
        elif run.has_ended:
            ended.append(run)
        else:
            going.append(run)
    return Left(tuple(going), tuple(ended))


def as_it_is_now(ledger: Ledger, run_id: str, now: datetime) -> Run | None:
    """A run that nobody carries out, as it is to be taken up; None if it has ended since it was found.

    It has to be read after it was seen that nobody does: whoever did may have ended it in between.
    """
    run = ledger.run(run_id)
    return None if run is None or run.has_ended else resumed(run, now)


def cancel_late_jobs(endpoint: BatchEndpoint, ledger: Ledger, ended: Iterable[Run], now: datetime) -> None:
    """Cancel jobs that turned up for abandoned attempts after their run had ended: one list of each endpoint's jobs,
    and trouble with one keeps no other from being asked."""
    runs = list(ended)
    own = {name for run in runs for name in run.own_jobs}
    for scoring_uri, abandoned in by_endpoint({sent: run.names for run in runs for sent in run.abandoned}).items():
        try:
            cancel_those_of(endpoint, ledger, abandoned, now, own=own)
        except Exception as trouble:
            error("sweep.failed", endpoint=scoring_uri, message=f"{type(trouble).__name__}: {trouble}")


def missed(routes: Routes, blobs: Blobs, ledger: Ledger, now: datetime) -> list[Landing]:
    """Landings with new content that has no run, or may have another. A route whose storage does not answer does not
    keep the others from being swept.

    Two at once: both find the same, and the tally of one of them stays.
    """
    found: list[Landing] = []
    for route in routes.usable:
        if not route.is_watched:
            continue
        try:
            swept = _sweep(route, routes.usable, blobs, ledger, now)
            found += swept.missed
            if swept.tally is not None:
                ledger.keep_tally(route.name, swept.tally, etag=swept.etag)
        except LandfallError as trouble:
            error("sweep.failed", route=route.name, message=str(trouble))
    return found


@dataclass(frozen=True, slots=True)
class _Swept:
    """What was found of one route. `tally`: what it is from now on, to be kept over the version `etag`; None: as it
    was."""

    missed: list[Landing]
    tally: Tally | None
    etag: str | None


def _sweep(route: Route, routes: Sequence[Route], blobs: Blobs, ledger: Ledger, now: datetime) -> _Swept:
    """The ledger is asked of those landings only that are not in the tally as they are: one read for each, mostly."""
    stored, etag = ledger.tally(route.name)
    before = entries_in(stored, route)
    seen = [(landing, sight, judge(sight, before, now)) for landing, sight in _sights(route, routes, blobs)]
    asked = [(landing, sight) for landing, sight, judgement in seen if judgement is Judgement.ASK]
    told = each(lambda one: _history(one[0], one[1], ledger), asked, at_once=READS_AT_ONCE)
    histories = {landing.path: history for (landing, _), history in zip(asked, told, strict=True)}
    entries = {}
    for _, sight, judgement in seen:
        is_in_order = judgement is Judgement.COUNT or histories.get(sight.path) is _History.ENDED
        if (entry := counted_now(sight, before, is_in_order=is_in_order)) is not None:
            entries[place_of(sight.path)] = entry
    missed = [landing for landing, _ in asked if histories[landing.path] is _History.NONE]
    return _Swept(missed, None if entries == before else tally_of(route, entries), etag)


def _sights(route: Route, routes: Sequence[Route], blobs: Blobs) -> Iterator[tuple[Landing, Sight]]:
    for landing, found in _landings(route, blobs):
        snapshot = landing.freeze(found.files, found.below, routes)
        if snapshot.files or snapshot.strays:  # else there is a marker alone: nothing to score
            counted = [*found.files, *(file for file in snapshot.files if "/" in file.name), *snapshot.strays]
            sight = Sight(
                path=landing.path,
                fingerprint=snapshot.fingerprint,
                drop=snapshot.drop,
                files=len(counted),
                newest=max(file.modified for file in counted),
            )
            yield landing, sight


@dataclass(slots=True)
class _Pile:
    """What was listed of a landing: its files and marker, what is `below` it that it wants, and how many names it has
    in sub-folders."""

    files: list[File] = field(default_factory=list)
    below: list[File] = field(default_factory=list)
    names_below: int = 0


def _landings(route: Route, blobs: Blobs) -> Iterator[tuple[Landing, _Pile]]:
    above = fixed_prefix(route.folder).rpartition("/")[0]
    found: dict[str, _Pile] = defaultdict(_Pile)
    for file in blobs.list_below(Location(route.landing, above)):
        path = f"{above}/{file.name}".lstrip("/")
        folder = path.rpartition("/")[0]
        if (home := route.home_of(folder)) is None:
            continue
        landing = route.landing_of(path)
        if folder == home and landing is not None:
            found[landing].files.append(replace(file, name=path[len(home) + 1 :]))
        elif folder != home:
            pile = found[home]
            pile.names_below += 1
            # As many as a look goes through, so that both see the same.
            if landing is not None and (route.nested == "flatten" or pile.names_below <= LOOKED_THROUGH):
                pile.below.append(replace(file, name=path[len(home) + 1 :]))
    return ((Landing(route, path), pile) for path, pile in found.items())


class _History(Enum):
    """What the ledger has of some content."""

    NONE = "none"
    """It has had no run, or may have another."""
    OPEN = "open"
    """It has a run that has not ended, or that another version has to see to."""
    ENDED = "ended"


def _history(landing: Landing, sight: Sight, ledger: Ledger) -> _History:
    for number in count():
        try:
            run = ledger.run(run_id(landing.route.name, landing.location, sight.fingerprint, number))
        except UnknownVersion:
            return _History.OPEN  # it has a run; what becomes of it is for the program that can read it
        if run is None:
            return _History.NONE
        if not may_run_again(run, sight.drop):
            return _History.ENDED if run.has_ended else _History.OPEN
    raise AssertionError("count() never ends")
