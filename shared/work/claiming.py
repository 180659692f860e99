"""Looking at a landing: before its run is claimed, before each later attempt, and after its job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count

from shared.core.acts import Said
from shared.core.card import Card, asked_for, blank, looked, ran
from shared.core.card import stumbled as card_stumbled
from shared.core.changes import Requested, changed
from shared.core.hints import Objection
from shared.core.identity import run_id, shadow_id
from shared.core.landing import Landing, key_of
from shared.core.location import Location
from shared.core.pointer import DAYS, of_landing
from shared.core.readiness import Look, look_of
from shared.core.record import Names, change, dump
from shared.core.run import Content, Run, Status, Timings, may_run_again
from shared.core.snapshot import MOST_LISTED, File, Frozen, Snapshot, compare
from shared.core.spec import daily_refusal, write_spec
from shared.core.steps import (
    Checked,
    CheckLanding,
    ClaimAnswer,
    Claimed,
    ClaimRun,
    ContentChanged,
    Known,
    LookAt,
    MayBeSent,
    NoRoute,
    Paused,
    Postponed,
    RenewAnswer,
    Renewed,
    RenewSpec,
    Superseded,
)
from shared.core.trouble import LONGEST_MESSAGE
from shared.errors import InputRefused, LandfallError, RoutesInvalid
from shared.ports import Blobs
from shared.routes import Routes
from shared.spool import spooled
from shared.telemetry import log, warn
from shared.work.ledger import Ledger


def look(routes: Routes, blobs: Blobs, ledger: Ledger, given: LookAt) -> Look:
    """What the landing holds now, which its card tells from then on. A landing that has no route any more, or is scored
    on request only, looks empty.

    Two at once: it only reads, apart from the card, by which nothing is decided.
    """
    landing = find(routes, given.names)
    if landing is None or not landing.route.is_watched:
        return Look(files=0, fingerprint="", newest=None, seen_at=given.now, marked=True)
    watch = given.names.instance_id
    try:
        snapshot, seen_at = seen(routes, blobs, landing)
    except LandfallError as trouble:
        updated = partial(card_stumbled, trouble=str(trouble), watch=watch, now=given.now)
        _note(ledger, given.names, landing.location, updated)
        raise
    log(
        "landing.seen",
        **dump(given.names),
        files=len(snapshot.files),
        left_out=snapshot.left_out,
        strays=len(snapshot.strays),
        marked=snapshot.is_marked,
        newest=snapshot.newest,
    )
    waits_for_quiet = landing.route.ready.marker is None
    is_hierarchical = waits_for_quiet and blobs.is_hierarchical(landing.route.landing)
    found = look_of(snapshot, seen_at, is_hierarchical=is_hierarchical)
    updated = partial(looked, look=found, snapshot=snapshot, ready=landing.route.ready, watch=watch, now=given.now)
    _note(ledger, given.names, landing.location, updated, only_known=snapshot.is_bare)
    return found


def claim(routes: Routes, blobs: Blobs, ledger: Ledger, given: ClaimRun) -> ClaimAnswer:
    """Freeze the landing and claim its run, if it still holds what was seen.

    The same content is claimed once. Content that was superseded before it was published is claimed again; content
    whose run has failed only when it was uploaded again, which its etags show.

    Two at once: the ledger enters a run once, and the other is answered by the same run as long as it has not begun.
    A slow one may claim content that has been superseded since; the sweep takes that run up and ends it as superseded.
    """
    landing = find(routes, given.names)
    if landing is None or not landing.route.is_watched:
        return NoRoute()
    if ledger.standing(landing.route.name).pause is not None:
        log("landing.paused", **dump(given.names))
        return Paused()
    snapshot, _ = seen(routes, blobs, landing)
    if snapshot.fingerprint != given.fingerprint:
        return ContentChanged()
    objection = too_many_today(ledger, landing, given.now)
    for number in count():
        run = new_run(landing, snapshot, given, number, objection=objection)
        known = ledger.claim(run, snapshot.listed())
        if known is None or is_unbegun_claim_of(known, given.names.instance_id):
            log("run.claimed", **{**dump(given.names), "run_id": run.run_id}, **size_of(run.snapshot))
            note_run(ledger, run)
            return Claimed(known or run, _claim_shadow(ledger, landing, snapshot, known or run))
        if not may_run_again(known, snapshot.drop):
            log("run.known", **{**dump(given.names), "run_id": run.run_id}, status=known.status)
            note_run(ledger, run)
            return Known(run.run_id)
    raise AssertionError("count() never ends")


def _claim_shadow(ledger: Ledger, landing: Landing, snapshot: Snapshot, run: Run) -> Run | None:
    """The run's shadow, if its route has one and nobody carries it out. What is in its way is not in the run's."""
    shadow = shadow_for(landing, snapshot, run)
    return None if shadow is None else claim_shadow(ledger, shadow, snapshot.listed())


def shadow_for(landing: Landing, snapshot: Snapshot, run: Run) -> Run | None:
    """The shadow of a run that is about to be claimed, if its route has one."""
    deployment = landing.route.shadow
    if deployment is None or run.spec.refusal is not None:
        return None
    name = shadow_id(run.route, run.run_id, deployment)
    spec = write_spec(landing, snapshot, name, copies=run.spec.scores_copies, shadow_of=run.run_id)
    return change(run, run_id=name, spec=spec, shadow_of=run.run_id)


def claim_shadow(ledger: Ledger, shadow: Run, files: Iterable[Frozen]) -> Run | None:
    """Enter a shadow in the ledger; None if it cannot be, or if somebody carries it out."""
    names = {**dump(shadow.names), "instance_id": shadow.claimed_by}
    try:
        known = ledger.claim(shadow, files)
    except LandfallError as trouble:
        warn("shadow.lost", **names, shadow_of=shadow.shadow_of, message=str(trouble))
        return None
    if known is not None and not is_unbegun_claim_of(known, shadow.claimed_by):
        return None
    log("run.claimed", **names, **size_of(shadow.snapshot), shadow_of=shadow.shadow_of)
    return known or shadow


def note_run(ledger: Ledger, run: Run) -> None:
    """Have the card of the run's landing tell that this is the latest run."""
    _note(ledger, run.names, run.spec.landing, lambda card: ran(card, run))


def note_asked(ledger: Ledger, landing: Landing, said: Said) -> None:
    """Have the card of a landing tell who has asked for a look at it."""
    names = Names(route=landing.route.name, landing=landing.path, instance_id=landing.key)
    _note(ledger, names, landing.location, lambda card: asked_for(card, said))


def _note(
    ledger: Ledger, names: Names, landing: Location, updated: Callable[[Card], Card], *, only_known: bool = False
) -> None:
    """Bring a landing's card up to date; with `only_known` none is made: anybody may send events of folders that do not
    exist. What is in the way of that is not in the way of its runs."""
    key, new = key_of(names.route, landing), None if only_known else blank(names.route, landing)

    def noted(known: Card | None) -> Card | None:
        card = known or new
        return None if card is None else updated(card)

    try:
        ledger.update_card(key, noted)
    except LandfallError as trouble:
        warn("landing.not_noted", **dump(names), message=str(trouble))


TAKEN = "not sent, because the route was read again"
"""In the note of an attempt that nobody has sent, nor will send."""


def renew(routes: Callable[[], Routes], blobs: Blobs, ledger: Ledger, given: RenewSpec) -> RenewAnswer:
    """Read route and landing again for an attempt of a run without a job, unless its POST may have been sent. `routes`
    may raise RoutesInvalid: the attempt waits then, too.

    Where a slow execution might still send the POST, its note is taken first: nobody sends it from then on. Whoever
    renews finds a note that was taken for this before, by a call that then failed, as its own.

    Two at once: both take the same note, or find that the POST may have been sent.
    """
    run = given.names.run
    is_free = ledger.may_post(run, given.attempt, TAKEN) if given.take else not ledger.may_be_posted(run, given.attempt)
    if not is_free:
        return MayBeSent()
    try:
        known = routes()
        landing = find(known, given.names)
        if landing is None:
            raise InputRefused(f"Route {given.names.route!r} is gone or no longer matches {given.names.landing!r}.")
        landing = Landing(changed(landing.route, given.changes), landing.path)
        snapshot, _ = seen(known, blobs, landing)
    except RoutesInvalid as problems:
        return Postponed(str(problems)[:LONGEST_MESSAGE])
    if snapshot.fingerprint != given.fingerprint:
        return Superseded()
    return Renewed(write_spec(landing, snapshot, run, copies=given.copies, shadow_of=given.shadow_of))


def check(blobs: Blobs, ledger: Ledger, given: CheckLanding) -> Checked:
    """What became of the landing since it was frozen, as far as its job can have seen it: a job that scored a folder in
    place has not seen its sub-folders.

    Two at once: it only reads.
    """
    frozen = ledger.snapshot(given.names.run, given.drop)
    listing = blobs.list_folder(given.folder) if given.file is None else blobs.list_file(given.folder.at(given.file))
    verdict = compare(frozen, listing.files)
    log("landing.checked", **dump(given.names), verdict=verdict)
    return Checked(verdict)


def find(routes: Routes, names: Names) -> Landing | None:
    """The landing of that route at that path; None if the route is gone or does not take it any more. Raises
    RoutesInvalid if the route has a problem: then it is not known."""
    for route in routes.usable:
        landing = Landing(route, names.landing)
        if route.name == names.route and landing.is_taken:
            return landing
    if any(problem.route == names.route for problem in routes.problems):
        raise RoutesInvalid(routes.problems)
    return None


def new_run(
    landing: Landing,
    snapshot: Snapshot,
    given: ClaimRun,
    number: int,
    *variant: str,
    request: Requested | None = None,
    objection: Objection | None = None,
) -> Run:
    """The run of that content, as it is claimed. `objection`: why it shall not be carried out."""
    name = run_id(landing.route.name, landing.location, snapshot.fingerprint, number, *variant)
    return Run(
        run_id=name,
        route=landing.route.name,
        landing=landing.path,
        number=number,
        claimed_by=given.names.instance_id,
        snapshot=Content(
            files=len(snapshot.files), bytes=snapshot.size, fingerprint=snapshot.fingerprint, drop=snapshot.drop
        ),
        spec=write_spec(landing, snapshot, name, refusal=given.refusal, objection=objection, copies=given.copies),
        timings=Timings(claimed=given.now),
        updated=given.now,
        since=given.now,
        request=request,
    )


def too_many_today(ledger: Ledger, landing: Landing, now: datetime) -> Objection | None:
    """Why no more of a landing is scored today, if there have been too many runs. Pointers are counted, no records
    read."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def runs(root: str) -> int:
        return sum(pointer.route == landing.route.name for pointer in ledger.pointers(root, since=midnight))

    of_route = runs(DAYS) if landing.route.limits.runs_per_day is not None else 0
    return daily_refusal(landing.route, of_route, runs(of_landing(landing.path)))


def is_unbegun_claim_of(run: Run, instance_id: str) -> bool:
    """Whether a run was claimed by that instance, and nothing has begun."""
    # This activity was carried out before and its answer was lost.
    return run.claimed_by == instance_id and run.status is Status.CLAIMED


def is_unbegun_request(run: Run) -> bool:
    """Whether a run that somebody has asked for is to be started by whoever finds it so."""
    # Of a run that a watcher has claimed, the watcher is about to start the orchestration.
    return run.status is Status.CLAIMED and run.request is not None


def seen(routes: Routes, blobs: Blobs, landing: Landing) -> tuple[Snapshot, datetime]:
    """What the landing holds, and the service's time of that. Raises RoutesInvalid where files in sub-folders may be
    for a route with a problem."""
    if landing.route.takes_files:
        listing = blobs.list_file(landing.location)
        return landing.freeze(listing.files), listing.seen_at
    listing = blobs.list_folder(landing.folder, most=MOST_LISTED)
    below = _Below(blobs, landing)
    looks_below = listing.has_folders and landing.looks_below and not listing.is_cut
    snapshot = landing.freeze(listing.files, below.files() if looks_below else (), routes.usable, hold=spooled)
    if any(snapshot.stray_folders):
        routes.require_sound(landing.route.landing.name)
    return replace(snapshot, is_cut=listing.is_cut or below.is_cut), listing.seen_at


@dataclass(slots=True)
class _Below:
    """What is in sub-folders of a landing, as far as it is looked through."""

    blobs: Blobs
    landing: Landing
    is_cut: bool = False

    def files(self) -> Iterator[File]:
        below = (file for file in self.blobs.list_below(self.landing.folder) if "/" in file.name)
        for number, file in enumerate(below, 1):
            yield file
            if number > MOST_LISTED:
                self.is_cut = True
                return


def size_of(content: Content) -> dict[str, int]:
    """As log lines tell it."""
    return {"files": content.files, "bytes": content.bytes}
