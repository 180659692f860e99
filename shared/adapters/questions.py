"""What the doctor asks, with httpx: one request each, and the reply as it came.

Sources: Azure docs, rest/api/storageservices/get-queue-metadata and peek-messages (the queue); the others as in
batch_endpoint, workspaces and run_history, whose addresses are used here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from xml.etree import ElementTree

import httpx
from azure.core.credentials import TokenCredential

from shared.adapters.batch_endpoint import job_url
from shared.adapters.credentials import AZURE_ML, MANAGEMENT, STORAGE, names_in
from shared.adapters.rest import TIMEOUT, Rest, address, words
from shared.adapters.run_history import RunHistory
from shared.adapters.workspaces import Workspaces
from shared.core.finding import Candidate, read_candidate
from shared.core.job import Job, text_at
from shared.core.open_facts import Reply, Way
from shared.core.route import Endpoint
from shared.errors import Denied, Unavailable

QUEUE_VERSION = "2021-12-02"
NOBODYS_JOB = f"batchjob-{uuid.UUID(int=0)}"
"""Of the form that the service gives, but of no job: its ids are random."""


class AzureQuestions:
    """The `Questions` port. `queue_url`: of the queue that events are read from, if there is one. Safe for use from
    several threads."""

    def __init__(
        self,
        credential: TokenCredential,
        management_url: str,
        queue_url: str | None,
        *,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self._rest = Rest(credential, timeout=timeout)
        self._workspaces = Workspaces(self._rest, management_url)
        self._queue_url = queue_url

    def close(self) -> None:
        """Let go of the connections."""
        self._rest.close()

    def identity(self) -> Sequence[str]:
        return sorted(names_in(self._rest.token(MANAGEMENT)))

    def default_deployment(self, endpoint: Endpoint) -> str | None:
        return self._workspaces.default_deployment(endpoint)

    def listed(self, endpoint: Endpoint, way: Way) -> Reply:
        match way:
            case Way.RESOURCE_MANAGER:
                return self._reply(lambda: self._workspaces.jobs_url(self._workspaces.of(endpoint)), MANAGEMENT)
            case Way.FRONT_END:
                where, scope = (lambda: self._workspaces.front_end_jobs_url(endpoint)), AZURE_ML
            case Way.SCORING_HOST:
                where, scope = (lambda: endpoint.scoring_uri), AZURE_ML
        return self._reply(where, scope, self._workspaces.towards(endpoint))

    def unknown_job(self, endpoint: Endpoint, *, names_deployment: bool) -> Reply:
        headers = self._workspaces.towards(endpoint) if names_deployment else {}
        return self._reply(lambda: job_url(endpoint, NOBODYS_JOB), AZURE_ML, headers)

    def run_history(self, endpoint: Endpoint) -> Reply:
        job = Job(name=NOBODYS_JOB)
        return self._reply(lambda: self._history(endpoint, job).steps_url(job), MANAGEMENT)

    def shown(self, endpoint: Endpoint, job: Job) -> tuple[Reply, Candidate | None]:
        url = job_url(endpoint, job.name)
        try:
            answer = self._rest.get(url, AZURE_ML, self._workspaces.towards(endpoint, job))
            identity = names_in(self._rest.token(MANAGEMENT))
            return _reply(url, answer), read_candidate(answer.json(), identity) if answer.is_success else None
        except (Unavailable, ValueError) as error:
            return Reply(asked=_get(url), status=None, words=str(error)), None

    def steps(self, endpoint: Endpoint, job: Job) -> Sequence[str]:
        return [text_at(step, "status") or "" for step in self._history(endpoint, job).steps(job)]

    def queue(self) -> tuple[Reply, str | None] | None:
        if self._queue_url is None:
            return None
        url, headers = self._queue_url, {"x-ms-version": QUEUE_VERSION}
        try:
            answer = self._rest.get(f"{url}?comp=metadata", STORAGE, headers)
            if answer.is_success:
                url = f"{url}/messages"
                answer = self._rest.get(f"{url}?peekonly=true&numofmessages=1", STORAGE, headers)
            return _reply(url, answer), _message_in(answer.content) if answer.is_success else None
        except (Unavailable, ElementTree.ParseError) as error:
            return Reply(asked=_get(url), status=None, words=str(error)), None

    def _history(self, endpoint: Endpoint, job: Job) -> RunHistory:
        return RunHistory.of(self._rest, self._workspaces, endpoint, job)

    def _reply(self, where: Callable[[], str], scope: str, headers: dict[str, str] | None = None) -> Reply:
        url = ""
        try:
            url = where()
            return _reply(url, self._rest.get(url, scope, headers))
        except Denied as error:
            # On the way to the address: Resource Manager is asked for the workspace first.
            return Reply(asked=_get(url), status=403, words=str(error))
        except Unavailable as error:
            return Reply(asked=_get(url), status=None, words=str(error))


def _reply(url: str, answer: httpx.Response) -> Reply:
    code = answer.headers.get("x-ms-error-code")
    said = "" if answer.is_success else code or words(answer)
    return Reply(asked=_get(url), status=answer.status_code, words=said)


def _get(url: str) -> str:
    return f"GET {address(url)}" if url else "GET of an address that is not known"


def _message_in(listed: bytes) -> str | None:
    """The text of the first message in an answer of the queue service. It comes from the account that a setting names,
    over TLS; the parser resolves no external entities."""
    text = ElementTree.fromstring(listed).findtext("./QueueMessage/MessageText")  # noqa: S314
    return text or None
