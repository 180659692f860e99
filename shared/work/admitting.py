"""Slots of endpoints (shared/core/slots.py): taking one, or a place in line, and giving them back.

slots/<digest>.json    who has a slot at an endpoint, by the digest of its scoring URI
line/<digest>/…        a pointer to each run that waits for one (shared/core/pointer.py)

The document is changed over the version that was read, so there are never more slots than there may be. Slot and place
are given back by the step that records that the run needs them no more; what a run leaves behind whose record says that
it has ended, the sweep clears away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from shared.core.acts import Withdrawn
from shared.core.location import Location
from shared.core.pointer import Pointer
from shared.core.record import dump, from_json, to_json
from shared.core.route import UNLIMITED, Route
from shared.core.run import Progress
from shared.core.slots import Admitted, InLine, Slots, TakeSlot, age_of, most_at, place_in, slots_of, told_of
from shared.core.steps import SlotAnswer
from shared.errors import InputRefused, RoutesInvalid, Unavailable, UnknownVersion
from shared.ports import BatchEndpoint
from shared.routes import Routes
from shared.telemetry import log, warn
from shared.work.ledger import Ledger

TRIES = 8
"""How often the document of an endpoint may change under a call before that counts as trouble."""
JUST_CLAIMED = timedelta(hours=1)
"""A run without a record may be one that is being claimed."""


def take_slot(
    routes: Callable[[], Routes], endpoint: BatchEndpoint, ledger: Ledger, given: TakeSlot, now: datetime
) -> SlotAnswer:
    """Take a slot of the endpoint for a run whose turn it is, else a place in line.

    The limits are those of the routes as they are now; a route that is gone or cannot be read has none, and neither
    has a cluster whose size is not known.

    Two at once: a run has one slot and one place in line, whoever takes them.
    """
    own, filed = Pointer(given.claimed, given.names.run), slots_of(given.endpoint)
    if given.before not in (None, filed):
        _leave(ledger, str(given.before), own, now)  # its route names another endpoint now
    known = ledger.run(own.run_id)
    if known is not None and known.cancel is not None:
        return Withdrawn(known.cancel)
    known_routes = _usable(routes)
    limits = next((route.limits for route in known_routes if route.name == given.names.route), UNLIMITED)
    deployed = endpoint.deployment(given.endpoint)
    nodes, instances = (None, 1) if deployed is None else (deployed.nodes, deployed.instances)
    most = most_at(limits, nodes, instances, given.settings)
    of_routes = {one.name: one.limits.active_runs for one in known_routes if one.limits.active_runs is not None}
    if most is None and limits.active_runs is None:
        _admitted(ledger, given, filed, own)
        return Admitted()
    for _ in range(TRIES):
        slots, etag = _stored(ledger, filed, given.endpoint.scoring_uri)
        is_admitted = slots.has(own.run_id)
        place = None if is_admitted else place_in(_waiting(ledger, filed, now), own, slots.holders, most, of_routes)
        if place is not None:
            if given.before != filed:
                ledger.point(f"{_line(filed)}{own.name}")
                ledger.lines.joined(filed, own)
                log("run.in_line", **dump(given.names), ahead=place.ahead, of=place.of, most=place.most)
            age = age_of(slots, place, given.names.route, now)
            told = told_of(place, given.names.route, given.endpoint.scoring_uri)
            return InLine(filed, place.ahead, place.most, age, told)
        if is_admitted or _replaced(ledger, filed, slots.taken_by(own.run_id, now), etag):
            _admitted(ledger, given, filed, own)
            return Admitted(filed)
    raise Unavailable(f"Could not take a slot of {given.endpoint.scoring_uri}: others keep taking theirs.")


def give_back(ledger: Ledger, run_id: str, progress: Progress) -> None:
    """Give back the slot, or the place in line, of a run that needs it no more.

    Two at once: what is given back already stays so.
    """
    if progress.slot is not None:
        _leave(ledger, progress.slot, Pointer(progress.timings.claimed, run_id), progress.updated)


def clear(ledger: Ledger, under_way: Collection[str], now: datetime) -> None:
    """Give back what ended runs have left behind. `under_way`: the runs that have not ended."""

    def is_left(run_id: str, since: datetime) -> bool:
        if run_id in under_way:
            return False
        try:
            run = ledger.run(run_id)
        except UnknownVersion:
            return False  # that is for the program that can read it
        return now - since > JUST_CLAIMED if run is None else run.has_ended

    for filed in (name.removesuffix(".json") for name in ledger.names("slots/")):
        slots, _ = _stored(ledger, filed, "")
        for holder in slots.holders:
            if is_left(holder.run_id, holder.since):
                _free(ledger, filed, holder.run_id, now)
    for filed in ledger.names("line/", folders=True):
        for one in list(ledger.pointers(_line(filed))):
            if is_left(one.run_id, one.claimed):
                _leave_line(ledger, filed, one)


def _usable(routes: Callable[[], Routes]) -> Sequence[Route]:
    try:
        return routes().usable
    except RoutesInvalid:
        return ()


def _admitted(ledger: Ledger, given: TakeSlot, filed: str, own: Pointer) -> None:
    if given.before is not None:  # most runs were never in line
        _leave_line(ledger, filed, own)


def _leave(ledger: Ledger, filed: str, own: Pointer, now: datetime) -> None:
    _leave_line(ledger, filed, own)
    _free(ledger, filed, own.run_id, now)


def _free(ledger: Ledger, filed: str, run_id: str, now: datetime) -> None:
    for _ in range(TRIES):
        slots, etag = _stored(ledger, filed, "")
        if not slots.has(run_id) or _replaced(ledger, filed, slots.without(run_id, now), etag):
            return
    raise Unavailable(f"Could not give back the slot of run {run_id}: others keep taking theirs.")


def _waiting(ledger: Ledger, filed: str, now: datetime) -> Sequence[Pointer]:
    return ledger.lines.waiting(filed, now, lambda: ledger.pointers(_line(filed)))


def _leave_line(ledger: Ledger, filed: str, own: Pointer) -> None:
    ledger.blobs.delete(Location(ledger.container, f"{_line(filed)}{own.name}"))
    ledger.lines.left(filed, own)


def _line(filed: str) -> str:
    return f"line/{filed}/"


def _stored(ledger: Ledger, filed: str, endpoint: str) -> tuple[Slots, str | None]:
    """Who has a slot, and the version to replace. A document that cannot be read counts as one without holders, and is
    replaced: at worst more jobs than there is room for wait at the endpoint itself."""
    stored = ledger.blobs.read(_document(ledger, filed))
    if stored is None:
        return Slots(endpoint), None
    try:
        return from_json(Slots, stored.content), stored.etag
    except InputRefused as unreadable:
        warn("slots.unreadable", document=_document(ledger, filed).url, message=str(unreadable))
        return Slots(endpoint), stored.etag


def _replaced(ledger: Ledger, filed: str, slots: Slots, etag: str | None) -> bool:
    blob, content = _document(ledger, filed), to_json(slots)
    return ledger.blobs.create(blob, content) if etag is None else ledger.blobs.replace(blob, content, etag=etag)


def _document(ledger: Ledger, filed: str) -> Location:
    return Location(ledger.container, f"slots/{filed}.json")
