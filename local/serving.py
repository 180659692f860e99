"""How every part runs: bind to 127.0.0.1, say when ready, stop on SIGTERM or when the parent process is gone."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
import sys
import threading
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

READY = "ready"
"""The line that a part prints to stdout once it accepts requests."""
LINES = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
"""What a record looks like in a log."""


class StateRefused(Exception):
    """A state directory cannot be one; the message says why."""


def keep_private(state: Path) -> None:
    """Make a state directory that is for its owner alone, as is all that this process and its children write from now
    on: it holds keys, and the data of others. Raises StateRefused."""
    os.umask(0o077)
    if state.is_file():
        raise StateRefused(f"{state} is a file; --state takes a folder.")
    try:
        state.mkdir(parents=True, exist_ok=True)
        state.chmod(0o700)
    except OSError as error:
        raise StateRefused(f"The state directory {state} cannot be made: {error.strerror}.") from error


async def listen(
    stack: AsyncExitStack,
    app: web.Application,
    port: int,
    tls: ssl.SSLContext | None = None,
    *,
    decompress: bool = True,
    address: str = "127.0.0.1",
) -> int:
    """Serve `app` on `address` until `stack` closes; returns the port (a free one when `port` is 0).

    Without `decompress`, request bodies reach the handlers as they were sent, whatever their Content-Encoding says.
    """
    from aiohttp import web  # slow to import, and commands that ask the parts import this module, too

    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0, handle_signals=False, auto_decompress=decompress)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, address, port, ssl_context=tls, reuse_address=True)
    await site.start()
    return int(runner.addresses[0][1])


async def until_stopped(*, with_parent: bool) -> None:
    """Return on SIGTERM or SIGINT; with `with_parent` also when stdin closes, that is when the parent has ended."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if with_parent:
        # A pipe from the parent closes however the parent ends, kill -9 included.
        threading.Thread(target=_watch_parent, args=(loop, stop), daemon=True).start()
    await stop.wait()


def _watch_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # Not through sys.stdin: its lock, held by this thread, would abort the interpreter when it exits first.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    with suppress(RuntimeError):  # the loop has already closed
        loop.call_soon_threadsafe(stop.set)


def announce() -> None:
    """Tell the process that started this part that it is ready."""
    print(READY, flush=True)  # noqa: T201


def log_to_stderr() -> None:
    """One line per record on stderr, where the stack collects it."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=LINES)
    logging.getLogger("azure").setLevel(logging.WARNING)
