"""What nobody has looked at yet: looking at landings now, and a backfill of what was there. JSON; asks for a function
key."""

import asyncio

import azure.durable_functions as df
import azure.functions as func

from shared.core.acts import Said
from shared.core.backfill import read_backfill
from shared.core.landing import Landing
from shared.core.refresh import read_refresh
from shared.core.request import Refusal, Refused, landing_asked
from shared.errors import LandfallError
from shared.services import services
from shared.telemetry import log
from shared.threads import aside, each
from shared.work.backfilling import backfill
from shared.work.claiming import note_asked
from shared.work.requesting import route_named
from triggers.answering import as_error, as_json, in_trouble
from triggers.on_request import STATUS_OF, begin, who_asks
from triggers.starting import STARTS_AT_ONCE, free, start_watch
from triggers.sweep import watch_missed

bp = df.Blueprint()


@bp.route(route="landings/refresh", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@bp.durable_client_input(client_name="client")
async def refresh_landings(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Look now: at one landing within two seconds, or at all that no event has had looked at."""
    try:
        asked = read_refresh(req.get_body())
        found = await _landings(client, asked.route, asked.landing)
    except LandfallError as trouble:
        return in_trouble(trouble)
    if isinstance(found, Refused):
        return as_error(found.message, STATUS_OF[found.why])
    own = services()
    said = Said(at=own.now(), by=who_asks(req), reason=asked.reason)
    told = {"landings": len(found), "by": said.by, "reason": said.reason}
    log("landing.refresh_asked", route=asked.route, landing=asked.landing, **told)
    await aside(each, lambda landing: note_asked(own.ledger, landing, said), found, at_once=STARTS_AT_ONCE)
    listed = [{"landing": f"{one.route.landing.name}/{one.path}", "route": one.route.name} for one in found]
    return as_json({"landings": listed}, 202)


async def _landings(
    client: df.DurableOrchestrationClient, name: str | None, path: str | None
) -> list[Landing] | Refused:
    """The landings that are looked at now."""
    if name is None:
        return await watch_missed(client, [], is_expected=True)
    route = route_named(services().routes, name)
    if isinstance(route, Refused):
        return route
    if not route.is_watched:
        told = (
            f"Route {name!r} is scored on request only, so nobody looks at its landings. POST /api/runs asks for a run."
        )
        return Refused(Refusal.WRONG_STATUS, told)
    if path is None:
        return await watch_missed(client, [], only=name, is_expected=True)
    landing = landing_asked(route, path)
    if isinstance(landing, Refused):
        return landing
    await free(client, landing)
    # As if its marker had come: such a watch looks soonest, and takes over from one that only waits.
    await start_watch(client, landing, is_marker=True)
    return [landing]


@bp.route(route="backfill", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@bp.durable_client_input(client_name="client")
async def backfill_route(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Score what was there before its route was: landings whose content has no run. With `dry_run` it is only told."""
    try:
        own, asked = services(), read_backfill(req.get_body())
        said = Said(at=own.now(), by=who_asks(req), reason=asked.reason)
        found = await aside(backfill, lambda: own.routes, own.blobs, own.ledger, asked, said)
    except LandfallError as trouble:
        return in_trouble(trouble)
    if isinstance(found, Refused):
        return as_error(found.message, STATUS_OF[found.why])
    for start in range(0, len(found.begin), STARTS_AT_ONCE):
        await asyncio.gather(*(begin(client, run) for run in found.begin[start : start + STARTS_AT_ONCE]))
    return as_json(found.answer, 200 if asked.dry_run else 202)
