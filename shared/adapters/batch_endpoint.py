"""Azure ML batch endpoints.

A submission is sent once: httpx does not repeat requests, and nothing here does. Every call to the scoring host names a
deployment, because the service finds its way by one. Sources: Azure docs, how-to-access-data-batch-endpoints-jobs
(invoking) and how-to-authenticate-batch-endpoint; the Azure ML REST specification 2020-09-01-dataplanepreview;
azure-ai-ml 1.35 (cancel).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
from azure.core.credentials import TokenCredential

from shared.adapters.credentials import AZURE_ML, MANAGEMENT, names_in
from shared.adapters.job_lists import JobLists
from shared.adapters.messages import cut
from shared.adapters.resources import Resources
from shared.adapters.rest import TIMEOUT, Hook, Rest, json_of, refusal, refused, words
from shared.adapters.run_history import RunHistory
from shared.adapters.workspaces import Workspaces
from shared.core.deployment import Deployment
from shared.core.finding import Candidate, read_candidate
from shared.core.job import MOST_STEPS, Job, Stage, read_job, read_step, text_at, waits_for_nodes
from shared.core.record import change
from shared.core.references import Asset
from shared.core.route import Endpoint
from shared.core.submission import Accepted, Deferred, Rejected, Submission, Unclear
from shared.errors import Unavailable
from shared.ports import JobListing
from shared.telemetry import warn

RETRY_AFTER = 30.0
"""Seconds, when the service says that it is busy but not for how long."""
CANCEL_VERSION = "2023-04-01-preview"
HALF = 900
"""Characters of either message where two are told."""
LONGEST_NAME = 100
UNSURE = frozenset({400, 404, 405, 501})
"""Answers of the scoring host after which a job may be there all the same."""


class AzureBatchEndpoint:
    """The `BatchEndpoint` port. Safe for use from several threads."""

    def __init__(
        self,
        credential: TokenCredential,
        management_url: str,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        on_request: Hook | None = None,
    ) -> None:
        self._rest = Rest(credential, timeout=timeout, on_request=on_request)
        self._management_url = management_url
        self._workspaces = Workspaces(self._rest, management_url)
        self._resources = Resources(self._rest, self._workspaces, management_url)
        self._lists = JobLists(self._rest, self._workspaces, self._shown)

    def close(self) -> None:
        """Let go of the connections."""
        self._rest.close()

    def deployment(self, endpoint: Endpoint) -> Deployment | None:
        return self._resources.of(endpoint)

    def data_asset(self, endpoint: Endpoint, asset: Asset) -> str:
        return self._resources.data_asset(endpoint, asset)

    def outputs(self, endpoint: Endpoint, job: Job, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
        response = self._get(endpoint, job)
        return self._resources.outputs(endpoint, job, json_of(response) if response.is_success else {}, names)

    def submit(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Submission:
        uri = endpoint.scoring_uri
        try:
            response = self._rest.post(
                uri, AZURE_ML, headers=self._workspaces.towards(endpoint, afresh=True), body=body
            )
        except Unavailable as error:
            return Deferred(RETRY_AFTER, str(error))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Deferred(RETRY_AFTER, f"{uri} could not be reached: {error}")
        except httpx.HTTPError as error:
            return Unclear(f"{uri} did not answer: {type(error).__name__} {error}")
        return _submission(response)

    def job(self, endpoint: Endpoint, job: Job, *, has_run: bool = False) -> Job | None:
        response = self._get(endpoint, job)
        if response.is_success:
            seen = _job(json_of(response), job.name)
        elif response.status_code in UNSURE or response.status_code >= 500:
            known = self._known(endpoint, job, response)
            if known is None:
                return None
            seen = _job(known, job.name)
        else:
            raise refused(response)
        if seen.is_pipeline or not (has_run or seen.stage is not Stage.RUNNING):
            return self._with_steps(endpoint, job.seen_again(seen))
        return seen

    def _known(self, endpoint: Endpoint, job: Job, response: httpx.Response) -> dict[str, Any] | None:
        """The job as Resource Manager has it, which knows every job of the workspace; None if it has none.

        What the scoring host answers for a job that it does not know is not documented, and it may not find its way to
        a job whose deployment is gone. Where Resource Manager cannot be asked, the host's answer may still pass.
        """
        try:
            return self._workspaces.job(self._workspaces.of(endpoint, job), job.name)
        except Unavailable as error:
            told = f"{cut(refused(response), HALF)} Resource Manager could not be asked either: {cut(error, HALF)}"
            raise Unavailable(told) from error

    def jobs_since(self, endpoint: Endpoint, since: datetime, *, whole: bool = True) -> JobListing:
        return self._lists.since(endpoint, since, whole=whole)

    def cancel(self, endpoint: Endpoint, job: Job) -> bool:
        path = f"{self._workspaces.of(endpoint, job)}/jobs/{quote(job.name, safe='')}/cancel"
        try:
            response = self._rest.post(f"{self._management_url}{path}?api-version={CANCEL_VERSION}", MANAGEMENT)
        except httpx.HTTPError as error:
            raise Unavailable(f"Could not cancel job {job.name}: {type(error).__name__} {error}") from error
        if response.status_code in (400, 404, 409):
            return False
        if response.is_success:
            return True
        raise refusal(response, f"Could not cancel job {job.name}: {words(response)}")

    def explain(self, endpoint: Endpoint, job: Job) -> str | None:
        return self._history(endpoint, job).reason(job)

    def logs(self, endpoint: Endpoint, job: Job) -> Mapping[str, str]:
        return self._history(endpoint, job).logs(job)

    def check(self, endpoint: Endpoint) -> None:
        self._workspaces.require_deployment(endpoint)

    def _shown(self, endpoint: Endpoint, candidate: Candidate) -> Candidate:
        """The job as the scoring host shows it; as it was listed if the host does not show it."""
        response = self._get(endpoint, candidate.job)
        if response.status_code == 429:
            raise refused(response)
        return _candidate(json_of(response), self._identity()) if response.is_success else candidate

    def _get(self, endpoint: Endpoint, job: Job) -> httpx.Response:
        return self._rest.get(job_url(endpoint, job.name), AZURE_ML, self._workspaces.towards(endpoint, job))

    def _with_steps(self, endpoint: Endpoint, job: Job) -> Job:
        """The job as its steps show it: it waits as long as they do, and those of a pipeline are told."""
        try:
            steps = self._history(endpoint, job).steps(job)
        except Unavailable as error:
            warn("job.steps_not_seen", job=job.name, message=str(error))
            return job
        if job.is_pipeline:
            job = change(job, steps=tuple(read_step(step) for step in steps[:MOST_STEPS]))
        waiting = waits_for_nodes(text_at(step, "status") or "" for step in steps)
        return job if waiting is None or job.stage is not Stage.RUNNING else job.with_status(waiting)

    def _history(self, endpoint: Endpoint, job: Job) -> RunHistory:
        return RunHistory.of(self._rest, self._workspaces, endpoint, job)

    def _identity(self) -> Collection[str]:
        return names_in(self._rest.token(MANAGEMENT))


def job_url(endpoint: Endpoint, job: str) -> str:
    """Where the scoring host shows a job."""
    return f"{endpoint.scoring_uri}/{quote(job, safe='')}"


def _submission(response: httpx.Response) -> Submission:
    if response.is_success:
        try:
            return Accepted(read_job(response.json()))
        except ValueError as error:
            return Unclear(f"The endpoint answered {response.status_code}, but its answer is not a job: {error}")
    if response.status_code == 429:
        return Deferred(_seconds(response.headers.get("Retry-After")), words(response))
    if response.status_code == 408 or response.status_code >= 500:
        return Unclear(f"The endpoint answered {response.status_code}: {words(response)}")
    return Rejected(response.status_code, words(response))


def _job(resource: Mapping[str, Any], name: str) -> Job:
    """The job of that name in an answer. Another one's end is not its end."""
    job = _candidate(resource, ()).job
    if job.name != name:
        raise Unavailable(f"Asked for job {name}, the endpoint answered with job {cut(job.name, LONGEST_NAME)}.")
    return job


def _candidate(resource: object, identity: Collection[str]) -> Candidate:
    try:
        return read_candidate(resource, identity)
    except ValueError as error:
        raise Unavailable(f"Could not read the endpoint's answer: {error}") from error


def _seconds(retry_after: str | None) -> float:
    try:
        return max(1.0, min(float(retry_after or RETRY_AFTER), 3600.0))
    except ValueError:
        return RETRY_AFTER  # an HTTP date; the service was not seen to send one
