"""The worker process of an app, seen from the host: started, asked, watched, and started again when it has ended.

What a function does to its process (`os._exit`, a crash of the interpreter, a blocked event loop) happens there. Calls
that were under way in a worker that ended raise WorkerDied; calls that come while there is none wait for the next one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from local.host.worker.registry import Function
from local.host.worker.wire import Answer, Call, Channel, Failure, Outcome, Ready, Setup, WorkerDied

log = logging.getLogger("Host.Worker")

CHECKOUT = Path(__file__).parents[3]
# Only the app is to be found by the app: what the worker itself needs later is found through its packages.
_BEGIN = (
    "import sys; sys.path.insert(0, {checkout!r}); from local.host.worker.serving import main; sys.path.pop(0); "
    "main({channel}, {lifeline})"
)
LONGEST_PAUSE = 30.0
"""Seconds between two tries to start a worker that cannot be started."""
HEALTHY = 10.0
"""Seconds after which a worker has lived long enough for the next to be started without a pause."""
AFTER_A_DEATH = 1.0
"""Seconds, at the most, between the end of a worker that has served and the start of the next."""
GRACE = 3.0
"""Seconds that calls have to end in a worker that is replaced because the app's files have changed."""


class Process(Protocol):
    """A process that was started."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> int:
        """Its exit code, once it has ended; -N: by signal N."""
        ...

    def kill(self) -> None: ...


async def spawn(python: str, channel: int, lifeline: int) -> Process:
    """A worker process. In a session of its own: Ctrl-C is for the host, which lets it end what it does."""
    code = _BEGIN.format(checkout=str(CHECKOUT), channel=channel, lifeline=lifeline)
    return await asyncio.create_subprocess_exec(
        python, "-P", "-c", code, pass_fds=(channel, lifeline), stdin=subprocess.DEVNULL, start_new_session=True
    )


class CannotStart(Exception):
    """A worker could not load the app; the message says why. `traceback`: where, if that says more."""

    def __init__(self, reason: str, traceback: str | None = None) -> None:
        super().__init__(reason)
        self.traceback = traceback


class Worker:
    """One worker process."""

    def __init__(self) -> None:
        self.calls: dict[str, asyncio.Future[Answer | Failure]] = {}
        self.began = time.monotonic()
        self.functions: Sequence[Function] = ()
        self.why: str | None = None  # it is ended, if it was by the host
        self._channel = Channel(self._received, self._disconnected)
        self._loaded: asyncio.Future[Ready | Failure] = asyncio.get_running_loop().create_future()
        self._process: Process | None = None
        self._ended: asyncio.Task[int] | None = None
        self._lifeline = -1

    async def start(self, setup: Setup, python: str) -> None:
        """Start the process and have it load the app. Raises CannotStart."""
        here, there = socket.socketpair()
        read, self._lifeline = os.pipe()
        try:
            self._process = await spawn(python, there.fileno(), read)
        except OSError as error:
            raise CannotStart(f"{python} cannot be run: {error.strerror}.") from error
        finally:
            there.close()
            os.close(read)
        self._ended = asyncio.create_task(self._process.wait())
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self._channel, here)
        self._channel.send(setup)
        first: set[asyncio.Future[Any]] = {self._loaded, self._ended}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        await self._drained()
        if not self._loaded.done():
            raise CannotStart(f"the worker process ended {spoken(self._ended.result())} while it loaded the app.")
        loaded = self._loaded.result()
        if isinstance(loaded, Failure):
            await self.end()
            raise CannotStart(loaded.text if loaded.traceback is None else "", loaded.traceback)
        self.functions = loaded.functions

    async def call(self, call: Call, limit: float | None) -> Answer | Failure:
        """What came of a call. Raises WorkerDied, and TimeoutError: then the process is ended, since the call would go
        on in it."""
        future: asyncio.Future[Answer | Failure] = asyncio.get_running_loop().create_future()
        self.calls[call.invocation] = future
        try:
            self._channel.send(call)
            async with asyncio.timeout(limit):
                return await future
        except TimeoutError:
            self.kill("the worker process was ended because another function ran too long in it.")
            raise
        finally:
            self.calls.pop(call.invocation, None)

    async def ended(self) -> str:
        """Return when the process has ended, with how; its calls have been told."""
        assert self._ended is not None
        code = await asyncio.shield(self._ended)
        await self._drained()
        told = self.why or f"the worker process ended {spoken(code)} meanwhile."
        for future in self.calls.values():
            if not future.done():
                future.set_exception(WorkerDied(told))
        self._let_go()
        self._channel.close()
        return told

    def kill(self, why: str | None = None) -> None:
        """End the process at once; `why` is told to its calls."""
        self.why = self.why or why
        if self._process is not None and self._ended is not None and not self._ended.done():
            with suppress(ProcessLookupError):
                self._process.kill()

    async def end(self) -> None:
        """Have the process end, and wait for it."""
        self._let_go()
        self._channel.close()
        if self._ended is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._ended), 1.0)
            self.kill()
            await self._ended

    def _let_go(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    async def _drained(self) -> None:
        """What the process sent before it ended is in the socket, and read within a turn or two of the loop."""
        if self._ended is not None and self._ended.done():
            for _ in range(3):
                await asyncio.sleep(0)

    def _disconnected(self) -> None:
        if self._lifeline >= 0:  # not by this side: there is no way to ask it anything any more
            asyncio.get_running_loop().call_later(1.0, self.kill, "the worker process has hung up on the host.")

    def _received(self, message: object) -> None:
        if isinstance(message, (Ready, Failure)):
            self._loaded.set_result(message)
        elif isinstance(message, Outcome):
            future = self.calls.get(message.invocation)
            if future is not None and not future.done():
                future.set_result(message.came)


class Workers:
    """The worker that there is, and those that follow it."""

    def __init__(self, setup: Setup, python: str) -> None:
        self._setup, self._python = setup, python
        self._worker: Worker | None = None
        self._there = asyncio.Event()
        self._again = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self.broken: str | None = None

    async def start(self) -> Sequence[Function]:
        """Start the first worker; the functions of the app. Raises CannotStart."""
        self._use(await self._new())
        self._keeper = asyncio.create_task(self._keep())
        assert self._worker is not None
        return self._worker.functions

    async def call(self, call: Call, limit: float | None) -> Answer | Failure:
        """What came of a call, in whichever worker there is. Raises TimeoutError, WorkerDied."""
        while self._worker is None or self._worker.why is not None:
            self._there.clear()
            await self._there.wait()
        return await self._worker.call(call, limit)

    async def renew(self, same: Callable[[Sequence[Function]], bool]) -> bool:
        """Put a worker that loads the app as it is now in the place of the one that there is, whose calls have GRACE to
        end. If it cannot be loaded, that is told, and everything stays. False: the app has other functions now, as
        `same` says, and the caller has to begin again."""
        try:
            worker = await self._new()
        except CannotStart as error:
            tell_refusal(error)
            log.error("The app stays as it was before its files changed.")
            return True
        if not same(worker.functions):
            await worker.end()
            return False
        before = self._worker
        self._use(worker)
        if before is not None:
            task = asyncio.create_task(_retire(before))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        self._again.set()
        return True

    async def close(self) -> None:
        """End all workers, and start no more."""
        if self._keeper is not None:
            self._keeper.cancel()
        for task in (*self._retiring, *([self._keeper] if self._keeper else [])):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._worker is not None:
            await self._worker.end()

    async def _new(self) -> Worker:
        worker = Worker()
        await worker.start(self._setup, self._python)
        return worker

    def _follow(self, worker: Worker) -> None:
        if self._worker is None:
            self._use(worker)
        else:  # the files of the app have changed meanwhile, and there is a worker for them
            worker.kill()

    def _use(self, worker: Worker) -> None:
        self._worker, self.broken = worker, None
        self._there.set()

    async def _keep(self) -> None:
        """Start a worker whenever there is none. One that ends soon after its start has the next wait."""
        pause = 0.0
        while True:
            worker = self._worker
            assert worker is not None
            how = await worker.ended()
            if worker is not self._worker:
                continue  # it was replaced
            log.error("%s It is started again.", how[0].upper() + how[1:])
            self._worker = None
            self._there.clear()
            pause = 0.0 if time.monotonic() - worker.began > HEALTHY else min(pause * 2 or 0.05, AFTER_A_DEATH)
            await asyncio.sleep(pause)
            while self._worker is None:
                try:
                    self._follow(await self._new())
                except CannotStart as error:
                    tell_refusal(error)
                    self.broken = "The function app cannot be started any more; the log of the host says why."
                    self._again.clear()
                    pause = min(max(pause, 0.5) * 2, LONGEST_PAUSE)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._again.wait(), pause)


async def _retire(worker: Worker) -> None:
    until = time.monotonic() + GRACE
    while worker.calls and time.monotonic() < until:
        await asyncio.sleep(0.02)
    worker.why = "the worker process was replaced because the app's files have changed."
    await worker.end()
    await worker.ended()


def spoken(code: int) -> str:
    """How a process ended."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by signal {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


def tell_refusal(error: CannotStart) -> None:
    """Why the app is not started."""
    if error.traceback is not None:
        log.error("The function app cannot be started.\n%s", error.traceback)
    else:
        log.error("The function app cannot be started: %s", error)
