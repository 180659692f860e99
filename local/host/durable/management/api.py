"""The HTTP management API. The durable client uses it too, under a second prefix that needs no key.

Source: Azure/azure-functions-durable-extension, HttpApiHandler.cs. Where versions differ: a running id is answered with
409 (newest), an unknown function with 400 and an ExceptionMessage (older), which is what azure-functions-durable reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from local.host.durable.management import status
from local.host.durable.management.asking import (
    BadRequest,
    entities_query,
    entity_id,
    flag,
    instance_id,
    instances_query,
    json_text,
    more,
    more_instances,
    number,
    operation_input,
)
from local.host.durable.management.client_binding import LOOPBACK, PREFIX, management_urls
from local.host.durable.protocol.entities import EntityId
from local.host.durable.protocol.rewinding import CannotRewind
from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.errors import (
    InstanceEnded,
    InstanceExists,
    NotFailed,
    UnknownFunction,
    UnknownInstance,
    WrongStatus,
)
from local.host.keys import Keys

Handler = Callable[[web.Request], Awaitable[web.Response]]


class DurableApi:
    """One implementation, mounted twice."""

    def __init__(self, engine: Engine, keys: Keys, hub: str) -> None:
        self._engine, self._keys, self._hub = engine, keys, hub

    def install(self, app: web.Application) -> None:
        """Mount it below the webhook prefix, with the system key, and below the loopback prefix, open."""
        for prefix, guarded in ((PREFIX, True), (LOOPBACK, False)):
            for method, path, handler in self._routes():
                app.router.add_route(method, prefix + _in_any_case(path), self._served(handler, guarded=guarded))

    def _routes(self) -> list[tuple[str, str, Handler]]:
        """Each in any case, with or without a slash at its end, as Azure takes them."""
        one, entity = "/instances/{id}", "/entities/{name}/{key}"
        return [
            ("POST", "/orchestrators/{name}", self._start),
            ("POST", "/orchestrators/{name}/{id}", self._start),
            ("GET", "/instances", self._list),
            ("DELETE", "/instances", self._purge_many),
            ("GET", one, self._status),
            ("DELETE", one, self._purge),
            ("POST", one + "/raiseEvent/{event}", self._raise_event),
            ("POST", one + "/terminate", self._terminate),
            ("POST", one + "/suspend", self._suspend),
            ("POST", one + "/resume", self._resume),
            ("POST", one + "/rewind", self._rewind),
            ("POST", one + "/restart", self._restart),
            ("POST", "/makeprimary", _make_primary),
            ("GET", "/entities", self._entities),
            ("GET", "/entities/{name}", self._entities),
            ("GET", entity, self._entity),
            ("POST", entity, self._signal),
            ("DELETE", entity, self._signal),
        ]

    def _served(self, handler: Handler, *, guarded: bool) -> Handler:
        async def serve(request: web.Request) -> web.Response:
            refusal = self._keys.refusal(request, self._keys.durabletask_extension) if guarded else None
            try:
                return refusal or await handler(request)
            except UnknownInstance:
                return web.Response(status=404)
            except InstanceEnded:
                return web.Response(status=410)
            except BadRequest as error:
                return web.json_response({"Message": str(error)}, status=400)
            except UnknownFunction as error:
                return _error(400, "One or more of the arguments submitted is incorrect", "ArgumentException", error)
            except WrongStatus as error:
                return _error(500, "Something went wrong while processing your request", "InvalidOperation", error)

        return serve

    async def _start(self, request: web.Request) -> web.Response:
        identity, text = instance_id(request), await json_text(request)
        try:
            name, version = request.match_info["name"], request.query.get("version")
            identity = self._engine.start_with(name, text, instance=identity, version=version)
        except InstanceExists as error:
            return web.json_response({"Message": str(error)}, status=409)
        return await self._answer(request, identity)

    async def _answer(self, request: web.Request, identity: str) -> web.Response:
        """Of an instance that was just started: the links to it or, if a time is given, what comes of it until then."""
        if request.query.get("timeout") is None or request.query.get("pollingInterval") is None:
            return self._check_status(request, identity)
        timeout, interval = number(request, "timeout", 0), number(request, "pollingInterval", 0)
        if interval > timeout:
            raise BadRequest(f"Total timeout {timeout:g} should be bigger than retry timeout {interval:g}")
        return await self._wait(request, identity, timeout)

    async def _wait(self, request: web.Request, identity: str, seconds: float) -> web.Response:
        try:
            instance = await asyncio.wait_for(self._engine.wait(identity), seconds)
        except TimeoutError:
            return self._check_status(request, identity)
        if instance.status == "Completed":
            return web.json_response(status.parsed(instance.output))
        return web.json_response(status.payload(instance))

    def _check_status(self, request: web.Request, identity: str) -> web.Response:
        links = management_urls(
            f"{request.url.origin()}{PREFIX}", identity, self._hub, self._keys.durabletask_extension
        )
        headers = {"Location": links["statusQueryGetUri"], "Retry-After": "10"}
        return web.json_response(links, status=202, headers=headers)

    async def _status(self, request: web.Request) -> web.Response:
        instance = self._engine.store.instance(request.match_info["id"])
        if instance is None:
            raise UnknownInstance
        shown = status.payload(instance, show_input=flag(request, "showInput", default=True))
        if flag(request, "showHistory"):
            history = self._engine.store.history(instance.id)
            shown["historyEvents"] = status.history_events(history, show_output=flag(request, "showHistoryOutput"))
        if not instance.terminal:
            headers = {"Location": str(request.url), "Retry-After": "5"}
            return web.json_response(shown, status=202, headers=headers)
        failed = instance.status == "Failed" and flag(request, "returnInternalServerErrorOnFailure")
        return web.json_response(shown, status=500 if failed else 200)

    async def _list(self, request: web.Request) -> web.Response:
        query = instances_query(request, paged=True)
        found = self._engine.store.query(query)
        show_input = flag(request, "showInput", default=True)
        shown = [status.payload(i, show_input=show_input) for i in found]
        return web.json_response(shown, headers=more_instances(found, query.limit))

    async def _purge(self, request: web.Request) -> web.Response:
        identity = request.match_info["id"]
        if identity.startswith("@"):
            if not self._engine.store.purge_entity(identity):
                raise UnknownInstance
            return web.json_response({"instancesDeleted": 1})
        instance = self._engine.store.instance(identity)
        if instance is None:
            raise UnknownInstance
        if not instance.terminal:
            reason = (
                f"Cannot purge orchestration instance {instance.id}: its status is {instance.status}, not terminal."
            )
            return web.Response(status=412, text=reason)
        return web.json_response({"instancesDeleted": self._engine.store.purge([instance.id])})

    async def _purge_many(self, request: web.Request) -> web.Response:
        if not request.query.get("createdTimeFrom"):
            return web.Response(status=400, text="Please provide value for 'createdTimeFrom' parameter.")
        found = [i.id for i in self._engine.store.query(instances_query(request, paged=False)) if i.terminal]
        deleted = self._engine.store.purge(found)
        return web.json_response({"instancesDeleted": deleted}, status=200 if deleted else 404)

    async def _raise_event(self, request: web.Request) -> web.Response:
        self._engine.existing(request.match_info["id"])
        if request.content_type != "application/json":
            raise BadRequest("Only application/json request content is supported")
        text = await json_text(request)
        self._engine.raise_event_with(request.match_info["id"], request.match_info["event"], text or "null")
        return web.Response(status=202)

    async def _terminate(self, request: web.Request) -> web.Response:
        self._engine.terminate(request.match_info["id"], request.query.get("reason", ""))
        return web.Response(status=202)

    async def _suspend(self, request: web.Request) -> web.Response:
        self._engine.suspend(request.match_info["id"], request.query.get("reason", ""))
        return web.Response(status=202)

    async def _resume(self, request: web.Request) -> web.Response:
        self._engine.resume(request.match_info["id"], request.query.get("reason", ""))
        return web.Response(status=202)

    async def _rewind(self, request: web.Request) -> web.Response:
        try:
            self._engine.rewind(request.match_info["id"], request.query.get("reason", ""))
        except NotFailed as error:
            return web.json_response(str(error), status=412)
        except CannotRewind as error:
            return web.json_response(str(error), status=400)
        return web.Response(status=202)

    async def _restart(self, request: web.Request) -> web.Response:
        same_id = not flag(request, "restartWithNewInstanceId", default=True)
        try:
            identity = self._engine.restart(request.match_info["id"], same_id=same_id)
        except UnknownInstance:
            return web.json_response({"Message": f"InstanceId {request.match_info['id']} is not found."}, status=400)
        except InstanceExists as error:
            return web.json_response({"Message": str(error)}, status=409)
        return await self._answer(request, identity)

    async def _entity(self, request: web.Request) -> web.Response:
        state = self._engine.store.entity(str(entity_id(request)))
        return web.Response(status=404) if state is None else web.json_response(status.parsed(state.text))

    async def _entities(self, request: web.Request) -> web.Response:
        query, shown = entities_query(request), []
        found = self._engine.store.entities(query)
        for entity in found:
            identity = EntityId.parse(entity.id)
            item: dict[str, Any] = {"entityId": {"name": identity.name, "key": identity.key}}
            item["lastOperationTime"] = entity.updated.isoformat()
            if flag(request, "fetchState"):
                item["state"] = status.parsed(entity.state)
            shown.append(item)
        headers = more((found[-1].id,), len(found), query.limit) if found else {}
        return web.json_response(shown, headers=headers)

    async def _signal(self, request: web.Request) -> web.Response:
        operation = "delete" if request.method == "DELETE" else request.query.get("op", "")
        self._engine.signal(entity_id(request), operation, await operation_input(request))
        return web.Response(status=202)


def _in_any_case(path: str) -> str:
    """The pattern of a path whose words may be written in any case, and end with a slash."""
    parts = path.strip("/").split("/")
    words = [part if part.startswith("{") else f"{{word{at}:(?i:{part})}}" for at, part in enumerate(parts)]
    return "".join(f"/{word}" for word in words) + "{end:/?}"


async def _make_primary(_: web.Request) -> web.Response:
    return web.Response()


def _error(code: int, message: str, kind: str, error: Exception) -> web.Response:
    body = {"Message": message, "ExceptionMessage": str(error), "ExceptionType": f"System.{kind}", "StackTrace": ""}
    return web.json_response(body, status=code)
