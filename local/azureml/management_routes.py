"""The management plane: workspace, endpoints, deployments, datastores, jobs, cancel. Tokens for Azure Resource Manager.

Resource ids are matched in any case and any api-version is taken, but one must be given, as Resource Manager wants it.
Source: Microsoft.MachineLearningServices ARM specification; recordings of the Azure SDK's own tests.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from local.azureml import wire
from local.azureml.catalog import Catalog
from local.azureml.errors import Refusal
from local.azureml.jobs import Job
from local.azureml.runner import Runner
from local.azureml.scoring_routes import next_link, skip_of
from local.azureml.store import JobStore
from local.azureml.uris import DATASTORES, DEFAULT_DATASTORE, WORKSPACE_ID

PAGE = 10
_OPERATIONS = f"{WORKSPACE_ID.partition('/resourceGroups/')[0]}/providers/Microsoft.MachineLearningServices/locations"
_UNSUPPORTED_FILTERS = ("tag", "properties", "scheduled", "scheduleId", "assetName")

Handler = Callable[[web.Request, dict[str, str]], Awaitable[web.Response]]


class ManagementRoutes:
    def __init__(
        self, *, catalog: Catalog, store: JobStore, runner: Runner, bodies: wire.Wire, storage_url: str
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._runner = runner
        self._bodies = bodies
        self._storage_host = urlsplit(storage_url).netloc
        endpoint = "/batchEndpoints/(?P<endpoint>[^/]+)"
        table: tuple[tuple[str, str, Handler], ...] = (
            ("GET", WORKSPACE_ID, self._workspace),
            ("GET", f"{WORKSPACE_ID}/batchEndpoints", self._endpoints),
            ("GET", f"{WORKSPACE_ID}{endpoint}", self._endpoint),
            ("GET", f"{WORKSPACE_ID}{endpoint}/deployments", self._deployments),
            ("GET", f"{WORKSPACE_ID}{endpoint}/deployments/(?P<deployment>[^/]+)", self._deployment),
            ("GET", f"{WORKSPACE_ID}/datastores", self._datastores),
            ("GET", f"{WORKSPACE_ID}/datastores/(?P<datastore>[^/]+)", self._datastore),
            ("GET", f"{WORKSPACE_ID}/jobs", self._jobs),
            ("GET", f"{WORKSPACE_ID}/jobs/(?P<job>[^/]+)", self._job),
            ("POST", f"{WORKSPACE_ID}/jobs/(?P<job>[^/]+)/cancel", self._cancel),
            ("GET", f"{_OPERATIONS}/[^/]+/mfeOperationResults/jc:[^/:]+:(?P<job>[^/]+)", self._cancel_result),
        )
        self._table = [(method, re.compile(path, re.IGNORECASE), handler) for method, path, handler in table]

    def install(self, app: web.Application) -> None:
        app.router.add_route("*", "/subscriptions/{tail:.*}", self._dispatch)

    async def _dispatch(self, request: web.Request) -> web.Response:
        if not request.query.get("api-version"):
            raise Refusal(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            )
        known = [(method, handler, match) for method, path, handler in self._table
                 if (match := path.fullmatch(request.path.rstrip("/")))]  # fmt: skip
        for method, handler, match in known:
            if method == request.method:
                return await handler(request, match.groupdict())
        if known:
            raise Refusal(405, "MethodNotAllowed", f"{request.method} is not supported here for {request.path}.")
        raise Refusal(404, "ResourceNotFound", f"There is no resource {request.path}; the workspace is {WORKSPACE_ID}.")

    async def _workspace(self, _request: web.Request, _ids: dict[str, str]) -> web.Response:
        return web.json_response(self._bodies.workspace())

    async def _endpoints(self, _request: web.Request, _ids: dict[str, str]) -> web.Response:
        found = [self._bodies.endpoint(endpoint) for endpoint in self._catalog.endpoints.values()]
        return web.json_response(wire.page(found, None))

    async def _endpoint(self, _request: web.Request, ids: dict[str, str]) -> web.Response:
        return web.json_response(self._bodies.endpoint(self._catalog.endpoint(ids["endpoint"])))

    async def _deployments(self, _request: web.Request, ids: dict[str, str]) -> web.Response:
        owner = self._catalog.endpoint(ids["endpoint"])
        found = [self._bodies.deployment(deployment) for deployment in owner.deployments.values()]
        return web.json_response(wire.page(found, None))

    async def _deployment(self, _request: web.Request, ids: dict[str, str]) -> web.Response:
        found = self._catalog.deployment(ids["endpoint"], ids["deployment"])
        return web.json_response(self._bodies.deployment(found))

    async def _datastores(self, request: web.Request, _ids: dict[str, str]) -> web.Response:
        only_default = request.query.get("isDefault", "").lower() == "true"
        found = [store for store in DATASTORES.values() if store == DEFAULT_DATASTORE or not only_default]
        return web.json_response(
            wire.page([self._bodies.datastore(store, self._storage_host) for store in found], None)
        )

    async def _datastore(self, _request: web.Request, ids: dict[str, str]) -> web.Response:
        store = DATASTORES.get(ids["datastore"].lower())
        if store is None:
            raise Refusal(
                404, "UserError", f"There is no datastore {ids['datastore']!r}; known: {', '.join(DATASTORES)}."
            )
        return web.json_response(self._bodies.datastore(store, self._storage_host))

    async def _jobs(self, request: web.Request, _ids: dict[str, str]) -> web.Response:
        if asked := [name for name in _UNSUPPORTED_FILTERS if name in request.query]:
            raise Refusal(400, "UserError", f"Listing jobs by {', '.join(asked)} is not supported here.")
        if request.query.get("jobType", "Pipeline").lower() != "pipeline":
            return web.json_response(wire.page([], None))
        skip = skip_of(request, "$skip")
        jobs = self._store.page(skip=skip, size=PAGE + 1)
        link = next_link(self._bodies.base, request, "$skip", skip + PAGE) if len(jobs) > PAGE else None
        return web.json_response(wire.page([self._bodies.arm_job(job) for job in jobs[:PAGE]], link))

    async def _job(self, _request: web.Request, ids: dict[str, str]) -> web.Response:
        return web.json_response(self._bodies.arm_job(self._found(ids["job"])))

    async def _cancel(self, request: web.Request, ids: dict[str, str]) -> web.Response:
        job = self._found(ids["job"])
        self._runner.cancel(job)
        location = f"{self._bodies.base}{_OPERATIONS}/{wire.LOCATION}/mfeOperationResults/jc:local:{job.name}"
        headers = {
            "Location": f"{location}?api-version={request.query['api-version']}",
            "x-ms-async-operation-timeout": "PT1H",
        }
        return web.json_response(None, status=202, headers=headers)

    async def _cancel_result(self, request: web.Request, ids: dict[str, str]) -> web.Response:
        if self._found(ids["job"]).is_final:
            return web.Response(status=200)
        return web.json_response({}, status=202, headers={"Location": f"{self._bodies.base}{request.rel_url}"})

    def _found(self, name: str) -> Job:
        job = self._store.get(name)
        if job is None:
            raise Refusal(404, "UserError", f"The job {name!r} does not exist in this workspace.")
        return job
