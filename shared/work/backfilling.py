"""Claiming the runs of landings that were there before anybody watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from shared.core.acts import Said
from shared.core.backfill import Backfill, Due, Skip, is_complete, planned, told
from shared.core.changes import Requested
from shared.core.pause import told_of
from shared.core.record import Names, dump
from shared.core.request import Refusal, Refused
from shared.core.run import Run, may_run_again
from shared.core.steps import ClaimRun
from shared.errors import RoutesInvalid, UnknownVersion
from shared.ports import Blobs
from shared.routes import Routes
from shared.telemetry import log
from shared.threads import each
from shared.work import claiming
from shared.work.ledger import READS_AT_ONCE, Ledger
from shared.work.requesting import route_named
from shared.work.surveying import Found, survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfilled:
    """What is answered, and the runs that nobody carries out yet."""

    answer: dict[str, Any]
    begin: tuple[Run, ...]


def backfill(
    routes: Callable[[], Routes], blobs: Blobs, ledger: Ledger, asked: Backfill, said: Said
) -> Backfilled | Refused:
    """Claim the runs of the oldest landings that have none, as many as are asked for; with `dry_run` none.

    Two at once: the ledger enters each run once, and each of them tells of those that it has entered.
    """
    try:
        known = routes()
    except RoutesInvalid as problems:
        return Refused(Refusal.BROKEN_ROUTE, str(problems))
    route = route_named(known, asked.route)
    if isinstance(route, Refused):
        return route
    if (pause := ledger.standing(route.name).pause) and not asked.dry_run:
        return Refused(Refusal.PAUSED, told_of(route.name, pause))
    found = [
        one for one in survey(route, known.usable, blobs, asked.prefix) if one.has_something and asked.takes(one.newest)
    ]
    plan = planned(each(lambda one: _due(ledger, one, said), found, at_once=READS_AT_ONCE))
    if asked.dry_run:
        return Backfilled(answer=told(asked, plan, ()), begin=())
    chosen = plan.due[: asked.limit]
    claims = each(lambda one: _claim(ledger, one), chosen, at_once=READS_AT_ONCE)
    begun = [one for one, claimed in zip(chosen, claims, strict=True) if claimed]
    answer = told(asked, plan, begun)
    log("backfill.asked", route=route.name, claimed=len(begun), left=answer["left"], by=said.by, reason=said.reason)
    return Backfilled(answer=answer, begin=tuple(run for claimed in claims for run in claimed))


def _due(ledger: Ledger, found: Found, said: Said) -> Due | Skip:
    """Costs one read, mostly."""
    landing, snapshot = found.landing, found.snapshot
    if not is_complete(landing.route.ready, snapshot, found.newest, said.at):
        return Skip.WAITING
    names = Names(route=landing.route.name, landing=landing.path, instance_id=f"backfill-{landing.key}")
    given = ClaimRun(names=names, fingerprint=snapshot.fingerprint, refusal=None, copies=False, now=said.at)
    for number in count():
        run = claiming.new_run(landing, snapshot, given, number, request=Requested(by=said.by, backfill=said))
        try:
            known = ledger.run(run.run_id)
        except UnknownVersion:
            return Skip.KNOWN  # what becomes of it is for the program that can read it
        if known is None:
            refused = run.spec.refusal is not None
            return Skip.REFUSED if refused else Due(landing=landing, snapshot=snapshot, newest=found.newest, run=run)
        if not may_run_again(known, snapshot.drop):
            return Skip.KNOWN
    raise AssertionError("count() never ends")


def _claim(ledger: Ledger, due: Due) -> tuple[Run, ...]:
    """The run, and its shadow; nothing if somebody else has claimed it by now."""
    files = due.snapshot.listed()
    if ledger.claim(due.run, files) is not None:
        return ()
    names = {**dump(due.run.names), "instance_id": due.run.claimed_by}
    log("run.claimed", **names, **claiming.size_of(due.run.snapshot))
    claiming.note_run(ledger, due.run)
    shadow = claiming.shadow_for(due.landing, due.snapshot, due.run)
    beside = claiming.claim_shadow(ledger, shadow, files) if shadow is not None else None
    return (due.run,) if beside is None else (due.run, beside)
