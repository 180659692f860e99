"""Job statuses of Azure ML and what each means for a run.

Source: `JobStatus` of the Azure ML REST specification. NotResponding may return to an earlier status and Paused may be
resumed, so neither ends a job here; the run's deadline does. Statuses that are not in the table are followed, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.core.hints import ONCE_MORE
from shared.core.record import Record, change


class Stage(StrEnum):
    """How far a job is, as far as a run cares."""

    WAITING = "waiting"
    """Accepted, not yet scoring: limited by the route's start deadline."""
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


STAGES: Mapping[str, Stage] = {
    "NotStarted": Stage.WAITING,
    "Starting": Stage.WAITING,
    "Provisioning": Stage.WAITING,
    "Preparing": Stage.WAITING,
    "Queued": Stage.WAITING,
    "Running": Stage.RUNNING,
    "Finalizing": Stage.RUNNING,
    "CancelRequested": Stage.RUNNING,
    "NotResponding": Stage.RUNNING,
    "Paused": Stage.RUNNING,
    "Unknown": Stage.RUNNING,
    "Completed": Stage.COMPLETED,
    "Failed": Stage.FAILED,
    "Canceled": Stage.CANCELED,
}
FINAL = frozenset({Stage.COMPLETED, Stage.FAILED, Stage.CANCELED})


MOST_STEPS = 50
"""Steps of a pipeline that are told of."""


class JobStep(Record, frozen=True, kw_only=True):
    """A step of a pipeline's job, as run history shows it. Times are the service's."""

    name: str
    status: str
    started: datetime | None = None
    ended: datetime | None = None


class Job(Record, frozen=True, kw_only=True):
    """An Azure ML batch job as the endpoint describes it. Only `name` is certain to be there. `steps`: those of a
    pipeline component deployment's job, where they could be seen."""

    name: str
    status: str = "Unknown"
    id: str | None = None
    studio_url: str | None = None
    deployment: str | None = None
    steps: tuple[JobStep, ...] = ()

    @property
    def stage(self) -> Stage:
        return stage_of(self.status)

    @property
    def is_final(self) -> bool:
        return self.stage in FINAL

    @property
    def is_pipeline(self) -> bool:
        """Whether it is of a pipeline component deployment, by the name that the service gave it."""
        return self.name.startswith("pipelinejob-")

    def with_status(self, status: str) -> Job:
        return change(self, status=status)

    def seen_again(self, seen: Job) -> Job:
        """As it was seen later, with what the later answer leaves out and an earlier one told."""
        return change(
            seen,
            id=seen.id or self.id,
            studio_url=seen.studio_url or self.studio_url,
            deployment=seen.deployment or self.deployment,
            steps=seen.steps or self.steps,
        )


_NO_ACCESS = ("AuthenticationException", "WriteStreams.Authentication", "AuthorizationPermissionMismatch")
"""What the reasons of failed jobs hold if the compute was refused data. Source: Azure docs,
how-to-troubleshoot-batch-endpoints, and errors of the data runtime in public issues."""


def advice_on(reason: str) -> str | None:
    """What to do about a job that failed for that reason, if that is known."""
    if not any(words in reason for words in _NO_ACCESS):
        return None
    return (
        "Give the compute cluster's identity Storage Blob Data Reader on the landing container and Storage Blob Data "
        f"Contributor on the output datastore's container. {ONCE_MORE}"
    )


def stage_of(status: str) -> Stage:
    """How far a job or a step with that status is."""
    return STAGES.get(status, Stage.RUNNING)


def read_job(resource: object) -> Job:
    """The job in a resource of the scoring host or of Resource Manager. Anything but `name` may be missing, null or of
    another type than expected; without a name raises ValueError."""
    name = value_at(resource, "name")
    if not isinstance(name, str) or not name:
        raise ValueError("it describes a job without a name")
    status = text_at(resource, "properties", "status") or text_at(resource, "status")
    studio = ("Studio", "endpoint")
    return Job(
        name=name,
        status=status or "Unknown",
        id=text_at(resource, "id"),
        studio_url=text_at(resource, "properties", "interactionEndpoints", *studio)
        or text_at(resource, "properties", "services", *studio),
        deployment=text_at(resource, "properties", "tags", "azureml.deploymentname"),
    )


def read_step(run: object) -> JobStep:
    """A step in the list of a job's children."""
    return JobStep(
        name=text_at(run, "displayName") or text_at(run, "name") or text_at(run, "runId") or "unknown",
        status=text_at(run, "status") or "Unknown",
        started=read_moment(text_at(run, "startTimeUtc")),
        ended=read_moment(text_at(run, "endTimeUtc")),
    )


def read_moment(text: str | None) -> datetime | None:
    """A time of the service, which writes seven decimals; None for one that cannot be read."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text or "")
    try:
        return datetime.fromisoformat(f"{found[1]}{found[2]}") if found else None
    except ValueError:
        return None


def waits_for_nodes(steps: Iterable[str]) -> str | None:
    """The status of a job whose steps have these statuses, if none of them runs or has run yet: the job itself is shown
    as Running from the moment that it is scheduled. None: its own status stands."""
    statuses = list(steps)
    if not statuses or any(STAGES.get(status) is not Stage.WAITING for status in statuses):
        return None
    return statuses[0]


def value_at(value: object, *path: str) -> Any:
    """What is at that path of nested maps; None if there is nothing, or no map on the way."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text_at(value: object, *path: str) -> str | None:
    """The string at that path; None if there is none, or an empty one."""
    found = value_at(value, *path)
    return found if isinstance(found, str) and found else None
