"""The whole local cloud, started together: which parts, in which order, with which settings."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from local import addresses, chosen, health, naming, tls
from local.addresses import (
    ACCOUNT,
    ACCOUNTS,
    CONTAINERS,
    LAKEHOUSE_ACCOUNT,
    STATE_ACCOUNT,
    STORAGE_TOPIC,
    WORKSPACE_ACCOUNT,
    Addresses,
)
from local.azure import DEFAULT, PROFILES, Azure
from local.azureml.api.introduction import example, introduction
from local.azureml.workspace.catalog import endpoint_names
from local.identity.asking import PATH as IDENTITY_PATH
from local.identity.asking import header_secret
from local.milestones import Log, Teller, problem
from local.roles.identities import APP
from local.roles.live import ensure
from local.serving import keep_private
from local.storage import settings as storage_settings
from local.subscribing import PREFIX, subscriptions
from local.supervisor import CHECKOUT, Part, PartFailed, Supervisor
from local.tokens import Issuer

DEPLOYMENTS = CHECKOUT / "demo" / "deployments"
"""What is deployed when nothing else is said; its model is trained when it is not there yet."""
EVENTS_QUEUE = "landing-events"
LEFTOVER_SECONDS = 60.0
_MODEL = DEPLOYMENTS / "digits" / "classic" / "model" / "digits.joblib"


class StateInUse(Exception):
    """Something else runs on the state directory, or it is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to start. `app` None: only what Azure ML needs."""

    state: Path
    deployments: Path
    app: Path | None = None
    routes: Path | None = None
    clock_rate: float | None = None
    azure: Azure = PROFILES[DEFAULT]
    azureml_port: int | None = None
    azureml_flags: tuple[str, ...] = ()
    hierarchical: tuple[str, ...] = ()
    firewalls: tuple[str, ...] | None = None
    tells: bool = False
    """Whether what happens is told, other than that parts had to be started again."""


def host_environment(where: Addresses, options: Options) -> dict[str, str]:
    """The app settings of the function app, and what its Azure clients need to trust and find the local cloud."""
    account_urls = {
        "LANDING_ACCOUNT_URL": ACCOUNT,
        "LAKEHOUSE_ACCOUNT_URL": LAKEHOUSE_ACCOUNT,
        "WORKSPACE_ACCOUNT_URL": WORKSPACE_ACCOUNT,
    }
    authorities = str(tls.ca_bundle(options.state))
    settings = {
        "IDENTITY_ENDPOINT": f"{where.identity}{IDENTITY_PATH}",
        "IDENTITY_HEADER": header_secret(options.state),
        "SSL_CERT_FILE": authorities,
        "REQUESTS_CA_BUNDLE": authorities,
        "AzureWebJobsStorage": where.connection_string(STATE_ACCOUNT),
        "PYTHON_THREADPOOL_THREAD_COUNT": "32",
        "WEBSITE_HOSTNAME": f"localhost:{addresses.port_of(where.host)}",
        "LANDFALL_STATE_URL": f"{where.account_url(STATE_ACCOUNT)}/{CONTAINERS[STATE_ACCOUNT]}",
        "LANDFALL_TOPIC_ENDPOINT": f"{where.eventgrid_topics}/topics/landfall/api/events",
        "LANDFALL_AZURE_ML_MANAGEMENT_URL": where.azureml,
        "LANDFALL_EVENTS_QUEUE": EVENTS_QUEUE,
        "LandingEvents__queueServiceUri": where.queue_url(ACCOUNT),
        "LandingEvents__credential": "managedidentity",
        "LandingEvents__clientId": APP.client_id,
        # For blob triggers of any app: the account in which files land.
        "LandingStorage__blobServiceUri": where.account_url(ACCOUNT),
        "LandingStorage__queueServiceUri": where.queue_url(ACCOUNT),
        "LandingStorage__credential": "managedidentity",
        "LandingStorage__clientId": APP.client_id,
        "LANDING_TOPIC": STORAGE_TOPIC,
        "WORKSPACE_CONTAINER": CONTAINERS[WORKSPACE_ACCOUNT],
        **{name: where.account_url(account) for name, account in account_urls.items()},
        **{setting_name(endpoint): uri for endpoint, uri in scoring_uris(where, options.deployments).items()},
    }
    return settings | ({"LANDFALL_ROUTES": str(options.routes)} if options.routes else {})


def setting_name(endpoint: str) -> str:
    """The app setting that holds an endpoint's scoring URI."""
    return f"{endpoint.upper().replace('-', '_')}_SCORING_URI"


def scoring_uris(where: Addresses, deployments: Path) -> dict[str, str]:
    """Where each endpoint of the deployments folder takes jobs, by the name that its endpoint.yml gives."""
    return {name: f"{where.azureml}/endpoints/{name}/jobs" for name in endpoint_names(deployments)}


def description(where: Addresses, options: Options, pids: Mapping[str, int], keys: Mapping[str, str]) -> dict[str, Any]:
    """What stack.json says. Azure ML alone has neither Event Grid nor a Functions host."""
    told = {
        "storage": {
            "account_url": where.account_url(),
            "connection_string": where.connection_string(),
            "ca_cert": str(tls.ca_bundle(options.state)),
            "hierarchical": list(storage_settings.load(options.state).hierarchical),
            "accounts": {account: account_description(where, account) for account in ACCOUNTS},
        },
        "lakehouse": {"account_url": where.account_url(LAKEHOUSE_ACCOUNT)},
        "identity": {"endpoint": f"{where.identity}{IDENTITY_PATH}", "header": header_secret(options.state)},
        "azureml": {
            "management_url": where.azureml,
            "studio_url": where.studio,
            "scoring_uris": scoring_uris(where, options.deployments),
            "subscription_id": addresses.SUBSCRIPTION,
            "resource_group": addresses.RESOURCE_GROUP,
            "workspace": addresses.WORKSPACE,
        },
        "azure": options.azure.answers(),
        "pids": dict(pids),
    }
    if "host" not in pids:
        return told
    return told | {
        "eventgrid": {"control_url": where.eventgrid},
        "host": {"base_url": where.host, "master_key": keys["master"], "pid": pids["host"]},
    }


def account_description(where: Addresses, account: str) -> dict[str, str]:
    """All that a client needs for a storage account: behind the front, with a token, and directly, with the key."""
    return {
        "account_url": where.account_url(account),
        "queue_url": where.queue_url(account),
        "container": CONTAINERS[account],
        "connection_string": where.connection_string(account),
        "direct_blob_url": f"{where.azurite_blob}/{account}",
        "direct_queue_url": f"{where.azurite_queue}/{account}",
    }


@contextmanager
def exclusive(state: Path) -> Iterator[int]:
    """Hold the state directory; gives the descriptor of a lock for all parts to hold. Raises StateInUse, StateRefused.

    A second supervisor is refused at once. Parts that a killed one left behind are about to end: they are waited for,
    so that their ports are free again.
    """
    keep_private(state)
    (state / "storage").mkdir(exist_ok=True)
    with (
        (state / "supervisor.lock").open("w") as mine,
        (state / "parts.lock").open("w") as parts,
        (state / "storage" / "azurite.lock").open("w") as azurite,
    ):
        # Not quite at once: is_up holds the lock for a moment.
        if not _locked(mine, within=1.0):
            raise StateInUse(f"{state} is in use: a local cloud is already running on it. Stop it first.")
        if not (_locked(parts, within=LEFTOVER_SECONDS) and _locked(azurite, within=LEFTOVER_SECONDS)):
            raise StateInUse(f"Parts of an earlier local cloud are still running on {state}; stop them first.")
        azurite.close()  # the storage part takes this lock itself
        yield parts.fileno()


def is_up(state: Path) -> bool:
    """Whether a supervisor runs on the state directory."""
    path = state / "supervisor.lock"
    if not path.exists():
        return False
    with path.open() as lock:
        return not _locked(lock, within=0.0, how=fcntl.LOCK_SH)


def _locked(file: IO[str], *, within: float, how: int = fcntl.LOCK_EX) -> bool:
    """Lock `file` within so many seconds; False when somebody else keeps it locked."""
    deadline = time.monotonic() + within
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def run(options: Options, say: Callable[[str], None]) -> int:
    """Start everything, keep it running until SIGTERM or SIGINT (0) or until a part fails for good (1).

    `say` gets lines for people. Raises StateInUse, StateRefused, SettingsRefused.
    """
    with exclusive(options.state) as lock:
        (options.state / "stack.json").unlink(missing_ok=True)
        (options.state / "logs").mkdir(exist_ok=True)
        chosen.keep(options.state, options.azure)
        naming.keep(options.state)
        fixed = {"azureml": options.azureml_port} if options.azureml_port else {}
        storage_settings.settle(options.state, hierarchical=options.hierarchical, firewalls=options.firewalls)
        where = addresses.settle(options.state, rate=options.clock_rate, fixed=fixed)
        return asyncio.run(Stack(options, where, lock, say).run())


class Stack:
    """One local cloud on one state directory, which `lock` holds."""

    def __init__(self, options: Options, where: Addresses, lock: int, say: Callable[[str], None]) -> None:
        self.options = options
        self.where = where
        self.say = say
        self.supervisor = Supervisor(options.state / "logs", lock, self._changed, say)
        self.ready = False
        logs = tuple(Log(options.state / "logs" / f"{part}.log") for part in ("azureml", "host"))
        self.teller = Teller(logs, say, colours=sys.stderr.isatty() and "NO_COLOR" not in os.environ)

    async def run(self) -> int:
        """Run until told to stop (0) or until a part fails for good (1)."""
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        serving = asyncio.create_task(self._serve())
        telling = asyncio.create_task(self.teller.run()) if self.options.tells else None
        stopping = asyncio.create_task(stopped.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                return 0
            await serving
        except (PartFailed, httpx.HTTPError, OSError, subprocess.CalledProcessError) as error:
            self.say(f"The local cloud is stopping: {error}")
        finally:
            serving.cancel()
            stopping.cancel()
            if telling is not None:
                telling.cancel()
            # Event Grid first, lest it counts the others' silence as failed deliveries.
            await self.supervisor.stop(("eventgrid",), ("host", "azureml"), ("storage", "identity"))
        return 1

    async def _serve(self) -> None:
        """Start the parts in the order in which they need each other. Raises PartFailed when one has to be given up."""
        options, state = self.options, str(self.options.state)
        # What parts share is made here, once, before several of them could make it at the same time.
        Issuer.of(options.state)
        ensure(options.state)
        tls.ca_bundle(options.state)
        await self.supervisor.start(
            Part("identity", "local.identity", ("--state", state)),
            Part("storage", "local.storage", ("--state", state)),
        )
        if options.deployments == DEPLOYMENTS and not _MODEL.exists():
            self.say("Training the demo's model, once.")
            await asyncio.to_thread(subprocess.run, (sys.executable, "-m", "demo.train"), cwd=CHECKOUT, check=True)
        flags = ("--state", state, "--deployments", str(options.deployments), *options.azureml_flags)
        azureml = Part("azureml", "local.azureml", flags)
        if options.app is None:
            await self.supervisor.start(azureml)
        else:
            environment = {**os.environ, **host_environment(self.where, options)}
            arguments = ("--state", state, "--app", str(options.app), "--auth")
            await self.supervisor.start(azureml, Part("host", "local.host", arguments, environment))
            # Last, because it begins at once to deliver what waits.
            await self.supervisor.start(Part("eventgrid", "local.eventgrid", ("--state", state)))
            await self._subscribe()
            if options.tells:
                await self._tell_how_it_is()
        self.ready = True
        self._changed()
        await self._introduce()
        await self.supervisor.run()

    async def _tell_how_it_is(self) -> None:
        """What the app finds wrong with itself, and where its status page is. Asked before it is said to be up, so that
        nobody takes that for all is well."""
        key, page = host_keys(self.options.state)["master"], None
        try:
            found = await asyncio.to_thread(health.problems, self.where.host, key)
            page = await asyncio.to_thread(health.page, self.where.host, key)
        except httpx.TransportError as error:
            found = [f"the app does not say how it is: {type(error).__name__} {error}"]
        if page is not None:
            self.teller.say(f"Status page: {page}")
        self.teller.look()
        for text in found:
            self.teller.tell(problem(text))

    async def _subscribe(self) -> None:
        """One subscription for every function that events call, and none for functions that are gone."""
        keys = host_keys(self.options.state)
        async with httpx.AsyncClient(timeout=60.0, trust_env=False) as http:
            answer = await http.get(f"{self.where.host}/admin/functions", headers={"x-functions-key": keys["master"]})
            wanted = subscriptions(answer.raise_for_status().json(), self.where.host, keys)
            base = f"{self.where.eventgrid}/subscriptions"
            for known in (await http.get(base)).raise_for_status().json():
                name = known["name"]
                if name.startswith(PREFIX) and name not in wanted:
                    await http.delete(f"{base}/{name}")
            for name, body in wanted.items():
                made = await http.put(f"{base}/{name}", json=body)
                if made.is_error:
                    raise PartFailed(f"Event Grid refused the subscription {name}: {made.json()['error']}")

    def _changed(self) -> None:
        """Write stack.json, once there is something to tell."""
        if not self.ready:
            return
        options = self.options
        keys = host_keys(options.state) if options.app else {}
        body = description(self.where, options, self.supervisor.pids, keys)
        partial = options.state / "stack.json.new"
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(body, indent=1), "utf-8")
        partial.rename(options.state / "stack.json")

    async def _introduce(self) -> None:
        told = self.options.state / "stack.json"
        if self.options.app is not None:
            line = f"The local cloud is up: {self.where.host} runs {self.options.app}; all URLs are in {told}."
        else:
            line = introduction(self.where, self.options.state, await example(self.where, self.options.state))
        print(line, flush=True)  # noqa: T201


def host_keys(state: Path) -> dict[str, str]:
    """The keys of the Functions host."""
    keys: dict[str, str] = json.loads((state / "host" / "keys.json").read_text("utf-8"))
    return keys
