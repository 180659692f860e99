"""`python -m local.eventgrid --state DIR`: topics, subscriptions and deliveries."""

from __future__ import annotations

import argparse
import asyncio
import ssl
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from local import addresses, chosen, serving, tls
from local.eventgrid import control, topics
from local.eventgrid.broker import Broker
from local.eventgrid.destinations import Destinations
from local.eventgrid.store import Store
from local.faults import Faults
from local.roles.live import LiveRoles
from local.tokens import EVENT_GRID, Verifier


async def serve(state: Path, *, with_parent: bool) -> None:
    """Take events and deliver them until stopped."""
    where, faults = addresses.load(state), Faults()
    async with AsyncExitStack() as stack:
        store = Store(state / "eventgrid" / "eventgrid.sqlite")
        stack.callback(store.close)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), skip_auto_headers=("User-Agent",))
        )
        encoding = chosen.load(state).queue_encoding
        destinations = Destinations(
            session, ssl.create_default_context(cafile=str(tls.ca_bundle(state))), where, encoding
        )
        broker = Broker(store, destinations, where.clock, faults)
        broker.start()
        stack.callback(broker.stop)
        app = control.make_app(broker)
        faults.install(app)
        await serving.listen(stack, app, addresses.port_of(where.eventgrid))
        public = topics.make_app(broker, Verifier.of(state, EVENT_GRID), LiveRoles.of(state, where.clock))
        faults.install(public)
        await serving.listen(stack, public, addresses.port_of(where.eventgrid_topics), tls.server_context(state))
        serving.announce()
        await serving.until_stopped(with_parent=with_parent)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.eventgrid", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--with-parent", action="store_true", help="stop when stdin closes")
    args = parser.parse_args()
    serving.log_to_stderr()
    asyncio.run(serve(args.state, with_parent=args.with_parent))


if __name__ == "__main__":
    main()
