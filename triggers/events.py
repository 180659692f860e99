"""Storage events: pushed by Event Grid, or read from a storage queue where a private network keeps Event Grid out.

Both do the same: an event that matters starts the watch of its landing; any other costs nothing.
"""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from shared.core.event import Ignored, Match, Written, match_event, read_event
from shared.errors import InputRefused
from shared.services import services
from shared.telemetry import debug, log, warn
from triggers.starting import start_watch

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
        if not (isinstance(topic, str) and isinstance(subject, str)):
            raise TypeError("topic and subject must be strings")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputRefused(f"Queue message {message.id} is not an event: {error!r}") from error
    await _handle(kind, topic, subject, data, client)


async def _handle(kind: str, topic: str, subject: str, data: Any, client: df.DurableOrchestrationClient) -> None:
    match = _match(read_event(kind, topic or "", subject or "", data if isinstance(data, dict) else {}))
    if isinstance(match, Ignored):
        (warn if match.suspicious else debug)("event.ignored", subject=subject, topic=topic, reason=match.reason)
        return
    landing = match.landing
    instance_id = await start_watch(client, landing, is_marker=match.is_marker)
    if instance_id is not None:
        names = {"route": landing.route.name, "landing": landing.path, "instance_id": instance_id}
        log("landing.watched", **names, subject=subject)


def _match(written: Written | Ignored) -> Match | Ignored:
    if isinstance(written, Ignored):
        return written
    routes = services().routes
    match = match_event(written, routes.usable)
    if isinstance(match, Ignored) and not match.suspicious:
        routes.require_sound(written.container)  # it may be for a route with a problem: have it delivered again
    return match
