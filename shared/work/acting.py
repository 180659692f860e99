"""What people do to runs: end them, and have their content scored once more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from shared.core.acts import Cancel, Repeats, Repetition
from shared.core.changes import Requested, changed
from shared.core.identity import REPEATABLE, repetition_id, repetition_of
from shared.core.landing import Landing
from shared.core.record import Names, dump
from shared.core.request import Granted, Refusal, Refused
from shared.core.run import Run
from shared.core.steps import ClaimRun
from shared.errors import InputRefused, RoutesInvalid
from shared.ports import BatchEndpoint, Blobs
from shared.routes import Routes
from shared.telemetry import log, warn
from shared.work import claiming
from shared.work.ledger import Ledger


def cancel(endpoint: BatchEndpoint, ledger: Ledger, run_id: str, asked: Cancel) -> Run | Refused | None:
    """Have a run end: its record says so, and its job is canceled. None: there is no such run. Raises Unavailable where
    its job could not be canceled; asking again does no harm.

    Two at once: who asked first is in the record. A job that is made meanwhile is canceled by the run's own
    orchestration, which is told of it with the next update of the record.
    """
    run = ledger.cancel(run_id, asked)
    if run is None:
        return None
    if run.has_ended:
        told = f"The run has ended as {run.status}; there is nothing to cancel."
        return run if run.cancel is not None else Refused(Refusal.WRONG_STATUS, told)
    accepted = None
    if run.job is not None and not run.job.is_final:
        accepted = endpoint.cancel(run.spec.endpoint, run.job)
    warn("run.cancel_asked", **dump(run.names), by=asked.by, reason=asked.reason, job_canceled=accepted)
    return run


def repeat(
    routes: Callable[[], Routes],
    blobs: Blobs,
    ledger: Ledger,
    run: Run,
    repeats: Repeats,
    *,
    by: str | None,
    now: datetime,
) -> Granted | Refused:
    """Claim the run that scores a run's content once more, by its route as it is now. There is one for each act: who
    asks again gets the same.

    Two at once: the ledger enters it once, also where content is uploaded again whose run has failed.
    """
    act = repeats.act
    if refused := _unfit_for(run, act):
        return refused
    name = repetition_id(run, act)
    known = ledger.run(name)
    if known is not None:
        return Granted(run=known, begin=(known,) if claiming.is_unbegun_request(known) else ())
    names = Names(route=run.route, landing=run.landing, instance_id=f"{act}-{run.run_id}")
    try:
        current = routes()
        landing = claiming.find(current, names)
        if landing is None:
            told = f"Route {run.route!r} is gone, or no longer takes {run.landing!r}."
            return Refused(Refusal.NO_LANDING, told)
        landing = Landing(changed(landing.route, run.changes), landing.path)
        snapshot, _ = claiming.seen(current, blobs, landing)
    except RoutesInvalid as problems:
        return Refused(Refusal.BROKEN_ROUTE, str(problems))
    except InputRefused as problem:
        return Refused(Refusal.NOT_ALLOWED, str(problem))
    if snapshot.fingerprint != run.snapshot.fingerprint:
        told = f"{landing.location.url} holds other content now. Ask for a run of that with POST /api/runs."
        return Refused(Refusal.CHANGED, told)
    given = ClaimRun(names=names, fingerprint=snapshot.fingerprint, refusal=None, copies=False, now=now)
    request = Requested(by=by, changes=run.changes, repeats=repeats)
    number, variant = repetition_of(run, act)
    again = claiming.new_run(landing, snapshot, given, number, *variant, request=request)
    assert again.run_id == name, "the id that is looked for is the one that is claimed"
    files = snapshot.listed()
    known = ledger.claim(again, files)
    if known is not None:
        return Granted(run=known, begin=(known,) if claiming.is_unbegun_request(known) else ())
    shadow = claiming.shadow_for(landing, snapshot, again)
    claiming.note_run(ledger, again)
    log("run.repeated", **dump(again.names), act=act, repeats=run.run_id, by=by, reason=repeats.reason)
    beside = claiming.claim_shadow(ledger, shadow, files) if shadow is not None else None
    return Granted(run=again, begin=(again,) if beside is None else (again, beside))


def _unfit_for(run: Run, act: Repetition) -> Refused | None:
    if run.shadow_of is not None:
        return Refused(
            Refusal.WRONG_STATUS, f"The run is a shadow; {act} the run that it stands beside: {run.shadow_of}."
        )
    if run.status in REPEATABLE[act]:
        return None
    if not run.has_ended:
        return Refused(
            Refusal.WRONG_STATUS, f"The run is under way ({run.status}); wait for its end, or cancel it first."
        )
    other = "rescore" if act is Repetition.REPLAY else "replay"
    return Refused(Refusal.WRONG_STATUS, f"The run has ended as {run.status}; ask for a {other} of it.")
