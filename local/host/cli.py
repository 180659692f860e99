"""The Functions host: runs an unmodified Python v2-model app, Durable Functions included."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from local import addresses, ports, serving
from local.clock import Clock, SteadyClock, clock_rate
from local.host.durable.management.client_binding import client_binding
from local.host.durable.protocol.replay import MOST_ACTIONS
from local.host.durable.runtime.engine import AT_ONCE, Engine
from local.host.durable.runtime.store import OtherVersion, Store
from local.host.files import write_whole
from local.host.holding import StateInUse, hold
from local.host.keys import keys_of
from local.host.logs import levels_of
from local.host.server import Parts, application
from local.host.settings import HostJson, SettingsError, function_timeout, load_host_json, load_local_settings, resolve
from local.host.triggers import blobs, queues, timers
from local.host.triggers.blob_paths import BadBlobPath
from local.host.triggers.blob_work import BlobWork
from local.host.triggers.http import BadRoute, Route, routes_of
from local.host.triggers.schedules import BadSchedule
from local.host.watching import changes, read
from local.host.worker.blob_inputs import BlobInputs
from local.host.worker.interpreters import interpreter
from local.host.worker.invoking import AppFunctions, Invoker, tell_failure
from local.host.worker.outputs import Outputs
from local.host.worker.processes import CannotStart, Workers, tell_refusal
from local.host.worker.registry import Function, Registry
from local.host.worker.wire import Datum, Setup

log = logging.getLogger("Host")

DURABLE = ("extensions", "durableTask")
REFUSALS = (SettingsError, BadBlobPath, BadRoute, BadSchedule, OtherVersion, StateInUse, serving.StateRefused)
"""What the host finds wrong with an app; the message says all there is to know."""
LOCAL = "127.0.0.1"
GRACE = 3.0
"""Seconds that invocations have to end when the host stops; activities that do not are run again next time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of the host."""
    parser.add_argument("--app", type=Path, required=True, help="folder with host.json and function_app.py")
    parser.add_argument("--state", type=Path, required=True, help="folder where the host keeps its state")
    parser.add_argument("--port", type=int, help="default: the stack's port, or a free one")
    parser.add_argument("--bind", default=LOCAL, metavar="ADDRESS", help="where to listen, 0.0.0.0 in a container")
    parser.add_argument("--watch", action="store_true", help="load the app again when its files change")
    parser.add_argument("--auth", action="store_true", help="require keys, as Azure does; default: none, as func start")
    parser.add_argument("--clock-rate", type=clock_rate, help="clock speed when started alone; 1 is real time")
    parser.add_argument("--poll-ms", type=int, default=1000, help="longest pause between two polls of an empty queue")
    parser.add_argument(
        "--python", type=Path, help="the Python, or virtual environment, of the app; default: the host's"
    )
    parser.add_argument("--with-parent", action="store_true", help="stop when stdin closes")


def run(args: argparse.Namespace) -> int:
    """Load the app and serve it until stopped; 1 if it cannot be loaded."""
    serving.log_to_stderr()
    args.state, args.app = args.state.resolve(), args.app.resolve()
    try:
        again = asyncio.run(_serve(args))
    except REFUSALS as error:
        log.error("The function app cannot be started: %s", error)
        return 1
    except CannotStart as error:
        tell_refusal(error)
        return 1
    except Exception:
        log.exception("The function app cannot be started.")
        return 1
    sys.stdout.flush()
    sys.stderr.flush()
    if again:  # in the same process, so that whoever started it still knows it
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # itself
    return 0


async def _serve(args: argparse.Namespace) -> bool:
    with hold(args.state) as note:
        return await _serve_holding(args, note)


async def _serve_holding(args: argparse.Namespace, note: Callable[[int], None]) -> bool:
    """Serve until stopped; True: begin again, since the app has become another one."""
    given = dict(os.environ)
    stacked = addresses.load(args.state) if (args.state / "addresses.json").exists() else None
    local = load_local_settings(args.app, os.environ)
    port = args.port or (addresses.port_of(stacked.host) if stacked else local.port or _free_port(args.state))
    note(port)
    write_whole(args.state / "host" / "port", str(port))
    base_url = f"http://127.0.0.1:{port}"
    os.environ.setdefault("WEBSITE_HOSTNAME", f"127.0.0.1:{port}")
    os.environ["AzureWebJobsScriptRoot"] = str(args.app)  # noqa: SIM112  # the name that the SDK reads
    host = load_host_json(args.app, os.environ)
    _set_log_levels(host)
    clock: Clock = stacked.clock if stacked and args.clock_rate is None else _clock(args.state, args.clock_rate or 1.0)
    prefix = str(host.get("extensions", "http", "routePrefix", default="api"))
    keys = keys_of(args.state, enforced=args.auth)
    hub = resolve(str(host.get(*DURABLE, "hubName", default="TestHubName")), os.environ)
    async with AsyncExitStack() as stack:
        binding = client_binding(base_url, hub, keys.durabletask_extension)
        python = interpreter(args.python) if args.python else sys.executable
        workers = Workers(Setup(app=str(args.app), client_binding=binding, lines=serving.LINES), python)
        stack.push_async_callback(workers.close)
        registry = Registry(await workers.start())
        routes = routes_of(registry.triggered_by("httpTrigger"), prefix)
        options = queues.Options.of(host, args.poll_ms / 1e3)
        outputs = Outputs(stack, os.environ, clock, encoded=options.encoded)
        inputs = BlobInputs(stack, os.environ, clock)
        for function in registry:
            outputs.check(function)
            inputs.check(function)
        invoker = Invoker(workers, outputs, inputs=inputs, clock=clock, timeout=function_timeout(host))
        store = Store(args.state / "host" / "durable.sqlite")
        stack.callback(store.close)
        engine = _engine(store, AppFunctions(registry, invoker), clock, host, hub)
        engine.pause()  # until the durable client can reach this host
        blob_triggers = _blob_triggers(stack, args.state, registry, invoker, host, options)
        parts = Parts(
            registry=registry,
            invoker=invoker,
            blobs=blob_triggers,
            engine=engine,
            routes=routes,
            keys=keys,
            hub=hub,
            cors=local.cors,
        )
        await stack.enter_async_context(engine)
        try:
            await serving.listen(stack, application(parts), port, decompress=False, address=args.bind)
        except OSError as error:
            told = f"port {port} cannot be used ({error.strerror}); choose another --port, or free this one."
            if args.bind != LOCAL:
                told = f"--bind {args.bind}, port {port}: {error.strerror}"
            raise SettingsError(told) from error
        await _warm_up(parts)
        _start_triggers(stack, parts, timers.Timers(args.state, invoker, clock), options)
        stack.push_async_callback(_let_end, engine, invoker)
        engine.go_on()
        if args.bind != LOCAL and not args.auth:
            log.warning(
                "Whoever reaches %s port %d may do everything with this app; --auth asks for keys.", args.bind, port
            )
        _introduce(registry, routes, base_url)
        serving.announce()
        stopped = asyncio.create_task(serving.until_stopped(with_parent=args.with_parent))
        if not args.watch:
            await stopped
            return False
        changed = asyncio.create_task(_follow(args.app, workers, list(registry)))
        await asyncio.wait({stopped, changed}, return_when=asyncio.FIRST_COMPLETED)
        if not stopped.done() and changed.exception() is None:
            os.environ.clear()
            os.environ.update(given)  # settings that the files no longer have are gone
            return True
        changed.cancel()
        await stopped
        return False


async def _follow(app: Path, workers: Workers, functions: list[Function]) -> None:
    """Have the app loaded again whenever its files change; return once it is another one for the host, too."""
    settings = (app / "host.json", app / "local.settings.json")
    before = [read(path) for path in settings]
    async for _ in changes(app):
        log.info("Files of the app have changed; it is loaded again.")
        if [read(path) for path in settings] != before:
            return
        if not await workers.renew(lambda new: list(new) == functions):
            return


def _engine(store: Store, functions: AppFunctions, clock: Clock, host: HostJson, hub: str) -> Engine:
    return Engine(
        store,
        functions,
        clock,
        turns=int(host.get(*DURABLE, "maxConcurrentOrchestratorFunctions", default=AT_ONCE)),
        activities=int(host.get(*DURABLE, "maxConcurrentActivityFunctions", default=AT_ONCE)),
        version=host.get(*DURABLE, "defaultVersion"),
        override=_may_override(host),
        hub=hub,
        most_actions=_most_actions(host),
        resting=True,
    )


def _blob_triggers(
    stack: AsyncExitStack, state: Path, registry: Registry, invoker: Invoker, host: HostJson, queued: queues.Options
) -> blobs.BlobTriggers:
    work = BlobWork(state / "host" / "blobs.sqlite")
    stack.callback(work.close)
    options = blobs.Options.of(host, queued.slowest, encoded=queued.encoded)
    return blobs.BlobTriggers(registry.triggered_by("blobTrigger"), work, invoker, options, os.environ)


def _most_actions(host: HostJson) -> int:
    given = host.get(*DURABLE, "maxOrchestrationActions", default=MOST_ACTIONS)
    try:
        most = int(given)
    except (TypeError, ValueError):
        most = 0
    if most < 1:
        raise SettingsError(
            f"host.json: extensions.durableTask.maxOrchestrationActions is {given!r}; it must be a whole number from 1."
        )
    return most


def _may_override(host: HostJson) -> bool:
    """Durable settings that change what is right; those that this host cannot follow are refused."""
    for name in ("versionMatchStrategy", "versionFailureStrategy"):
        if host.get(*DURABLE, name) is not None:
            raise SettingsError(f"host.json: extensions.durableTask.{name} is not supported by this host.")
    states = str(host.get(*DURABLE, "overridableExistingInstanceStates", default="NonRunningStates"))
    if states.lower() not in ("nonrunningstates", "anystate"):
        raise SettingsError(
            f"host.json: overridableExistingInstanceStates is '{states}'; it must be NonRunningStates or AnyState."
        )
    return states.lower() == "anystate"


async def _warm_up(parts: Parts) -> None:
    """Azure calls the warm-up function before an instance serves anything; that it fails does not stop the instance."""
    for function in parts.registry.triggered_by("warmupTrigger"):
        try:
            await parts.invoker.invoke(function, Datum("", "string"), reason="Warming up.")
        except Exception as error:
            tell_failure(log, function.name, error)


def _start_triggers(stack: AsyncExitStack, parts: Parts, timed: timers.Timers, options: queues.Options) -> None:
    """Timers, queues and containers, which the host itself looks after."""
    planned = [(f, timed.plan(f)) for f in parts.registry.triggered_by("timerTrigger")]
    listeners = [(function, timed.run(function, schedule)) for function, schedule in planned]
    listeners += [
        (function, queues.listen(function, parts.invoker, options, os.environ))
        for function in parts.registry.triggered_by("queueTrigger")
    ]
    tasks = [asyncio.create_task(_listen(function, listener)) for function, listener in listeners]
    stack.push_async_callback(_cancel, tasks)
    parts.blobs.go()
    stack.push_async_callback(parts.blobs.close)


async def _listen(function: Function, listener: Coroutine[Any, Any, None]) -> None:
    try:
        await listener
    except Exception:
        log.exception("The listener for function '%s' has stopped.", function.name)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _let_end(engine: Engine, invoker: Invoker) -> None:
    """Begin nothing new, and give what is running some time."""
    engine.pause()
    invoker.stopping = True
    until = time.monotonic() + GRACE
    while invoker.running and time.monotonic() < until:
        await asyncio.sleep(0.02)


def _introduce(registry: Registry, routes: list[Route], base_url: str) -> None:
    """The functions with their types and URLs, as func start prints them."""
    urls = {route.function.name: (route.methods, route.template) for route in routes}
    print("\nFunctions:\n")  # noqa: T201
    for function in sorted(registry, key=lambda f: f.name.lower()):
        shown = function.kind if function.enabled else f"{function.kind} (disabled)"
        if function.name in urls:
            methods, template = urls[function.name]
            shown = f"[{','.join(sorted(methods)) or 'ALL'}] {base_url}/{template}"
        print(f"\t{function.name}: {shown}\n")  # noqa: T201
    if not len(registry):
        print("\tNo job functions found.\n")  # noqa: T201
    sys.stdout.flush()


def _free_port(state: Path) -> int:
    """A free port, and the same one when started again on the same state, if it is still free."""
    path = state / "host" / "port"
    if path.exists() and ports.is_free(earlier := int(path.read_text())):
        return earlier
    return ports.free()[0]


def _clock(state: Path, rate: float) -> SteadyClock:
    """The clock of a host on its own. Its epoch is kept, so that a restart neither skips time nor repeats it."""
    path = state / "host" / "clock.json"
    if path.exists():
        kept = json.loads(path.read_text("utf-8"))
        if kept["rate"] == rate:
            return SteadyClock(kept["epoch"], rate)
        raise SettingsError(f"{state} was started with --clock-rate {kept['rate']}; start it again with the same rate.")
    clock = SteadyClock(time.time(), rate)
    write_whole(path, json.dumps({"epoch": clock.epoch, "rate": clock.rate}))
    return clock


def _set_log_levels(host: HostJson) -> None:
    """host.json can leave out lines."""
    levels = levels_of(host)
    for handler in logging.getLogger().handlers:
        handler.addFilter(levels)
