"""Asking for runs, and for what becomes of them, as the host calls the functions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import azure.functions as func

from shared.core.record import change
from shared.core.run import Run, Status
from shared.routes import Routes, parse_routes
from testbed.examples import SETTINGS, replaced
from tests.triggers.app import FOLDER, App, plain
from triggers import on_request

URL = "https://app.azurewebsites.net/api/runs"
BODY: Mapping[str, Any] = {"route": "digits", "landing": FOLDER}
MAY_BE_CHANGED = ("    publish:\n", "    on_request: true\n    publish:\n")
ONLY_ON_REQUEST = (
    "    ready:\n      quiet: 5s\n      longest_wait: 2h\n",
    "    on_request: true\n",
)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def run_id(self) -> str:
        return str(self.body["run_id"])

    @property
    def location(self) -> str:
        return self.headers["Location"]


def routes(*pairs: tuple[str, str]) -> Routes:
    """The demo's route with pieces of its text replaced."""
    return parse_routes(replaced(*pairs), SETTINGS)


def ask(
    app: App,
    body: object = None,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    **more: object,
) -> Answer:
    """POST /api/runs for the folder, or with that body."""
    content = body if isinstance(body, bytes) else json.dumps({**BODY, **more} if body is None else body).encode()
    request = func.HttpRequest(method="POST", url=URL, params=params, headers=headers, body=content)
    return read(asyncio.run(plain(on_request.request_run)(request, app.client)))


def outcome(
    run_id: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """GET /api/runs/{run_id}/outcome."""
    request = func.HttpRequest(
        method="GET",
        url=f"{URL}/{run_id}/outcome",
        params=params,
        headers=headers,
        route_params={"run_id": run_id},
        body=b"",
    )
    return read(plain(on_request.get_outcome)(request))


def read(response: func.HttpResponse) -> Answer:
    """What a function answered."""
    assert response.mimetype == "application/json"
    return Answer(response.status_code, json.loads(response.get_body()), response.headers)


def run_of(app: App, run_id: str) -> Run:
    """As the ledger has it."""
    run = app.own.ledger.run(run_id)
    assert run is not None, run_id
    return run


def end(app: App, run: Run, status: Status, **changes: Any) -> None:
    """The run ends so."""
    timings = change(run.timings, ended=app.clock())
    progress = change(run.progress, revision=run.revision + 1, status=status, timings=timings, **changes)
    app.own.ledger.record(run.run_id, progress, None)
