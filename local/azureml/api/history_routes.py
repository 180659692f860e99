"""Run history: what became of a job's run and the runs below it, why it failed, where its logs and outputs are.

Tokens of either plane. Source: requests that azure-ai-ml makes for `jobs.stream` and `jobs.download`.
"""

from __future__ import annotations

from aiohttp import web

from local.azureml.api import history, wire
from local.azureml.api.routing import body_of
from local.azureml.errors import Refusal
from local.azureml.execution.joblogs import JobLogs
from local.azureml.execution.runner import Runner
from local.azureml.workspace.jobs import Job
from local.azureml.workspace.names import WORKSPACE_ID
from local.azureml.workspace.store import JobStore
from local.azureml.workspace.uris import Places

ROOT = f"/history/v1.0{WORKSPACE_ID}"
RUN = f"{ROOT}/runs/{{run}}"


class HistoryRoutes:
    def __init__(self, *, store: JobStore, runner: Runner, logs: JobLogs, places: Places, bodies: wire.Wire) -> None:
        self._store = store
        self._runner = runner
        self._logs = logs
        self._places = places
        self._bodies = bodies

    def install(self, app: web.Application) -> None:
        app.router.add_get("/discovery", self._discovery)
        app.router.add_get(RUN, self._run)
        app.router.add_get(f"{RUN}/details", self._details)
        app.router.add_get(f"{RUN}/children", self._children)
        app.router.add_post(f"{ROOT}/rundata", self._run_data)
        app.router.add_post(f"/data/v1.0{WORKSPACE_ID}/dataversion/batchGetResolvedUris", self._resolved)

    async def _discovery(self, _request: web.Request) -> web.Response:
        """Where the workspace's services are; all of those that exist here are this server."""
        base = self._bodies.base
        return web.json_response({"api": base, "history": base, "studio": self._bodies.studio})

    async def _run(self, request: web.Request) -> web.Response:
        run = request.match_info["run"]
        return web.json_response(history.run_of(self._found(run), run, self._bodies.azure))

    async def _details(self, request: web.Request) -> web.Response:
        run = request.match_info["run"]
        job = self._found(run)
        links = self._logs.links(job, run, self._runner.folders(job))
        return web.json_response(history.details(history.run_of(job, run, self._bodies.azure), links))

    async def _children(self, request: web.Request) -> web.Response:
        job = self._found(request.match_info["run"])
        is_parent = request.match_info["run"] == job.name
        return web.json_response(wire.page(history.children_of(job) if is_parent else [], None))

    async def _run_data(self, request: web.Request) -> web.Response:
        run = str((await body_of(request)).get("runId"))
        return web.json_response(history.run_data(self._found(run), run, self._bodies.azure))

    async def _resolved(self, request: web.Request) -> web.Response:
        """Where named outputs of jobs are, in the long form of a datastore path."""
        values = {}
        for asset in (await body_of(request)).get("values") or []:
            run, _, output = str(asset).partition("/data/azureml_")[2].partition("/versions/")[0].partition("_output_")
            uri = history.output_places(self._found(run)).get(output, ("", ""))[0]
            if found := self._places.on_datastore(uri):
                values[asset] = {
                    "uri": f"azureml://{found[0].id.lstrip('/')}/paths/{found[1]}".replace(
                        "/providers/Microsoft.MachineLearningServices", ""
                    ),
                    "type": "uri_folder",
                }
        return web.json_response({"values": values})

    def _found(self, run: str) -> Job:
        job = self._store.of_run(run)
        if job is None:
            raise Refusal(404, "UserError", f"The run {run!r} does not exist in this workspace.")
        return job
