"""A run: one scoring of one snapshot. Its record is its whole state, and a table lists its transitions.

The record is what the ledger holds, what travels from one history to the next, and what the run API shows. How a run
continues after a pause is derived from the record's facts (is there a job? has it ended?), never from a stored step.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.core.acts import Cancel
from shared.core.changes import Changes, Requested
from shared.core.finding import Sent
from shared.core.hints import hint_for
from shared.core.job import Job
from shared.core.location import Location
from shared.core.outputs import Output
from shared.core.record import Names, Record, change, load, parse
from shared.core.spec import RunSpec
from shared.core.transitions import Table, require
from shared.errors import UnknownVersion

VERSION = 1
"""Of the record. A change that an older program would not understand gets the next number."""

LATEST_ATTEMPTS = 20
"""How many of the latest attempts are remembered; `attempt` is the number of all."""


SEARCHES = tuple(timedelta(seconds=s) for s in (2, 5, 10, 20, 40))
"""Waits before the first searches for a job whose submission got no clear answer: a list may lag behind, so no job
counts as missing before the last of them, 77 seconds in all. As long as some job may be the one, searches go on."""

OUTDATED = 0
"""Stands in `renewed_for` for an attempt that has begun, and is to read its route again all the same."""
HAS_WAITED = -1
"""The same for an attempt that has waited in line, so that nothing of it can have been sent."""


class Status(StrEnum):
    """Where a run stands."""

    CLAIMED = "claimed"
    """Entered in the ledger; nothing has begun."""
    STAGING = "staging"
    """Copies of the snapshot's files are made."""
    SUBMITTING = "submitting"
    """An attempt is sent to the endpoint, waits to be sent again, or is searched for among the endpoint's jobs."""
    SCORING = "scoring"
    """There is a job: it is followed to its end, and its input is then compared with the snapshot."""
    CANCELING = "canceling"
    """The job is to be canceled; `error` says why."""
    PUBLISHING = "publishing"
    """The job has scored exactly the snapshot; its outputs are copied to the lakehouse storage."""
    PUBLISHED = "published"
    FAILED = "failed"
    CANCELED = "canceled"
    """Somebody has canceled the run, or its job. Nothing was published."""
    SUPERSEDED = "superseded"
    """The landing has newer content, which gets a run of its own. Nothing was published."""


TRANSITIONS: Table[Status] = {
    (Status.CLAIMED, Status.STAGING): "copies will be scored",
    (Status.CLAIMED, Status.SUBMITTING): "the landing will be scored in place",
    (Status.CLAIMED, Status.FAILED): "refused",
    (Status.STAGING, Status.SUBMITTING): "the copies are complete",
    (Status.STAGING, Status.FAILED): "given up",
    (Status.STAGING, Status.CANCELED): "somebody canceled it",
    (Status.STAGING, Status.SUPERSEDED): "a file changed",
    (Status.SUBMITTING, Status.STAGING): "the folder now holds other files too",
    (Status.SUBMITTING, Status.SCORING): "accepted, or its job was found",
    (Status.SUBMITTING, Status.FAILED): "rejected, or given up",
    (Status.SUBMITTING, Status.CANCELED): "somebody canceled it",
    (Status.SUBMITTING, Status.SUPERSEDED): "newer content arrived before there was a job",
    (Status.SCORING, Status.STAGING): "other files arrived while the job ran",
    (Status.SCORING, Status.CANCELING): "deadline passed, given up, or somebody canceled it",
    (Status.SCORING, Status.PUBLISHING): "completed, and scored exactly the snapshot",
    (Status.SCORING, Status.FAILED): "the job failed or is gone",
    (Status.SCORING, Status.CANCELED): "somebody canceled the job, or the run when its job had ended",
    (Status.SCORING, Status.SUPERSEDED): "the files changed while the job ran",
    (Status.CANCELING, Status.FAILED): "the job is canceled, or cannot be",
    (Status.CANCELING, Status.CANCELED): "the job is canceled, or cannot be, as somebody wanted",
    (Status.PUBLISHING, Status.PUBLISHED): "sealed",
    (Status.PUBLISHING, Status.FAILED): "cannot be published",
    (Status.PUBLISHING, Status.CANCELED): "somebody canceled it",
}
"""Every transition of a run, and its reason. docs/architecture.md shows them; any other raises."""

UNPUBLISHED = frozenset({Status.FAILED, Status.CANCELED, Status.SUPERSEDED})
ENDED = frozenset({Status.PUBLISHED, *UNPUBLISHED})
HAVE_A_JOB = frozenset({Status.SCORING, Status.CANCELING, Status.PUBLISHING, Status.PUBLISHED})
HAVE_AN_ERROR = frozenset({Status.CANCELING, *UNPUBLISHED})

CANCELED_BY_SOMEBODY = frozenset({"canceled", "job_canceled"})
"""Reasons of errors that somebody wanted."""


class Error(Record, frozen=True):
    """Why a run ended without a publication, or what it is waiting for: `reason` is a constant word, `message` is for
    people. `do`: what to do next, where more is known than the hint for the reason says."""

    reason: str
    message: str
    do: str | None = None

    @property
    def advice(self) -> str:
        """What to do next, for people."""
        return self.do or hint_for(self.reason)

    @property
    def shown(self) -> dict[str, str]:
        """As it is shown to people: always with what to do."""
        return {"reason": self.reason, "message": self.message, "do": self.advice}

    def and_said(self, sentence: str) -> Error:
        """The same with one more sentence."""
        return change(self, message=f"{self.message} {sentence}")


class Attempt(Record, frozen=True, kw_only=True):
    """What became of one attempt."""

    attempt: int
    outcome: str
    at: datetime
    job: str | None = None
    message: str | None = None


class Unanswered(Record, frozen=True):
    """The current attempt may have made a job. It was not sent before `since`, and nobody waited for its answer from
    `until` on. `searches`: how often its job was looked for in vain."""

    since: datetime
    until: datetime
    searches: int = 0


class Timings(Record, frozen=True, kw_only=True):
    """When a run got where, as its orchestration saw it. `running` and `completed` are the job's."""

    claimed: datetime
    submitted: datetime | None = None
    running: datetime | None = None
    completed: datetime | None = None
    published: datetime | None = None
    ended: datetime | None = None


class Content(Record, frozen=True, kw_only=True):
    """What a run scores: number of files, their bytes, the snapshot's fingerprint and its `drop`."""

    files: int
    bytes: int
    fingerprint: str
    drop: str


class Published(Record, frozen=True, kw_only=True):
    """Where the results are; `outputs` is their number, `streamed` of which went through the app."""

    url: str
    container: str
    path: str
    outputs: int
    bytes: int
    streamed: int = 0


class Progress(Record, frozen=True, kw_only=True):
    """What changes while a run is carried out.

    `revision` counts the changes that the ledger should know of, `recorded` is the last one it is known to have.
    `attempt` is the number of the current attempt, `renewed_for` the one that the spec was last read for.
    `since`: when it last got ahead; patience with trouble is counted from there. `failures`: in a row, since then.
    `unrecorded_since`: the ledger could not be written since then.
    `abandoned`: the submissions that may have made jobs which are not followed.
    `streamed`: of the files that were copied to be scored, at least so many went through the app.
    `looks`, `missing`: at the job, and those in a row that did not find it.
    `assets`: by the names of inputs, the versions of the data assets that the job was given.
    `located`: the outputs that the deployment wrote to its default place, once they have been found there.
    `admitted`: the current attempt may be sent. `slot`: where the run has a slot, or is in line for one: what the slots
    are filed under. `ahead`: how many were before it in that line when that was last noted.
    """

    timings: Timings
    updated: datetime
    since: datetime
    status: Status = Status.CLAIMED
    revision: int = 0
    recorded: int = 0
    attempt: int = 1
    renewed_for: int = 1
    attempts: tuple[Attempt, ...] = ()
    copied_to: Location | None = None
    streamed: int = 0
    unanswered: Unanswered | None = None
    unclear: int = 0
    abandoned: tuple[Sent, ...] = ()
    job: Job | None = None
    looks: int = 0
    missing: int = 0
    failures: int = 0
    denied_since: datetime | None = None
    wait_until: datetime | None = None
    unrecorded_since: datetime | None = None
    publication: Published | None = None
    error: Error | None = None
    assets: dict[str, str] = {}
    located: tuple[Output, ...] = ()
    admitted: bool = False
    slot: str | None = None
    ahead: int | None = None

    def __post_init__(self) -> None:
        """A record that cannot be is refused, wherever it is made or read."""
        if self.status in HAVE_A_JOB and self.job is None:
            raise ValueError(f"a run that is {self.status} must have a job")
        if (self.status is Status.PUBLISHED) is not (self.publication is not None):
            raise ValueError("a run must have a publication if it is published, and only then")
        if self.status in HAVE_AN_ERROR and self.error is None:
            raise ValueError(f"a run that is {self.status} must have an error")

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def is_recorded(self) -> bool:
        return self.recorded == self.revision

    @property
    def must_renew(self) -> bool:
        """Whether the route has to be read again before the next attempt."""
        return self.renewed_for < self.attempt

    @property
    def may_be_sent_late(self) -> bool:
        """Whether an earlier execution of the submission, of which nobody knows, may still send this attempt's POST."""
        return self.renewed_for == OUTDATED

    @property
    def frees_slot(self) -> bool:
        """Whether it has a slot, or a place in line, that it does not need any more."""
        return self.slot is not None and (self.has_ended or (self.job is not None and self.job.is_final))

    @property
    def has_a_live_job(self) -> bool:
        return self.job is not None and not self.job.is_final


class Run(Progress, frozen=True, kw_only=True, tag_field="version", tag=VERSION):
    """Everything that is known about a run: what it is, how it is carried out, and its progress. `shadow_of`: the run
    whose snapshot it scores by another deployment, without its results ever being taken for that one's. `request`: that
    somebody asked for it. `cancel`: that somebody asked for its end."""

    run_id: str
    route: str
    landing: str
    number: int
    claimed_by: str
    snapshot: Content
    spec: RunSpec
    shadow_of: str | None = None
    request: Requested | None = None
    cancel: Cancel | None = None

    @property
    def changes(self) -> Changes | None:
        """What is different from its route."""
        return self.request.changes if self.request is not None else None

    @property
    def needs_copies(self) -> bool:
        return self.spec.scores_copies and self.copied_to != self.spec.copies

    @property
    def names(self) -> Names:
        """What log lines call it; its orchestration has its own id."""
        return Names(route=self.route, landing=self.landing, instance_id=self.run_id, run_id=self.run_id)

    @property
    def sent(self) -> Sent:
        """The POST of the current attempt."""
        request = self.spec.request(self.attempt)
        when = self.unanswered or Unanswered(self.timings.claimed, self.updated)
        return Sent(
            endpoint=request.endpoint,
            input_uri=request.input.uri,
            output=request.output,
            since=when.since,
            until=when.until,
        )

    @property
    def searches_to_the_end(self) -> bool:
        """Whether the next search may be the one that says that there is no job."""
        return self.unanswered is not None and self.unanswered.searches + 1 >= len(SEARCHES)

    @property
    def must_locate(self) -> bool:
        """Whether it is still to be found out where outputs are that have no path of their own."""
        return bool(self.spec.unplaced) and not self.located

    @property
    def written(self) -> tuple[Output, ...]:
        """All outputs of the current attempt."""
        return (*self.spec.placed(self.attempt), *self.located)

    @property
    def own_jobs(self) -> tuple[str, ...]:
        """The names of the jobs that are known to be its."""
        found = [attempt.job for attempt in self.attempts if attempt.job is not None]
        return tuple(dict.fromkeys([*found, *([self.job.name] if self.job else [])]))

    @property
    def progress(self) -> Progress:
        return Progress(**{name: getattr(self, name) for name in Progress.__struct_fields__})

    def with_progress(self, progress: Progress, spec: RunSpec | None) -> Run:
        """The run as it is after that progress; `spec`: None if it has not changed."""
        changes = {name: getattr(progress, name) for name in Progress.__struct_fields__}
        return change(self, **changes, spec=spec or self.spec)

    @property
    def outdated(self) -> int:
        """`renewed_for` of a run whose next attempt, if it makes one at all, shall read its route again."""
        return OUTDATED if self.job is None and self.unanswered is None else self.renewed_for

    def waiting(self, message: str, wait: timedelta, now: datetime, *, do: str | None = None) -> Run:
        """The same will be tried again; until then the record says what the run waits for, and what would help."""
        until = self.later(wait, now)
        text = f"{message.rstrip('. ')}. Next try at {until:%Y-%m-%d %H:%M:%S} UTC."
        return self.noted(failures=self.failures + 1, wait_until=until, error=Error("waiting", text, do))

    def later(self, wait: timedelta, now: datetime) -> datetime:
        """After that wait, and no sooner than what was waited for before, such as a time that the service has named."""
        return max(self.wait_until or now, now + wait)

    def moved(self, to: Status, **changes: Any) -> Run:
        """The run with another status. Raises IllegalTransition if that is not in the table."""
        require(TRANSITIONS, self.status, to)
        return self.noted(status=to, **changes)

    def noted(self, **changes: Any) -> Run:
        """The run with changes that the ledger should know of."""
        return change(self, revision=self.revision + 1, **changes)


def may_run_again(run: Run, drop: str) -> bool:
    """Whether content that has had this run gets another one: if it was superseded before it was published, or if it
    failed or was canceled and was uploaded again, which the etags (`drop`) show."""
    return run.status is Status.SUPERSEDED or (run.status in UNPUBLISHED and run.snapshot.drop != drop)


def read_run(content: bytes) -> Run:
    """The run in a document of the ledger. Raises UnknownVersion or InputRefused for what this program cannot read."""
    document = parse(content)
    found = document.get("version") if isinstance(document, dict) else None
    if found != VERSION:
        raise UnknownVersion(f"it has version {found!r}, but this version of Landfall reads version {VERSION}")
    return load(Run, document)
