"""What a batch endpoint is sent, and what it may answer.

Source: `BatchJob` of the Azure ML data-plane specification (2020-09-01-dataplanepreview) and the requests that
azure-ai-ml 1.35 sends for the same settings; `maxConcurrencyPerInstance` and `loggingLevel`, which it cannot send, are
by the specification alone.
"""

from __future__ import annotations

from typing import Any

from shared.core import inputs, outputs
from shared.core.job import Job
from shared.core.record import Message
from shared.core.route import JobSettings, RetrySettings
from shared.core.spec import JobRequest

ADVICE = {
    400: "Compare the route's inputs, outputs and settings with the deployment.",
    401: "Check that the app's identity belongs to the endpoint's tenant.",
    403: "Give the app's identity AzureML Data Scientist, or Batch Endpoint Invoker, on the workspace.",
    404: "Check the route's scoring_uri and deployment. Without deployment, the endpoint needs a default one.",
}
"""What to do about a refusal, by its status."""


class Accepted(Message, frozen=True):
    """The endpoint made a job. `assets`: what data assets that the route names by a label were at that time, by the
    names of their inputs."""

    job: Job
    assets: dict[str, str] = {}


class Rejected(Message, frozen=True):
    """The endpoint rejected the request; the same request will get the same answer."""

    status: int
    message: str


class Deferred(Message, frozen=True):
    """No job was made, for certain; another try in `retry_after` seconds may make one."""

    retry_after: float
    message: str


class Unclear(Message, frozen=True):
    """It is not known whether the endpoint created a job."""

    message: str


class Unfit(Message, frozen=True):
    """Nothing was sent: the deployment does not take what the route gives it. The message says what would be right."""

    message: str


Submission = Accepted | Rejected | Deferred | Unclear | Unfit


def invoke_body(request: JobRequest) -> dict[str, Any]:
    """The POST body of one attempt. Its output URIs are the attempt's own, which is how its job is recognised later."""
    return {
        "properties": _said(
            inputData={one.name: inputs.wire_of(one) for one in request.all_inputs},
            outputData={output.name: outputs.wire_of(output) for output in request.placed},
            **_overrides(request.settings),
        )
    }


def _overrides(settings: JobSettings) -> dict[str, Any]:
    """The settings as members of a `BatchJob`; one that is as deployed is not sent."""
    retries = settings.retry_settings or RetrySettings()
    timeout = retries.timeout and f"PT{int(retries.timeout.total_seconds())}S"
    return _said(
        compute=_said(instanceCount=settings.instance_count),
        miniBatchSize=settings.mini_batch_size,
        maxConcurrencyPerInstance=settings.max_concurrency_per_instance,
        errorThreshold=settings.error_threshold,
        retrySettings=_said(maxRetries=retries.max_retries, timeout=timeout),
        outputFileName=settings.output_file_name,
        loggingLevel=settings.logging_level and settings.logging_level.capitalize(),
        properties=_said(experimentName=settings.experiment_name),
    )


def _said(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, {})}
