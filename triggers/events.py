"""Storage events: pushed by Event Grid, or read from a storage queue where a private network keeps Event Grid out.

Both do the same: an event that matters starts the watch of its landing; any other costs nothing.
"""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from shared.core.event import Ignored, Match, Written, match_event, read_event
from shared.core.landing import coalesce
from shared.core.watch import new_watch
from shared.errors import InputRefused
from shared.services import services
from shared.telemetry import debug, log, warn
from triggers.names import Orchestrator
from triggers.starting import start_once

bp = df.Blueprint()


@bp.event_grid_trigger(arg_name="event")
@bp.durable_client_input(client_name="client")
async def on_blob_event(event: func.EventGridEvent, client: df.DurableOrchestrationClient) -> None:
    """One event, pushed. An exception makes Event Grid deliver it again."""
    if isinstance(event, func.EventGridEvent):
        await _handle(event.event_type, event.topic, event.subject, event.get_json(), client)
    else:  # azure-functions gives a CloudEvent where the subscription's schema is CloudEvents
        await _handle(event.type, event.source, event.subject, event.get_json(), client)


@bp.queue_trigger(arg_name="message", queue_name="%LANDFALL_EVENTS_QUEUE%", connection="LandingEvents")
@bp.durable_client_input(client_name="client")
async def on_blob_message(message: func.QueueMessage, client: df.DurableOrchestrationClient) -> None:
    """One event in either schema, as Event Grid puts it in a queue. What cannot be read ends in the poison queue."""
    try:
        event = message.get_json()
        kind = event.get("type") or event["eventType"]
        topic, subject, data = event.get("source") or event["topic"], event["subject"], event["data"]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputRefused(f"Queue message {message.id} is not an event: {error!r}") from error
    await _handle(kind, topic, subject, data, client)


async def _handle(kind: str, topic: str, subject: str, data: Any, client: df.DurableOrchestrationClient) -> None:
    match = _match(read_event(kind, topic or "", subject or "", data if isinstance(data, dict) else {}))
    if isinstance(match, Ignored):
        (warn if match.suspicious else debug)("event.ignored", subject=subject, topic=topic, reason=match.reason)
        return
    ready = match.landing.route.ready
    start = coalesce(match.landing, ready, is_marker=match.is_marker, now=services().now())
    if start.instance_id in services().recent_watches:
        return
    state = new_watch(match.landing, start, is_marker=match.is_marker)
    if await start_once(client, Orchestrator.WATCH_LANDING, start.instance_id, state.to_payload()):
        names = {"route": state.route, "landing": state.landing, "instance_id": start.instance_id}
        log("landing.watched", **names, subject=subject)
    services().recent_watches.add(start.instance_id)


def _match(written: Written | Ignored) -> Match | Ignored:
    if isinstance(written, Ignored):
        return written
    routes = services().routes
    match = match_event(written, routes.usable)
    if isinstance(match, Ignored) and not match.suspicious:
        routes.require_sound(written.container)  # it may be for a route with a problem: have it delivered again
    return match
