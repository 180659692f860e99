"""Landings at the places that tests of the API start from, and the API as it is asked."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import azure.functions as func

from shared.core.landing import Landing
from shared.core.location import Location
from shared.core.record import Names, change
from shared.core.run import Error, Published, Run, Status
from shared.core.steps import Claimed, ClaimRun, LookAt
from shared.ports import Stored
from shared.routes import Routes
from shared.work import claiming
from testbed.examples import digits_route, in_landing
from tests.triggers.app import WATCHER, App, plain
from tests.unit.runs import publishing
from triggers import landings

MARKED = ("quiet: 5s", "marker: _SUCCESS")
FILES = ("type: uri_folder", "type: uri_file")
FILE = "landing/digits/tuesday/0.png"
PUBLISHED = Published(url="https://lake/run", container="lakehouse", path="digits/tuesday", outputs=1, bytes=8)


def asked(app: App, registered: Any, **params: str) -> tuple[int, Any]:
    request = func.HttpRequest(method="GET", url="https://app.azurewebsites.net/api", params=params, body=b"")
    response: func.HttpResponse = asyncio.run(plain(registered)(request, app.client))
    assert response.mimetype == "application/json"
    return response.status_code, json.loads(response.get_body())


def explained(app: App, path: str = FILE) -> Any:
    status, answer = asked(app, landings.explain, path=path)
    assert status == 200, answer
    return answer


def listed(app: App, **params: str) -> Any:
    status, answer = asked(app, landings.list_landings, **params)
    assert status == 200, answer
    return answer


def use(app: App, *pairs: tuple[str, str]) -> None:
    app.own.routes = Routes((digits_route(*pairs),))


def look(app: App, folder: str = "digits/tuesday", watch: str = WATCHER) -> str:
    """What a watcher does that looks; the fingerprint of what it saw."""
    given = LookAt(Names(route="digits", landing=folder, instance_id=watch), app.clock())
    return claiming.look(app.own.routes, app.blobs, app.own.ledger, given).fingerprint


def watched(app: App, folder: str = "digits/tuesday") -> None:
    """A watcher of the landing is under way."""
    app.client.has_watcher(Landing(app.own.routes.usable[0], folder).key, WATCHER, status="Running")


def put(app: App, *names: str, folder: str = "digits/tuesday", content: bytes = b"pixels") -> None:
    for name in names:
        app.blobs.put(in_landing(f"{folder}/{name}"), content)


def run_of(app: App, folder: str = "digits/tuesday", refusal: str | None = None) -> Run:
    """The landing is looked at, and its run is claimed."""
    given = ClaimRun(
        names=Names(route="digits", landing=folder, instance_id=WATCHER),
        fingerprint=look(app, folder),
        refusal=refusal,
        copies=False,
        now=app.clock(),
    )
    answer = claiming.claim(app.own.routes, app.blobs, app.own.ledger, given)
    assert isinstance(answer, Claimed)
    return answer.run


def reads_of(app: App) -> list[Location]:
    """The blobs that are read from now on."""
    reads, read = list[Location](), app.blobs.read

    def counted(blob: Location) -> Stored | None:
        reads.append(blob)
        return read(blob)

    app.blobs.read = counted  # type: ignore[method-assign]
    return reads


def ended(app: App, run: Run, status: Status) -> None:
    error = Error("why", "The script raised KeyError") if status is not Status.PUBLISHED else None
    publication = PUBLISHED if status is Status.PUBLISHED else None
    job = publishing().job if status is Status.PUBLISHED else None
    changes = {"status": status, "error": error, "publication": publication, "job": job}
    app.own.ledger.record(run.run_id, change(run.progress, **changes, revision=run.revision + 1), None)
