"""Azure ML batch endpoints with httpx: small, typed, with explicit time-outs.

A submission is sent once: httpx does not repeat requests, and nothing here does. Sources: Azure docs,
how-to-access-data-batch-endpoints-jobs (invoking) and how-to-authenticate-batch-endpoint; the Azure ML REST
specification 2020-09-01-dataplanepreview; azure-ai-ml 1.35 (cancel, run details).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError

from shared.adapters.credentials import AZURE_ML, MANAGEMENT
from shared.core.job import Job, output_of, read_job
from shared.core.submission import Accepted, Deferred, Rejected, Submission, Unclear, is_output
from shared.core.trouble import LONGEST_MESSAGE
from shared.errors import Denied, Unavailable
from shared.ports import JobListing
from shared.telemetry import warn

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds. A recorded submission took two; a cold endpoint is given plenty."""
PAGES = 20
"""Pages of an endpoint's jobs that are searched."""
RETRY_AFTER = 30.0
"""Seconds, when the service says that it is busy but not for how long."""
API_HOSTS = (".api.azureml.ms", ".api.ml.azure.us", ".api.ml.azure.cn")
"""Where run history is. Source: Azure docs, how-to-access-azureml-behind-firewall."""
_WORKSPACE = re.compile(
    r"/subscriptions/[^/?#]+/resourceGroups/[^/?#]+/providers/Microsoft\.MachineLearningServices/workspaces/[^/?#]+",
    re.IGNORECASE,
)
CANCEL_VERSION = "2023-04-01-preview"
WORKSPACE_VERSION = "2024-10-01-preview"


class AzureBatchEndpoint:
    """The `BatchEndpoint` port. Safe for use from several threads."""

    def __init__(self, credential: TokenCredential, management_url: str, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._credential = credential
        self._management_url = management_url
        self._http = httpx.Client(timeout=timeout, follow_redirects=False)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def submit(self, scoring_uri: str, deployment: str | None, body: Mapping[str, Any]) -> Submission:
        try:
            headers = self._authorization(AZURE_ML)
        except Unavailable as error:
            return Deferred(RETRY_AFTER, str(error))
        if deployment is not None:
            headers["azureml-model-deployment"] = deployment
        try:
            response = self._http.post(scoring_uri, json=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Deferred(RETRY_AFTER, f"{scoring_uri} could not be reached: {error}")
        except httpx.HTTPError as error:
            return Unclear(f"{scoring_uri} did not answer: {type(error).__name__} {error}")
        return _submission(response)

    def job(self, scoring_uri: str, name: str) -> Job | None:
        response = self._get(f"{scoring_uri}/{quote(name, safe='')}", AZURE_ML)
        if response.status_code == 404:
            return None
        return _job(_json(response))

    def jobs_writing(self, scoring_uri: str, outputs: Sequence[str]) -> JobListing:
        found: dict[str, Job] = {}
        url = scoring_uri
        for _ in range(PAGES):
            response = self._get(url, AZURE_ML)
            if response.status_code in (400, 404, 405, 501):
                # Listing is not dependable on every endpoint (azure-sdk-for-python issue 45212).
                warn("endpoint.cannot_list", scoring_uri=scoring_uri, answer=_words(response))
                return JobListing(found, complete=False)
            page = _json(response)
            for resource in _resources(page):
                for output in outputs:
                    if any(is_output(written, output) for written in output_of(resource)):
                        found.setdefault(output, _job(resource))
            if len(found) == len(outputs) or not page.get("nextLink"):
                return JobListing(found, complete=True)
            if not _is_same_origin(page["nextLink"], scoring_uri):
                warn(
                    "endpoint.cannot_list",
                    scoring_uri=scoring_uri,
                    answer=f"continues elsewhere, at {page['nextLink']}",
                )
                return JobListing(found, complete=False)
            url = page["nextLink"]
        warn("endpoint.cannot_list", scoring_uri=scoring_uri, answer=f"more than {PAGES} pages of jobs")
        return JobListing(found, complete=False)

    def cancel(self, job: Job) -> bool:
        workspace = _workspace(job)
        if workspace is None:
            return False
        url = f"{self._management_url}{workspace}/jobs/{quote(job.name, safe='')}/cancel"
        try:
            response = self._http.post(
                url, params={"api-version": CANCEL_VERSION}, headers=self._authorization(MANAGEMENT)
            )
        except httpx.HTTPError as error:
            raise Unavailable(f"Could not cancel job {job.name}: {type(error).__name__} {error}") from error
        if response.status_code in (400, 404, 409):
            return False
        if response.is_success:
            return True
        raise _refusal(response, f"Could not cancel job {job.name}: {_words(response)}")

    def explain(self, job: Job) -> str | None:
        workspace = _workspace(job)
        if workspace is None:
            return None
        found = _json(self._get(f"{self._management_url}{workspace}?api-version={WORKSPACE_VERSION}", MANAGEMENT))
        discovery = str((found.get("properties") or {}).get("discoveryUrl") or "")
        if not self._is_azure_ml(discovery):
            return None
        api = str(_json(self._get(discovery, None)).get("api") or "").rstrip("/")
        if not self._is_azure_ml(api):
            return None
        details = self._get(f"{api}/history/v1.0{workspace}/runs/{quote(job.name, safe='')}/details", MANAGEMENT)
        if details.status_code == 404:
            return None
        error = (_json(details).get("error") or {}).get("error") or {}
        return _cut(error["message"]) if error.get("message") else None

    def _is_azure_ml(self, url: str) -> bool:
        host = urlsplit(url).hostname or ""
        return _is_same_origin(url, self._management_url) or (url.startswith("https://") and host.endswith(API_HOSTS))

    def _get(self, url: str, scope: str | None) -> httpx.Response:
        """The answer, which may be any status; Unavailable if there is none."""
        headers = self._authorization(scope) if scope else {}
        try:
            return self._http.get(url, headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable(f"{url} did not answer: {type(error).__name__} {error}") from error

    def _authorization(self, scope: str) -> dict[str, str]:
        try:
            return {"Authorization": f"Bearer {self._credential.get_token(scope).token}"}
        except AzureError as error:
            raise Unavailable(f"Got no token for {scope}: {error}. Check the app's managed identity.") from error


def _submission(response: httpx.Response) -> Submission:
    if response.is_success:
        try:
            return Accepted(read_job(response.json()))
        except ValueError as error:
            return Unclear(f"The endpoint answered {response.status_code}, but its answer is not a job: {error}")
    if response.status_code == 429:
        return Deferred(_seconds(response.headers.get("Retry-After")), _words(response))
    if response.status_code == 408 or response.status_code >= 500:
        return Unclear(f"The endpoint answered {response.status_code}: {_words(response)}")
    return Rejected(response.status_code, _words(response))


def _job(resource: Mapping[str, Any]) -> Job:
    try:
        return read_job(resource)
    except ValueError as error:
        raise Unavailable(f"Could not read the endpoint's answer: {error}") from error


def _json(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise _refusal(response, f"{response.request.url} answered {response.status_code}: {_words(response)}")
    try:
        body = response.json()
    except ValueError as error:
        raise Unavailable(f"{response.request.url} did not return JSON") from error
    if not isinstance(body, dict):
        raise Unavailable(f"{response.request.url} did not return a JSON object")
    return body


def _resources(page: Mapping[str, Any]) -> list[Any]:
    found = page.get("value")
    if found is not None and not isinstance(found, list):
        raise Unavailable("Could not read the endpoint's answer: it is not a list of jobs")
    return found or []


def _refusal(response: httpx.Response, message: str) -> Unavailable:
    return Denied(message) if response.status_code in (401, 403) else Unavailable(message)


def _words(response: httpx.Response) -> str:
    """The service's own words: the message of its error envelope, else the beginning of the body."""
    try:
        message = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = response.text[:500] or response.reason_phrase
    return _cut(message)


def _cut(message: object) -> str:
    """A message of the service, on one line and not longer than can be kept."""
    return " ".join(str(message)[: 2 * LONGEST_MESSAGE].split())[:LONGEST_MESSAGE]


def _seconds(retry_after: str | None) -> float:
    try:
        return max(1.0, min(float(retry_after or RETRY_AFTER), 3600.0))
    except ValueError:
        return RETRY_AFTER  # an HTTP date; the service was not seen to send one


def _workspace(job: Job) -> str | None:
    """The workspace's ARM id: what is before `/batchEndpoints/` in a job's id."""
    workspace, found, _ = (job.id or "").partition("/batchEndpoints/")
    return workspace if found and _WORKSPACE.fullmatch(workspace) else None


def _is_same_origin(link: object, url: str) -> bool:
    # A token goes only where the route or a setting says; a link to anywhere else is not followed.
    return isinstance(link, str) and urlsplit(link)[:2] == urlsplit(url)[:2]
