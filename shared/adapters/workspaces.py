"""What Resource Manager knows of an endpoint: its workspace, default deployment and jobs; and where run history is.

A scoring URI does not say which workspace it is in. Where the route does not either, it is looked up: among the batch
endpoints that the app's identity may read there is one with that scoring URI. Source: Azure docs, Resources - List,
Subscriptions - List; Microsoft.MachineLearningServices ARM specification.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from threading import Lock
from typing import Any
from urllib.parse import quote, urlencode

from shared.adapters.credentials import MANAGEMENT
from shared.adapters.rest import ListCut, Rest, is_same_origin, json_of, parts_of
from shared.core.job import Job, text_at
from shared.core.route import Endpoint
from shared.errors import Denied, InputRefused, Unavailable
from shared.telemetry import log

SUBSCRIPTIONS_VERSION = "2022-12-01"
RESOURCES_VERSION = "2021-04-01"
VERSION = "2024-10-01-preview"
JOBS_VERSION = "2024-01-01-preview"
FRONT_END_VERSION = "2020-09-01-dataplanepreview"
BATCH_ENDPOINTS = "Microsoft.MachineLearningServices/workspaces/batchEndpoints"
DEFAULT_KEPT = 60.0
"""Seconds that a default deployment, or that it cannot be found out, is remembered for requests that only read."""
JUST_NOW = 5.0
"""Seconds that one is remembered for a submission, which is compared with the deployment right before."""
PAGES = 20
"""Pages of subscriptions, and of endpoints in each of them."""
API_HOSTS = (".api.azureml.ms", ".api.ml.azure.us", ".api.ml.azure.cn")
"""Where run history is. Source: Azure docs, how-to-access-azureml-behind-firewall."""
_WORKSPACE = re.compile(
    r"/subscriptions/[^/?#]+/resourceGroups/[^/?#]+/providers/Microsoft\.MachineLearningServices/workspaces/[^/?#]+",
    re.IGNORECASE,
)


class Workspaces:
    """Looks endpoints and jobs up. What cannot change is looked up once per process. Safe for several threads."""

    def __init__(self, rest: Rest, management_url: str) -> None:
        self._rest = rest
        self._management_url = management_url
        self._ids: dict[str, str] = {}
        self._api: dict[str, str] = {}
        self._locks: dict[str, Lock] = {}
        self._defaults: dict[str, tuple[str | None, float]] = {}

    def of(self, endpoint: Endpoint, job: Job | None = None) -> str:
        """The ARM id of the endpoint's workspace: as the job's id, the route, or else Resource Manager says. Raises
        Unavailable if it cannot be found."""
        if job is not None and (found := _WORKSPACE.match(job.id or "")):
            return found[0]
        return endpoint.workspace or self.id_of(endpoint).partition("/batchEndpoints/")[0]

    def name_of(self, endpoint: Endpoint) -> str:
        """The endpoint's name in its workspace. Raises Unavailable."""
        return self.id_of(endpoint).rpartition("/")[2]

    def resource(self, endpoint: Endpoint) -> dict[str, Any]:
        """The endpoint as Resource Manager has it now. Raises Unavailable."""
        return self._read(self.id_of(endpoint))

    def default_deployment(self, endpoint: Endpoint) -> str | None:
        """The name of the endpoint's default deployment, None if it has none. Raises Unavailable."""
        found = text_at(self.resource(endpoint), "properties", "defaults", "deploymentName")
        self._defaults[endpoint.scoring_uri] = (found, time.monotonic())
        return found

    def towards(self, endpoint: Endpoint, job: Job | None = None, *, afresh: bool = False) -> dict[str, str]:
        """The header by which the scoring host finds a deployment: the job's own, the route's, or the default one, as
        it is now (`afresh`) or was a little while ago. Without it an endpoint that has no default deployment may not
        find its way even to a job that it has."""
        name = (job.deployment if job is not None else None) or endpoint.deployment or self._default(endpoint, afresh)
        return {} if name is None else {"azureml-model-deployment": name}

    def _default(self, endpoint: Endpoint, afresh: bool) -> str | None:
        known, at = self._defaults.get(endpoint.scoring_uri, (None, -DEFAULT_KEPT))
        if time.monotonic() - at < (JUST_NOW if afresh and known is not None else DEFAULT_KEPT):
            return known
        try:
            return self.default_deployment(endpoint)
        except Unavailable:
            # The service itself knows, in the case that is documented.
            self._defaults[endpoint.scoring_uri] = (None, time.monotonic())
            return None

    def require_deployment(self, endpoint: Endpoint) -> None:
        """Raise InputRefused unless the endpoint has the deployment that the route names, or a default one."""
        found = self.resource(endpoint)
        name = endpoint.deployment or text_at(found, "properties", "defaults", "deploymentName")
        if name is None:
            raise InputRefused(
                f"{endpoint.scoring_uri} has no default deployment. Set one, or name one in endpoint.deployment."
            )
        answer = self._rest.get(self._url(f"{self.id_of(endpoint)}/deployments/{quote(name)}"), MANAGEMENT)
        if answer.status_code == 404:
            raise InputRefused(f"{endpoint.scoring_uri} has no deployment {name!r}. Check endpoint.deployment.")
        json_of(answer)

    def jobs_url(self, workspace: str) -> str:
        """Where Resource Manager lists the workspace's jobs."""
        query = urlencode({"api-version": JOBS_VERSION, "jobType": "Pipeline", "listViewType": "All"})
        return f"{self._management_url}{workspace}/jobs?{query}"

    def front_end_jobs_url(self, endpoint: Endpoint) -> str:
        """Where the management front end lists the endpoint's jobs. Raises Unavailable."""
        workspace, name = self.of(endpoint), self.name_of(endpoint)
        front_end = f"{self.api(workspace)}/mferp/managementfrontend{workspace}"
        return f"{front_end}/batchEndpoints/{quote(name)}/jobs?api-version={FRONT_END_VERSION}"

    def job(self, workspace: str, name: str) -> dict[str, Any] | None:
        """A job as Resource Manager has it; None if there is none. Raises Unavailable."""
        answer = self._rest.get(self._url(f"{workspace}/jobs/{quote(name, safe='')}", JOBS_VERSION), MANAGEMENT)
        return None if answer.status_code == 404 else json_of(answer)

    def api(self, workspace: str) -> str:
        """Where the workspace's own services are: run history, the management front end. Raises Unavailable."""
        if workspace not in self._api:
            discovery = text_at(self._read(workspace), "properties", "discoveryUrl") or ""
            api = (text_at(self._rest.read(discovery, None), "api") or "") if self._is_azure_ml(discovery) else ""
            if not self._is_azure_ml(api):
                raise Unavailable(f"{workspace} does not say where its run history is.")
            self._api[workspace] = api.rstrip("/")
        return self._api[workspace]

    def id_of(self, endpoint: Endpoint) -> str:
        """The endpoint's own ARM id. Raises Unavailable."""
        with self._locks.setdefault(endpoint.scoring_uri, Lock()):  # looked up once, however many ask
            if endpoint.scoring_uri not in self._ids:
                found, source = self._found(endpoint), "route" if endpoint.workspace else "lookup"
                self._ids[endpoint.scoring_uri] = found
                log("endpoint.found", scoring_uri=endpoint.scoring_uri, resource=found, source=source)
            return self._ids[endpoint.scoring_uri]

    def _found(self, endpoint: Endpoint) -> str:
        uri = endpoint.scoring_uri
        try:
            for resource in self._in_workspace(endpoint.workspace) if endpoint.workspace else self._readable(uri):
                path = text_at(resource, "id") or ""
                shown = (text_at(resource, "properties", "scoringUri") or "").rstrip("/")
                if shown.casefold() == uri.casefold() and _WORKSPACE.match(path):
                    return path
        except ListCut as cut_off:
            raise Unavailable(
                f"The batch endpoint at {uri} was not found: {cut_off}. Set endpoint.workspace."
            ) from None
        if endpoint.workspace:
            raise Unavailable(
                f"{endpoint.workspace} has no batch endpoint with the scoring URI {uri}. Check endpoint.scoring_uri "
                "and endpoint.workspace."
            )
        raise Denied(
            f"The app's identity sees no batch endpoint with the scoring URI {uri}. Check endpoint.scoring_uri, and "
            "give the identity a role on the workspace that allows batchEndpoints/read, such as AzureML Data Scientist."
        )

    def _in_workspace(self, workspace: str) -> Iterator[Any]:
        return self._rest.items(self._url(f"{workspace}/batchEndpoints"), MANAGEMENT, pages=PAGES)

    def _readable(self, scoring_uri: str) -> Iterator[Any]:
        """The batch endpoints that the app's identity may read and that may have that URI: it holds their name."""
        subscriptions = f"{self._management_url}/subscriptions?api-version={SUBSCRIPTIONS_VERSION}"
        query = urlencode({"$filter": f"resourceType eq '{BATCH_ENDPOINTS}'", "api-version": RESOURCES_VERSION})
        for subscription in self._rest.items(subscriptions, MANAGEMENT, pages=PAGES):
            number = text_at(subscription, "subscriptionId")
            resources = f"{self._management_url}/subscriptions/{number}/resources?{query}"
            for resource in self._rest.items(resources, MANAGEMENT, pages=PAGES):
                path = text_at(resource, "id") or ""
                if path.rpartition("/")[2].casefold() in scoring_uri.casefold() and _WORKSPACE.match(path):
                    answer = self._rest.get(self._url(path), MANAGEMENT)
                    if answer.status_code not in (403, 404):  # of another workspace, which is closed or gone
                        yield json_of(answer)

    def _read(self, path: str) -> dict[str, Any]:
        return self._rest.read(self._url(path), MANAGEMENT)

    def _url(self, path: str, version: str = VERSION) -> str:
        return f"{self._management_url}{path}?api-version={version}"

    def _is_azure_ml(self, url: str) -> bool:
        host = parts_of(url).hostname or ""
        return is_same_origin(url, self._management_url) or (url.startswith("https://") and host.endswith(API_HOSTS))
