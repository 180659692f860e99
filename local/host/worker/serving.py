"""The worker process: loads the app and calls its functions, as the host asks through a socket.

It needs azure-functions and what the app needs, and nothing else; its Python may be another than the host's. It ends
with its host, however that ends, even while a function blocks it: a thread of its own waits for the host's pipe to
close.
"""

from __future__ import annotations

import asyncio
import faulthandler
import io
import logging
import os
import socket
import sys
import threading
import warnings
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from local.host.logs import levels_of
from local.host.settings import SettingsError, load_host_json
from local.host.worker.arrivals import Arrivals
from local.host.worker.calling import Caller, failure_of
from local.host.worker.indexing import BadWarmUp, UnsupportedBinding
from local.host.worker.loading import NoApp, load
from local.host.worker.registry import FunctionLoadError
from local.host.worker.retrying import BadRetry
from local.host.worker.wire import Call, Channel, Failure, Outcome, Ready, Setup

REFUSALS = (FunctionLoadError, UnsupportedBinding, BadRetry, BadWarmUp, NoApp, SettingsError)
"""What is found wrong with an app; the message says all there is to know."""


def main(channel: int, lifeline: int) -> None:
    """Serve through the socket `channel` until its other end closes, or that of the pipe `lifeline`. Never returns."""
    faulthandler.enable()  # a crash of the interpreter says where
    for descriptor in (channel, lifeline):
        os.set_inheritable(descriptor, False)
    threading.Thread(target=_end_with_host, args=(lifeline,), daemon=True).start()
    asyncio.run(_serve(socket.socket(fileno=channel)))


def _end_with_host(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    _end()


def _end() -> None:
    """At once: threads of functions that are still busy would keep the interpreter waiting."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)


async def _serve(end: socket.socket) -> None:
    worker = _Worker()
    await asyncio.get_running_loop().connect_accepted_socket(lambda: worker.channel, end)
    await asyncio.Event().wait()


class _Worker:
    def __init__(self) -> None:
        self.channel = Channel(self._received, _end)
        self._caller: Caller | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def _received(self, message: object) -> None:
        if isinstance(message, Setup):
            self._begin(self._load(message))
        elif isinstance(message, Call):
            self._begin(self._call(message))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self, setup: Setup) -> None:
        app = Path(setup.app)
        try:
            _log(app, setup.lines)
            callees = load(app)
        except REFUSALS as error:
            self.channel.send(Failure(type(error).__name__, str(error)))
        except Exception as error:
            self.channel.send(failure_of(error))
        else:
            _show_only_what_arrives()
            self._caller = Caller(app, callees, setup.client_binding)
            self.channel.send(Ready(tuple(callee.function for callee in callees)))

    async def _call(self, call: Call) -> None:
        assert self._caller is not None
        came = await self._caller.call(call)
        try:
            self.channel.send(Outcome(call.invocation, came))
        except Exception as error:  # a value that is not plain
            self.channel.send(Outcome(call.invocation, failure_of(error)))


def _log(app: Path, lines: str) -> None:
    """Lines of the app look like those of the host, and go where they go."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what is printed is there even if the process dies
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=lines)
    logging.getLogger("azure").setLevel(logging.WARNING)
    # aiohttp's own answer to an option that the SDK sets for old Pythons; it says nothing about the app.
    warnings.filterwarnings("ignore", message="enable_cleanup_closed ignored", category=DeprecationWarning)
    if os.environ.get("PYTHON_ENABLE_DEBUG_LOGGING", "").lower() in ("1", "true"):
        logging.getLogger().setLevel(logging.DEBUG)
    levels = levels_of(load_host_json(app, os.environ))
    for handler in logging.getLogger().handlers:
        handler.addFilter(levels)


def _show_only_what_arrives() -> None:
    """From now on: what an app logs while it is imported is shown."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(Arrivals())
