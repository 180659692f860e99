"""The HTTP surface of the host: the app's routes, the webhooks of extensions, the durable API, and administration.

Source: Azure/azure-functions-host (admin API, health); functions-host.json (routePrefix).
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from local.faults import Faults
from local.host.described import described
from local.host.durable.management.api import DurableApi
from local.host.durable.management.client_binding import LOOPBACK
from local.host.durable.management.client_binding import PREFIX as DURABLE
from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.hazards import Hazards
from local.host.keys import Keys
from local.host.triggers.blob_webhook import BlobWebhook
from local.host.triggers.blobs import BlobTriggers
from local.host.triggers.event_grid import EventGridWebhook
from local.host.triggers.http import HttpFunctions, Route
from local.host.triggers.timers import request_datum
from local.host.worker.invoking import Invoker, tell_failure
from local.host.worker.registry import Function, Registry
from local.host.worker.wire import Datum

log = logging.getLogger("Host.Admin")

LARGEST_BODY = 100 * 1024 * 1024
"""Source: Azure docs, functions-scale, maximum request size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the surface is made of."""

    registry: Registry
    invoker: Invoker
    blobs: BlobTriggers
    engine: Engine
    routes: list[Route]
    keys: Keys
    hub: str
    cors: tuple[str, ...] = ()


def application(parts: Parts) -> web.Application:
    """The whole surface. Fault rules act on it as on every part of the local cloud."""
    app = web.Application(client_max_size=LARGEST_BODY)
    Faults().install(app)
    app.middlewares.append(_open_until_stopping(parts.invoker))
    if parts.cors:
        app.middlewares.append(_shared_with(parts.cors))
    admin = _Admin(parts)
    app.router.add_get("/admin/host/status", admin.status)
    app.router.add_get("/admin/functions", admin.functions)
    app.router.add_get("/admin/functions/{name}", admin.function)
    app.router.add_get("/admin/functions/{name}/status", admin.function_status)
    app.router.add_route("*", "/admin/host/ping", admin.ping)
    app.router.add_get("/admin/durable/counts", admin.counts)
    app.router.add_route("*", "/admin/durable/hazards", admin.hazards)
    app.router.add_get("/admin/functions/{name}/keys", admin.function_keys)
    app.router.add_get("/admin/host/keys", admin.host_keys)
    app.router.add_get("/admin/host/systemkeys", admin.system_keys)
    app.router.add_post("/admin/functions/{name}", admin.invoke)
    webhook = EventGridWebhook(parts.registry, parts.invoker, parts.keys)
    app.router.add_route("*", "/runtime/webhooks/eventgrid", webhook.handle)
    app.router.add_route("*", "/runtime/webhooks/blobs", BlobWebhook(parts.blobs, parts.keys).handle)
    DurableApi(parts.engine, parts.keys, parts.hub).install(app)
    app.router.add_route("*", "/{path:(?s:.*)}", HttpFunctions(parts.routes, parts.invoker, parts.keys).handle)
    return app


def _open_until_stopping(invoker: Invoker) -> Middleware:
    """While the host stops, only invocations that are still running are served: their durable clients call in here.
    While the app has no worker and none can be started, nothing is served that is for the app."""

    @web.middleware
    async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
        if invoker.stopping and not request.path.startswith(LOOPBACK):
            return web.Response(status=503, text="The host is stopping.")
        if invoker.broken is not None and not request.path.startswith(("/admin/", DURABLE, LOOPBACK)):
            return web.Response(status=503, text=invoker.broken)
        return await handler(request)

    return serve


def _shared_with(origins: tuple[str, ...]) -> Middleware:
    """Lets pages of these origins call the app, as `Host.CORS` of local.settings.json says."""

    @web.middleware
    async def share(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin", "")
        allowed = {"Access-Control-Allow-Origin": "*" if "*" in origins else origin}
        if not origin or not {"*", origin} & set(origins):
            return await handler(request)
        asked = request.headers.get("Access-Control-Request-Method")
        if request.method == "OPTIONS" and asked is not None:
            headers = request.headers.get("Access-Control-Request-Headers", "")
            more = {"Access-Control-Allow-Methods": asked, "Access-Control-Allow-Headers": headers}
            return web.Response(status=204, headers={**allowed, **more})
        response = await handler(request)
        response.headers.update(allowed)
        return response

    return share


class _Admin:
    """`/admin`: needs the master key."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._started: set[asyncio.Task[None]] = set()

    async def status(self, request: web.Request) -> web.Response:
        state = {"id": "local", "state": "Running", "version": "4.0.0.0", "errors": []}
        return self._parts.keys.refusal(request) or web.json_response(state)

    async def counts(self, request: web.Request) -> web.Response:
        return self._parts.keys.refusal(request) or web.json_response(asdict(self._parts.engine.counts))

    async def function_keys(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if self._parts.registry.get(name) is None:
            return web.Response(status=404)
        return self._keys(request, default=self._parts.keys.of_function(name))

    async def host_keys(self, request: web.Request) -> web.Response:
        return self._keys(request, default=self._parts.keys.function)

    async def system_keys(self, request: web.Request) -> web.Response:
        keys = self._parts.keys
        return self._keys(
            request,
            eventgrid_extension=keys.eventgrid_extension,
            durabletask_extension=keys.durabletask_extension,
            blobs_extension=keys.blobs_extension,
        )

    def _keys(self, request: web.Request, **keys: str) -> web.Response:
        shown = {"keys": [{"name": name, "value": value} for name, value in keys.items()]}
        return self._parts.keys.refusal(request) or web.json_response(shown)

    async def hazards(self, request: web.Request) -> web.Response:
        """GET, PUT (JSON, see durable/hazards.py) or DELETE what goes wrong on purpose."""
        refusal = self._parts.keys.refusal(request)
        if refusal is not None:
            return refusal
        if request.method not in ("GET", "PUT", "DELETE"):
            return web.Response(status=405)
        try:
            if request.method != "GET":
                raw = await request.json() if request.method == "PUT" else {}
                self._parts.engine.hazards = Hazards.parse(raw)
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        return web.json_response(self._parts.engine.hazards.report())

    async def functions(self, request: web.Request) -> web.Response:
        return self._parts.keys.refusal(request) or web.json_response(
            [self._described(function, request) for function in self._parts.registry]
        )

    async def function(self, request: web.Request) -> web.Response:
        found = self._parts.registry.get(request.match_info["name"])
        shown = web.Response(status=404) if found is None else web.json_response(self._described(found, request))
        return self._parts.keys.refusal(request) or shown

    async def function_status(self, request: web.Request) -> web.Response:
        """Without errors: an app with functions that cannot be loaded is not started at all."""
        found = self._parts.registry.get(request.match_info["name"])
        shown = web.Response(status=404) if found is None else web.json_response({})
        return self._parts.keys.refusal(request) or shown

    async def ping(self, request: web.Request) -> web.Response:
        return self._parts.keys.refusal(request) or web.Response(headers={"Cache-Control": "no-store, no-cache"})

    def _described(self, function: Function, request: web.Request) -> dict[str, Any]:
        return described(function, self._parts.routes, str(request.url.origin()))

    async def invoke(self, request: web.Request) -> web.Response:
        """Start a function that has no HTTP trigger, with the body's `input`; 202, and the outcome is in the log.

        A disabled one as well: only its trigger is off (Azure docs, disable-function, "Run a disabled function").
        """
        refusal = self._parts.keys.refusal(request)
        if refusal is not None:
            return refusal
        function = self._parts.registry.get(request.match_info["name"])
        if function is None:
            return web.Response(status=404)
        try:
            body = await request.text()
            value, metadata = _trigger_value(function, str(json.loads(body).get("input", "")) if body else "")
        except (ValueError, AttributeError):
            return web.Response(status=400, text='The body must be JSON: {"input": "..."}.')
        except _NotInvocable as error:
            return web.Response(status=400, text=str(error))
        task = asyncio.create_task(self._run(function, value, metadata))
        self._started.add(task)
        task.add_done_callback(self._started.discard)
        return web.Response(status=202)

    async def _run(self, function: Function, value: Datum, metadata: dict[str, Datum]) -> None:
        try:
            reason = "This function was programmatically called via the host APIs."
            if function.kind == "blobTrigger":
                await self._parts.blobs.by_hand(function, str(value.value))
                return
            await self._parts.invoker.invoke(function, value, metadata=metadata, reason=reason)
        except Exception as error:
            tell_failure(log, function.name, error)


class _NotInvocable(Exception):
    """A function that cannot be called directly."""


def _trigger_value(function: Function, text: str) -> tuple[Datum, dict[str, Datum]]:
    match function.kind:
        case "timerTrigger":
            return request_datum(None, past_due=False), {}
        case "eventGridTrigger":
            json.loads(text)
            return Datum(text, "json"), {}
        case "queueTrigger":
            metadata: dict[str, Any] = {"Id": Datum("", "string"), "DequeueCount": Datum(1, "int")}
            return Datum(text, "string"), metadata
        case "activityTrigger" | "blobTrigger":
            return Datum(text, "string"), {}
        case "orchestrationTrigger":
            raise _NotInvocable("Durable orchestrator functions do not support direct invocation.")
        case "entityTrigger":
            raise _NotInvocable("Durable entity functions do not support direct invocation.")
    raise _NotInvocable(f"Functions with a trigger of type '{function.kind}' are called through their own route.")
