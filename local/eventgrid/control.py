"""The control API: subscriptions, what became of deliveries, and where the storage front publishes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from local.addresses import STORAGE_TOPIC
from local.eventgrid.broker import Broker
from local.eventgrid.destinations import EndpointRefused
from local.eventgrid.schema import MAX_BYTES, InvalidEvent, checked
from local.eventgrid.subscription import CUSTOM, STORAGE

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(broker: Broker) -> web.Application:
    """The control API as an application."""
    app = web.Application(middlewares=[_explaining], client_max_size=64 * MAX_BYTES)
    control = Control(broker)
    app.router.add_post("/_publish", control.publish)
    app.router.add_get("/status", control.status)
    app.router.add_get("/deliveries", control.deliveries)
    app.router.add_get("/subscriptions", control.list)
    app.router.add_put("/subscriptions/{name}", control.put)
    app.router.add_get("/subscriptions/{name}", control.get)
    app.router.add_delete("/subscriptions/{name}", control.delete)
    app.router.add_get("/topics/{topic}/events", control.events)
    return app


@web.middleware
async def _explaining(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (EndpointRefused, InvalidEvent, ValueError) as error:
        return web.json_response({"error": str(error)}, status=400)


class Control:
    """The handlers."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    async def publish(self, request: web.Request) -> web.Response:
        """Events of the storage account, in Event Grid's schema, as a JSON array."""
        raw = json.loads(await request.text())
        if not isinstance(raw, list):
            raise InvalidEvent("Events must be published as a JSON array.")
        self.broker.publish(STORAGE, [checked(event, topic=STORAGE_TOPIC) for event in raw])
        return web.json_response({"published": len(raw)})

    async def status(self, _: web.Request) -> web.Response:
        return web.json_response(self.broker.status())

    async def deliveries(self, _: web.Request) -> web.Response:
        """The last thousand attempts since this part started, newest last."""
        return web.json_response(list(self.broker.recent))

    async def list(self, _: web.Request) -> web.Response:
        named = self.broker.store.subscriptions().items()
        return web.json_response([_shown(name, body) for name, body in named])

    async def put(self, request: web.Request) -> web.Response:
        name, body = request.match_info["name"], json.loads(await request.text())
        known = name in self.broker.store.subscriptions()
        await self.broker.subscribe(name, body)
        return web.json_response(_shown(name, body), status=200 if known else 201)

    async def get(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = self.broker.store.subscriptions().get(name)
        return _missing(name) if body is None else web.json_response(_shown(name, body))

    async def delete(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return web.Response(status=204) if self.broker.unsubscribe(name) else _missing(name)

    async def events(self, request: web.Request) -> web.Response:
        """What the custom topic has received, oldest first."""
        topic = request.match_info["topic"]
        if topic != CUSTOM:
            return web.json_response({"error": f"Only topic {CUSTOM!r} keeps the events it receives."}, status=404)
        return web.json_response(self.broker.store.received(topic))


def _shown(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A subscription without the keys of its destination: anybody on this machine may ask. Azure, too, tells only
    `endpointBaseUrl` of a webhook (source: rest/api/eventgrid, event-subscriptions/get)."""
    destination = {key: value for key, value in body["destination"].items() if key != "connection_string"}
    if isinstance(url := destination.get("url"), str):
        destination["url"] = url.partition("?")[0]
    return {"name": name, **body, "destination": destination}


def _missing(name: str) -> web.Response:
    return web.json_response({"error": f"There is no subscription {name!r}."}, status=404)
