"""The course of a run: what its record becomes when something has happened to it.

Rule 1: a POST is sent at most once per attempt. After an answer that does not say whether a job exists, the endpoint's
        jobs are searched for it, and only if none can be it does a new attempt follow, with an output of its own. A job
        that turns up late for an abandoned attempt is canceled, and never published.
Rule 2: whatever happened is in the ledger before the next thing is done.
Rule 3: before there is a job, newer content of the landing and a corrected route come first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, assert_never

from shared.core.acts import Cancel
from shared.core.finding import CannotTell, Found, MayBeThere, NotThere, SearchAnswer, Sent, some
from shared.core.hints import ONCE_MORE
from shared.core.job import Job, Stage, advice_on
from shared.core.record import change
from shared.core.run import (
    CANCELED_BY_SOMEBODY,
    LATEST_ATTEMPTS,
    SEARCHES,
    Attempt,
    Error,
    Published,
    Run,
    Status,
    Timings,
    Unanswered,
)
from shared.core.snapshot import Verdict
from shared.core.steps import (
    LocateAnswer,
    Located,
    MayBeSent,
    Postponed,
    PublishAnswer,
    RenewAnswer,
    Renewed,
    Sealed,
    Superseded,
    Unpublishable,
)
from shared.core.submission import ADVICE, Accepted, Deferred, Rejected, Submission, Unclear, Unfit
from shared.core.trouble import DENIED_PATIENCE, rest_after

GROWTH = 1.5
"""Each wait between two looks at a job is this much longer than the one before."""

LONGEST_SEARCH = timedelta(minutes=5)
"""The longest wait between two searches."""
UNCLEAR_LIMIT = 3
"""Attempts without a clear answer after which the run ends as failed instead of risking more twins."""

MISSING_LIMIT = 10
"""After this many answers in a row that a submitted job does not exist, it counts as gone."""

LONGEST_NOTE = 300
"""Characters of a message that are kept with an attempt: twenty of them travel with the record."""

DENIED_STATUSES = frozenset({401, 403})
"""Answers to a submission that a new role may change once it takes effect."""


def begun(run: Run, now: datetime) -> Run:
    """A claimed run starts."""
    if run.spec.refusal is not None:
        return failed(run, Error("refused", run.spec.refusal, run.spec.do), now)
    return run.moved(_before_submission(run))


def resumed(run: Run, now: datetime) -> Run:
    """A run that was left is resumed, and patience starts again. Without a job its route is read again first."""
    return change(run, since=now, failures=0, denied_since=None, renewed_for=run.outdated)


def renewed(run: Run, answer: RenewAnswer, now: datetime) -> Run:
    """The route and the landing were read again before an attempt.

    An attempt whose POST might still have been sent late is over by now: its note was taken, so that nobody sends it.
    """
    if run.may_be_sent_late and not isinstance(answer, MayBeSent):
        run = run.noted(attempt=run.attempt + 1, renewed_for=run.attempt)
    match answer:
        case Renewed(spec):
            # A slot is of one endpoint.
            is_same = spec.endpoint.scoring_uri == run.spec.endpoint.scoring_uri
            fresh = change(run, spec=spec, renewed_for=run.attempt, admitted=run.admitted and is_same)
            if spec.refusal is not None:
                return failed(fresh, Error("refused", spec.refusal, spec.do), now)
            to = _before_submission(fresh)
            if to is not run.status:
                return fresh.moved(to)
            return fresh.noted() if spec != run.spec else fresh
        case Superseded():
            return _superseded(run, "Newer content arrived before a job was created", now)
        case MayBeSent():
            told = "An earlier call may have sent the POST"
            return _unanswered(change(run, renewed_for=run.attempt), told, now, None)
        case Postponed(message):
            if now - run.since >= run.spec.polling.deadline:
                return failed(
                    run, Error("route", f"The route could not be used for {run.spec.polling.deadline}. {message}"), now
                )
            return run.waiting(message, rest_after(run.failures), now)
        case unknown:
            assert_never(unknown)


def staged(run: Run, changed: str | None, now: datetime, *, streamed: int = 0) -> Run:
    """The copies are there, `streamed` of them through the app; or `changed` names a file that is no longer what was
    frozen."""
    run = change(run, streamed=run.streamed + streamed)
    if changed is not None:
        return _superseded(run, f"{changed} was changed or removed before it was scored", now)
    return got_ahead(run.moved(Status.SUBMITTING, copied_to=run.spec.copies), now)


def answered(run: Run, answer: Submission, now: datetime, *, since: datetime | None = None) -> Run:
    """The endpoint has answered the attempt's POST, which was not sent before `since`, or else the run's claim."""
    match answer:
        case Accepted(job, assets):
            return accepted(change(run, assets=assets), job, now)
        case Rejected(status, message) if status in DENIED_STATUSES and _may_be_felt_yet(run, now):
            again = _next_attempt(run, "denied", message, now, denied_since=run.denied_since or now)
            told = f"The endpoint answered {status}: {message}"
            return again.waiting(told, rest_after(run.failures), now, do=ADVICE[status])
        case Rejected(status, message):
            noted = change(run, attempts=_attempts(run, "rejected", now, message=message))
            do = f"{ADVICE[status]} {ONCE_MORE}" if status in ADVICE else None
            return failed(noted, Error(f"rejected_{status}", f"The endpoint answered {status}: {message}", do), now)
        case Deferred(retry_after, message):
            again = _next_attempt(run, "deferred", message, now)
            if now - run.since >= run.spec.polling.deadline:
                text = f"The endpoint accepted no attempt for {run.spec.polling.deadline}. Its last answer: {message}"
                return failed(again, Error("deferred", text), now)
            return again.waiting(message, max(timedelta(seconds=retry_after), rest_after(run.failures)), now)
        case Unclear(message):
            return _unanswered(run, message, now, since)
        case Unfit(message):
            noted = change(run, attempts=_attempts(run, "unfit", now, message=message))
            return failed(noted, Error("unfit", message), now)
        case unknown:
            assert_never(unknown)


def accepted(run: Run, job: Job, now: datetime) -> Run:
    """The endpoint accepted the attempt, or its job was found."""
    following = run.moved(
        Status.SCORING,
        job=job,
        unanswered=None,
        looks=0,
        missing=0,
        attempts=_attempts(run, "accepted", now, job=job.name),
        timings=change(run.timings, submitted=now, completed=now if job.stage is Stage.COMPLETED else None),
    )
    return change(got_ahead(following, now), wait_until=_next_look(following, now))


def searched(run: Run, answer: SearchAnswer, now: datetime) -> Run:
    """The endpoint's jobs were searched for the one that the attempt made."""
    assert run.unanswered is not None, "only a run whose attempt got no clear answer searches for its job"
    searches = run.unanswered.searches + 1
    again = change(
        run,
        unanswered=change(run.unanswered, searches=searches),
        wait_until=now + (SEARCHES[searches] if searches < len(SEARCHES) else LONGEST_SEARCH),
    )
    match answer:
        case Found(job, more):
            # One submission may have made several jobs: the others are twins.
            return accepted(change(run, abandoned=_abandoned(run)) if more else run, job, now)
        case MayBeThere(jobs):
            if now - run.unanswered.until >= run.spec.polling.deadline:
                return _never_found(run, f"a job that may be its own shows no output yet: {some(jobs)}", now)
            text = f"It is not clear whether a job was created; {some(jobs)} may be it, but shows no output yet"
            told = Error("waiting", f"{text}. Next look at {again.wait_until:%Y-%m-%d %H:%M:%S} UTC.")
            return again.noted(error=told)
        case NotThere() | CannotTell() if searches < len(SEARCHES):
            return again
        case NotThere() if run.unclear + 1 < UNCLEAR_LIMIT:
            following = change(run, unanswered=None, unclear=run.unclear + 1, abandoned=_abandoned(run))
            return following.noted(attempt=run.attempt + 1)
        case NotThere():
            return _never_found(run, "its job list shows none", now)
        case CannotTell(reason):
            return _never_found(run, f"not all jobs could be seen ({reason.rstrip('. ')})", now)
        case unknown:
            assert_never(unknown)


def _never_found(run: Run, seen: str, now: datetime) -> Run:
    given_up = change(run, unanswered=None, unclear=run.unclear + 1, abandoned=_abandoned(run))
    message = f"The outcome of {given_up.unclear} submission(s) is unknown: the endpoint confirmed no job, and {seen}."
    do = f"In Studio, look for a job that {run.sent.told_by} and cancel it. {ONCE_MORE}"
    return failed(given_up, Error("unclear", message, do), now)


def observed(run: Run, job: Job | None, now: datetime, *, cancel: Cancel | None = None) -> Run:
    """The job was looked at; None means that the endpoint does not know it. `cancel`: who has asked for the end of the
    run, if its job was canceled."""
    assert run.job is not None, "only a run with a job looks at it"
    if job is None:
        missing = run.missing + 1
        if missing >= MISSING_LIMIT:
            message = f"The endpoint can no longer find job {run.job.name}."
            return given_up(run, Error("job_missing", message), now)
        return _within_deadlines(change(run, missing=missing), now)
    shown = run.job.seen_again(job)
    seen = change(run, job=shown, timings=_seen_at(run.timings, job, now), missing=0)
    if job.status != run.job.status or shown.steps != run.job.steps or run.error is not None:
        seen = seen.noted()
    if job.stage is Stage.CANCELED:
        error = _job_error("job_canceled", shown, "was canceled")
        told = error if cancel is None else Error("canceled", f"{cancel.told} {error.message}")
        return failed(seen, told, now)
    if job.is_final:
        return got_ahead(seen, now)
    return _within_deadlines(change(seen, failures=0, denied_since=None, error=None), now)


def explained(run: Run, message: str | None, now: datetime) -> Run:
    """The job has failed; `message` is the service's own explanation, if it has one."""
    assert run.job is not None, "only a run with a job explains its failure"
    error = _job_error("job_failed", run.job, "failed")
    if message is not None:
        error = change(error.and_said(f"Azure ML reports: {message}"), do=advice_on(message))
    return failed(run, error, now)


def checked(run: Run, verdict: Verdict, now: datetime) -> Run:
    """The landing was compared with the snapshot after its job had completed."""
    if verdict is Verdict.INTACT:
        return exact(run, now)
    if verdict is Verdict.MORE and run.spec.may_copy:
        # The job may have scored files that are not in the snapshot. Score exactly the snapshot instead.
        discarded = run.moved(
            Status.STAGING,
            attempts=_attempts(run, "discarded", now, message="files arrived while the job ran"),
            attempt=run.attempt + 1,
            renewed_for=run.attempt + 1,
            spec=change(run.spec, scores_copies=True),
            copied_to=None,
            job=None,
            assets={},
            located=(),
            timings=Timings(claimed=run.timings.claimed),
        )
        return got_ahead(discarded, now)
    return _superseded(run, "Files were added, changed or removed while the job ran", now)


def exact(run: Run, now: datetime) -> Run:
    """The job has scored exactly the snapshot."""
    return got_ahead(run.moved(Status.PUBLISHING), now)


def located(run: Run, answer: LocateAnswer, now: datetime) -> Run:
    """It was found out where the outputs are that have no path of their own, or that there are none."""
    match answer:
        case Located(outputs):
            return got_ahead(change(run, located=outputs), now)
        case Unpublishable(problem, do):
            return failed(run, Error("publication", problem, do), now)
        case unknown:
            assert_never(unknown)


def published(run: Run, answer: PublishAnswer, now: datetime) -> Run:
    """The results are where readers expect them, or cannot be put there."""
    match answer:
        case Sealed(publication):
            return _published(run, publication, now)
        case Unpublishable(problem, do):
            return failed(run, Error("publication", problem, do), now)
        case unknown:
            assert_never(unknown)


def given_up(run: Run, error: Error, now: datetime) -> Run:
    """The run cannot go on; a job that is still under way is canceled first, and one that may turn up is looked for."""
    if run.has_a_live_job and run.status is not Status.CANCELING:
        return run.moved(Status.CANCELING, error=error, failures=0, denied_since=None, wait_until=None)
    if run.job is None and (run.status is Status.SUBMITTING or run.unanswered is not None):
        # The attempt's POST may have been sent.
        return failed(change(run, abandoned=_abandoned(run)), error, now)
    return failed(run, error, now)


def failed(run: Run, error: Error, now: datetime) -> Run:
    """The run ends without a publication: as canceled where that is what somebody wanted, else as failed."""
    wanted = error.reason in CANCELED_BY_SOMEBODY
    return _ended(run, Status.CANCELED if wanted else Status.FAILED, error, now)


def waited(run: Run) -> Run:
    """What the run waited for is over."""
    return change(run, wait_until=None)


def recorded(run: Run) -> Run:
    """The ledger has the record as it is, and a slot that the run needs no more is given back."""
    freed = {"admitted": False, "slot": None, "ahead": None} if run.frees_slot else {}
    return change(run, recorded=run.revision, unrecorded_since=None, **freed)


def got_ahead(run: Run, now: datetime) -> Run:
    """The run made progress: patience starts again."""
    return change(run, since=now, failures=0, denied_since=None, wait_until=None, error=None)


def _before_submission(run: Run) -> Status:
    return Status.STAGING if run.needs_copies else Status.SUBMITTING


def _unanswered(run: Run, message: str, now: datetime, since: datetime | None) -> Run:
    """It is not known whether the attempt created a job."""
    text = f"It is not clear whether a job was created ({message.rstrip('. ')}). Searching the endpoint's jobs for it."
    return run.noted(
        unanswered=Unanswered(since or run.timings.claimed, now),
        attempts=_attempts(run, "unclear", now, message=message),
        wait_until=now + SEARCHES[0],
        error=Error("waiting", text),
    )


def _next_attempt(run: Run, outcome: str, message: str, now: datetime, **changes: Any) -> Run:
    return change(run, attempts=_attempts(run, outcome, now, message=message), attempt=run.attempt + 1, **changes)


def _abandoned(run: Run) -> tuple[Sent, ...]:
    """`abandoned` with the current attempt, which may have made jobs that are not followed."""
    return (*run.abandoned, run.sent)


def _may_be_felt_yet(run: Run, now: datetime) -> bool:
    """Whether a recently granted role may still take effect."""
    return run.denied_since is None or now - run.denied_since < DENIED_PATIENCE


def _attempts(run: Run, outcome: str, now: datetime, **facts: Any) -> tuple[Attempt, ...]:
    if "message" in facts:
        facts["message"] = facts["message"][:LONGEST_NOTE]
    note = Attempt(attempt=run.attempt, outcome=outcome, at=now, **facts)
    return (*run.attempts, note)[-LATEST_ATTEMPTS:]


def _ended(run: Run, status: Status, error: Error | None, now: datetime, **changes: Any) -> Run:
    timings = change(changes.pop("timings", run.timings), ended=now)
    return run.moved(
        status, error=error, timings=timings, wait_until=None, failures=0, denied_since=None, unanswered=None, **changes
    )


def _published(run: Run, publication: Published, now: datetime) -> Run:
    timings = change(run.timings, published=now)
    return _ended(run, Status.PUBLISHED, None, now, publication=publication, timings=timings)


def _superseded(run: Run, message: str, now: datetime) -> Run:
    return _ended(run, Status.SUPERSEDED, Error("superseded", f"{message}; the new content gets its own run."), now)


def _seen_at(timings: Timings, job: Job, now: datetime) -> Timings:
    if job.stage is Stage.COMPLETED:
        return change(timings, completed=now)
    if job.stage is Stage.RUNNING and timings.running is None:
        return change(timings, running=now)
    return timings


def _within_deadlines(run: Run, now: datetime) -> Run:
    assert run.job is not None, "only a run with a job has its deadlines"
    polling, since = run.spec.polling, run.timings.submitted or now
    # A job on low-priority nodes goes back to Queued when its node is taken away; it has been running.
    never_ran = run.job.stage is Stage.WAITING and run.timings.running is None
    if now - since >= polling.deadline:
        limit, reason = polling.deadline, "deadline"
    elif never_ran and now - since >= polling.start_deadline:
        limit, reason = polling.start_deadline, "start_deadline"
    else:
        return change(run, looks=run.looks + 1, wait_until=_next_look(change(run, looks=run.looks + 1), now))
    return given_up(run, Error(reason, f"Job {run.job.name} was still {run.job.status} after {limit}."), now)


def _next_look(run: Run, now: datetime) -> datetime:
    # 1.5 ** 40 is past any longest wait; the bound keeps the power from growing for weeks.
    polling = run.spec.polling
    return now + min(polling.first * GROWTH ** min(run.looks, 40), polling.longest)


def _job_error(reason: str, job: Job, what: str) -> Error:
    where = f" See {job.studio_url}." if job.studio_url else ""
    return Error(reason, f"Job {job.name} {what}.{where}")
