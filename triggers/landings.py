"""What people ask of landings: which there are, and why a file was not scored. JSON; asks for a function key."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import azure.durable_functions as df
import azure.functions as func

from shared.core.explanation import Facts, Taken, Watching
from shared.core.landing import Landing
from shared.core.query import refuse_unknown
from shared.core.readiness import recent_watches
from shared.core.watchers import read_watchers
from shared.core.wording import explained
from shared.errors import LandfallError
from shared.services import services
from shared.telemetry import warn
from shared.threads import aside
from shared.work import explaining, overview
from triggers.answering import as_json, in_trouble
from triggers.names import Entity
from triggers.starting import is_under_way

bp = df.Blueprint()

ASKED_AT_ONCE = 16


@bp.route(route="explain", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@bp.durable_client_input(client_name="client")
async def explain(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Why the file at `path` is scored, or is not: `text` for people, the rest for programs."""
    return await _answer(_explained(req, client))


@bp.route(route="landings", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@bp.durable_client_input(client_name="client")
async def list_landings(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The landings that the app knows, the last that something happened to first: `route`, `state`, `limit`,
    `continuation`."""
    return await _answer(_listed(req, client))


async def _explained(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> object:
    refuse_unknown(req.params, ("path",))
    own, now = services(), services().now()
    facts = await aside(explaining.gather, own.routes, own.blobs, own.ledger, req.params.get("path"), now)
    if isinstance(facts.found, Taken):
        facts = replace(facts, watching=await _watching(client, facts, facts.found.landing))
    return explained(facts)


async def _listed(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> object:
    page, own = overview.read_page(req.params), services()
    found = await aside(overview.landings, own.ledger, page)
    watches = list(overview.waiting(found.entries).items())
    watched = dict[str, bool | None]()
    for start in range(0, len(watches), ASKED_AT_ONCE):
        some = watches[start : start + ASKED_AT_ONCE]
        told = await asyncio.gather(*(_is_under_way(client, watch) for _, watch in some))
        watched |= dict(zip((key for key, _ in some), told, strict=True))
    return {
        "landings": [overview.shown(own.routes, one, watched) for one in found.entries],
        "continuation": found.continuation,
    }


async def _watching(client: df.DurableOrchestrationClient, facts: Facts, landing: Landing) -> Watching:
    """The landing's watcher, or one that an event has just started, if one is under way."""
    try:
        found = await client.read_entity_state(df.EntityId(Entity.LANDING, landing.key))
        watcher = read_watchers(found.entity_state).watcher if found.entity_exists else None
    except Exception as trouble:  # the SDK's exceptions have no type of their own
        warn("landing.watch_not_told", route=landing.route.name, landing=landing.path, message=str(trouble))
        return Watching(None, is_known=False)
    for instance_id in [*([watcher] if watcher else []), *recent_watches(landing, facts.now)]:
        is_live = await _is_under_way(client, instance_id)
        if is_live is None:
            return Watching(None, is_known=False)
        if is_live:
            return Watching(instance_id)
    return Watching(None)


async def _is_under_way(client: df.DurableOrchestrationClient, instance_id: str) -> bool | None:
    """None if that cannot be found out."""
    try:
        return await is_under_way(client, instance_id)
    except Exception as trouble:  # the SDK's exceptions have no type of their own
        warn("landing.watch_not_told", instance_id=instance_id, message=str(trouble))
        return None


async def _answer(found: Awaitable[object]) -> func.HttpResponse:
    try:
        return as_json(await found, 200)
    except LandfallError as trouble:
        return in_trouble(trouble)
