"""The watch of a landing: look until it is ready, have its run carried out, then leave.

Its record is its whole state. The phase says what comes next (the orchestrator does it and adds nothing), the functions
say what the watch becomes once that is done, and a table lists its transitions.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never

from shared.core.landing import Landing
from shared.core.readiness import Empty, IsReady, Look, NotYet, Overdue, WatchStart, coalesce, readiness
from shared.core.record import Names, Record, change
from shared.core.route import Ready
from shared.core.run import Run, Status
from shared.core.steps import ClaimAnswer, Claimed, ContentChanged, Known, NoRoute, Paused, RunEnded
from shared.core.transitions import Table, require
from shared.core.trouble import DENIED_PATIENCE, Kind, Trouble, rest_after

VERSION = 1

TURNS_PER_HISTORY = 25
"""Looks and failures after which the history is cut; each adds about a dozen events to it."""


WATCH_PATIENCE = timedelta(days=1)
"""How long trouble that may pass is sat out; then the watch ends, and the sweep or the next event starts another."""


class Phase(StrEnum):
    """What a watch does next."""

    SETTLING = "settling"
    """Wait until every event that shares this watch has come."""
    ENTERING = "entering"
    """Ask the landing entity who watches."""
    LOOKING = "looking"
    """List the landing."""
    WAITING = "waiting"
    """Wait until the next look."""
    BEGINNING = "beginning"
    """Ask the landing entity for permission to make a run."""
    CLAIMING = "claiming"
    """Freeze the snapshot and claim its run."""
    SCORING = "scoring"
    """Wait for the end of the run."""
    LEAVING = "leaving"
    """Tell the landing entity that the watcher has finished."""
    GIVING_UP = "giving_up"
    """Have the landing entity forget the watcher, which cannot continue."""
    DONE = "done"


TRANSITIONS: Table[Phase] = {
    (Phase.SETTLING, Phase.ENTERING): "the settle time is over",
    (Phase.SETTLING, Phase.DONE): "permanent trouble",
    (Phase.ENTERING, Phase.LOOKING): "this watch is the watcher",
    (Phase.ENTERING, Phase.DONE): "another watch is the watcher",
    (Phase.LOOKING, Phase.WAITING): "not ready yet",
    (Phase.LOOKING, Phase.BEGINNING): "ready, or overdue",
    (Phase.LOOKING, Phase.LEAVING): "nothing to score",
    (Phase.WAITING, Phase.LOOKING): "time to look again",
    (Phase.WAITING, Phase.ENTERING): "time to look again for a marker",
    (Phase.BEGINNING, Phase.CLAIMING): "still the watcher",
    (Phase.BEGINNING, Phase.DONE): "another watch is the watcher",
    (Phase.CLAIMING, Phase.SCORING): "claimed",
    (Phase.CLAIMING, Phase.LOOKING): "the content changed",
    (Phase.CLAIMING, Phase.LEAVING): "the content already has a run, or its route is gone or paused",
    (Phase.SCORING, Phase.LOOKING): "superseded",
    (Phase.SCORING, Phase.WAITING): "superseded again",
    (Phase.SCORING, Phase.LEAVING): "the run has ended",
    (Phase.LEAVING, Phase.LOOKING): "touched since the last look",
    (Phase.LEAVING, Phase.DONE): "not touched",
    (Phase.ENTERING, Phase.GIVING_UP): "permanent trouble",
    (Phase.LOOKING, Phase.GIVING_UP): "permanent trouble",
    (Phase.WAITING, Phase.GIVING_UP): "permanent trouble",
    (Phase.BEGINNING, Phase.GIVING_UP): "permanent trouble",
    (Phase.CLAIMING, Phase.GIVING_UP): "permanent trouble",
    (Phase.LEAVING, Phase.GIVING_UP): "permanent trouble",
    (Phase.GIVING_UP, Phase.DONE): "the landing is released",
}
"""Every transition of a watch, and its reason. docs/architecture.md shows them; any other raises."""


class Watch(Record, frozen=True, kw_only=True, tag_field="version", tag=VERSION):
    """Everything a watch knows. `landing` is a path, `key` names the landing's entity. `is_marker`: it was started by
    the arrival of the marker. `refusal`: why the run that is claimed next shall not be carried out. `copies`: the last
    run was superseded, so that copies are to be scored. `shadow`: the run's, which is started with it and not waited
    for. `result` is for people."""

    route: str
    landing: str
    key: str
    ready: Ready
    not_before: datetime
    is_marker: bool = False
    phase: Phase = Phase.SETTLING
    wait_until: datetime | None = None
    watched_since: datetime | None = None
    fingerprint: str | None = None
    same_since: datetime | None = None
    refusal: str | None = None
    copies: bool = False
    run: Run | None = None
    shadow: Run | None = None
    turns: int = 0
    failures: int = 0
    failing_since: datetime | None = None
    denied_since: datetime | None = None
    superseded: int = 0
    result: str = "nothing to score"

    @property
    def is_urgent(self) -> bool:
        """Whether a watcher that only waits is to be replaced."""
        return self.is_marker and self.watched_since is None

    @property
    def history_is_long(self) -> bool:
        return self.turns >= TURNS_PER_HISTORY

    @property
    def the_run(self) -> Run:
        """The run that is carried out."""
        assert self.run is not None, "a watch that is scoring has a run"
        return self.run

    def names(self, instance_id: str) -> Names:
        return Names(route=self.route, landing=self.landing, instance_id=instance_id)

    def moved(self, to: Phase, **changes: Any) -> Watch:
        """The watch in another phase. Raises IllegalTransition for a way that is not in the table."""
        require(TRANSITIONS, self.phase, to)
        return change(self, phase=to, **changes)


def new_watch(landing: Landing, start: WatchStart, *, is_marker: bool) -> Watch:
    """The watch that an event starts."""
    return Watch(
        route=landing.route.name,
        landing=landing.path,
        key=landing.key,
        ready=landing.route.ready,
        not_before=start.not_before,
        is_marker=is_marker,
    )


def watch_for(landing: Landing, *, is_marker: bool, now: datetime) -> tuple[str, Watch]:
    """The watch that serves what was seen at `now`, and its instance id."""
    start = coalesce(landing, is_marker=is_marker, now=now)
    return start.instance_id, new_watch(landing, start, is_marker=is_marker)


def settled(watch: Watch) -> Watch:
    """The settle time is over."""
    return watch.moved(Phase.ENTERING)


def entered(watch: Watch, watcher: str, me: str, now: datetime) -> Watch:
    """The entity has said who watches."""
    if watcher != me:
        return watch.moved(Phase.DONE, result=f"left to {watcher}")
    return _ahead(watch.moved(Phase.LOOKING, watched_since=watch.watched_since or now))


def waited(watch: Watch) -> Watch:
    """The wait is over. A watcher that waits for its marker may have been replaced when that arrived."""
    return watch.moved(Phase.ENTERING if watch.ready.marker else Phase.LOOKING, wait_until=None)


def saw(watch: Watch, look: Look, *, asked_at: datetime, now: datetime) -> Watch:
    """A look was asked for at `asked_at` and answered by `now`."""
    same = watch.same_since if look.fingerprint == watch.fingerprint and watch.same_since is not None else now
    since = watch.watched_since or asked_at
    seen = change(
        _ahead(watch), fingerprint=look.fingerprint, same_since=same, watched_since=since, turns=watch.turns + 1
    )
    verdict = readiness(watch.ready, look, same_since=same, watched_since=since, now=max(asked_at, same))
    match verdict:
        case Empty():
            return seen.moved(Phase.LEAVING)
        case IsReady():
            return seen.moved(Phase.BEGINNING, refusal=None)
        case Overdue(reason):
            return seen.moved(Phase.BEGINNING, refusal=reason)
        case NotYet(look_at):
            return seen.moved(Phase.WAITING, wait_until=look_at)
        case unknown:
            assert_never(unknown)


def begun(watch: Watch, allowed: object) -> Watch:
    """The entity has said whether this is still the watcher."""
    if allowed is not True:
        return watch.moved(Phase.DONE, result="left to another watcher")
    return _ahead(watch.moved(Phase.CLAIMING))


def claimed(watch: Watch, answer: ClaimAnswer) -> Watch:
    """The run of what was seen is ours to carry out, or is not."""
    match answer:
        case Claimed(run, shadow):
            return _ahead(watch.moved(Phase.SCORING, run=run, shadow=shadow))
        case Known(run_id):
            return _ahead(watch.moved(Phase.LEAVING, result=f"already known as {run_id}"))
        case NoRoute():
            return _ahead(watch.moved(Phase.LEAVING, result="no route matches it any more"))
        case Paused():
            return _ahead(watch.moved(Phase.LEAVING, result="its route is paused"))
        case ContentChanged():
            return _ahead(watch.moved(Phase.LOOKING))
        case unknown:
            assert_never(unknown)


def scored(watch: Watch, ended: RunEnded, now: datetime) -> Watch:
    """The run has ended. Content that changed under it is looked at again: at once, and after growing waits when that
    happens again and again, as with a file that is written to all the time."""
    result = f"{ended.run_id} {ended.status}"
    if ended.status is not Status.SUPERSEDED:
        return _anew(watch.moved(Phase.LEAVING, run=None, shadow=None, copies=False, superseded=0, result=result))
    changes = {"run": None, "shadow": None, "copies": True, "superseded": watch.superseded + 1, "result": result}
    if not watch.superseded:
        return _anew(watch.moved(Phase.LOOKING, **changes))
    return _anew(watch.moved(Phase.WAITING, **changes, wait_until=now + rest_after(watch.superseded - 1)))


def left(watch: Watch, again: object) -> Watch:
    """The entity has let the watcher go, or asked it to look again."""
    return _anew(watch.moved(Phase.LOOKING)) if again is True else watch.moved(Phase.DONE)


def released(watch: Watch) -> Watch:
    """The entity has forgotten the watcher."""
    return watch.moved(Phase.DONE)


def stumbled(watch: Watch, trouble: Trouble, now: datetime) -> Watch:
    """A step was not done. It is tried again after a rest that grows with every failure in a row, as long as the
    trouble may pass; what does not pass ends the watch, and the sweep or the next event starts another.

    Only a run that fails to be carried out is not tried again: the sweep takes up a run that has begun.
    """
    if watch.phase is Phase.SCORING:
        return given_up(watch, trouble)
    failing_since = watch.failing_since or now
    denied_since = watch.denied_since or (now if trouble.kind is Kind.DENIED else None)
    is_over = now - failing_since >= WATCH_PATIENCE or (
        trouble.kind is Kind.DENIED and denied_since is not None and now - denied_since >= DENIED_PATIENCE
    )
    if is_over or not trouble.may_pass:
        return given_up(watch, trouble)
    return change(
        watch,
        failing_since=failing_since,
        denied_since=denied_since,
        wait_until=now + rest_after(watch.failures),
        failures=watch.failures + 1,
        turns=watch.turns + 1,
    )


def given_up(watch: Watch, trouble: Trouble) -> Watch:
    """The watch cannot go on: it frees its landing, if it can, and ends. One whose run is under way leaves as usual."""
    if watch.phase is Phase.SCORING:
        return _anew(watch.moved(Phase.LEAVING, run=None, shadow=None, result="run left to the sweep"))
    to = Phase.GIVING_UP if (watch.phase, Phase.GIVING_UP) in TRANSITIONS else Phase.DONE
    return watch.moved(to, wait_until=None, result=f"failed ({trouble.kind}): {trouble.message}")


def rested(watch: Watch) -> Watch:
    """The rest after a failure is over."""
    return change(watch, wait_until=None)


def started_over(watch: Watch) -> Watch:
    """The history is empty again."""
    return change(watch, turns=0)


def _ahead(watch: Watch) -> Watch:
    return change(watch, failures=0, failing_since=None, denied_since=None)


def _anew(watch: Watch) -> Watch:
    """What was seen before no longer counts."""
    return change(_ahead(watch), fingerprint=None, same_since=None, watched_since=None)
