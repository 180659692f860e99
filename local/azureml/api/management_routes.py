"""The management plane apart from its resources: the workspace, jobs and their cancellation.

Source: Microsoft.MachineLearningServices ARM specification; recordings of the Azure SDK's own tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from local.addresses import RESOURCE_GROUP, TENANT, WORKSPACE, WORKSPACE_ACCOUNT
from local.azureml.api import wire
from local.azureml.api.authorization import may_see_workspace
from local.azureml.api.resource_routes import OPERATIONS, SUBSCRIPTION_ID
from local.azureml.api.routing import Route
from local.azureml.api.scoring_routes import next_link, skip_of
from local.azureml.errors import Refusal
from local.azureml.execution.runner import Runner
from local.azureml.workspace.jobs import Job
from local.azureml.workspace.names import LOCATION, TYPE, WORKSPACE_ID
from local.azureml.workspace.store import JobStore
from local.roles.live import LiveRoles

PAGE = 10
_SOON = {"Retry-After": "1"}
"""When a client may ask again; without it azure-core waits half a minute. Only ever on answers that are no errors."""
_UNSUPPORTED_FILTERS = ("properties", "scheduled", "scheduleId", "assetName")
_VIEWS = ("activeonly", "archivedonly", "all")


class ManagementRoutes:
    def __init__(self, *, store: JobStore, runner: Runner, roles: LiveRoles, bodies: wire.Wire) -> None:
        self._store = store
        self._runner = runner
        self._roles = roles
        self._bodies = bodies

    def table(self) -> Iterator[Route]:
        workspaces = WORKSPACE_ID.rpartition("/")[0]
        yield Route("GET", WORKSPACE_ID, self._workspace)
        yield Route("GET", workspaces, self._workspaces)
        yield Route("GET", f"{SUBSCRIPTION_ID}/providers/{TYPE}", self._workspaces)
        yield Route("GET", f"{WORKSPACE_ID}/jobs", self._jobs)
        yield Route("GET", f"{WORKSPACE_ID}/jobs/(?P<job>[^/]+)", self._job)
        yield Route("POST", f"{WORKSPACE_ID}/jobs/(?P<job>[^/]+)/cancel", self._cancel)
        yield Route("GET", f"{OPERATIONS}/[^/]+/mfeOperationResults/jc:[^/:]+:(?P<job>[^/]+)", self._cancel_result)

    async def _workspace(self, _request: web.Request, _ids: dict[str, str]) -> web.Response:
        return web.json_response(self._workspace_body())

    async def _workspaces(self, request: web.Request, _ids: dict[str, str]) -> web.Response:
        seen = [self._workspace_body()] if may_see_workspace(self._roles, request) else []
        return web.json_response(wire.page(seen, None))

    def _workspace_body(self) -> dict[str, Any]:
        group = f"{SUBSCRIPTION_ID}/resourceGroups/{RESOURCE_GROUP}/providers"
        return {
            "id": WORKSPACE_ID,
            "name": WORKSPACE,
            "type": TYPE,
            "location": LOCATION,
            "tags": {},
            "kind": "Default",
            "sku": {"name": "Basic", "tier": "Basic"},
            "identity": {"type": "SystemAssigned", "principalId": WORKSPACE, "tenantId": TENANT},
            "properties": {
                "friendlyName": WORKSPACE,
                "description": "",
                "workspaceId": WORKSPACE,
                "provisioningState": "Succeeded",
                "discoveryUrl": f"{self._bodies.base}/discovery",
                "mlFlowTrackingUri": f"azureml://{self._bodies.base.partition('://')[2]}/mlflow/v1.0{WORKSPACE_ID}",
                "storageAccount": f"{group}/Microsoft.Storage/storageAccounts/{WORKSPACE_ACCOUNT}",
                "publicNetworkAccess": "Enabled",
                "hbiWorkspace": False,
            },
        }

    async def _jobs(self, request: web.Request, _ids: dict[str, str]) -> web.Response:
        if asked := [name for name in _UNSUPPORTED_FILTERS if name in request.query]:
            raise Refusal(400, "UserError", f"Listing jobs by {', '.join(asked)} is not supported here.")
        skip = skip_of(request, "$skip")
        jobs = self._listed(request.query.get("tag"), skip, PAGE + 1) if _lists_any(request) else []
        link = next_link(self._bodies.base, request, "$skip", skip + PAGE) if len(jobs) > PAGE else None
        return web.json_response(wire.page([self._bodies.arm_job(job) for job in jobs[:PAGE]], link))

    def _listed(self, tag: str | None, skip: int, size: int) -> list[Job]:
        """A slice of the jobs, newest first; with a `tag`, of those that have a tag of that name."""
        if tag is None:
            return self._store.page(skip=skip, size=size)
        return [job for job in self._store.page() if tag in wire.tags(job)][skip : skip + size]

    async def _job(self, _request: web.Request, ids: dict[str, str]) -> web.Response:
        if job := self._store.get(ids["job"]):
            return web.json_response(self._bodies.arm_job(job))
        if self._store.of_run(ids["job"]):
            return web.json_response(self._bodies.child_job(ids["job"]))
        raise _no_job(ids["job"])

    async def _cancel(self, request: web.Request, ids: dict[str, str]) -> web.Response:
        job = self._found(ids["job"])
        self._runner.cancel(job)
        location = f"{self._bodies.base}{OPERATIONS}/{LOCATION}/mfeOperationResults/jc:local:{job.name}"
        headers = {
            "Location": f"{location}?api-version={request.query['api-version']}",
            "x-ms-async-operation-timeout": "PT1H",
            **_SOON,
        }
        return web.json_response(None, status=202, headers=headers)

    async def _cancel_result(self, request: web.Request, ids: dict[str, str]) -> web.Response:
        if self._found(ids["job"]).is_final:
            return web.Response(status=200)
        return web.json_response({}, status=202, headers={"Location": f"{self._bodies.base}{request.rel_url}", **_SOON})

    def _found(self, name: str) -> Job:
        job = self._store.get(name)
        if job is None:
            raise _no_job(name)
        return job


def _lists_any(request: web.Request) -> bool:
    """Whether jobs of these kinds exist here: all are pipelines, and none can be archived. Raises Refusal 400."""
    view = request.query.get("listViewType", "ActiveOnly")
    if view.lower() not in _VIEWS:
        raise Refusal(400, "UserError", f"listViewType must be ActiveOnly, ArchivedOnly or All, not {view!r}.")
    return view.lower() != "archivedonly" and request.query.get("jobType", "Pipeline").lower() == "pipeline"


def _no_job(name: str) -> Refusal:
    return Refusal(404, "UserError", f"The job {name!r} does not exist in this workspace.")
