"""The scoring host: submit a job, list jobs, look at one. Tokens for https://ml.azure.com.

In Azure every endpoint has a host, https://<endpoint>.<region>.inference.ml.azure.com/jobs; here it has a path. The
same routes stand below the management front end, which is where the SDK lists jobs.
Source: Azure docs, how-to-access-data-batch-endpoints-jobs; mfe.json of 2020-09-01-dataplanepreview.
"""

from __future__ import annotations

import json
import uuid

from aiohttp import web

from local.azureml import wire
from local.azureml.catalog import Catalog
from local.azureml.errors import Refusal
from local.azureml.invocation import parse
from local.azureml.jobs import Job, Status, StatusChange
from local.azureml.runner import Runner
from local.azureml.store import JobStore
from local.azureml.uris import WORKSPACE_ID
from local.clock import Clock

FRONT_END = f"/mferp/managementfrontend{WORKSPACE_ID}/batchEndpoints"
PAGE = 10
"""Azure's page size is not documented; a small one makes clients follow nextLink."""


class ScoringRoutes:
    def __init__(
        self, *, catalog: Catalog, store: JobStore, runner: Runner, clock: Clock, bodies: wire.Wire, storage_url: str
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._runner = runner
        self._clock = clock
        self._bodies = bodies
        self._storage_url = storage_url

    def install(self, app: web.Application) -> None:
        for root in ("/endpoints/{endpoint}", f"{FRONT_END}/{{endpoint}}"):
            app.router.add_post(f"{root}/jobs", self._submit)
            app.router.add_get(f"{root}/jobs", self._list)
            app.router.add_get(f"{root}/jobs/{{job}}", self._show)
            # Where the Location header of an invocation points to.
            app.router.add_get(f"{root}/deployments/{{deployment}}", self._show_deployment)

    async def _submit(self, request: web.Request) -> web.Response:
        deployment = self._catalog.route(
            request.match_info["endpoint"], request.headers.get("azureml-model-deployment")
        )
        try:
            body = json.loads(await request.text())
        except ValueError as error:
            raise Refusal(400, "UserError", f"The request body is not JSON: {error}.") from error
        asked = parse(body, deployment.settings, self._storage_url)
        name = f"batchjob-{uuid.uuid4()}"
        job = Job(
            name=name,
            child=str(uuid.uuid4()),
            display_name=asked.name or f"local_job_{name[-8:]}",
            endpoint=deployment.endpoint,
            deployment=deployment.name,
            created_by=request["claims"].get("oid", ""),
            input=asked.input,
            output=asked.output,
            settings=asked.settings,
            changes=(StatusChange(Status.PREPARING, self._clock.now()),),
        )
        self._store.add(job)
        self._runner.start(job)
        headers = {
            "azureml-model-deployment": job.deployment,
            # To the deployment, not to the job: recorded so.
            "Location": f"{self._bodies.base}{FRONT_END}/{job.endpoint}/deployments/{job.deployment}"
            "?api-version=2020-09-01-dataplanepreview",
            "x-ms-response-type": "standard",
        }
        return web.json_response(self._bodies.batch_job(job), status=201, headers=headers)

    async def _list(self, request: web.Request) -> web.Response:
        endpoint = self._catalog.endpoint(request.match_info["endpoint"])
        skip = skip_of(request, "$skiptoken")
        jobs = self._store.page(
            endpoint=endpoint.name, deployment=request.query.get("deployment"), skip=skip, size=PAGE + 1
        )
        link = next_link(self._bodies.base, request, "$skiptoken", skip + PAGE) if len(jobs) > PAGE else None
        return web.json_response(wire.page([self._bodies.batch_job(job) for job in jobs[:PAGE]], link))

    async def _show(self, request: web.Request) -> web.Response:
        endpoint = self._catalog.endpoint(request.match_info["endpoint"])
        job = self._store.get(request.match_info["job"])
        if job is None or job.endpoint != endpoint.name:
            raise Refusal(404, "UserError", f"The job {request.match_info['job']!r} does not exist on this endpoint.")
        return web.json_response(self._bodies.batch_job(job))

    async def _show_deployment(self, request: web.Request) -> web.Response:
        found = self._catalog.deployment(request.match_info["endpoint"], request.match_info["deployment"])
        return web.json_response(self._bodies.deployment(found))


def skip_of(request: web.Request, name: str) -> int:
    """How many entries the pages before this one had. Raises Refusal 400."""
    text = request.query.get(name, "0")
    if not text.isdecimal():
        raise Refusal(400, "UserError", f"{name} is not one that this service gave out: {text!r}.")
    return int(text)


def next_link(base: str, request: web.Request, name: str, skip: int) -> str:
    """An absolute URL; `base` and not the Host header, so that it always leads here."""
    return f"{base}{request.rel_url.update_query({name: str(skip)})}"
