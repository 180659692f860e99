"""Claiming a run for whoever asks for it.

What a watcher's claim is to an event, this is to a request, but nobody waits for the landing to be complete. The run
is entered in the ledger before it is started, like any other, so that the sweep takes it up where nobody starts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import count
from typing import Any

from shared.core.changes import Changes, Requested, changed
from shared.core.landing import Landing
from shared.core.pause import told_of
from shared.core.record import Names, change, dump
from shared.core.request import Asked, Granted, Promise, Refusal, Refused, landing_asked
from shared.core.route import JobSettings, Route
from shared.core.run import Run, Timings, may_run_again
from shared.core.snapshot import Frozen, Snapshot
from shared.core.steps import ClaimRun
from shared.errors import InputRefused, LedgerDamaged, RoutesInvalid
from shared.ports import Blobs
from shared.routes import Routes, settings_in
from shared.telemetry import log
from shared.work import claiming
from shared.work.ledger import Ledger


def grant(routes: Callable[[], Routes], blobs: Blobs, ledger: Ledger, asked: Asked, now: datetime) -> Granted | Refused:
    """Freeze the landing and claim its run for a request, unless its content has had one.

    A request that is repeated gets the run that it was promised, whatever has become of the landing or the routes, and
    whoever was stopped where: the promise is kept before the claim, and completed by whoever finds it.

    Two at once: of the same request, the first promise counts, and both claim the same; of two requests for the same
    content, the ledger enters its run once.
    """
    promise = ledger.promise(asked.key) if asked.is_repeatable else None
    if promise is None:
        found = _found(routes, blobs, ledger, asked)
        if isinstance(found, Refused):
            return found
        landing, snapshot, changes = found
        files = snapshot.listed()
        promise = _promise(ledger, landing, snapshot, asked, changes, now)
        if not asked.is_repeatable:
            return _claimed(ledger, promise, asked, now, files)
        promise = ledger.keep_promise(asked.key, promise, files)
    if promise.asked != asked.request.digest:
        told = "This id belongs to another request, which asked for something else. Send a new id."
        return Refused(Refusal.OTHER_BODY, told)
    return _claimed(ledger, promise, asked, now)


def _found(
    routes: Callable[[], Routes], blobs: Blobs, ledger: Ledger, asked: Asked
) -> tuple[Landing, Snapshot, Changes | None] | Refused:
    """What is to be scored, and what is different from its route."""
    try:
        known = routes()
        route = route_named(known, asked.request.route)
        if isinstance(route, Refused):
            return route
        if pause := ledger.standing(route.name).pause:
            return Refused(Refusal.PAUSED, told_of(route.name, pause))
        changes = _changes(asked)
        landing = landing_asked(changed(route, changes), asked.request.landing)
    except RoutesInvalid as problems:
        return Refused(Refusal.BROKEN_ROUTE, str(problems))
    except InputRefused as refused:
        return Refused(Refusal.NOT_ALLOWED, str(refused))
    if isinstance(landing, Refused):
        return landing
    try:
        snapshot, _ = claiming.seen(known, blobs, landing)
    except RoutesInvalid as problems:
        return Refused(Refusal.BROKEN_ROUTE, str(problems))
    if snapshot.files or snapshot.strays:
        return landing, snapshot, changes
    told = f"{landing.location.url} holds no files that route {route.name!r} scores. Upload them first."
    return Refused(Refusal.EMPTY, told)


def route_named(known: Routes, name: str) -> Route | Refused:
    """The route that somebody means."""
    for route in known.usable:
        if route.name == name:
            return route
    if broken := [str(problem) for problem in known.problems if problem.route == name]:
        return Refused(Refusal.BROKEN_ROUTE, f"The route cannot be used: {'; '.join(broken)}")
    there = ", ".join(route.name for route in known.usable)
    return Refused(Refusal.UNKNOWN_ROUTE, f"There is no route {name[:80]!r}; there are {there}.")


def _changes(asked: Asked) -> Changes | None:
    settings = settings_in(asked.request.settings)
    changes = Changes(settings=settings if settings != JobSettings() else None, inputs=asked.request.inputs)
    return changes if changes != Changes() else None


def _promise(
    ledger: Ledger, landing: Landing, snapshot: Snapshot, asked: Asked, changes: Changes | None, now: datetime
) -> Promise:
    """The run that the content has had; or the next one, as it is to be claimed."""
    names = Names(route=landing.route.name, landing=landing.path, instance_id=asked.claimer)
    given = ClaimRun(names=names, fingerprint=snapshot.fingerprint, refusal=None, copies=False, now=now)
    variant = [
        *([f"changes {changes.identity}"] if changes else []),
        *([f"again {asked.key}"] if asked.request.again else []),
    ]
    request = Requested(by=asked.by, changes=changes)
    objection = claiming.too_many_today(ledger, landing, now)
    for number in count():
        run = claiming.new_run(landing, snapshot, given, number, *variant, request=request, objection=objection)
        known = ledger.run(run.run_id)
        if known is None:
            shadow = claiming.shadow_for(landing, snapshot, run)
            claims = (run,) if shadow is None else (run, shadow)
            return Promise(asked=asked.request.digest, run_id=run.run_id, claims=claims)
        if not may_run_again(known, snapshot.drop):
            return Promise(asked=asked.request.digest, run_id=run.run_id)
    raise AssertionError("count() never ends")


def _claimed(
    ledger: Ledger, promise: Promise, asked: Asked, now: datetime, files: Iterable[Frozen] | None = None
) -> Granted:
    """The promised run as the ledger has it, claimed now unless it has been."""
    run = known = ledger.run(promise.run_id)
    shadow = None
    if promise.claims and (known is None or claiming.is_unbegun_request(known)):
        # The time of the promise may be long ago, if whoever made it was stopped.
        fresh = {"timings": Timings(claimed=now), "updated": now, "since": now}
        own, *shadows = (change(one, **fresh) for one in promise.claims)
        files = files or ledger.snapshot(own.run_id, own.snapshot.drop)
        known = ledger.claim(own, files)
        run = known or own
        if known is None:
            log("run.claimed", **_names(own, own.claimed_by), **claiming.size_of(own.snapshot))
            claiming.note_run(ledger, own)
        shadow = next((claiming.claim_shadow(ledger, one, files) for one in shadows), None)
    if run is None:
        raise LedgerDamaged(f"The ledger has no record of run {promise.run_id}; was it deleted?")
    log("run.requested", **_names(run, asked.claimer), status=run.status, is_new=known is None, by=asked.by)
    begin = tuple(one for one in (run, shadow) if one is not None and claiming.is_unbegun_request(one))
    return Granted(run=run, begin=begin)


def _names(run: Run, instance_id: str) -> dict[str, Any]:
    return {**dump(run.names), "instance_id": instance_id}
