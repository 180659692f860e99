"""The run API: what the ledger knows, whether the app is healthy, and the doctor. JSON. The doctor writes and submits,
and so asks for the admin key; the others ask for a function key."""

from collections.abc import Callable
from urllib.parse import urlencode

import azure.durable_functions as df
import azure.functions as func

from shared.core.query import KEYS, refuse_unknown
from shared.errors import LandfallError, RoutesInvalid, SettingsInvalid
from shared.services import Services, services
from shared.work import inquiry
from shared.work.health import problems_of
from triggers.answering import NO_RUN, answered, as_error, as_json

bp = df.Blueprint()


@bp.route(route="runs", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def list_runs(req: func.HttpRequest) -> func.HttpResponse:
    """Runs from the newest to the oldest claimed: `route`, `landing` (its path, or container/path), `status`, `since`
    (ISO 8601), `limit`, `continuation`. Where there may be more, the header Link (RFC 8288) has the next page."""
    return answered(lambda: _listed(req))


def _listed(req: func.HttpRequest) -> func.HttpResponse:
    page = inquiry.runs(services().ledger, inquiry.read_query(req.params))
    more = {name: value for name, value in req.params.items() if name not in (*KEYS, "continuation")}
    if page.continuation is None:
        return as_json(page.runs, 200)
    query = urlencode({**more, "continuation": page.continuation})
    return as_json(page.runs, 200, {"Link": f'<?{query}>; rel="next"'})


@bp.route(route="runs/{run_id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def get_run(req: func.HttpRequest) -> func.HttpResponse:
    """One run, with the first files of its snapshot."""
    return _answer(lambda: _run(req))


def _run(req: func.HttpRequest) -> object:
    refuse_unknown(req.params, ())
    return inquiry.run(services().ledger, req.route_params["run_id"])


@bp.route(route="runs/{run_id}/files", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def get_files(req: func.HttpRequest) -> func.HttpResponse:
    """The files that a run scores, a page at a time: `limit`, `continuation`."""
    return answered(lambda: _files(req))


def _files(req: func.HttpRequest) -> func.HttpResponse:
    page, own = inquiry.read_files_page(req.params), services()
    run = inquiry.record_of(own.ledger, req.route_params["run_id"])
    return as_error(NO_RUN, 404) if run is None else as_json(inquiry.files(own.ledger, run, page), 200)


@bp.route(route="runs/{run_id}/logs", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def get_logs(req: func.HttpRequest) -> func.HttpResponse:
    """What the script of a run's job has logged: the end of each log, what went wrong first."""
    return answered(lambda: _logs(req))


def _logs(req: func.HttpRequest) -> func.HttpResponse:
    refuse_unknown(req.params, ())
    own = services()
    run = inquiry.record_of(own.ledger, req.route_params["run_id"])
    if run is None:
        return as_error(NO_RUN, 404)
    if run.job is None:
        return as_error(f"The run has no job: it is {run.status}, so nothing was logged.", 409)
    logs = own.endpoint.logs(run.spec.endpoint, run.job)
    told = [{"name": name, "text": text} for name, text in logs.items()]
    return as_json({"run_id": run.run_id, "job": run.job.name, "studio_url": run.job.studio_url, "logs": told}, 200)


@bp.route(route="health", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def health(req: func.HttpRequest) -> func.HttpResponse:
    """200 when settings, routes, storage and endpoints answer; else 503 with what is wrong. With `only=routes` storage
    and endpoints are not asked."""
    return answered(lambda: _health(req))


def _health(req: func.HttpRequest) -> func.HttpResponse:
    refuse_unknown(req.params, ("only",))
    only = req.params.get("only")
    if only not in (None, "routes"):
        return as_error(f"only is {only[:80]!r}; it must be routes, or left out.", 400)
    problems = _problems(_problems_of_routes if only else _problems_of_everything)
    body = {"healthy": not problems, "problems": problems, "checked": services().now().isoformat()}
    return as_json(body, 503 if problems else 200)


@bp.route(route="doctor", methods=["POST"], auth_level=func.AuthLevel.ADMIN)
def doctor(req: func.HttpRequest) -> func.HttpResponse:
    """A checklist of everything that the routes need, as the app's own identity finds it; with `submit` also a probe
    job. Takes up to three minutes, and one of the worker's threads for as long."""
    return _answer(lambda: _examined(req.get_body()))


def _examined(body: bytes) -> object:
    # First use, not cold start: nobody asks a doctor at every start.
    from shared.core.checkup import Report, read_asked, refused, shown
    from shared.core.open_facts import ALL_UNKNOWN
    from shared.work.doctor import examine

    asked = read_asked(body)
    try:
        return shown(examine(services(), asked))
    except (SettingsInvalid, RoutesInvalid) as trouble:
        return shown(Report(checks=(refused(trouble),), findings=ALL_UNKNOWN))


def _problems(find: Callable[[Services], list[str]]) -> list[str]:
    try:
        return find(services())
    except RoutesInvalid as invalid:
        return [str(problem) for problem in invalid.problems]
    except LandfallError as trouble:
        return str(trouble).splitlines()


def _problems_of_routes(own: Services) -> list[str]:
    return [str(problem) for problem in own.routes.problems]


def _problems_of_everything(own: Services) -> list[str]:
    return problems_of(own.routes, own.blobs, own.ledger, own.endpoint)


def _answer(ask: Callable[[], object]) -> func.HttpResponse:
    def shown() -> func.HttpResponse:
        found = ask()
        return as_json(found, 200) if found is not None else as_error(NO_RUN, 404)

    return answered(shown)
