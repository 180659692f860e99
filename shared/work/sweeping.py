"""What the sweep looks for: content that the ledger does not know, and runs that have not ended.

The listing of a route says what is there, its tally what of that is in order (shared/core/tally.py), and the ledger is
asked of the rest. All accounts are treated alike: on those without a hierarchy the tally saves the reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import count

from shared.core.course import resumed
from shared.core.identity import run_id
from shared.core.landing import Landing
from shared.core.route import Route
from shared.core.run import Run, may_run_again
from shared.core.tally import Judgement, Sight, Tally, counted_now, entries_in, judge, place_of, tally_of
from shared.errors import LandfallError, UnknownVersion
from shared.ports import BatchEndpoint, Blobs
from shared.routes import Routes
from shared.telemetry import error
from shared.threads import each
from shared.work.ledger import READS_AT_ONCE, Ledger
from shared.work.surveying import survey
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


def missed(routes: Routes, blobs: Blobs, ledger: Ledger, now: datetime, *, only: str | None = None) -> list[Landing]:
    """Landings with new content that has no run, or may have another: of all routes, or of that one `only`. A route
    whose storage does not answer does not keep the others from being swept. Of a paused route only those landings are
    missed that have no card yet: a look makes one, so that it is known what waits.

    Two at once: both find the same, and the tally of one of them stays.
    """
    found: list[Landing] = []
    for route in routes.usable:
        if not route.is_watched or only not in (None, route.name):
            continue
        try:
            swept = _sweep(route, routes.usable, blobs, ledger, now)
            found += swept.missed if ledger.standing(route.name).pause is None else _unseen(ledger, swept.missed)
            if swept.tally is not None:
                ledger.keep_tally(route.name, swept.tally, etag=swept.etag)
        except LandfallError as trouble:
            error("sweep.failed", route=route.name, message=str(trouble))
    return found


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


def _sweep(route: Route, routes: Sequence[Route], blobs: Blobs, ledger: Ledger, now: datetime) -> _Swept:
    """The ledger is asked of those landings only that are not in the tally as they are: one read for each, mostly."""
    stored, etag = ledger.tally(route.name)
    before = entries_in(stored, route)
    asked, in_order = list[tuple[Landing, Sight]](), list[tuple[Sight, bool]]()
    for landing, sight in _sights(route, routes, blobs):
        judgement = judge(sight, before, now)
        if judgement is Judgement.ASK:
            asked.append((landing, sight))
        else:
            in_order.append((sight, judgement is Judgement.COUNT))
    told = each(lambda one: history(ledger, one[0], one[1].fingerprint, one[1].drop), asked, at_once=READS_AT_ONCE)
    in_order += [(sight, answer is History.ENDED) for (_, sight), answer in zip(asked, told, strict=True)]
    entries = {
        place_of(sight.path): entry
        for sight, is_in_order in in_order
        if (entry := counted_now(sight, before, is_in_order=is_in_order)) is not None
    }
    missed = [landing for (landing, _), answer in zip(asked, told, strict=True) if answer is History.NONE]
    return _Swept(missed, None if entries == before else tally_of(route, entries), etag)


def _sights(route: Route, routes: Sequence[Route], blobs: Blobs) -> Iterator[tuple[Landing, Sight]]:
    for found in survey(route, routes, blobs):
        snapshot = found.snapshot
        yield (
            found.landing,
            Sight(
                path=found.landing.path,
                fingerprint=snapshot.fingerprint,
                drop=snapshot.drop,
                files=found.files,
                newest=found.newest,
            ),
        )


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
