"""The steps of the orchestrators, one activity each: names, inputs and answers.

A step may be carried out more than once, even twice at the same time; the function that does it (shared/work) says why
that does no harm. Any step may answer with a Trouble. An input holds only what is needed: histories store all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from shared.core.acts import Cancel, Withdrawn
from shared.core.changes import Changes
from shared.core.finding import SearchAnswer, Sent
from shared.core.job import Job
from shared.core.location import Container, Location
from shared.core.outputs import Output
from shared.core.readiness import Look
from shared.core.record import Done, Message, Names, Record
from shared.core.route import Endpoint
from shared.core.run import Error, Progress, Published, Run, Status, Timings
from shared.core.slots import Admitted, InLine, TakeSlot
from shared.core.snapshot import Verdict
from shared.core.spec import JobRequest, RunSpec
from shared.core.submission import Submission
from shared.core.trouble import Trouble

Given = TypeVar("Given", bound=Record)
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Step(Generic[Given, Answer]):
    """An activity's name, what it takes and what it answers: types that the type checker holds on both sides."""

    name: str
    given: Any
    answer: Any

    @cached_property
    def answer_or_trouble(self) -> Any:
        """The type of what comes back."""
        return self.answer | Trouble


class LookAt(Record, frozen=True):
    """List a landing."""

    names: Names
    now: datetime


class ClaimRun(Record, frozen=True, kw_only=True):
    """Freeze the landing if it still has that fingerprint, and claim its run. `refusal`: why it shall end as failed.
    `copies`: the last run was superseded, so copies are to be scored."""

    names: Names
    fingerprint: str
    refusal: str | None
    copies: bool
    now: datetime


class Claimed(Message, frozen=True):
    """The run is to be carried out by whoever asked, and so is its shadow."""

    run: Run
    shadow: Run | None = None


class Known(Message, frozen=True):
    """The content has had that run."""

    run_id: str


class ContentChanged(Message, frozen=True):
    """The landing no longer has that fingerprint."""


class NoRoute(Message, frozen=True):
    """No route takes the landing any more."""


class Paused(Message, frozen=True):
    """Somebody has paused the route: no run of it begins until it is resumed."""


class RenewSpec(Record, frozen=True, kw_only=True):
    """Read the route and the landing again for an attempt of a run that has no job. `take`: the attempt's POST might
    still be sent late, so its note is taken first. `copies`: the run scores copies. `shadow_of`, `changes`: as in a
    Run."""

    names: Names
    attempt: int
    take: bool
    fingerprint: str
    copies: bool
    shadow_of: str | None = None
    changes: Changes | None = None


class Renewed(Message, frozen=True):
    """How the run is carried out by its route as it is now."""

    spec: RunSpec


class Superseded(Message, frozen=True):
    """The landing has other content now."""


class MayBeSent(Message, frozen=True):
    """The attempt's POST may have been sent already, so nothing was read again."""


class Postponed(Message, frozen=True):
    """The route cannot be used as it is now; the message says what is wrong with it."""

    message: str


class RecordRun(Record, frozen=True, kw_only=True):
    """Bring a run's record in the ledger up to date. `spec`: None once it is fixed, which it is when there is a job."""

    names: Names
    progress: Progress
    spec: RunSpec | None


class Overtaken(Message, frozen=True):
    """The ledger has a later revision of the run, or its end: whoever asked carries out a run of the past."""

    status: Status


class StageInput(Record, frozen=True, kw_only=True):
    """Copy files `start` to `stop` of the snapshot with that `drop` from folder to folder."""

    names: Names
    drop: str
    source: Location
    target: Location
    start: int
    stop: int


class Staged(Message, frozen=True):
    """The copies are there; or `changed` names a file that is no longer what was frozen. `streamed`: so many of them
    went through the app."""

    changed: str | None = None
    streamed: int = 0


class SubmitJob(Record, frozen=True, kw_only=True):
    """Send the POST of one attempt, unless it may have been sent before. `unplaced`: names of outputs that the
    deployment is to write to its default place."""

    names: Names
    attempt: int
    request: JobRequest
    unplaced: tuple[str, ...] = ()


class SearchJob(Record, frozen=True, kw_only=True):
    """Look through the endpoint's jobs for the one that the attempt made. `own`: names of jobs of other attempts.
    `whole`: the lists are read to their end, so that it can be said that there is none."""

    names: Names
    attempt: int
    sent: Sent
    own: tuple[str, ...] = ()
    whole: bool = False


class ObserveJob(Record, frozen=True, kw_only=True):
    """Read a job's status. `has_run`: it was seen running before, so it does not wait for nodes."""

    names: Names
    endpoint: Endpoint
    job: Job
    has_run: bool = False


class Seen(Message, frozen=True):
    """The job as it is now; None: there is none. `cancel`: if it was canceled, who has asked for its run's end."""

    job: Job | None
    cancel: Cancel | None = None


class CancelTwins(Record, frozen=True, kw_only=True):
    """Cancel the jobs that have turned up for abandoned attempts. `own`: names of the jobs that are none."""

    names: Names
    abandoned: tuple[Sent, ...]
    own: tuple[str, ...]


class JobOf(Record, frozen=True):
    """A job, and whose it is."""

    names: Names
    endpoint: Endpoint
    job: Job


class CancelAsked(Message, frozen=True):
    """Whether the service will cancel the job."""

    accepted: bool


class Explained(Message, frozen=True):
    """The service's own words on a failure; None: it has none."""

    message: str | None


class CheckLanding(Record, frozen=True, kw_only=True):
    """Compare a folder, or one file in it, with the snapshot with that `drop`."""

    names: Names
    drop: str
    folder: Location
    file: str | None


class Checked(Message, frozen=True):
    """What became of the landing."""

    verdict: Verdict


class LocateOutputs(Record, frozen=True, kw_only=True):
    """Find the outputs of these names, which a job wrote to its deployment's default place. Only the `datastores` are
    looked at."""

    names: Names
    endpoint: Endpoint
    job: Job
    outputs: tuple[str, ...]
    datastores: dict[str, Container]


class Located(Message, frozen=True):
    """Where the outputs are."""

    outputs: tuple[Output, ...]


class Source(Record, frozen=True, kw_only=True):
    """What is published of one output: everything in a folder, or `only` the file of that name. `into`: the folder
    within the run folder that it goes to; empty: the run folder itself."""

    folder: Location
    only: str | None = None
    into: str = ""

    def published_as(self, name: str) -> str:
        """What a file of the folder is called in the run folder."""
        return f"{self.into}/{name}" if self.into else name


class Publish(Record, frozen=True, kw_only=True):
    """Lay what an attempt has written in the run folder: all of the folder `source`, where there is one output with a
    path of its own, else the `sources`."""

    names: Names
    attempt: int
    source: Location | None = None
    target: Location
    sources: tuple[Source, ...] = ()

    @property
    def all_sources(self) -> tuple[Source, ...]:
        return self.sources if self.source is None else (Source(folder=self.source),)

    def written_at(self, name: str) -> Location:
        """Where the file is that has this name in the run folder."""
        for source in self.all_sources:
            if not source.into or name.startswith(f"{source.into}/"):
                return source.folder.at(name.removeprefix(f"{source.into}/") if source.into else name)
        raise ValueError(f"no output is published as {name!r}")


class Listed(Message, frozen=True):
    """So many outputs are to be copied."""

    files: int


class Sealed(Message, frozen=True):
    """The run folder is complete, and stays as it is."""

    publication: Published


class Unpublishable(Message, frozen=True):
    """The outputs cannot be published; trying again would not help. `do`: what would, where that is known."""

    problem: str
    do: str | None = None


class CopyOutputs(Record, frozen=True, kw_only=True):
    """Copy outputs `start` to `stop` into the run folder."""

    publish: Publish
    start: int
    stop: int

    @property
    def names(self) -> Names:
        return self.publish.names


class Streamed(Message, frozen=True):
    """The outputs were copied, and so many of them went through the app. If none did, the answer is Done."""

    files: int


class SealPublication(Record, frozen=True):
    """Compare the copies with their sources, and write the manifest and `_SUCCESS`. `streamed`: outputs that went
    through the app."""

    publish: Publish
    now: datetime
    streamed: int = 0

    @property
    def names(self) -> Names:
        return self.publish.names


class AnnounceRun(Record, frozen=True, kw_only=True):
    """Tell subscribers how a run has ended."""

    names: Names
    status: Status
    publication: Published | None
    error: Error | None
    timings: Timings
    now: datetime
    shadow_of: str | None = None


class ReportDefect(Record, frozen=True, kw_only=True):
    """Log that an orchestrator met a defect of its own code."""

    names: Names
    where: str
    traceback: str


class RunEnded(Message, frozen=True):
    """What the orchestration of a run answers."""

    run_id: str
    status: Status


Recorded = Done | Overtaken | Withdrawn
SubmitAnswer = Submission | Withdrawn
SlotAnswer = Admitted | InLine | Withdrawn
ClaimAnswer = Claimed | Known | ContentChanged | NoRoute | Paused
RenewAnswer = Renewed | Superseded | MayBeSent | Postponed
LocateAnswer = Located | Unpublishable
ListAnswer = Listed | Sealed | Unpublishable
CopyAnswer = Done | Streamed
PublishAnswer = Sealed | Unpublishable

LOOK: Step[LookAt, Look] = Step("look", LookAt, Look)
CLAIM_RUN: Step[ClaimRun, ClaimAnswer] = Step("claim_run", ClaimRun, ClaimAnswer)
RENEW_SPEC: Step[RenewSpec, RenewAnswer] = Step("renew_spec", RenewSpec, RenewAnswer)
RECORD_RUN: Step[RecordRun, Recorded] = Step("record_run", RecordRun, Recorded)
STAGE_INPUT: Step[StageInput, Staged] = Step("stage_input", StageInput, Staged)
TAKE_SLOT: Step[TakeSlot, SlotAnswer] = Step("take_slot", TakeSlot, SlotAnswer)
SUBMIT_JOB: Step[SubmitJob, SubmitAnswer] = Step("submit_job", SubmitJob, SubmitAnswer)
SEARCH_JOB: Step[SearchJob, SearchAnswer] = Step("search_job", SearchJob, SearchAnswer)
OBSERVE_JOB: Step[ObserveJob, Seen] = Step("observe_job", ObserveJob, Seen)
CANCEL_TWINS: Step[CancelTwins, Done] = Step("cancel_twins", CancelTwins, Done)
CANCEL_JOB: Step[JobOf, CancelAsked] = Step("cancel_job", JobOf, CancelAsked)
EXPLAIN_FAILURE: Step[JobOf, Explained] = Step("explain_failure", JobOf, Explained)
CHECK_LANDING: Step[CheckLanding, Checked] = Step("check_landing", CheckLanding, Checked)
LOCATE_OUTPUTS: Step[LocateOutputs, LocateAnswer] = Step("locate_outputs", LocateOutputs, LocateAnswer)
LIST_OUTPUTS: Step[Publish, ListAnswer] = Step("list_outputs", Publish, ListAnswer)
COPY_OUTPUTS: Step[CopyOutputs, CopyAnswer] = Step("copy_outputs", CopyOutputs, CopyAnswer)
SEAL_PUBLICATION: Step[SealPublication, Sealed] = Step("seal_publication", SealPublication, Sealed)
ANNOUNCE_RUN: Step[AnnounceRun, Done] = Step("announce_run", AnnounceRun, Done)
REPORT_DEFECT: Step[ReportDefect, Done] = Step("report_defect", ReportDefect, Done)

PUBLISH: Step[Publish, PublishAnswer] = Step("publish", Publish, PublishAnswer)
SCORE: Step[Run, RunEnded] = Step("score", Run, RunEnded)
"""Not activities: what the orchestrators of these names take and answer."""
