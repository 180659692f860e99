"""Storage events: pushed by Event Grid, or read from a storage queue where a private network keeps Event Grid out.

Both do the same: an event that matters starts the watch of its landing, or of every landing in a folder that was
renamed; any other is counted, and told of with those of its folder.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from shared.core.event import (
    Arrived,
    FolderArrived,
    Ignored,
    Leads,
    Match,
    event_in,
    folder_in,
    match_blob,
    match_folder,
    read_event,
)
from shared.core.landing import Landing
from shared.core.location import Location
from shared.errors import InputRefused
from shared.services import services
from shared.telemetry import log, warn
from shared.threads import aside
from shared.work.walking import landings_in
from triggers.starting import STARTS_AT_ONCE, start_watch

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
        event = event_in(message.get_body())
        kind = event.get("type") or event["eventType"]
        topic, subject, data = event.get("source") or event["topic"], event["subject"], event["data"]
        if not (isinstance(topic, str) and isinstance(subject, str)):
            raise TypeError("topic and subject must be strings")
    except (InputRefused, KeyError, TypeError) as error:
        raise InputRefused(f"Queue message {message.id} is not an event: {error!r}") from error
    await _handle(kind, topic, subject, data, client)


async def _handle(kind: Any, topic: Any, subject: Any, data: Any, client: df.DurableOrchestrationClient) -> None:
    topic, subject = (given if isinstance(given, str) else "" for given in (topic, subject))
    own = services()
    own.ignored.tell_if_due(own.now())
    said = read_event(kind, topic, subject, data if isinstance(data, dict) else {})
    match await _unless_made_up(said, _match(said)):
        case Ignored(reason, suspicious):
            own.ignored.add(folder_in(subject), reason, subject, own.now(), suspicious=suspicious)
        case Match(landing, is_marker):
            await _watch(client, landing, subject, is_marker=is_marker)
        case Leads() as leads:
            found = await aside(landings_in, own.blobs, leads, own.now)
            await _watch_all(client, found.landings, subject)
            if not found.all:
                warn("event.cut_short", subject=subject, landings=len(found.landings))


def _match(said: Arrived | FolderArrived | Ignored) -> Match | Leads | Ignored:
    if isinstance(said, Ignored):
        return said
    routes = services().routes
    match = match_blob(said, routes.usable) if isinstance(said, Arrived) else match_folder(said, routes.usable)
    if isinstance(match, Ignored) and not match.suspicious:
        routes.require_sound(said.container)  # it may be for a route with a problem: have it delivered again
    return match


async def _unless_made_up(
    said: Arrived | FolderArrived | Ignored, match: Match | Leads | Ignored
) -> Match | Leads | Ignored:
    """What follows from an event. Whoever has the key can make up thousands, for folders that there are not, and each
    watch leaves an instance behind: where they come in such numbers, the blob is looked for first."""
    own = services()
    if isinstance(match, Match) and isinstance(said, Arrived) and own.pace.is_high(own.now()):
        blob = Location(match.landing.route.landing, said.path)
        if await aside(own.blobs.stat, blob) is None:
            return Ignored("there is no such blob")
    return match


async def _watch_all(client: df.DurableOrchestrationClient, landings: Sequence[Landing], subject: str) -> None:
    """The folder may have brought the markers, of which there are no events of their own."""
    for start in range(0, len(landings), STARTS_AT_ONCE):
        some = landings[start : start + STARTS_AT_ONCE]
        await asyncio.gather(
            *(_watch(client, one, subject, is_marker=one.route.ready.marker is not None) for one in some)
        )


async def _watch(client: df.DurableOrchestrationClient, landing: Landing, subject: str, *, is_marker: bool) -> None:
    instance_id = await start_watch(client, landing, is_marker=is_marker)
    if instance_id is not None:
        names = {"route": landing.route.name, "landing": landing.path, "instance_id": instance_id}
        services().pace.note(services().now())
        log("landing.watched", **names, subject=subject)
