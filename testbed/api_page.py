"""`python -m testbed.api_page`: writes docs/api.md anew, with answers that the app has really given."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.cloud import ROOT
from testbed.stack import Stack, running

PAGE = ROOT / "docs" / "api.md"
HEAD = """\
# The API, with real answers

Every request takes a key: `x-functions-key` in a header, or `code` in the URL. `GET /api/openapi.json` is the whole
description; what follows are answers of the local cloud, of lists the first item. Every answer to what was not
understood, is not there, or cannot be done now has one member, `error`, that says what would be right: 400, 404, 409,
422; 503 means ask again.

"""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One request of the page. `RUN` stands for a run that was published."""

    what: str
    method: str
    path: str
    body: Any = None


REQUESTS = (
    Request("Runs, the newest first", "GET", "runs?route=lengths&limit=1"),
    Request("One run", "GET", "runs/RUN"),
    Request("What has become of it", "GET", "runs/RUN/outcome"),
    Request("What its script has logged", "GET", "runs/RUN/logs"),
    Request("Have a landing scored", "POST", "runs", {"route": "lengths", "landing": "lengths/told"}),
    Request("End a run", "POST", "runs/RUN/cancel", {"reason": "the wrong files"}),
    Request("Score its content once more", "POST", "runs/RUN/rescore", {"reason": "model 2"}),
    Request("Routes", "GET", "routes"),
    Request("Begin no runs of a route", "POST", "routes/lengths/pause", {"reason": "the endpoint is being rebuilt"}),
    Request("Go on with it", "POST", "routes/lengths/resume"),
    Request("Landings", "GET", "landings?route=lengths&limit=1"),
    Request("Look at a landing now", "POST", "landings/refresh", {"route": "lengths", "landing": "lengths/told"}),
    Request("What a backfill would score", "POST", "backfill", {"route": "lengths", "dry_run": True}),
    Request("Why a file is scored, or is not", "GET", "explain?path=landing/lengths/told/000.txt"),
    Request("Whether routes are in order", "GET", "health?only=routes"),
)


def prepared(stack: Stack) -> str:
    """Something to tell of; the id of its run."""
    stack.drop("lengths/told", {"000.txt": b"x", "001.txt": b"xx"})
    (run,) = stack.ended("lengths/told")
    return str(run["run_id"])


def answers(stack: Stack, run_id: str) -> Iterator[tuple[Request, tuple[int, Any]]]:
    """The requests, one after the other, with what the app answers: of lists the first item. What a request begins has
    ended before the next one is sent, so that the answers are the same every time."""
    host = stack.cloud.stack["host"]
    headers = {"x-functions-key": host["master_key"]}
    for request in REQUESTS:
        url = f"{host['base_url']}/api/{request.path.replace('RUN', run_id)}"
        answer = stack.cloud.http.request(request.method, url, json=request.body, headers=headers, timeout=60)
        yield request, (answer.status_code, _first(answer.json()))
        if answer.status_code == 202:
            stack.quiet()


def _first(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _first(member) for name, member in value.items()}
    return [_first(value[0])] if isinstance(value, list) and value else value


def section(request: Request, status: int, answer: Any) -> str:
    body = f" {json.dumps(request.body)}" if request.body is not None else ""
    told = json.dumps(answer, indent=1, ensure_ascii=False)
    return f"## {request.what}\n\n`{request.method} /api/{request.path}`{body}: {status}\n\n```json\n{told}\n```\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack:
        sections = [section(request, *answer) for request, answer in answers(stack, prepared(stack))]
    PAGE.write_text(HEAD + "\n".join(sections), "utf-8")


if __name__ == "__main__":
    main()
