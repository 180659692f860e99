"""Starts the Azure ML part on a state directory."""

from __future__ import annotations

import argparse
import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

from local import addresses as address_book
from local.addresses import Addresses, port_of
from local.azureml import catalog
from local.azureml.data import Storage
from local.azureml.history_routes import HistoryRoutes
from local.azureml.management_routes import ManagementRoutes
from local.azureml.nodes import Nodes
from local.azureml.runner import PACES, Runner
from local.azureml.scoring_routes import ScoringRoutes
from local.azureml.server import application
from local.azureml.store import JobStore
from local.azureml.uris import DATASTORES
from local.azureml.wire import Wire
from local.serving import announce, listen, log_to_stderr, until_stopped
from local.tls import server_context

logger = logging.getLogger(__name__)

DESCRIPTION = "Azure ML batch endpoints whose deployments really run."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", type=Path, required=True, help="state directory, with its addresses.json")
    parser.add_argument("--deployments", type=Path, required=True, help="one folder per endpoint, with endpoint.yml")
    parser.add_argument("--with-parent", action="store_true", help="stop when stdin closes")
    parser.add_argument("--pace", choices=sorted(PACES), default="local", help="how long jobs take around their work")
    parser.add_argument("--nodes", type=int, default=8, help="nodes of the compute; jobs that do not fit are Queued")


def run(args: argparse.Namespace) -> int:
    """Serve until stopped; the exit code."""
    log_to_stderr()
    asyncio.run(_serve(args, address_book.load(args.state)))
    return 0


async def _serve(args: argparse.Namespace, addresses: Addresses) -> None:
    folder = args.state / "azureml"
    async with AsyncExitStack() as stack:
        storage = Storage(addresses, args.state)
        stack.push_async_callback(storage.close)
        for datastore in DATASTORES.values():
            await storage.ensure_container(datastore.account, datastore.container)
        store = JobStore(folder / "jobs.sqlite")
        stack.callback(store.close)
        deployed = catalog.read(args.deployments.resolve())
        runner = Runner(
            store=store, storage=storage, catalog=deployed, clock=addresses.clock, pace=PACES[args.pace],
            nodes=Nodes(args.nodes), folder=folder.resolve() / "jobs", storage_url=addresses.storage,
        )  # fmt: skip
        stack.push_async_callback(runner.close)
        app, bodies = application(args.state, addresses.clock, store), Wire(addresses.azureml)
        ScoringRoutes(
            catalog=deployed, store=store, runner=runner, clock=addresses.clock, bodies=bodies,
            storage_url=addresses.storage,
        ).install(app)  # fmt: skip
        ManagementRoutes(
            catalog=deployed, store=store, runner=runner, bodies=bodies, storage_url=addresses.storage
        ).install(app)
        HistoryRoutes(store=store, bodies=bodies).install(app)
        runner.resume()
        await listen(stack, app, port_of(addresses.azureml), server_context(args.state))
        logger.info("Azure ML serves %s on %s", ", ".join(deployed.endpoints) or "no endpoint", addresses.azureml)
        announce()
        await until_stopped(with_parent=args.with_parent)
