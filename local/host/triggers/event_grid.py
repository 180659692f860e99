"""The webhook of the Event Grid extension.

Source: Azure/azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.EventGrid, HttpRequestProcessor.cs.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from local.host.keys import Keys
from local.host.worker.invoking import Invoker, tell_failure
from local.host.worker.registry import Function, Registry
from local.host.worker.wire import Datum

log = logging.getLogger("Host.EventGrid")

ORIGIN = "eventgrid.azure.net"


class EventGridWebhook:
    """`/runtime/webhooks/eventgrid?functionName=NAME`."""

    def __init__(self, registry: Registry, invoker: Invoker, keys: Keys) -> None:
        self._registry, self._invoker, self._keys = registry, invoker, keys

    async def handle(self, request: web.Request) -> web.Response:
        """Answer the handshakes of both schemas, and invoke the function once for each event."""
        refusal = self._keys.refusal(request, self._keys.eventgrid_extension)
        if refusal is not None:
            return refusal
        name = request.query.get("functionName", "")
        function = self._registry.get(name)
        if function is None or function.kind != "eventGridTrigger" or not function.enabled:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        return await answered(request, lambda: self._notified(function, request))

    async def _notified(self, function: Function, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read())
        except ValueError as error:
            return web.Response(status=400, text=f"The body is not JSON: {error}")
        events: list[Any] = body if isinstance(body, list) else [body]
        calls = [self.invoke(function, event) for event in events]
        failures = [e for e in await asyncio.gather(*calls, return_exceptions=True) if isinstance(e, BaseException)]
        if not failures:
            return web.Response(status=202)
        for failure in failures:
            tell_failure(log, function.name, failure)
        # The whole batch fails with one of its events, so Event Grid delivers all of it again.
        return web.Response(status=500, text=f"{type(failures[0]).__name__}: {failures[0]}")

    async def invoke(self, function: Function, event: object) -> None:
        """Invoke `function` with one event."""
        value, data = Datum(json.dumps(event), "json"), event if isinstance(event, dict) else {}
        await self._invoker.invoke(function, value, reason="EventGrid trigger fired", data=data)


async def answered(request: web.Request, take: Callable[[], Awaitable[web.Response]]) -> web.Response:
    """The answer to the handshakes of both schemas, or to events, which `take` takes in."""
    if request.method == "OPTIONS":
        return web.Response(headers={"Webhook-Allowed-Origin": _origin_of(request)})
    match request.headers.get("aeg-event-type", "").lower():
        case "subscriptionvalidation":
            return await _validated(request)
        case "notification":
            return await take()
        case "unsubscribe":
            return web.Response(status=202)
    return web.Response(status=400)


async def _validated(request: web.Request) -> web.Response:
    """The answer to the handshake of Event Grid's own schema."""
    try:
        code = json.loads(await request.read())[0]["data"]["validationCode"]
    except (ValueError, LookupError, TypeError):
        return web.Response(status=400, text="The validation event has no data.validationCode.")
    return web.json_response({"validationResponse": code})


def _origin_of(request: web.Request) -> str:
    """The Event Grid of a sovereign cloud is answered with its own name, everybody else with the public one."""
    asked = request.headers.get("WebHook-Request-Origin", "")
    return asked if asked.lower().startswith("eventgrid.azure.") else ORIGIN
