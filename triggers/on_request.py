"""Runs on request: asking for one, and waiting for what becomes of it.

The answers are those that clients follow by themselves: 202 with Location and Retry-After until the run has ended.
"""

import azure.durable_functions as df
import azure.functions as func

from shared.core.query import refuse_unknown
from shared.core.record import dump
from shared.core.request import (
    LARGEST_BODY,
    REPEATABILITY_ID,
    RESULT,
    Asked,
    Origin,
    Refusal,
    Refused,
    digest_of,
    pause_until_news,
    read_id,
    read_name,
    read_request,
)
from shared.core.run import Run, Status
from shared.errors import LandfallError
from shared.services import services
from shared.telemetry import log, warn
from shared.threads import aside
from shared.work import inquiry
from shared.work.requesting import grant
from triggers.answering import NO_RUN, answered, as_error, as_json, in_trouble
from triggers.names import Orchestrator
from triggers.starting import start_once

bp = df.Blueprint()

MOST_LISTED = 1000
"""Files that an outcome lists. A Data Factory Web activity takes 4 MB (Azure docs, control-flow-web-activity), and
Durable Functions keep what they are answered in their history."""

STATUS_OF = {
    Refusal.UNKNOWN_ROUTE: 404,
    Refusal.NO_LANDING: 404,
    Refusal.BROKEN_ROUTE: 409,
    Refusal.EMPTY: 409,
    Refusal.WRONG_STATUS: 409,
    Refusal.CHANGED: 409,
    Refusal.PAUSED: 409,
    Refusal.NOT_ALLOWED: 422,
    Refusal.OTHER_BODY: 422,
}
"""409: the same request is fine once the route is corrected or resumed, or the files are there; 422: it never is."""


@bp.route(route="runs", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@bp.durable_client_input(client_name="client")
async def request_run(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Have a landing scored now, whether it is complete or not. 202, and Location tells what becomes of it."""
    response = await _requested(req, client)
    if req.headers.get(REPEATABILITY_ID) is not None:
        response.headers[RESULT] = "accepted" if response.status_code < 300 else "rejected"
    return response


async def _requested(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    body = req.get_body()
    if len(body) > LARGEST_BODY:
        return as_error(f"The body has {len(body)} bytes; a request has at most {LARGEST_BODY}.", 413)
    try:
        own, origin, asked = services(), origin_of(req), _asked(req, body)
        answer = await aside(grant, lambda: own.routes, own.blobs, own.ledger, asked, own.now())
    except LandfallError as trouble:
        return in_trouble(trouble)
    if isinstance(answer, Refused):
        names = {"route": asked.request.route[:80], "landing": asked.request.landing[:1000]}
        log("request.refused", **names, reason=answer.why, message=answer.message[:2000])
        return as_error(answer.message, STATUS_OF[answer.why])
    for run in answer.begin:
        await begin(client, run)
    return accepted(answer.run, origin)


async def begin(client: df.DurableOrchestrationClient, run: Run) -> None:
    """Start a run that is claimed; where that fails, it is left to the sweep."""
    try:
        await start_once(client, Orchestrator.SCORE, run.run_id, run)
    except Exception as trouble:  # the SDK's: its type tells nothing
        # The run is claimed, so what was answered is true: the sweep starts it, or whoever asks again.
        warn("run.not_started", **dump(run.names), message=str(trouble)[:2000])


@bp.route(route="runs/{run_id}/outcome", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def get_outcome(req: func.HttpRequest) -> func.HttpResponse:
    """202 while the run is under way; then 200 with the run or, with `fail=status`, 500 unless it was published."""
    return answered(lambda: _outcome(req))


def _outcome(req: func.HttpRequest) -> func.HttpResponse:
    refuse_unknown(req.params, ("fail",))
    own, origin = services(), origin_of(req)
    run = inquiry.record_of(own.ledger, req.route_params["run_id"])
    if run is None:
        return as_error(NO_RUN, 404)
    if not run.has_ended:
        return accepted(run, origin)
    shown = inquiry.with_files(own.ledger, run, most=MOST_LISTED)
    is_failure = origin.fails_by_status and run.status is not Status.PUBLISHED
    return as_json({**shown, "links": origin.links(run)}, 500 if is_failure else 200)


def accepted(run: Run, origin: Origin) -> func.HttpResponse:
    """The answer that has a client wait for the run's end."""
    headers = {"Location": origin.outcome_of(run.run_id), "Retry-After": str(pause_until_news(run, services().now()))}
    return as_json({"run_id": run.run_id, "status": run.status, "links": origin.links(run)}, 202, headers)


def origin_of(req: func.HttpRequest) -> Origin:
    """Where the API was called. Raises InputRefused."""
    return Origin.of(req.url, req.params, req.headers.get("X-Forwarded-Proto"))


def who_asks(req: func.HttpRequest) -> str | None:
    """Who that is, where App Service authentication is in front of the app."""
    return read_name(req.headers.get("X-MS-CLIENT-PRINCIPAL-NAME"))


def _asked(req: func.HttpRequest, body: bytes) -> Asked:
    given = read_id(req.headers)
    return Asked(
        request=read_request(body),
        key=digest_of(given if given is not None else services().new_id()),
        is_repeatable=given is not None,
        by=who_asks(req),
    )
