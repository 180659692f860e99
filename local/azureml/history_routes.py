"""Run history: what became of a job's run and its child, and why it failed. Tokens of either plane.

Source: requests that azure-ai-ml makes for `jobs.stream` and `jobs.download`; recorded run documents.
"""

from __future__ import annotations

from aiohttp import web

from local.azureml import wire
from local.azureml.errors import Refusal
from local.azureml.jobs import Job
from local.azureml.store import JobStore
from local.azureml.uris import WORKSPACE_ID

ROOT = f"/history/v1.0{WORKSPACE_ID}/runs/{{run}}"


class HistoryRoutes:
    def __init__(self, *, store: JobStore, bodies: wire.Wire) -> None:
        self._store = store
        self._bodies = bodies

    def install(self, app: web.Application) -> None:
        app.router.add_get("/discovery", self._discovery)
        app.router.add_get(ROOT, self._run)
        app.router.add_get(f"{ROOT}/details", self._run)
        app.router.add_get(f"{ROOT}/children", self._children)

    async def _discovery(self, _request: web.Request) -> web.Response:
        return web.json_response(self._bodies.discovery())

    async def _run(self, request: web.Request) -> web.Response:
        job = self._found(request)
        is_parent = request.match_info["run"] == job.name
        return web.json_response(self._bodies.run(job) if is_parent else self._bodies.child_run(job))

    async def _children(self, request: web.Request) -> web.Response:
        job = self._found(request)
        is_parent = request.match_info["run"] == job.name
        return web.json_response(wire.page([self._bodies.child_run(job)] if is_parent else [], None))

    def _found(self, request: web.Request) -> Job:
        job = self._store.of_run(request.match_info["run"])
        if job is None:
            raise Refusal(404, "UserError", f"The run {request.match_info['run']!r} does not exist in this workspace.")
        return job
