"""What is known about a run under way, and what it becomes when something has happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.core.job import Job, Stage
from shared.core.patience import rest_after
from shared.core.payload import span, text_of, when
from shared.core.run import Order, Status

GROWTH = 1.5
"""Each wait between two looks at a job is this much longer than the one before."""

SEARCHES = tuple(timedelta(seconds=s) for s in (2, 5, 10, 20, 40))
"""Waits before each search for a job whose submission got no clear answer: 77 seconds in all."""

UNCLEAR_LIMIT = 3
"""Attempts without a clear answer after which the run ends as failed instead of risking more twins."""

MISSING_LIMIT = 10
"""Answers in a row that a submitted job does not exist, after which it is taken as gone."""


CANCEL_TRIES = 10
"""How often a job is asked to be canceled; after half an hour of trouble it is left alone, and the run ends."""

NOTES = 20
"""How many of the latest attempts are remembered in the ledger."""


class Phase(StrEnum):
    STAGING = "staging"
    SUBMITTING = "submitting"
    SEARCHING = "searching"
    FOLLOWING = "following"
    CHECKING = "checking"
    PUBLISHING = "publishing"
    CANCELING = "canceling"
    EXPLAINING = "explaining"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Why a run ended without a publication: `reason` is a constant word, `message` for people, with what to do."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """Everything that is known about a run under way.

    `milestone` counts changes that the ledger should know of; `recorded` is the last one it was told.
    """

    order: Order
    began: datetime
    phase: Phase
    status: Status
    attempt: int = 1
    attempts: tuple[Mapping[str, Any], ...] = ()
    staged: bool = False
    wait_until: datetime | None = None
    searches: int = 0
    unclear: int = 0
    abandoned: tuple[int, ...] = ()
    job: Job | None = None
    submitted_at: datetime | None = None
    looks: int = 0
    missing: int = 0
    failures: int = 0
    milestone: int = 0
    recorded: int = 0
    announced: bool = False
    publication: Mapping[str, Any] | None = None
    error: Error | None = None
    timings: Mapping[str, str] | None = None
    steps: int = 0

    # What a Scoring becomes

    def input_staged(self, changed: str | None, now: datetime) -> Scoring:
        """The copies are there; or `changed` names a file that is no longer what was frozen."""
        if changed is not None:
            return self._superseded(f"{changed} was changed or removed before it was scored", now)
        return replace(self._submitting(), staged=True)

    def submitted(self, job: Job, now: datetime) -> Scoring:
        """The endpoint accepted the attempt, or its job was found."""
        return replace(
            self._note("accepted", now, job=job.name),
            phase=Phase.FOLLOWING,
            job=job,
            submitted_at=now,
            looks=0,
            missing=0,
            failures=0,
            status=Status.SCORING,
            milestone=self.milestone + 1,
            wait_until=self._next_look(0, now),
            timings=self._timed("submitted", now),
        )

    def rejected(self, reason: str, message: str, now: datetime) -> Scoring:
        """The endpoint said no, in words that a retry would not change."""
        noted = self._note("rejected", now, message=message)
        return noted.ended(now, Status.FAILED, Error(reason=reason, message=message))

    def deferred(self, retry_after: float, message: str, now: datetime) -> Scoring:
        """The attempt made no job, and another one may: later, with an output of its own."""
        if now - self.began >= span(self.order.deadline):
            text = f"No attempt was taken for {span(self.order.deadline)}. The last answer: {message}"
            return self.ended(now, Status.FAILED, Error(reason="deferred", message=text))
        noted = self._note("deferred", now, message=message)
        return replace(noted._submitting(), attempt=self.attempt + 1, wait_until=now + span(retry_after))

    def unanswered(self, message: str, now: datetime) -> Scoring:
        """Nobody knows whether the attempt made a job."""
        noted = self._note("unclear", now, message=message)
        return replace(
            noted, phase=Phase.SEARCHING, searches=0, wait_until=now + SEARCHES[0], milestone=self.milestone + 1
        )

    def searched(self, job: Job | None, now: datetime, *, listed: bool = True) -> Scoring:
        """The endpoint's jobs were searched for the attempt's output. Not `listed`: not all of them were shown."""
        if job is not None:
            return self.submitted(job, now)
        if self.searches + 1 < len(SEARCHES):
            return replace(self, searches=self.searches + 1, wait_until=now + SEARCHES[self.searches + 1])
        given_up = replace(self, abandoned=(*self.abandoned, self.attempt))
        if listed and self.unclear + 1 < UNCLEAR_LIMIT:
            return replace(given_up._submitting(), attempt=self.attempt + 1, unclear=self.unclear + 1)
        seen = "shows no job for any of them" if listed else "does not list its jobs, so that nobody can tell"
        message = (
            f"The endpoint gave no clear answer to {self.unclear + 1} submission(s) and {seen}. Look in Studio for a "
            f"job that writes {self.order.output_uri_of(self.attempt)} and cancel it; then drop the files again."
        )
        return given_up.ended(now, Status.FAILED, Error(reason="unclear", message=message))

    def observed(self, job: Job | None, now: datetime) -> Scoring:
        """The job was looked at; None means that the endpoint does not know it."""
        if job is None:
            if self.missing + 1 >= MISSING_LIMIT:
                message = f"The endpoint no longer knows job {self.job.name if self.job else '?'}; was it deleted?"
                return self.ended(now, Status.FAILED, Error(reason="job_missing", message=message))
            return replace(self, missing=self.missing + 1)._within_deadlines(now)
        changed = self.job is None or job.status != self.job.status
        seen = replace(
            self,
            job=_merged(self.job, job),
            missing=0,
            failures=0,
            milestone=self.milestone + (1 if changed else 0),
        )
        if changed and job.stage is Stage.RUNNING and "running" not in (self.timings or {}):
            seen = replace(seen, timings=seen._timed("running", now))
        match job.stage:
            case Stage.COMPLETED:
                scored = replace(seen, timings=seen._timed("completed", now))
                return scored._publishing() if self.staged else replace(scored, phase=Phase.CHECKING)
            case Stage.FAILED:
                return replace(seen, phase=Phase.EXPLAINING, error=_job_error("job_failed", job, "failed"))
            case Stage.CANCELED:
                return seen.ended(now, Status.FAILED, _job_error("job_canceled", job, "was canceled"))
            case Stage.WAITING | Stage.RUNNING:
                return seen._within_deadlines(now)

    def checked(self, verdict: str, now: datetime) -> Scoring:
        """What the landing is now, compared with the snapshot: `intact`, `more` (files beside it) or `changed`."""
        if verdict == "intact":
            return self._publishing()
        if verdict == "more" and self.order.may_stage:
            # The job may have scored files that are not in the snapshot. Score exactly the snapshot instead.
            noted = self._note("discarded", now, message="files arrived while the job ran")
            return replace(
                noted,
                phase=Phase.STAGING,
                attempt=self.attempt + 1,
                job=None,
                submitted_at=None,
                status=Status.SUBMITTING,
                milestone=self.milestone + 1,
                timings={"claimed": self.began.isoformat()},
            )
        return self._superseded("files were added, changed or removed while the job ran", now)

    def published(self, publication: Mapping[str, Any], now: datetime) -> Scoring:
        """The results are where readers expect them; or `problem` says why they cannot be."""
        if problem := publication.get("problem"):
            return self.ended(now, Status.FAILED, Error(reason="publication", message=str(problem)))
        done = replace(self, publication=publication, timings=self._timed("published", now))
        return done.ended(now, Status.PUBLISHED, None)

    def canceled(self, accepted: bool, now: datetime) -> Scoring:
        """The service was asked to cancel the job; the run ends with the error that led to it."""
        told = "It was canceled." if accepted else "It could not be canceled; look after it in Studio."
        return self.ended(now, Status.FAILED, self._with(told))

    def explained_by(self, message: str | None, now: datetime) -> Scoring:
        """The service's own words about the failure, if it had any; the run has ended."""
        return self.ended(now, Status.FAILED, self._with(f"The service says: {message}") if message else self.error)

    def was_announced(self) -> Scoring:
        return replace(self, announced=True)

    def was_recorded(self) -> Scoring:
        return replace(self, recorded=self.milestone)

    def waited(self) -> Scoring:
        return replace(self, wait_until=None, steps=self.steps + 1)

    def stepped(self) -> Scoring:
        """A step went well."""
        return replace(self, steps=self.steps + 1, failures=0)

    def started_over(self) -> Scoring:
        return replace(self, steps=0)

    def stumbled(self, now: datetime, trouble: str) -> Scoring:
        """A step failed for a reason that may pass; it is tried again after a rest, until a deadline."""
        rested = now + rest_after(self.failures)
        again = replace(self, failures=self.failures + 1, wait_until=rested, steps=self.steps + 1)
        if self.phase is Phase.CANCELING:
            # The deadline is over already, that is why the job is canceled.
            return again if again.failures < CANCEL_TRIES else self.canceled(False, now)
        # A job that took its time does not use up the patience with what follows.
        since = when((self.timings or {}).get("completed")) or self.submitted_at or self.began
        if self.phase is Phase.ENDED or now - since < span(self.order.deadline):
            return again
        error = Error(reason="trouble", message=f"Gave up while {self.phase.value}: {trouble}")
        if self.phase is Phase.FOLLOWING:
            return replace(self, phase=Phase.CANCELING, error=error, failures=0)
        return self.ended(now, Status.FAILED, self.error or error)

    def ended(self, now: datetime, status: Status, error: Error | None) -> Scoring:
        return replace(
            self,
            phase=Phase.ENDED,
            status=status,
            error=error,
            wait_until=None,
            failures=0,
            milestone=self.milestone + 1,
            timings=self._timed("ended", now),
        )

    # How it gets there

    def _submitting(self) -> Scoring:
        return replace(
            self, phase=Phase.SUBMITTING, status=Status.SUBMITTING, wait_until=None, milestone=self.milestone + 1
        )

    def _publishing(self) -> Scoring:
        return replace(self, phase=Phase.PUBLISHING, status=Status.PUBLISHING, milestone=self.milestone + 1)

    def _superseded(self, message: str, now: datetime) -> Scoring:
        text = f"{message[:1].upper()}{message[1:]}; the new content is a run of its own."
        return self.ended(now, Status.SUPERSEDED, Error(reason="superseded", message=text))

    def _within_deadlines(self, now: datetime) -> Scoring:
        since, job = self.submitted_at or now, self.job
        if job is None:
            return self._look_again(self, now)
        limit, reason, advice = None, "", ""
        if now - since >= span(self.order.deadline):
            limit, reason = self.order.deadline, "deadline"
            advice = "Raise polling.deadline of the route if jobs of this size take longer."
        elif self._never_ran(job) and now - since >= span(self.order.start_deadline):
            limit, reason = self.order.start_deadline, "start_deadline"
            advice = "Check the compute cluster's quota and state."
        if limit is None:
            return self._look_again(self, now)
        message = f"Job {job.name} was still {job.status} after {span(limit)}. {advice}"
        return replace(self, phase=Phase.CANCELING, error=Error(reason=reason, message=message))

    def _never_ran(self, job: Job) -> bool:
        # A job on low-priority nodes goes back to Queued when its node is taken away.
        return job.stage is Stage.WAITING and "running" not in (self.timings or {})

    def _look_again(self, scoring: Scoring, now: datetime) -> Scoring:
        return replace(scoring, looks=self.looks + 1, wait_until=self._next_look(self.looks + 1, now))

    def _next_look(self, looks: int, now: datetime) -> datetime:
        # 1.5 ** 40 is past any longest wait; the bound keeps the power from growing for weeks.
        wait = min(self.order.poll_first * GROWTH ** min(looks, 40), self.order.poll_longest)
        return now + span(wait)

    def _with(self, sentence: str) -> Error | None:
        return self.error and replace(self.error, message=f"{self.error.message} {sentence}")

    def _note(self, event: str, now: datetime, **facts: str) -> Scoring:
        note = {"attempt": self.attempt, "outcome": event, "at": now.isoformat(), **facts}
        return replace(self, attempts=(*self.attempts, note)[-NOTES:])

    def _timed(self, name: str, now: datetime) -> dict[str, str]:
        return {**(self.timings or {}), name: now.isoformat()}

    def to_document(self) -> dict[str, Any]:
        """What the ledger is told: the fields of the run's document that change while it is under way."""
        return {
            "run_id": self.order.run_id,
            "revision": self.milestone,
            "status": self.status.value,
            "phase": self.phase.value,
            "attempt": self.attempt,
            "abandoned": list(self.abandoned),
            "unclear": self.unclear,
            "attempts": [dict(note) for note in self.attempts],
            "staged": self.staged,
            "job": self.job.to_payload() if self.job else None,
            "timings": dict(self.timings or {}),
            "publication": dict(self.publication) if self.publication else None,
            "error": asdict(self.error) if self.error else None,
        }

    def to_payload(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "began": self.began.isoformat(),
            "wait_until": text_of(self.wait_until),
            "submitted_at": text_of(self.submitted_at),
            "job": self.job.to_payload() if self.job else None,
            "phase": self.phase.value,
            "status": self.status.value,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Scoring:
        return cls(
            **{
                **payload,
                "order": Order.from_payload(payload["order"]),
                "began": datetime.fromisoformat(payload["began"]),
                "phase": Phase(payload["phase"]),
                "status": Status(payload["status"]),
                "attempts": tuple(payload["attempts"]),
                "abandoned": tuple(payload["abandoned"]),
                "wait_until": when(payload["wait_until"]),
                "submitted_at": when(payload["submitted_at"]),
                "job": Job.from_payload(payload["job"]) if payload["job"] else None,
                "error": Error(**payload["error"]) if payload["error"] else None,
            }
        )


def begin(order: Order, now: datetime) -> Scoring:
    """A claimed run, about to start. One that was refused when it was claimed has already ended."""
    timings = {"claimed": now.isoformat()}
    fresh = Scoring(order=order, began=now, phase=Phase.SUBMITTING, status=Status.CLAIMED, timings=timings)
    if order.refusal is not None:
        return fresh.ended(now, Status.FAILED, Error(reason="refused", message=order.refusal))
    return replace(fresh, phase=Phase.STAGING) if order.staged else fresh._submitting()


def resume(order: Order, document: Mapping[str, Any], now: datetime) -> Scoring:
    """A run that was left where its ledger document tells.

    With a job it goes on following or publishing that. Without one its last attempt is submitted "again", which finds
    that the POST may have been sent, and so searches for the job.
    """
    fresh = begin(order, now)
    if document["revision"] == 0:
        return fresh  # nobody has begun
    known = replace(fresh, milestone=document["revision"] + 1, recorded=document["revision"])
    if order.refusal is not None:
        return known
    job = Job.from_payload(document["job"]) if document["job"] else None
    phase = Phase(document["phase"])
    if phase is not Phase.STAGING and (job is None or phase not in (Phase.FOLLOWING, Phase.PUBLISHING)):
        phase = Phase.SUBMITTING
    return replace(
        known,
        phase=phase,
        status=Status(document["status"]),
        job=job,
        submitted_at=when(document["timings"].get("submitted")),
        staged=document["staged"],
        attempt=document["attempt"],
        abandoned=tuple(document["abandoned"]),
        unclear=document["unclear"],
        attempts=tuple(document["attempts"]),
        timings=document["timings"],
    )


def _merged(known: Job | None, seen: Job) -> Job:
    # A later answer may leave out what an earlier one told; keep it.
    if known is None:
        return seen
    return replace(
        seen,
        id=seen.id or known.id,
        studio_url=seen.studio_url or known.studio_url,
        deployment=seen.deployment or known.deployment,
    )


def _job_error(reason: str, job: Job, what: str) -> Error:
    where = f" See {job.studio_url}." if job.studio_url else ""
    return Error(reason=reason, message=f"Job {job.name} {what}.{where}")
