"""What is known of one blob's path, gathered by a handful of reads: nothing is listed, however large its folder is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from shared.core.card import Card
from shared.core.explanation import Facts, Taken, is_old, place
from shared.core.location import Location
from shared.core.miss import broken_route
from shared.core.run import Run
from shared.core.snapshot import File, Frozen
from shared.core.spot import Spot, read_spot
from shared.core.tally import opened
from shared.errors import UnknownVersion
from shared.ports import Blobs
from shared.routes import Routes
from shared.work.ledger import Ledger


@dataclass(frozen=True, slots=True)
class _Run:
    """The landing's latest run, and the file as it has it."""

    run: Run | None = None
    frozen: Frozen | None = None
    unreadable: str | None = None


def gather(routes: Routes, blobs: Blobs, ledger: Ledger, path: str | None, now: datetime) -> Facts:
    """All that storage and ledger know of a path. Raises InputRefused for what is no path, and Unavailable."""
    spot = read_spot(path, routes.usable, routes.broken_containers or ())
    file = _stat(blobs, spot)
    found = place(spot, routes.usable, is_blob=file is not None)
    if not isinstance(found, Taken):
        if routes.broken_containers is None or spot.container in routes.broken_containers:
            found = broken_route(routes.problems, found)
        return Facts(spot=spot, found=found, now=now, file=file)
    card = ledger.card(found.landing.key)
    latest = _latest(ledger, card, spot.path[len(found.landing.folder.path) :].lstrip("/"))
    facts = Facts(
        spot=spot,
        found=found,
        now=now,
        file=file,
        card=card,
        run=latest.run,
        unreadable=latest.unreadable,
        frozen=latest.frozen,
        pause=ledger.standing(found.landing.route.name).pause,
    )
    if latest.run is None and is_old(facts):
        return replace(facts, was_there_before=_was_there_before(ledger, found))
    return facts


def _stat(blobs: Blobs, spot: Spot) -> File | None:
    """Only of a container that a route reads: nobody else's is asked with the app's identity."""
    if spot.known is None or spot.is_folder:
        return None
    return blobs.stat(Location(spot.known, spot.path))


def _latest(ledger: Ledger, card: Card | None, name: str) -> _Run:
    if card is None or card.run is None:
        return _Run()
    try:
        run = ledger.run(card.run)
        if run is None:
            return _Run()
        return _Run(run, ledger.snapshot(run.run_id, run.snapshot.drop).named(name))
    except UnknownVersion as error:
        return _Run(unreadable=str(error))


def _was_there_before(ledger: Ledger, taken: Taken) -> bool:
    """Whether the sweep counts the landing as in order, or will when it first sees the route."""
    stored, _ = ledger.tally(taken.landing.route.name)
    return opened(stored, taken.landing.route).is_in_order(taken.landing.path)
