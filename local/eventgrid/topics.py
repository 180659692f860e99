"""The endpoint that publishers send custom events to, as azure-eventgrid's EventGridPublisherClient does.

Source: Azure docs, event-grid/post-to-custom-topic and event-grid/cloud-event-schema; the client's own requests.
"""

from __future__ import annotations

import json

from aiohttp import web

from local.eventgrid.broker import Broker
from local.eventgrid.schema import MAX_BYTES, InvalidEvent, checked
from local.eventgrid.subscription import CUSTOM
from local.roles import scopes
from local.roles.definitions import data_action
from local.roles.live import LiveRoles
from local.tokens import TokenRefused, Verifier

API_VERSION = "2018-01-01"
TOPIC_ID = scopes.topic(CUSTOM)
_SINGLE = "application/cloudevents+json"
_ARRAYS = ("application/cloudevents-batch+json", "application/json")


SEND = data_action("Microsoft.EventGrid/events/send/action")
"""What publishing needs. Source: Azure docs, event-grid/authenticate-with-microsoft-entra-id."""


def make_app(broker: Broker, verifier: Verifier, roles: LiveRoles) -> web.Application:
    """The topics as an application."""

    async def publish(request: web.Request) -> web.Response:
        try:
            claims = verifier.check(request.headers.get("Authorization"))
        except TokenRefused as error:
            return _refused(401, "Unauthorized", str(error))
        if request.match_info["topic"] != CUSTOM:
            return _refused(404, "NotFound", f"There is no topic {request.match_info['topic']!r}; use {CUSTOM!r}.")
        if roles.missing(str(claims.get("oid", "")), SEND, TOPIC_ID):
            # 401 and not 403, and in these words. Source: a recorded answer, azure-sdk-for-net issue 22831.
            return _refused(
                401,
                "Unauthorized",
                "The principal associated with access token presented with the incoming request does not have "
                f"permission to send data to {TOPIC_ID}.",
            )
        if request.query.get("api-version") != API_VERSION:
            return _refused(400, "BadRequest", f"api-version must be {API_VERSION}.")
        if (request.content_length or 0) > MAX_BYTES:
            return _refused(413, "PayloadTooLarge", f"A request may have at most {MAX_BYTES} bytes.")
        try:
            events = _events(request.content_type, await request.text())
        except ValueError as error:
            return _refused(400, "BadRequest", str(error))
        broker.publish(CUSTOM, events)
        return web.Response()

    app = web.Application(client_max_size=MAX_BYTES)
    app.router.add_post("/topics/{topic}/api/events", publish)
    return app


def _events(content_type: str, text: str) -> list[dict[str, object]]:
    raw = json.loads(text)
    if content_type == _SINGLE:
        raw = [raw]
    elif content_type not in _ARRAYS:
        raise InvalidEvent(f"Content-Type must be one of {', '.join((_SINGLE, *_ARRAYS))}; got {content_type!r}.")
    if not isinstance(raw, list) or not raw:
        raise InvalidEvent("Events are published as a JSON array with at least one event.")
    return [checked(event, topic=TOPIC_ID) for event in raw]


def _refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message, "details": []}}, status=status)
