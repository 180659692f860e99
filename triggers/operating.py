"""What people do to runs: cancel, replay and rescore them. Each can be asked for again without harm."""

import azure.durable_functions as df
import azure.functions as func

from shared.core.acts import Cancel, Repeats, Repetition, read_act
from shared.core.request import Refused
from shared.errors import LandfallError
from shared.services import services
from shared.threads import aside
from shared.work import acting, inquiry
from triggers.answering import NO_RUN, answered, as_error, in_trouble
from triggers.on_request import STATUS_OF, accepted, begin, origin_of, who_asks

bp = df.Blueprint()


@bp.route(route="runs/{run_id}/cancel", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
def cancel_run(req: func.HttpRequest) -> func.HttpResponse:
    """Have a run end, with or without a job. 202; its outcome tells when it has."""
    return answered(lambda: _cancel(req))


def _cancel(req: func.HttpRequest) -> func.HttpResponse:
    own, origin, act = services(), origin_of(req), read_act(req.get_body())
    run = inquiry.record_of(own.ledger, req.route_params["run_id"])
    if run is None:
        return as_error(NO_RUN, 404)
    asked = Cancel(at=own.now(), by=who_asks(req), reason=act.reason)
    found = acting.cancel(own.endpoint, own.ledger, run.run_id, asked)
    if isinstance(found, Refused):
        return as_error(found.message, STATUS_OF[found.why])
    return accepted(found, origin) if found is not None else as_error(NO_RUN, 404)


@bp.route(route="runs/{run_id}/replay", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@bp.durable_client_input(client_name="client")
async def replay_run(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Score the content of a run that was not published once more. 202, and Location is the new run's outcome."""
    return await _repeat(req, client, Repetition.REPLAY)


@bp.route(route="runs/{run_id}/rescore", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@bp.durable_client_input(client_name="client")
async def rescore_run(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Score the content of a published run once more. 202, and Location is the new run's outcome."""
    return await _repeat(req, client, Repetition.RESCORE)


async def _repeat(req: func.HttpRequest, client: df.DurableOrchestrationClient, act: Repetition) -> func.HttpResponse:
    try:
        own, origin, said = services(), origin_of(req), read_act(req.get_body())
        run = await aside(inquiry.record_of, own.ledger, req.route_params["run_id"])
        if run is None:
            return as_error(NO_RUN, 404)
        repeats = Repeats(run_id=run.run_id, act=act, reason=said.reason)
        found = await aside(
            lambda: acting.repeat(
                lambda: own.routes, own.blobs, own.ledger, run, repeats, by=who_asks(req), now=own.now()
            )
        )
    except LandfallError as trouble:
        return in_trouble(trouble)
    if isinstance(found, Refused):
        return as_error(found.message, STATUS_OF[found.why])
    for one in found.begin:
        await begin(client, one)
    return accepted(found.run, origin)
