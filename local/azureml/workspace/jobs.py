"""The life of a batch job: its states, which may follow which, and its record.

Source of the states: JobStatus of the ARM specification. Recorded batch jobs went Preparing, Running, Completed|Failed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from local.azureml.workspace.settings import JobSettings, PipelineSettings


class Status(StrEnum):
    PREPARING = "Preparing"
    QUEUED = "Queued"
    RUNNING = "Running"
    FINALIZING = "Finalizing"
    CANCEL_REQUESTED = "CancelRequested"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"


_STOPPED = {Status.FAILED, Status.CANCEL_REQUESTED}
TRANSITIONS: dict[Status, frozenset[Status]] = {
    # Queued and Running lead back to Preparing only when this part was restarted: the job starts over.
    Status.PREPARING: frozenset({Status.PREPARING, Status.QUEUED, Status.RUNNING} | _STOPPED),
    Status.QUEUED: frozenset({Status.PREPARING, Status.RUNNING} | _STOPPED),
    Status.RUNNING: frozenset({Status.PREPARING, Status.FINALIZING} | _STOPPED),
    Status.FINALIZING: frozenset({Status.COMPLETED} | _STOPPED),
    Status.CANCEL_REQUESTED: frozenset({Status.CANCELED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
}
FINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)


class InputKind(StrEnum):
    """How an input of a job was named. Model deployments accept MLTable and Dataset, and then their jobs fail."""

    FILE = "UriFile"
    FOLDER = "UriFolder"
    DATA_URL = "DataUrl"
    TABLE = "MLTable"
    DATASET = "Dataset"
    LITERAL = "Literal"
    CUSTOM_MODEL = "CustomModel"
    MLFLOW_MODEL = "MLFlowModel"
    TRITON_MODEL = "TritonModel"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInput:
    """Something that is scored, or a literal. In a model deployment the `key` is the caller's and means nothing."""

    key: str
    kind: InputKind
    uri: str = ""
    value: str | int | float | bool | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutput:
    """Where the caller wants an output; of a model deployment, exactly one file.

    An output of a pipeline that the caller has not placed has no URI: it goes to its default place.
    """

    key: str
    uri: str
    kind: str = "UriFile"
    description: str | None = None


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed, in the service's words where those are known."""

    code: str
    message: str
    reference: str | None = None


STEP_FAILED = JobError(
    "UserError",
    "Pipeline has some failed steps. See child run or execution logs for more details.",
    "PipelineHasStepJobFailed",
)
"""All that a job's own run says when a run below it failed.

Source: Azure docs, how-to-troubleshoot-batch-endpoints (look at the step); the error that users quote of streamed jobs.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """One step of a pipeline component deployment's job: a run of its own below the job's."""

    name: str
    run: str
    status: Status = Status.PREPARING
    began: datetime | None = None
    ended: datetime | None = None
    outputs: tuple[str, ...] = ()
    error: JobError | None = None


class JobFailed(Exception):
    """A job came to an end without output."""

    def __init__(self, message: str, code: str = "UserError") -> None:
        super().__init__(message)
        self.error = JobError(code, message)


def error_of(failure: Exception) -> JobError:
    """What is recorded of a failure, which may be one of this program."""
    if isinstance(failure, JobFailed):
        return failure.error
    return JobError("ServiceError", f"{type(failure).__name__}: {failure}")


class IllegalTransition(Exception):
    """A job was asked for a state that cannot follow its present one."""

    def __init__(self, job: Job, status: Status) -> None:
        super().__init__(f"The job {job.name} is {job.status}; {status} cannot follow.")


@dataclass(frozen=True, slots=True)
class StatusChange:
    status: Status
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One batch job as it is recorded. `child` is the run that does the scoring below the job's own.

    The job of a pipeline component deployment has a `component` and, in the place of that run, `steps`.
    """

    name: str
    child: str
    display_name: str
    endpoint: str
    deployment: str
    created_by: str
    inputs: tuple[JobInput, ...]
    outputs: tuple[JobOutput, ...]
    settings: JobSettings
    changes: tuple[StatusChange, ...]
    compute: str | None = None
    experiment: str | None = None
    component: str | None = None
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    steps: tuple[StepRun, ...] = ()
    error: JobError | None = None
    created_by_type: str = "User"

    @property
    def status(self) -> Status:
        return self.changes[-1].status

    @property
    def created(self) -> datetime:
        return self.changes[0].at

    @property
    def modified(self) -> datetime:
        return self.changes[-1].at

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def output_uri(self) -> str:
        """Where the predictions of a model deployment go.

        The default folder carries the id of the child run. Source: recorded downloads of the Azure SDK's tests.
        """
        if self.outputs:
            return self.outputs[0].uri
        file = self.settings.output_file_name
        return f"azureml://datastores/workspaceblobstore/paths/azureml/{self.child}/score/{file}"

    @property
    def waits_for_nodes(self) -> bool:
        """Whether nothing of the job has found a node so far. A pipeline takes none itself; its steps do."""
        steps = [step.status for step in self.steps]
        fresh = (Status.PREPARING, Status.QUEUED)
        is_waiting_pipeline = Status.QUEUED in steps and all(status in fresh for status in steps)
        return self.status is Status.QUEUED or (self.status is Status.RUNNING and is_waiting_pipeline)

    @property
    def own_error(self) -> JobError | None:
        """What the job's own run says of its failure. The reason is told by the run below it that failed.

        A pipeline of which no step failed has nobody else to tell the reason.
        """
        if self.error and (self.component is None or any(step.status is Status.FAILED for step in self.steps)):
            return STEP_FAILED
        return self.error

    def began(self, status: Status) -> datetime | None:
        """When the job last entered `status`, or None."""
        return next((change.at for change in reversed(self.changes) if change.status is status), None)

    def moved(self, status: Status, at: datetime, error: JobError | None = None) -> Job:
        """The job in its next state. Raises IllegalTransition."""
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransition(self, status)
        return replace(self, changes=(*self.changes, StatusChange(status, at)), error=error)

    def with_step(self, step: StepRun) -> Job:
        """The job with what became of one of its steps."""
        return replace(self, steps=tuple(step if known.name == step.name else known for known in self.steps))
