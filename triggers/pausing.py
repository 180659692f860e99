"""Routes as they stand: which there are, and pausing and resuming them. JSON; asks for a function key."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from shared.core.acts import Said, read_act
from shared.core.pause import Standing, paused, resumed, shown
from shared.core.query import refuse_unknown
from shared.core.request import Refused
from shared.errors import LandfallError, RoutesInvalid
from shared.routes import Routes
from shared.services import services
from shared.telemetry import warn
from shared.threads import aside
from shared.work.requesting import route_named
from triggers.answering import answered, as_error, as_json, in_trouble
from triggers.on_request import STATUS_OF, who_asks
from triggers.sweep import watch_missed

bp = df.Blueprint()


@bp.route(route="routes", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def list_routes(req: func.HttpRequest) -> func.HttpResponse:
    """The routes that can be used, who has paused them, and what is wrong with the others."""
    return answered(lambda: _listed(req))


def _listed(req: func.HttpRequest) -> func.HttpResponse:
    refuse_unknown(req.params, ())
    own = services()
    try:
        routes = own.routes
    except RoutesInvalid as invalid:
        routes = Routes((), tuple(invalid.problems))
    standings = own.ledger.standings()
    listed = [shown(route, standings.get(route.name, Standing())) for route in routes.usable]
    return as_json({"routes": listed, "problems": [str(problem) for problem in routes.problems]}, 200)


@bp.route(route="routes/{route}/pause", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
def pause_route(req: func.HttpRequest) -> func.HttpResponse:
    """Have no run of a route begin until it is resumed; what is under way goes on."""
    return answered(lambda: _paused(req))


def _paused(req: func.HttpRequest) -> func.HttpResponse:
    own, said = services(), _said(req)
    route = route_named(own.routes, req.route_params["route"])
    if isinstance(route, Refused):
        return as_error(route.message, STATUS_OF[route.why])
    before = own.ledger.change_standing(route.name, lambda standing: paused(standing, said))
    after = paused(before, said)
    if after != before:
        warn("route.paused", route=route.name, by=said.by, reason=said.reason)
    return as_json(shown(route, after), 200)


@bp.route(route="routes/{route}/resume", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@bp.durable_client_input(client_name="client")
async def resume_route(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Have a route go on, and look at what has come meanwhile. What cannot be looked at now is left to the sweep."""
    try:
        own, said = services(), _said(req)
        route = route_named(own.routes, req.route_params["route"])
        if isinstance(route, Refused):
            return as_error(route.message, STATUS_OF[route.why])
        before = await aside(own.ledger.change_standing, route.name, lambda standing: resumed(standing, said))
        after = resumed(before, said)
        if after != before:
            warn("route.resumed", route=route.name, by=said.by, reason=said.reason)
        begun = await watch_missed(client, [], only=route.name, is_expected=True)
        answer: dict[str, Any] = {**shown(route, after), "begun": len(begun)}
    except LandfallError as trouble:
        return in_trouble(trouble)
    return as_json(answer, 200)


def _said(req: func.HttpRequest) -> Said:
    return Said(at=services().now(), by=who_asks(req), reason=read_act(req.get_body()).reason)
