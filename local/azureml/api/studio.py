"""What the links to Studio of a job lead to here: a page for each job, and a list. For people, in a browser; over plain
HTTP, since no browser trusts this state directory's certificate, and for this machine alone.

Everything on a page may have been written by anybody (names of files, output of scripts), so all of it is escaped, and
nothing is loaded but the style sheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from itertools import islice
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from local.azureml.execution.runner import Runner
from local.azureml.workspace.jobs import Job, Status, StepRun
from local.azureml.workspace.store import JobStore
from local.azureml.workspace.uris import default_place

MOST_JOBS = 200
MOST_LOGS = 50
LONGEST_LOG = 64 * 1024
"""Bytes of the end of each log that are shown."""
REFRESH = 2
"""Seconds after which the page of a job that has not ended is loaded again."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
STYLE = """\
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem 1rem .2rem 0; text-align: left; vertical-align: top; }
pre { background: #8882; overflow: auto; padding: .7rem; max-height: 30rem; white-space: pre-wrap; }
.Completed { color: #1a7f37; } .Failed, .Canceled { color: #cf222e; }
code, pre { font-size: 13px; overflow-wrap: anywhere; }
"""


class StudioPages:
    """The pages of one workspace. `host`: what requests have to be for; a page of another site that has its own name
    lead here is refused."""

    def __init__(self, store: JobStore, runner: Runner, host: str) -> None:
        self._store, self._runner = store, runner
        self._hosts = frozenset({host, host.replace("127.0.0.1", "localhost")})

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._guarded])
        app.router.add_get("/", self._list)
        app.router.add_get("/studio.css", self._style)
        app.router.add_get("/runs/{job}", self._job)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.host not in self._hosts:
            return web.Response(status=421, text="These pages are for this machine alone.", headers=HEADERS)
        response = await handler(request)
        response.headers.update(HEADERS)
        return response

    async def _list(self, _request: web.Request) -> web.Response:
        jobs = self._store.page(size=MOST_JOBS)
        return _page("Jobs", _table(("job", "endpoint", "status", "began", "took"), map(_row, jobs)))

    async def _style(self, _request: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    async def _job(self, request: web.Request) -> web.Response:
        """A run below a job is told of on the page of its job."""
        job = self._store.of_run(request.match_info["job"])
        if job is None:
            return _page("No such job", "<p>This workspace has no job of that name.</p>", status=404)
        return _page(job.display_name, *self._told(job), refresh=not job.is_final)

    def _told(self, job: Job) -> Iterable[str]:
        yield _table((), _facts(job))
        if job.error is not None:
            yield f"<h2>Why it failed</h2><pre>{_text(job.error.message)}</pre>"
        if progress := _progress(self._runner.folders(job).logs):
            yield f"<h2>Progress</h2><pre>{_text(progress)}</pre>"
        yield f"<h2>States</h2>{_table((), ((_status(one.status), _when(one.at)) for one in job.changes))}"
        if job.steps:
            yield f"<h2>Steps</h2>{_table(('step', 'status', 'began', 'took', ''), map(_step, job.steps))}"
        yield f"<h2>Logs</h2>{''.join(self._logs(job)) or '<p>None yet.</p>'}"

    def _logs(self, job: Job) -> Iterable[str]:
        folder = self._runner.folders(job).logs
        for file in islice(sorted(path for path in folder.rglob("*") if path.is_file()), MOST_LOGS):
            name = file.relative_to(folder).as_posix()
            is_open = " open" if "error" in name else ""
            end = _text(_end_of(file))
            yield f"<details{is_open}><summary><code>{_text(name)}</code></summary><pre>{end}</pre></details>"


def _progress(logs: Path) -> str:
    """How far the mini-batches are. A job that was interrupted has one overview for each time; the last one counts."""
    overviews = sorted(logs.glob("job_progress_overview.*.txt"))
    return _end_of(overviews[-1]) if overviews else ""


def _end_of(file: Path) -> str:
    with file.open("rb") as log:
        log.seek(max(0, file.stat().st_size - LONGEST_LOG))
        return log.read(LONGEST_LOG).decode("utf-8", "replace")


def _facts(job: Job) -> Iterable[tuple[str, str]]:
    yield "job", f"<code>{_text(job.name)}</code>"
    yield "status", _status(job.status)
    yield "deployment", _text(f"{job.endpoint}/{job.deployment}")
    yield "took", _took(job.created, job.modified if job.is_final else None)
    for given in job.inputs:
        told = given.uri or ("" if given.value is None else str(given.value))
        yield f"input {_text(given.key)}", f"<code>{_text(told)}</code>"
    for key, uri in _places(job):
        yield f"output {_text(key)}", f"<code>{_text(uri)}</code>"
    if job.component is None:
        settings = job.settings
        yield "mini batches", f"{settings.mini_batch_size} file(s) each, {settings.instance_count} node(s)"


def _places(job: Job) -> Iterable[tuple[str, str]]:
    """Where each output goes, whether the caller has chosen that or not."""
    if job.component is None and not job.outputs:
        yield "score", job.output_uri
    for output in job.outputs:
        yield output.key, output.uri or default_place(job.pipeline, job.name, output.key)


def _row(job: Job) -> tuple[str, ...]:
    link = f'<a href="/runs/{escape(job.name)}">{_text(job.name)}</a>'
    ended = job.modified if job.is_final else None
    of = _text(f"{job.endpoint}/{job.deployment}")
    return link, of, _status(job.status), _when(job.created), _took(job.created, ended)


def _step(step: StepRun) -> tuple[str, ...]:
    began = _when(step.began) if step.began else ""
    took = _took(step.began, step.ended) if step.began else ""
    return _text(step.name), _status(step.status), began, took, _text(step.error.message) if step.error else ""


def _status(status: Status) -> str:
    return f'<span class="{status}">{status}</span>'


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _took(began: datetime | None, ended: datetime | None) -> str:
    return f"{(ended - began).total_seconds():.1f} s" if began is not None and ended is not None else ""


def _text(text: str) -> str:
    """Escaped; what would not be seen, or would turn its neighbours around, is shown by its number."""
    return escape("".join(one if one.isprintable() or one in "\n\t" else f"\\u{ord(one):04x}" for one in text))


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def _page(title: str, *parts: str, refresh: bool = False, status: int = 200) -> web.Response:
    again = f'<meta http-equiv="refresh" content="{REFRESH}">' if refresh else ""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>{again}'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/studio.css"></head><body>'
        f'<p><a href="/">Jobs</a></p><h1>{_text(title)}</h1>{"".join(parts)}</body></html>'
    )
    return web.Response(text=text, content_type="text/html", status=status)
