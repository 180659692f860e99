"""What the sweep looks for: content that the ledger does not know, and runs that have not ended.

Listings of a route say what is there, its tally what of that is in order (shared/core/tally.py), and the ledger is
asked of the rest. All accounts are treated alike: on those without a hierarchy the tally saves the reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from itertools import count

from shared.core.course import resumed
from shared.core.identity import run_id
from shared.core.landing import Landing
from shared.core.route import Route
from shared.core.run import Run, may_run_again
from shared.core.tally import (
    BEGINNING,
    NOTHING,
    SWEEPS_APART,
    Entries,
    Judgement,
    Sight,
    Stretch,
    Tally,
    closed,
    counted_now,
    judge,
    opened,
    place_of,
)
from shared.errors import LandfallError, UnknownVersion
from shared.ports import BatchEndpoint, Blobs
from shared.routes import Routes
from shared.telemetry import error
from shared.threads import each
from shared.work.discovering import discovered
from shared.work.ledger import READS_AT_ONCE, Ledger
from shared.work.surveying import Found, survey_on
from shared.work.twins import by_endpoint, cancel_those_of

LONGEST_SURVEY = timedelta(minutes=4)
"""How long one sweep surveys, all routes together; functions have ten minutes. What it does not come to is the next
one's."""


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


def missed(
    routes: Routes, blobs: Blobs, ledger: Ledger, clock: Callable[[], datetime], *, only: str | None = None
) -> list[Landing]:
    """Landings with new content that has no run, or may have another: of all routes, or of that one `only`, which is
    surveyed whole, and nothing of it is left to events. A route whose storage does not answer does not keep the others
    from being swept. Of a paused route only those landings are missed that have no card yet: a look makes one, so that
    it is known what waits.

    Two at once: both find the same, and the tally of one of them stays.
    """
    found: list[Landing] = []
    now = clock()
    watched = [route for route in routes.usable if route.is_watched and only in (None, route.name)]
    for route in in_turn(watched, now):
        patience = _Patience(clock, now + LONGEST_SURVEY, is_whole=only is not None)
        try:
            swept = _sweep(route, routes.usable, blobs, ledger, now, patience)
            found += swept.missed if ledger.standing(route.name).pause is None else _unseen(ledger, swept.missed)
            if swept.tally is not None:
                ledger.keep_tally(route.name, swept.tally, etag=swept.etag)
        except LandfallError as trouble:
            error("sweep.failed", route=route.name, message=str(trouble))
    return found


def in_turn(routes: Sequence[Route], now: datetime) -> list[Route]:
    """The routes, each time with another one first: the last one is the one that may have no time left."""
    if not routes:
        return []
    first = int(now.timestamp() // SWEEPS_APART.total_seconds()) % len(routes)
    return [*routes[first:], *routes[:first]]


@dataclass(frozen=True, slots=True)
class _Patience:
    """Says how far a route is surveyed. `is_whole`: to its end, however long that takes."""

    clock: Callable[[], datetime]
    until: datetime
    is_whole: bool

    def for_more_than(self, due: int) -> Callable[[int], bool]:
        return lambda pages: self.is_whole or (pages < due and self.clock() < self.until)


def _unseen(ledger: Ledger, landings: Sequence[Landing]) -> list[Landing]:
    cards = each(lambda landing: ledger.card(landing.key), landings, at_once=READS_AT_ONCE)
    return [landing for landing, card in zip(landings, cards, strict=True) if card is None]


@dataclass(frozen=True, slots=True)
class _Swept:
    """What was found of one route. `tally`: what it is from now on, to be kept over the version `etag`; None: as it
    was."""

    missed: list[Landing]
    tally: Tally | None
    etag: str | None


def _sweep(
    route: Route, routes: Sequence[Route], blobs: Blobs, ledger: Ledger, now: datetime, patience: _Patience
) -> _Swept:
    """Survey a stretch of the route, and what of the rest is new by its name. The ledger is asked of those landings
    only that are not in the tally as they are: one read for each, mostly."""
    stored, etag = ledger.tally(route.name)
    book = opened(stored, route)
    judged = _Judged(book.entries, now, at_once=patience.is_whole)
    come_to = BEGINNING
    begun = BEGINNING if patience.is_whole else book.stretch
    for found in survey_on(route, routes, blobs, begun, patience.for_more_than(book.pages_due(route))):
        if isinstance(found, Stretch):
            come_to = found
        else:
            judged.add(found.landing.path, found)
    if book.entries is not None and not (come_to.is_whole and begun == BEGINNING):
        for path, known in discovered(route, routes, blobs, is_known=lambda path: book.has(path) or judged.has(path)):
            judged.add(path, known)
    told = each(lambda one: history(ledger, *one), judged.asked, at_once=READS_AT_ONCE)
    after = replace(book, stretch=begun).with_more(judged.entries(told), come_to)
    missed = [one[0] for one, answer in zip(judged.asked, told, strict=True) if answer is History.NONE]
    missed += _unseen(ledger, judged.too_large)
    tally = closed(after, route)
    return _Swept(missed, None if tally == stored else tally, etag)


class _Judged:
    """What a sweep makes of the landings that it sees."""

    def __init__(self, before: Entries | None, now: datetime, *, at_once: bool) -> None:
        self._before, self._now, self._at_once = before, now, at_once
        self._entries = dict[bytes, bytes | None]()
        self._sights = list[Sight]()
        self.asked = list[tuple[Landing, str, str]]()
        """Each with its fingerprint and its drop: the ledger says whether it has had its run."""
        self.too_large = list[Landing]()
        """Of these not all was listed, so no fingerprint says what they hold: a look refuses them, once."""

    def add(self, path: str, found: Found | None) -> None:
        """What was found at a path; None: nothing that is a landing."""
        if found is None or not found.has_something:
            self._entries[place_of(path)] = NOTHING
            return
        if found.snapshot.is_cut:
            self.too_large.append(found.landing)
            self._entries[place_of(path)] = NOTHING
            return
        drop = found.snapshot.drop
        sight = Sight(path=path, drop=drop, files=found.files, newest=found.newest)
        judgement = judge(sight, self._before, self._now, at_once=self._at_once)
        self._count(sight, is_in_order=judgement is Judgement.COUNT)
        if judgement is Judgement.ASK:
            self._sights.append(sight)
            self.asked.append((found.landing, found.snapshot.fingerprint, drop))

    def has(self, path: str) -> bool:
        return place_of(path) in self._entries

    def entries(self, told: Sequence[History]) -> Mapping[bytes, bytes | None]:
        """What the tally has of them from now on; `told`: what the ledger said of those that were asked for."""
        for sight, answer in zip(self._sights, told, strict=True):
            self._count(sight, is_in_order=answer is History.ENDED)
        return self._entries

    def _count(self, sight: Sight, *, is_in_order: bool) -> None:
        self._entries[place_of(sight.path)] = counted_now(sight, self._before, is_in_order=is_in_order)


class History(Enum):
    """What the ledger has of some content."""

    NONE = "none"
    """It has had no run, or may have another."""
    OPEN = "open"
    """It has a run that has not ended, or that another version has to see to."""
    ENDED = "ended"


def history(ledger: Ledger, landing: Landing, fingerprint: str, drop: str) -> History:
    """What the ledger has of that content of that landing. Costs one read, mostly."""
    for number in count():
        try:
            run = ledger.run(run_id(landing.route.name, landing.location, fingerprint, number))
        except UnknownVersion:
            return History.OPEN  # it has a run; what becomes of it is for the program that can read it
        if run is None:
            return History.NONE
        if not may_run_again(run, drop):
            return History.ENDED if run.has_ended else History.OPEN
    raise AssertionError("count() never ends")
