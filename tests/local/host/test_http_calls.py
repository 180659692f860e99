"""`call_http`, against a web server. Source: Azure docs, durable-functions-http-features; durable extension,
DurableOrchestrationContext.CallHttpAsync and TaskHttpActivityShim.cs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from local import serving
from local.host.durable.protocol.http_calls import BadHttpCall, HttpAnswer, follow
from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.functions import PlainFunctions
from local.host.durable.runtime.listing import Instance
from local.host.durable.runtime.store import Store
from local.host.virtual import VirtualClock
from testbed.eventually import eventually_on_loop
from tests.local.host.driving import result

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Server:
    """Answers 202 as often as it is told to, and remembers what it was asked."""

    def __init__(self, busy: int = 0, **headers: str) -> None:
        self.busy, self.headers, self.asked = busy, headers, []  # type: tuple[int, dict[str, str], list[dict[str, Any]]]

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.asked.append({"method": request.method, "path": request.path, "body": body, "headers": request.headers})
        if len(self.asked) <= self.busy:
            return web.Response(status=202, headers={"Location": "/status", "Retry-After": "60"})
        return web.Response(
            text=json.dumps({"done": True}), headers={"X-Answer": "yes"}, content_type="application/json"
        )


async def call(server: Server, path: Path | str, then: Callable[[Engine], Awaitable[Any]]) -> Any:
    async with AsyncExitStack() as stack:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", server.handle)
        port = await serving.listen(stack, app, 0)

        def orchestrator(context: Any) -> Any:
            headers = {"x-functions-key": "secret", "X-Kept": "1"}
            answer = yield context.call_http("POST", f"http://127.0.0.1:{port}/start", {"a": 1}, headers)
            same = yield context.call_activity("same", 7)
            return [answer, same, context.current_utc_datetime.isoformat()]

        functions = PlainFunctions(orchestrators={"main": orchestrator}, activities={"same": lambda v: v})
        store = Store(path)
        stack.callback(store.close)
        engine = await stack.enter_async_context(Engine(store, functions, VirtualClock(NOW)))
        return await asyncio.wait_for(then(engine), 20)


async def finish(engine: Engine) -> Instance:
    return await engine.wait(engine.start("main", instance="i"))


def test_the_answer_has_status_headers_and_content() -> None:
    server = Server()
    answer, same, _ = result(asyncio.run(call(server, ":memory:", finish)))

    assert (answer["statusCode"], json.loads(answer["content"]), same) == (200, {"done": True}, 7)
    assert answer["headers"]["X-Answer"] == "yes"
    assert (server.asked[0]["method"], server.asked[0]["body"]) == ("POST", '{"a": 1}')


def test_202_is_followed_to_its_end_without_taking_ids_from_the_orchestrator() -> None:
    server = Server(busy=3)
    answer, same, when = result(asyncio.run(call(server, ":memory:", finish)))

    assert (answer["statusCode"], same) == (200, 7), "what comes after the call is still in step with the history"
    assert [a["method"] for a in server.asked] == ["POST", "GET", "GET", "GET"]
    assert {a["path"] for a in server.asked[1:]} == {"/status"}
    assert datetime.fromisoformat(when) == NOW + timedelta(minutes=3)
    assert server.asked[0]["headers"]["x-functions-key"] == "secret"
    assert "x-functions-key" not in server.asked[1]["headers"], "the key is not for where Location leads"
    assert server.asked[1]["headers"]["X-Kept"] == "1"


def test_where_the_following_has_come_to_is_written_down(tmp_path: Path) -> None:
    async def leave(engine: Engine) -> None:
        with engine.clock.held():  # type: ignore[attr-defined]  # the clock of these tests
            engine.start("main", instance="i")
            await eventually_on_loop(lambda: [a for a in engine.store.activities() if a.due is not None])

    asyncio.run(call(Server(busy=1), tmp_path / "d.sqlite", leave))
    store = Store(tmp_path / "d.sqlite")
    (waiting,) = store.activities()
    store.close()

    request = json.loads(json.loads(waiting.event["Input"])[0])
    assert (request["method"], request["uri"].rsplit("/", 1)[1]) == ("GET", "status")
    assert waiting.due == NOW + timedelta(minutes=1)


def test_a_request_that_cannot_be_sent_fails_its_task() -> None:
    async def script() -> Instance:
        def orchestrator(context: Any) -> Any:
            try:
                yield context.call_http("GET", "http://127.0.0.1:9/nobody")
            except Exception as error:
                return str(error)

        async with Engine(Store(":memory:"), PlainFunctions(orchestrators={"main": orchestrator}), VirtualClock()) as e:
            found = await finish(e)
            e.store.close()
            return found

    told = result(asyncio.run(script()))
    assert told.startswith(
        "Activity function 'BuiltIn::HttpActivity' failed:  BadHttpCall: GET http://127.0.0.1:9/nobody"
    )


def test_without_retry_after_there_are_thirty_seconds_and_without_location_it_cannot_be_followed() -> None:
    request = {"method": "POST", "uri": "http://a/b", "content": "x"}

    found = follow(request, HttpAnswer(202, {"location": "http://c/d"}, ""), NOW)
    assert found is not None
    assert (found.due, found.request) == (
        NOW + timedelta(seconds=30),
        {"method": "GET", "uri": "http://c/d", "headers": {}},
    )
    assert follow(request, HttpAnswer(200, {}, ""), NOW) is None
    with pytest.raises(BadHttpCall, match="Location"):
        follow(request, HttpAnswer(202, {}, ""), NOW)
