"""The card of a landing: what was last seen of it, and its latest run, for people who ask.

Nothing is decided by a card: where one is lost, or two write it at once, answers know less, and what is scored stays
the same. The next look or run writes it again.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from shared.core.acts import Said
from shared.core.location import Location
from shared.core.readiness import CLOCK_GRAIN, UNFLUSHED, Look
from shared.core.record import Record, change
from shared.core.route import Ready
from shared.core.run import Run, Status
from shared.core.snapshot import Snapshot
from shared.core.trouble import LONGEST_MESSAGE


class State(StrEnum):
    """Where a landing stands."""

    WAITING = "waiting"
    """It holds something that has no run yet."""
    PAUSED = "paused"
    """It holds something that has no run yet, and its route is paused."""
    RUNNING = "running"
    """A run of it is under way."""
    SCORED = "scored"
    """What it held at the last look is published."""
    FAILED = "failed"
    CANCELED = "canceled"
    """Somebody has canceled its run, or the run's job."""
    REFUSED = "refused"
    """Its run was not carried out, because of what is in it."""
    SUPERSEDED = "superseded"
    """It got newer content, of which there is no look yet."""
    EMPTY = "empty"
    """There was nothing to score in it."""
    UNREADABLE = "unreadable"
    """The record of its run cannot be read by this version."""


class Card(Record, frozen=True, kw_only=True, tag_field="version", tag=1):
    """What is told of a landing. `watch`: the instance that has looked last, at `looked`. `since`: of its first look
    since the last run; `same_since`: the first look that saw just this. `look`, `bytes` and `newest`: what it saw;
    `nothing`: there was nothing to score or to wait for. `trouble`: why the last look failed. `run`: the latest run,
    which scores the content with the fingerprint `content`. `asked`: who has last asked for a look at once."""

    route: str
    container: str
    landing: str
    watch: str | None = None
    looked: datetime | None = None
    since: datetime | None = None
    same_since: datetime | None = None
    look: Look | None = None
    bytes: int = 0
    newest: datetime | None = None
    nothing: bool = False
    trouble: str | None = None
    run: str | None = None
    content: str | None = None
    asked: Said | None = None

    @property
    def waits(self) -> bool:
        """Whether something was seen that its latest run does not score."""
        if self.look is None:
            return self.run is None
        return not self.nothing and self.look.fingerprint != self.content


def blank(route: str, landing: Location) -> Card:
    """The card of a landing of which nothing is known."""
    return Card(route=route, container=landing.container.name, landing=landing.path)


def looked(card: Card, look: Look, snapshot: Snapshot, ready: Ready, *, watch: str, now: datetime) -> Card:
    """The card after a look."""
    nothing = look.files == 0 and (ready.marker is None or look.marked)
    is_same = card.look is not None and card.look.fingerprint == look.fingerprint
    goes_on = card.watch == watch and card.since is not None and not nothing
    return change(
        card,
        watch=watch,
        looked=now,
        since=card.since if goes_on else now,
        same_since=card.same_since if is_same and goes_on else now,
        look=look,
        bytes=snapshot.size,
        newest=snapshot.newest,
        nothing=nothing,
        trouble=None,
    )


def stumbled(card: Card, trouble: str, *, watch: str, now: datetime) -> Card:
    """The card after a look that failed."""
    since = card.since if card.watch == watch else now
    return change(card, watch=watch, looked=now, since=since, trouble=trouble[:LONGEST_MESSAGE])


def ran(card: Card, run: Run) -> Card:
    """The card once that run has been claimed, or found. What is seen from then on is waited for anew."""
    return change(card, run=run.run_id, content=run.snapshot.fingerprint, since=None, same_since=None)


def asked_for(card: Card, said: Said) -> Card:
    """The card once somebody has asked for a look at the landing."""
    return change(card, asked=said)


def quiet_at(ready: Ready, card: Card) -> datetime | None:
    """When the landing counts as quiet, if nothing changes until then; None if it waits for a marker, or has not been
    seen. As `readiness` decides it."""
    if ready.quiet is None or card.look is None or card.same_since is None:
        return None
    needed = max(ready.quiet, UNFLUSHED) if card.look.unflushed else ready.quiet
    by_looks = card.same_since + needed
    return by_looks if card.look.newest is None else min(by_looks, card.look.newest + needed + CLOCK_GRAIN)


def overdue_at(ready: Ready, card: Card) -> datetime | None:
    """When the longest wait is over."""
    return None if card.since is None else card.since + ready.longest_wait


def state_of(card: Card, run: Run | None, *, is_unreadable: bool = False, is_paused: bool = False) -> State:
    """Where a landing stands, by its card and its latest run."""
    if is_unreadable:
        return State.UNREADABLE
    if run is not None and not run.has_ended:
        return State.RUNNING
    if card.waits:
        return State.PAUSED if is_paused else State.WAITING
    return State.EMPTY if run is None else state_of_run(run)


def state_of_run(run: Run) -> State:
    """Where a landing stands that holds what its run scores."""
    match run.status:
        case Status.PUBLISHED:
            return State.SCORED
        case Status.SUPERSEDED:
            return State.SUPERSEDED
        case Status.FAILED:
            return State.FAILED if run.spec.refusal is None else State.REFUSED
        case Status.CANCELED:
            return State.CANCELED
        case _:
            return State.RUNNING
