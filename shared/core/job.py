"""Job statuses of Azure ML and what each means for a run.

Source: `JobStatus` of the Azure ML REST specification. NotResponding may return to an earlier status and Paused may be
resumed, so neither ends a job here; the run's deadline does. Statuses that are not in the table are followed, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

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


class Job(Record, frozen=True, kw_only=True):
    """An Azure ML batch job as the endpoint describes it. Only `name` is certain to be there."""

    name: str
    status: str = "Unknown"
    id: str | None = None
    studio_url: str | None = None
    deployment: str | None = None

    @property
    def stage(self) -> Stage:
        return STAGES.get(self.status, Stage.RUNNING)

    @property
    def is_final(self) -> bool:
        return self.stage in FINAL

    def seen_again(self, seen: Job) -> Job:
        """As it was seen later, with what the later answer leaves out and an earlier one told."""
        return change(
            seen,
            id=seen.id or self.id,
            studio_url=seen.studio_url or self.studio_url,
            deployment=seen.deployment or self.deployment,
        )


def read_job(resource: object) -> Job:
    """The job in a BatchJobResource. Anything but `name` may be missing, null or of another type than expected; without
    a name raises ValueError."""
    name = _member(resource, "name")
    if not isinstance(name, str) or not name:
        raise ValueError("it describes a job without a name")
    status = _text(resource, "properties", "status") or _text(resource, "status")
    return Job(
        name=name,
        status=status or "Unknown",
        id=_text(resource, "id"),
        studio_url=_text(resource, "properties", "interactionEndpoints", "Studio", "endpoint"),
        deployment=_text(resource, "properties", "tags", "azureml.deploymentname"),
    )


def output_of(resource: object) -> list[str]:
    """The output URIs that a BatchJobResource names; how a job is recognised as an attempt's own."""
    outputs = _member(resource, "properties", "outputData")
    found = [_text(output, "uri") for output in outputs.values()] if isinstance(outputs, Mapping) else []
    return [uri for uri in found if uri]


def _member(value: object, *path: str) -> Any:
    """What is at that path of nested maps; None if there is nothing, or no map on the way."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(value: object, *path: str) -> str | None:
    found = _member(value, *path)
    return found if isinstance(found, str) and found else None
