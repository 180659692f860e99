"""Parts as child processes: started, kept running, stopped; none outlives the supervisor, however that ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.serving import READY

CHECKOUT = Path(__file__).resolve().parent.parent
READY_SECONDS = 120.0
STOP_SECONDS = 20.0
MOST_DEATHS = 5
WITHIN_SECONDS = 60.0
TAIL_LINES = 25


class PartFailed(Exception):
    """A part did not start, or died again and again; the message ends with the end of its log."""


@dataclass(frozen=True, slots=True)
class Part:
    """What to run: `python -m <module> <arguments> --with-parent`."""

    name: str
    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] | None = None

    @property
    def command(self) -> tuple[str, ...]:
        return (sys.executable, "-m", self.module, *self.arguments, "--with-parent")


def too_many(deaths: deque[float], now: float) -> bool:
    """Whether a part that died at these times, the last just `now`, is not worth another start."""
    return sum(now - death <= WITHIN_SECONDS for death in deaths) >= MOST_DEATHS


@dataclass(slots=True)
class Supervisor:
    """Runs parts. `changed` is called when a part has another process id; `say` gets a line for people.

    `inherited` is a file descriptor that every part keeps open: a lock on it is held until the last part is gone.
    """

    logs: Path
    inherited: int
    changed: Callable[[], None]
    say: Callable[[str], None]
    running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    watches: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the parts, by name."""
        return {name: process.pid for name, process in self.running.items()}

    async def start(self, *parts: Part) -> None:
        """Start `parts` together, return when all are ready, and keep them running from then on. Raises PartFailed."""
        results = await asyncio.gather(*(self._launch(part) for part in parts), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            raise failures[0]
        for part in parts:
            self.watches.add(asyncio.create_task(self._keep(part), name=part.name))

    async def run(self) -> None:
        """Keep the parts running. Ends only with PartFailed, when one of them has to be given up."""
        await asyncio.gather(*self.watches)

    async def stop(self, *groups: tuple[str, ...]) -> None:
        """Stop the parts named in `groups`, group after group, then all others."""
        for watch in self.watches:
            watch.cancel()
        named = {name for group in groups for name in group}
        for group in (*groups, tuple(self.running.keys() - named)):
            await asyncio.gather(*(_end(self.running[name]) for name in group if name in self.running))

    async def _keep(self, part: Part) -> None:
        deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        while True:
            code = await self.running[part.name].wait()
            deaths.append(time.monotonic())
            if too_many(deaths, deaths[-1]):
                raise PartFailed(self._explain(part, f"ended {MOST_DEATHS} times within {WITHIN_SECONDS:.0f} s"))
            try:
                await self._launch(part)
            except PartFailed:
                continue  # its process has ended, which the next round counts
            self.say(f"{part.name} ended with {_ending(code)} and was started again (pid {self.pids[part.name]}).")

    async def _launch(self, part: Part) -> None:
        log_path = self.logs / f"{part.name}.log"
        with log_path.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *part.command,
                cwd=CHECKOUT,
                env=part.environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                pass_fds=(self.inherited,),
                # Ctrl-C in a terminal signals the whole process group, but stopping in order is the supervisor's work.
                start_new_session=True,
            )
        self.running[part.name] = process
        self.changed()
        try:
            await asyncio.wait_for(_until_ready(process, log_path), READY_SECONDS)
        except TimeoutError:
            await _end(process)
            raise PartFailed(self._explain(part, f"was not ready after {READY_SECONDS:.0f} s")) from None
        except EOFError:
            code = await process.wait()
            raise PartFailed(self._explain(part, f"ended with {_ending(code)} before it was ready")) from None

    def _explain(self, part: Part, what: str) -> str:
        log_path = self.logs / f"{part.name}.log"
        lines = log_path.read_text("utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([f"{part.name} {what}. The end of {log_path}:", *lines])


async def _until_ready(process: asyncio.subprocess.Process, log_path: Path) -> None:
    """Return at the ready line; what is printed before and after it goes to the log. Raises EOFError."""
    assert process.stdout is not None
    while True:
        line = await process.stdout.readline()
        if not line:
            raise EOFError
        if line.decode(errors="replace").strip() == READY:
            break
        _append(log_path, line)
    task = asyncio.create_task(_copy(process.stdout, log_path))
    _copies.add(task)
    task.add_done_callback(_copies.discard)


_copies: set[asyncio.Task[None]] = set()
"""Keeps the tasks from being collected while they run."""


async def _copy(stream: asyncio.StreamReader, log_path: Path) -> None:
    while data := await stream.read(65536):
        _append(log_path, data)


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as log:
        log.write(data)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask a part to stop, as it is asked when the supervisor dies: its stdin closes."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
