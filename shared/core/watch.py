"""The plan of watch_landing: look at a landing until it is ready, have its snapshot scored, then let go.

`next_step` says what comes next for a `Watch`; the methods of `Watch` say what it becomes when that was done. The
orchestrator carries the steps out and adds nothing. All state fits into a small JSON document, so the orchestration can
start over with a short history whenever it likes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.core.event import Landing
from shared.core.landing import Empty, IsReady, Look, NotYet, Overdue, WatchStart, landing_key, readiness
from shared.core.patience import rest_after
from shared.core.payload import seconds, span, text_of, when
from shared.core.route import Ready

STEPS_PER_HISTORY = 25
"""Looks and failures after which the history is cut; each adds about a dozen events to it."""


class Phase(StrEnum):
    ARRIVING = "arriving"
    ENTERING = "entering"
    LOOKING = "looking"
    RESTING = "resting"
    BEGINNING = "beginning"
    CLAIMING = "claiming"
    SCORING = "scoring"
    LEAVING = "leaving"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait until that time."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Enter:
    """Ask the landing entity who watches. `urgent`: a watcher that only waits is to be replaced."""

    urgent: bool


@dataclass(frozen=True, slots=True)
class Begin:
    """Ask the landing entity for leave to make a run."""


@dataclass(frozen=True, slots=True)
class LookAt:
    """List the landing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Freeze the snapshot with that fingerprint and claim its run. `refusal`: why it shall end as failed. `restless`:
    the last run was superseded, so copies are to be scored."""

    fingerprint: str
    refusal: str | None
    restless: bool


@dataclass(frozen=True, slots=True)
class Score:
    """Have the claimed run carried out."""

    order: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Leave:
    """Tell the landing entity that the watcher is through."""


@dataclass(frozen=True, slots=True)
class StartOver:
    """Continue with an empty history."""


@dataclass(frozen=True, slots=True)
class Done:
    """The watch has ended; what came of it, for people."""

    result: str


Step = Sleep | Enter | Begin | LookAt | Claim | Score | Leave | StartOver | Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Everything a watch knows. `is_marker`: it was started by the arrival of the marker."""

    route: str
    landing: str
    key: str
    ready: Ready
    not_before: datetime
    is_marker: bool = False
    phase: Phase = Phase.ARRIVING
    rest_until: datetime | None = None
    watched_since: datetime | None = None
    fingerprint: str | None = None
    same_since: datetime | None = None
    refusal: str | None = None
    restless: bool = False
    order: Mapping[str, Any] | None = None
    steps: int = 0
    failures: int = 0
    result: str = "nothing to score"

    def arrived(self) -> Watch:
        """The settle time is over."""
        return replace(self, phase=Phase.ENTERING)

    def entered(self, watcher: str, me: str, now: datetime) -> Watch:
        """The entity has said who watches."""
        if watcher != me:
            return replace(self, phase=Phase.DONE, result=f"left to {watcher}")
        return replace(self, phase=Phase.LOOKING, watched_since=self.watched_since or now, failures=0)

    def rested(self) -> Watch:
        """The wait is over. A watcher that waits for its marker may have been replaced when that arrived."""
        return replace(self, phase=Phase.ENTERING if self.ready.marker else Phase.LOOKING)

    def saw(self, look: Look, *, asked_at: datetime, now: datetime) -> Watch:
        """A look was asked for at `asked_at` and answered by `now`."""
        changed = look.fingerprint != self.fingerprint
        watch = replace(
            self,
            fingerprint=look.fingerprint,
            same_since=now if changed or self.same_since is None else self.same_since,
            watched_since=self.watched_since or asked_at,
            steps=self.steps + 1,
            failures=0,
        )
        since = watch.same_since or now
        verdict = readiness(
            self.ready, look, same_since=since, watched_since=watch.watched_since or asked_at, now=max(asked_at, since)
        )
        match verdict:
            case Empty():
                return replace(watch, phase=Phase.LEAVING)
            case IsReady():
                return replace(watch, phase=Phase.BEGINNING, refusal=None)
            case Overdue(reason):
                return replace(watch, phase=Phase.BEGINNING, refusal=reason)
            case NotYet(look_at):
                return replace(watch, phase=Phase.RESTING, rest_until=look_at)

    def begun(self, allowed: bool) -> Watch:
        """The entity has said whether this is still the watcher."""
        if not allowed:
            return replace(self, phase=Phase.DONE, result="left to another watcher")
        return replace(self, phase=Phase.CLAIMING, failures=0)

    def claimed(self, answer: Mapping[str, Any]) -> Watch:
        """`answer`: `order` when the run is ours to carry out, `known` when the ledger has it, else it has changed."""
        if answer.get("order"):
            return replace(self, phase=Phase.SCORING, order=answer["order"], failures=0)
        if answer.get("known"):
            return replace(self, phase=Phase.LEAVING, result=f"already known as {answer['known']}", failures=0)
        return replace(self, phase=Phase.LOOKING, failures=0)

    def scored(self, result: Mapping[str, Any]) -> Watch:
        """The run has ended. Content that changed under it is looked at again at once."""
        superseded = result.get("status") == "superseded"
        return replace(
            self,
            phase=Phase.LOOKING if superseded else Phase.LEAVING,
            order=None,
            restless=superseded,
            result=f"{result.get('run_id')} {result.get('status')}",
            fingerprint=None,
            same_since=None,
            watched_since=None,
        )

    def left(self, again: bool) -> Watch:
        """The entity has let the watcher go, or asked it to look again."""
        if not again:
            return replace(self, phase=Phase.DONE)
        return replace(self, phase=Phase.LOOKING, fingerprint=None, same_since=None, watched_since=None)

    def stumbled(self, now: datetime) -> Watch:
        """A step failed; it is tried again at `rest_until`, after a rest that grows with every failure in a row.

        Only a run that fails to be carried out is not: the sweep knows how to take up a run that has begun.
        """
        if self.phase is Phase.SCORING:
            return replace(self, phase=Phase.LEAVING, order=None, rest_until=now, result="run left to the sweep")
        return replace(
            self, rest_until=now + rest_after(self.failures), failures=self.failures + 1, steps=self.steps + 1
        )

    def started_over(self) -> Watch:
        """The history is empty again."""
        return replace(self, steps=0)

    def to_payload(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "ready": ready_to_payload(self.ready),
            "not_before": text_of(self.not_before),
            "phase": self.phase.value,
            "rest_until": text_of(self.rest_until),
            "watched_since": text_of(self.watched_since),
            "same_since": text_of(self.same_since),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Watch:
        not_before = when(payload["not_before"])
        if not_before is None:
            raise ValueError("a watch needs to know when it may look")
        return cls(
            **{
                **payload,
                "ready": ready_from_payload(payload["ready"]),
                "not_before": not_before,
                "phase": Phase(payload["phase"]),
                "rest_until": when(payload["rest_until"]),
                "watched_since": when(payload["watched_since"]),
                "same_since": when(payload["same_since"]),
            }
        )


def new_watch(landing: Landing, start: WatchStart, *, is_marker: bool) -> Watch:
    """The watch that an event starts."""
    return Watch(
        route=landing.route.name,
        landing=landing.path,
        key=landing_key(landing.route.name, landing),
        ready=landing.route.ready,
        not_before=start.not_before,
        is_marker=is_marker,
    )


def next_step(watch: Watch, now: datetime) -> Step:
    """What to do next. Total: there is a step for every watch."""
    if watch.steps >= STEPS_PER_HISTORY and watch.phase is not Phase.DONE:
        return StartOver()
    match watch.phase:
        case Phase.ARRIVING:
            return Sleep(watch.not_before)
        case Phase.ENTERING:
            return Enter(urgent=watch.is_marker and watch.watched_since is None)
        case Phase.LOOKING:
            return LookAt()
        case Phase.RESTING:
            return Sleep(watch.rest_until or now)
        case Phase.BEGINNING:
            return Begin()
        case Phase.CLAIMING:
            return Claim(watch.fingerprint or "", watch.refusal, watch.restless)
        case Phase.SCORING:
            return Score(watch.order or {})
        case Phase.LEAVING:
            return Leave()
        case Phase.DONE:
            return Done(watch.result)


def ready_to_payload(ready: Ready) -> dict[str, Any]:
    return {
        "quiet": None if ready.quiet is None else seconds(ready.quiet),
        "marker": ready.marker,
        "longest_wait": seconds(ready.longest_wait),
        "scores_after_longest_wait": ready.scores_after_longest_wait,
    }


def ready_from_payload(payload: Mapping[str, Any]) -> Ready:
    return Ready(
        quiet=None if payload["quiet"] is None else span(payload["quiet"]),
        marker=payload["marker"],
        longest_wait=span(payload["longest_wait"]),
        scores_after_longest_wait=payload["scores_after_longest_wait"],
    )
