"""The whole retry schedule over a real webhook, on a clock that jumps: a day of attempts takes a moment.

Source: Azure docs, event-grid/delivery-and-retry.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from local import addresses, serving
from local.azure import QueueEncoding
from local.eventgrid.destinations import Destinations
from local.eventgrid.pump import Pump
from local.eventgrid.store import Store
from local.eventgrid.subscription import Subscription
from local.host.virtual import VirtualClock
from tests.local.eventgrid.examples import created

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Attempts = list[tuple[timedelta, str, int]]
"""When an attempt came, with which event, and the number that its header gave."""


def deliver(
    state: Path, events: list[dict[str, Any]], answer: Callable[[str, int], int], **retry: int
) -> tuple[Attempts, dict[str, int]]:
    """All attempts to deliver these events, and how they ended. `answer` gets the id and the number of an attempt."""

    async def main() -> tuple[Attempts, dict[str, int]]:
        clock, attempts = VirtualClock(NOW), []  # type: tuple[VirtualClock, Attempts]

        async def hook(request: web.Request) -> web.Response:
            (event,) = json.loads(await request.read())
            number = int(request.headers["aeg-delivery-count"])
            attempts.append((clock.now() - NOW, event["id"], number))
            return web.Response(status=answer(event["id"], number))

        async with AsyncExitStack() as stack:
            app = web.Application()
            app.router.add_post("/hook", hook)
            port = await serving.listen(stack, app, 0)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            destinations = Destinations(
                session, ssl.create_default_context(), addresses.settle(state), QueueEncoding.BASE64
            )
            store = Store(state / "events.sqlite")
            stack.callback(store.close)
            url = {"type": "WebHook", "url": f"http://127.0.0.1:{port}/hook"}
            body = {"topic": "storage", "destination": url, "retryPolicy": retry}
            pump = Pump(Subscription.parse("sub", body), store, destinations, clock, deque())
            store.put_subscription("sub", body)
            store.enqueue([("sub", event, NOW) for event in events], published=NOW)

            async def nothing_under_way() -> None:
                while pump.under_way:
                    await asyncio.wait(set(pump.under_way))

            clock.watch(nothing_under_way)
            running = asyncio.create_task(pump.run())
            while store.totals("sub")["pending"]:
                await clock.wait_until(clock.now() + timedelta(minutes=30))
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            return attempts, store.totals("sub")

    return asyncio.run(asyncio.wait_for(main(), 60))


def test_an_endpoint_that_is_down_is_tried_for_a_day_at_the_documented_times(tmp_path: Path) -> None:
    attempts, totals = deliver(tmp_path, [created("a")], lambda _, __: 500)

    waits = [timedelta(seconds=s) for s in (0, 10, 30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)]
    assert [when for when, _, _ in attempts] == [sum(waits[: n + 1], timedelta()) for n in range(len(waits))]
    assert [number for _, _, number in attempts] == list(range(len(waits)))
    assert totals["dropped"] == 1, "there is nowhere to dead-letter it to"


def test_the_number_of_attempts_can_end_it_sooner(tmp_path: Path) -> None:
    attempts, totals = deliver(tmp_path, [created("a")], lambda _, __: 503, maxDeliveryAttempts=3)

    assert [when.total_seconds() for when, _, _ in attempts] == [0, 30, 60], "503 asks for 30 seconds at least"
    assert totals["dropped"] == 1


def test_two_hundred_failing_events_are_delivered_in_the_same_order_every_time(tmp_path: Path) -> None:
    def runs(folder: str) -> tuple[Attempts, dict[str, int]]:
        events = [created(f"blob-{n}") for n in range(200)]
        return deliver(tmp_path / folder, events, lambda name, number: 200 if number >= len(name) % 4 else 500)

    (first, totals), (second, _) = runs("one"), runs("two")

    assert first == second
    assert totals["delivered"] == 200
    assert len(first) == sum(1 + len(f"id-blob-{n}") % 4 for n in range(200))
