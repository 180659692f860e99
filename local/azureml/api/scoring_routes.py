"""The scoring host: submit a job, list jobs, look at one. Tokens for https://ml.azure.com.

In Azure every endpoint has a host, https://<endpoint>.<region>.inference.ml.azure.com/jobs; here it has a path. The
same routes stand below the management front end, which is where the SDK lists jobs. Where the two may
differ, nobody can tell: see open_facts.py.
Source: Azure docs, how-to-access-data-batch-endpoints-jobs; mfe.json of 2020-09-01-dataplanepreview.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from aiohttp import web

from local.azure import DeploymentHeader
from local.azureml.api import open_facts, wire
from local.azureml.api.invocation import Invocation, parse
from local.azureml.api.pipeline_invocation import parse_pipeline_job
from local.azureml.api.resource_rules import shown
from local.azureml.api.routing import body_of
from local.azureml.errors import Refusal
from local.azureml.execution.pipelines import InvalidPipeline, parse_pipeline
from local.azureml.execution.runner import Runner
from local.azureml.workspace.assets import find
from local.azureml.workspace.deployed import Deployed
from local.azureml.workspace.deployments import Deployment, compute_path
from local.azureml.workspace.jobs import Job, Status, StatusChange, StepRun
from local.azureml.workspace.names import WORKSPACE_ID, id_of
from local.azureml.workspace.registry import Registry, Resource
from local.azureml.workspace.store import JobStore
from local.azureml.workspace.uris import Places
from local.clock import Clock

SCORING_HOST = "/endpoints"
FRONT_END = f"/mferp/managementfrontend{WORKSPACE_ID}/batchEndpoints"
PAGE = 10
"""Azure's page size is not documented; a small one makes clients follow nextLink."""


class ScoringRoutes:
    def __init__(
        self,
        *,
        deployed: Deployed,
        registry: Registry,
        places: Places,
        store: JobStore,
        runner: Runner,
        clock: Clock,
        bodies: wire.Wire,
    ) -> None:
        self._deployed = deployed
        self._registry = registry
        self._places = places
        self._store = store
        self._runner = runner
        self._clock = clock
        self._bodies = bodies

    def install(self, app: web.Application) -> None:
        for root in (f"{SCORING_HOST}/{{endpoint}}", f"{FRONT_END}/{{endpoint}}"):
            app.router.add_post(f"{root}/jobs", self._submit)
            for jobs in (f"{root}/jobs", f"{root}/deployments/{{deployment}}/jobs"):
                app.router.add_get(jobs, self._list)
                app.router.add_get(f"{jobs}/{{job}}", self._show)
            app.router.add_post(f"{root}/deployments/{{deployment}}/jobs", self._submit)
            # Where the Location header of an invocation points to.
            app.router.add_get(f"{root}/deployments/{{deployment}}", self._show_deployment)

    async def _submit(self, request: web.Request) -> web.Response:
        began = time.monotonic()
        deployment = self._deployed.route(request.match_info["endpoint"], _named_deployment(request))
        asked, steps = self._parse(await body_of(request), deployment)
        name = f"{'pipelinejob' if deployment.component else 'batchjob'}-{uuid.uuid4()}"
        job = Job(
            name=name,
            child=str(uuid.uuid4()),
            display_name=asked.name or f"local_job_{name[-8:]}",
            endpoint=deployment.endpoint,
            deployment=deployment.name,
            created_by=request["claims"].get("oid", ""),
            created_by_type="Application" if request["claims"].get("idtyp") == "app" else "User",
            inputs=asked.inputs,
            outputs=asked.outputs,
            settings=asked.settings,
            compute=id_of(compute_path(deployment.compute)) if deployment.compute else None,
            experiment=asked.experiment,
            component=deployment.component,
            pipeline=asked.pipeline,
            steps=tuple(StepRun(name=step, run=str(uuid.uuid4())) for step in steps),
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
            "x-request-time": f"{time.monotonic() - began:.3f}",
        }
        return web.json_response(self._bodies.batch_job(job, listed=False), status=201, headers=headers)

    def _parse(self, body: dict[str, Any], deployment: Deployment) -> tuple[Invocation, list[str]]:
        """What is asked, and the names of the steps that a pipeline has for it."""
        if deployment.component is None:
            return parse(body, deployment.settings, self._places), []
        component = find(self._registry, deployment.component)
        if component is None:
            raise Refusal(404, "UserError", f"The component {deployment.component} no longer exists.")
        try:
            pipeline = parse_pipeline(component.properties.get("componentSpec") or {})
        except InvalidPipeline as error:
            raise Refusal(400, "UserError", str(error)) from error
        return parse_pipeline_job(body, pipeline, deployment.pipeline, self._places), list(pipeline.steps)

    async def _list(self, request: web.Request) -> web.Response:
        endpoint = self._asked(request)
        if _is_on_scoring_host(request):
            open_facts.check_scoring_host_lists(self._bodies.azure)
        else:
            open_facts.check_front_end_lists(self._bodies.azure)
        deployment = request.match_info.get("deployment") or request.query.get("deployment")
        skip = skip_of(request, "$skiptoken")
        jobs = self._store.page(endpoint=endpoint.name, deployment=deployment, skip=skip, size=PAGE + 1)
        link = next_link(self._bodies.base, request, "$skiptoken", skip + PAGE) if len(jobs) > PAGE else None
        return web.json_response(wire.page([self._bodies.batch_job(job) for job in jobs[:PAGE]], link))

    async def _show(self, request: web.Request) -> web.Response:
        endpoint, name = self._asked(request), request.match_info["job"]
        job = self._store.get(name)
        if job is None or job.endpoint != endpoint.name:
            is_open = _is_on_scoring_host(request)
            raise open_facts.unknown_job(name, self._bodies.azure) if is_open else open_facts.no_such_job(name)
        return web.json_response(self._bodies.batch_job(job, listed=False))

    def _asked(self, request: web.Request) -> Resource:
        """The endpoint that a GET asks. Raises Refusal 404, also when it must be routed to a deployment and cannot."""
        name = request.match_info["endpoint"]
        if _is_on_scoring_host(request) and self._bodies.azure.deployment_header is DeploymentHeader.NEEDED:
            self._deployed.route(name, _named_deployment(request))
        return self._deployed.endpoint(name)

    async def _show_deployment(self, request: web.Request) -> web.Response:
        endpoint, name = request.match_info["endpoint"], request.match_info["deployment"]
        self._deployed.deployment(endpoint, name)
        found = self._registry.get(f"batchEndpoints/{endpoint}/deployments/{name}")
        assert found is not None
        return web.json_response(shown(found, self._bodies))


def _is_on_scoring_host(request: web.Request) -> bool:
    return request.path.startswith(f"{SCORING_HOST}/")


def _named_deployment(request: web.Request) -> str | None:
    return request.match_info.get("deployment") or request.headers.get("azureml-model-deployment")


def skip_of(request: web.Request, name: str) -> int:
    """How many entries the pages before this one had. Raises Refusal 400."""
    text = request.query.get(name, "0")
    if not text.isdecimal():
        raise Refusal(400, "UserError", f"{name} was not issued by this service: {text!r}.")
    return int(text)


def next_link(base: str, request: web.Request, name: str, skip: int) -> str:
    """An absolute URL; `base` and not the Host header, so that it always leads here."""
    return f"{base}{request.rel_url.update_query({name: str(skip)})}"
