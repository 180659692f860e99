"""`python -m local.storage --state DIR`: Azurite and the HTTPS fronts before it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web
from aiohttp.typedefs import Handler

from local import addresses, serving, tls
from local.faults import Faults
from local.roles.live import LiveRoles
from local.storage import azurite, settings
from local.storage.access import FIRST_VERSION_WITH_TOKENS, Gate
from local.storage.control import Chosen
from local.storage.events import Outbox, Publisher, Reporter
from local.storage.front import Front
from local.storage.guard import Guard
from local.storage.lake import Lake
from local.storage.namespace import Namespace
from local.storage.queues import QueueFront
from local.storage.turns import Turns
from local.storage.upstream import Upstream

logger = logging.getLogger("local.storage")


async def serve(state: Path, *, with_parent: bool) -> int:
    """Run until stopped (0) or until Azurite ends by itself (1)."""
    where = addresses.load(state)
    async with AsyncExitStack() as stack:
        chosen = Chosen(state, settings.load(state))
        process = await azurite.start(stack, state, where, chosen.settings.hierarchical)
        front = await _front(stack, state, where, chosen)
        await _make_containers(front)
        app = _application(front.handle, chosen.install)
        queues = _application(QueueFront.of(front.upstream.session, state, where).handle)
        publishing = asyncio.create_task(front.reporter.publisher.run_forever())
        stack.callback(publishing.cancel)
        for served, url in ((app, where.storage), (queues, where.queues)):
            await serving.listen(stack, served, addresses.port_of(url), tls.server_context(state), decompress=False)
        serving.announce()
        stopped = asyncio.create_task(serving.until_stopped(with_parent=with_parent))
        ended = asyncio.create_task(process.wait())
        await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
        if stopped.done():
            ended.cancel()
            return 0
        logger.error("Azurite exited unexpectedly with %s; see storage/azurite.log.", process.returncode)
        return 1


def _application(handle: Handler, *more: Callable[[web.Application], None]) -> web.Application:
    """One service, with faults of its own: a rule for blobs must not be used up by who looks for messages."""
    app = web.Application()
    for install in (Faults().install, *more):
        install(app)
    app.router.add_route("*", "/{path:(?s:.*)}", handle)
    return app


async def _front(stack: AsyncExitStack, state: Path, where: addresses.Addresses, chosen: Chosen) -> Front:
    # Bodies pass through as they are: nothing may be unpacked, added or given up on the way.
    to_azurite = await stack.enter_async_context(
        aiohttp.ClientSession(
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=azurite.KEEP_ALIVE_SECONDS / 2),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=300),
        )
    )
    to_eventgrid = await stack.enter_async_context(
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5), trust_env=False)
    )
    outbox = Outbox(state / "storage" / "events.sqlite")
    stack.callback(outbox.close)
    gate, guard, turns = Gate.of(state, where), Guard(LiveRoles.of(state, where.clock)), Turns()
    upstream = Upstream(to_azurite, where.azurite_blob, where.storage, tuple(gate.sas.values()))
    reporter = Reporter(Publisher(to_eventgrid, f"{where.eventgrid}/_publish", outbox), where.clock)
    lake = Lake(gate, guard, upstream, Namespace(upstream), reporter, turns, chosen.settings.hierarchical)
    return Front(gate, guard, upstream, reporter, turns, lake, chosen)


async def _make_containers(front: Front) -> None:
    for account, container in addresses.CONTAINERS.items():
        query = f"restype=container&{front.gate.sas[account]}"
        headers = {"x-ms-version": FIRST_VERSION_WITH_TOKENS}
        async with front.upstream.answer("PUT", f"/{account}/{container}", query, headers) as answer:
            if answer.status not in (201, 409):
                raise azurite.AzuriteFailed(f"Container {account}/{container}: {answer.status} {await answer.text()}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.storage", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--with-parent", action="store_true", help="stop when stdin closes")
    args = parser.parse_args()
    serving.log_to_stderr()
    with suppress(KeyboardInterrupt):
        # Every request of every part goes through here, most of them over TLS, at which it is best.
        return uvloop.run(serve(args.state, with_parent=args.with_parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
