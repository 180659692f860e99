"""Starts the Azure ML part on a state directory."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path

from local import addresses as address_book
from local import azure, chosen
from local.addresses import WORKSPACE_ACCOUNT, Addresses, port_of
from local.azureml.api.clouds import CloudRoutes
from local.azureml.api.history_routes import HistoryRoutes
from local.azureml.api.management_routes import ManagementRoutes
from local.azureml.api.resource_routes import ResourceRoutes
from local.azureml.api.routing import Dispatcher
from local.azureml.api.scoring_routes import ScoringRoutes
from local.azureml.api.server import application
from local.azureml.api.studio import StudioPages
from local.azureml.api.subscription_routes import SubscriptionRoutes
from local.azureml.api.wire import Wire
from local.azureml.execution import tracking
from local.azureml.execution.environments import Environments
from local.azureml.execution.joblogs import JobLogs
from local.azureml.execution.model_jobs import ModelJobs
from local.azureml.execution.nodes import Nodes
from local.azureml.execution.pipeline_jobs import PipelineJobs
from local.azureml.execution.runner import PACES, Runner
from local.azureml.workspace import catalog
from local.azureml.workspace.asset_files import AssetFiles
from local.azureml.workspace.data import Storage
from local.azureml.workspace.deployed import Deployed
from local.azureml.workspace.registry import Registry
from local.azureml.workspace.store import JobStore
from local.azureml.workspace.uris import DATASTORES, Places, datastore_document
from local.roles.identities import WORKSPACE
from local.roles.live import LiveRoles
from local.serving import announce, listen, log_to_stderr, until_stopped
from local.tls import server_context

logger = logging.getLogger(__name__)

DESCRIPTION = "Azure ML batch endpoints whose deployments really run."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", type=Path, required=True, help="state directory, with its addresses.json")
    parser.add_argument("--deployments", type=Path, required=True, help="one folder per endpoint, with endpoint.yml")
    parser.add_argument("--with-parent", action="store_true", help="stop when stdin closes")
    parser.add_argument("--pace", choices=sorted(PACES), default="local", help="how quickly jobs start and end")
    parser.add_argument("--nodes", type=int, default=8, help="nodes of the compute; jobs that do not fit wait")
    parser.add_argument("--build-environments", action="store_true", help="install what conda files ask of pip")
    azure.add_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped; the exit code."""
    log_to_stderr()
    asyncio.run(_serve(args, address_book.load(args.state)))
    return 0


async def _serve(args: argparse.Namespace, addresses: Addresses) -> None:
    answers = args.azure or chosen.load(args.state)
    folder, clock = args.state.resolve() / "azureml", addresses.clock
    # Jobs have the environment of this process; what their deployments set goes before.
    os.environ.update(tracking.variables(folder / "mlflow", is_installed=find_spec("mlflow") is not None))
    async with AsyncExitStack() as stack:
        storage, roles = Storage(addresses, args.state), LiveRoles.of(args.state, clock)
        own = storage.acting_as(WORKSPACE)
        stack.push_async_callback(storage.close)
        store, registry = JobStore(folder / "batch-jobs.sqlite"), Registry(folder / "resources.sqlite", clock)
        stack.callback(store.close)
        stack.callback(registry.close)
        for datastore in DATASTORES:
            if datastore.account == WORKSPACE_ACCOUNT:  # the workspace has no role on others, which have theirs already
                await own.ensure_container(datastore.account, datastore.container)
            if registry.get(f"datastores/{datastore.name}") is None:
                host = f"localhost:{port_of(addresses.storage)}"
                registry.put(f"datastores/{datastore.name}", datastore_document(datastore, host))
        deployed = Deployed(registry, catalog.read(args.deployments.resolve()), nodes=args.nodes)
        places, nodes = Places(registry, addresses.storage, answers.input_urls), Nodes(args.nodes)
        files, logs = AssetFiles(registry, own, places, folder / "assets"), JobLogs(own, clock)
        environments = Environments(registry, folder / "environments" if args.build_environments else None)
        runner = Runner(
            store=store,
            logs=logs,
            nodes=nodes,
            clock=clock,
            pace=PACES[args.pace],
            folder=folder / "jobs",
            models=ModelJobs(deployed=deployed, storage=storage, places=places, files=files, environments=environments),
            pipelines=PipelineJobs(
                registry=registry,
                storage=storage,
                places=places,
                files=files,
                environments=environments,
                nodes=nodes,
                clock=clock,
            ),
        )
        stack.push_async_callback(runner.close)
        app = application(args.state, addresses.azureml, clock, store, roles)
        bodies = Wire(addresses.azureml, places, answers, studio=addresses.studio)
        ScoringRoutes(
            deployed=deployed, registry=registry, places=places, store=store, runner=runner, clock=clock, bodies=bodies
        ).install(app)
        HistoryRoutes(store=store, runner=runner, logs=logs, places=places, bodies=bodies).install(app)
        resources = ResourceRoutes(registry=registry, places=places, deployed=deployed, storage=storage, bodies=bodies)
        management = ManagementRoutes(store=store, runner=runner, roles=roles, bodies=bodies)
        above = SubscriptionRoutes(registry=registry, bodies=bodies)
        CloudRoutes(addresses.azureml, f"localhost:{port_of(addresses.storage)}").install(app)
        Dispatcher([*above.table(), *management.table(), *resources.table()]).install(app)
        runner.resume()
        await listen(stack, app, port_of(addresses.azureml), server_context(args.state))
        pages = StudioPages(store, runner, addresses.studio.partition("://")[2])
        await listen(stack, pages.application(), port_of(addresses.studio))
        logger.info("Azure ML serves %s on %s", ", ".join(deployed.names()) or "no endpoint", addresses.azureml)
        announce()
        await until_stopped(with_parent=args.with_parent)
