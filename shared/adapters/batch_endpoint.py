"""Azure ML batch endpoints.

A submission is sent once: httpx does not repeat requests, and nothing here does. Every call to the scoring host names a
deployment, because the service finds its way by one. Sources: Azure docs, how-to-access-data-batch-endpoints-jobs
(invoking) and how-to-authenticate-batch-endpoint; the Azure ML REST specification 2020-09-01-dataplanepreview;
azure-ai-ml 1.35 (cancel).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
from azure.core.credentials import TokenCredential

from shared.adapters.credentials import AZURE_ML, MANAGEMENT, names_in
from shared.adapters.rest import TIMEOUT, Hook, ListCut, Rest, json_of, refusal, words
from shared.adapters.run_history import RunHistory
from shared.adapters.workspaces import Workspaces
from shared.core.finding import CLOCKS_DIFFER, Candidate, read_candidate, seen_together
from shared.core.job import Job, Stage, read_job, text_at, waits_for_nodes
from shared.core.route import Endpoint
from shared.core.submission import Accepted, Deferred, Rejected, Submission, Unclear
from shared.errors import Unavailable
from shared.ports import JobListing
from shared.telemetry import warn
from shared.threads import each

PAGES = 100
"""Pages of jobs that are read; a list that is longer was not seen to its end."""
LOOKS_AT_ONCE = 8
ORDER_SHOWN = 50
"""Jobs, from a list's first on, that are in the order of time before the list is taken to be in that order."""
RETRY_AFTER = 30.0
"""Seconds, when the service says that it is busy but not for how long."""
CANCEL_VERSION = "2023-04-01-preview"
NOT_LISTED = frozenset({400, 404, 405, 501})
"""Answers of a service that does not list jobs in that way (azure-sdk-for-python issue 45212)."""


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

    def close(self) -> None:
        """Let go of the connections."""
        self._rest.close()

    def submit(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Submission:
        uri = endpoint.scoring_uri
        try:
            response = self._rest.post(uri, AZURE_ML, headers=self._workspaces.towards(endpoint), body=body)
        except Unavailable as error:
            return Deferred(RETRY_AFTER, str(error))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Deferred(RETRY_AFTER, f"{uri} could not be reached: {error}")
        except httpx.HTTPError as error:
            return Unclear(f"{uri} did not answer: {type(error).__name__} {error}")
        return _submission(response)

    def job(self, endpoint: Endpoint, job: Job, *, has_run: bool = False) -> Job | None:
        response = self._rest.get(job_url(endpoint, job.name), AZURE_ML, self._workspaces.towards(endpoint, job))
        if response.is_success:
            seen = _job(json_of(response))
        elif response.status_code in NOT_LISTED or response.status_code >= 500:
            # What the scoring host answers for a job that it does not know is not documented, and it may not find its
            # way to a job whose deployment is gone. Resource Manager knows every job of the workspace.
            known = self._workspaces.job(self._workspaces.of(endpoint, job), job.name)
            if known is None:
                return None
            seen = _job(known)
        else:
            raise _refused(response)
        return (
            seen
            if has_run or seen.stage is not Stage.RUNNING
            else self._unless_it_waits(endpoint, job.seen_again(seen))
        )

    def jobs_since(self, endpoint: Endpoint, since: datetime) -> JobListing:
        trouble: list[Unavailable] = []
        reasons: list[str] = []
        for way in (self._in_workspace, self._at_front_end, self._at_scoring_host):
            try:
                return way(endpoint, since)
            except Unavailable as error:
                trouble.append(error)
            except (ListCut, _NotListed) as error:
                reasons.append(str(error))
        if trouble:
            raise trouble[0]  # the first way is the one that is documented
        warn("endpoint.cannot_list", scoring_uri=endpoint.scoring_uri, reasons=reasons)
        return JobListing((), complete=False, reason="; ".join(reasons))

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

    def check(self, endpoint: Endpoint) -> None:
        self._workspaces.require_deployment(endpoint)

    def _in_workspace(self, endpoint: Endpoint, since: datetime) -> JobListing:
        """By Resource Manager, which lists all jobs of the workspace but not what they read and write: the scoring host
        does, of each. A job of another endpoint runs under another experiment's name."""
        workspace, name = self._workspaces.of(endpoint), self._workspaces.name_of(endpoint)
        here = (
            resource
            for resource in self._workspaces.jobs(workspace, pages=PAGES)
            if text_at(resource, "properties", "experimentName") in (None, name)
        )
        listing = self._recent(here, since)
        shown = each(lambda job: self._shown(endpoint, job), listing.jobs, at_once=LOOKS_AT_ONCE)
        return replace(listing, jobs=tuple(map(seen_together, listing.jobs, shown)))

    def _at_front_end(self, endpoint: Endpoint, since: datetime) -> JobListing:
        return self._listed_at(self._workspaces.front_end_jobs_url(endpoint), endpoint, since)

    def _at_scoring_host(self, endpoint: Endpoint, since: datetime) -> JobListing:
        return self._listed_at(endpoint.scoring_uri, endpoint, since)

    def _listed_at(self, url: str, endpoint: Endpoint, since: datetime) -> JobListing:
        headers = self._workspaces.towards(endpoint)
        answer = self._rest.get(url, AZURE_ML, headers)
        if answer.status_code in NOT_LISTED:
            raise _NotListed(f"{url.partition('?')[0]} answered {answer.status_code}: {words(answer)}")
        jobs = self._rest.items(url, AZURE_ML, pages=PAGES, headers=headers)
        return self._recent(jobs, since)

    def _recent(self, resources: Iterable[Any], since: datetime) -> JobListing:
        """The jobs that were made since then, or of which that is not known. One that has no name may be any.

        The lists have no documented order. They are read to their end, unless they turn out to begin with the newest:
        then all that follows an older job is older.
        """
        identity, found, unreadable = self._identity(), [], 0
        newest_first, count, last = True, 0, datetime.max.replace(tzinfo=UTC)
        for resource in resources:
            try:
                candidate = read_candidate(resource, identity)
            except ValueError:
                unreadable += 1
                continue
            created = candidate.created
            newest_first = newest_first and created is not None and created <= last
            count, last = count + 1, created or last
            if created is None or created >= since - CLOCKS_DIFFER:
                found.append(candidate)
            elif newest_first and count > ORDER_SHOWN:
                break
        told = f"{unreadable} of the listed jobs could not be read" if unreadable else ""
        return JobListing(tuple(found), complete=not unreadable, reason=told)

    def _shown(self, endpoint: Endpoint, candidate: Candidate) -> Candidate:
        """The job as the scoring host shows it; as it is known if the host does not show it."""
        job = candidate.job
        response = self._rest.get(job_url(endpoint, job.name), AZURE_ML, self._workspaces.towards(endpoint, job))
        if response.is_success:
            return _candidate(json_of(response), self._identity())
        if response.status_code in NOT_LISTED or response.status_code >= 500:
            return candidate
        raise _refused(response)

    def _unless_it_waits(self, endpoint: Endpoint, job: Job) -> Job:
        try:
            steps = self._history(endpoint, job).steps(job)
        except Unavailable as error:
            warn("job.steps_not_seen", job=job.name, message=str(error))
            return job
        waiting = waits_for_nodes(text_at(step, "status") or "" for step in steps)
        return job if waiting is None else job.with_status(waiting)

    def _history(self, endpoint: Endpoint, job: Job) -> RunHistory:
        workspace = self._workspaces.of(endpoint, job)
        return RunHistory(self._rest, self._workspaces.api(workspace), workspace)

    def _identity(self) -> Collection[str]:
        return names_in(self._rest.token(MANAGEMENT))


class _NotListed(Exception):
    """The service does not list jobs in that way."""


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


def _job(resource: Mapping[str, Any]) -> Job:
    return _candidate(resource, ()).job


def _candidate(resource: object, identity: Collection[str]) -> Candidate:
    try:
        return read_candidate(resource, identity)
    except ValueError as error:
        raise Unavailable(f"Could not read the endpoint's answer: {error}") from error


def _refused(response: httpx.Response) -> Unavailable:
    return refusal(response, f"{response.request.url} answered {response.status_code}: {words(response)}")


def _seconds(retry_after: str | None) -> float:
    try:
        return max(1.0, min(float(retry_after or RETRY_AFTER), 3600.0))
    except ValueError:
        return RETRY_AFTER  # an HTTP date; the service was not seen to send one
