"""Worker processes seen from the emulator: start one, give it a mini-batch, notice when it hangs or is gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

_PROGRAM = Path(__file__).with_name("worker.py")


class WorkerFailed(Exception):
    """A call into the scoring script raised, and the process waits for the next one.

    `reason` is what was raised, in one line; its text may be a whole traceback.
    """

    def __init__(self, text: str, reason: str | None = None) -> None:
        super().__init__(text)
        self.reason = reason or text


class WorkerLost(WorkerFailed):
    """The process ended during a call."""


class WorkerHung(WorkerLost):
    """A call did not return in time, so the process is of no more use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """What every worker process of a job is started with. `python` runs the script; `logs` is the folder that its own
    output goes to, and of what `inputs` holds it may change nothing."""

    python: str
    inputs: Path
    code: Path
    script: Path
    environment: Mapping[str, str]
    arguments: Sequence[str]
    logs: Path
    init_timeout: timedelta
    run_timeout: timedelta


class Worker:
    """One process whose init() has returned. It is in a session of its own, so that all it started dies with it."""

    def __init__(self, process: asyncio.subprocess.Process, number: int, run_timeout: timedelta) -> None:
        self.number = number
        self._process = process
        self._run_timeout = run_timeout

    @classmethod
    async def start(cls, spec: WorkerSpec, node: str, number: int) -> Worker:
        """Raises WorkerFailed when init() does not return."""
        first = {"script": str(spec.script), "arguments": list(spec.arguments), "inputs": str(spec.inputs)}
        for stream in ("stdout", "stderr"):
            path = spec.logs / "user" / stream / node / f"process{number:03}.{stream}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            first[stream] = str(path)
        process = await asyncio.create_subprocess_exec(
            # -P keeps this package's own folder off the script's import path.
            spec.python,
            "-P",
            str(_PROGRAM),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=spec.code,
            env=dict(spec.environment),
            start_new_session=True,
        )
        worker = cls(process, number, spec.run_timeout)
        try:
            await worker._ask(first, spec.init_timeout, "init()")
        except BaseException:
            await worker.stop()
            raise
        return worker

    async def run(self, files: Sequence[Path], rows: Path | None) -> int:
        """How many elements run() returned; they are in `rows`. Raises WorkerFailed."""
        order = {"files": [str(file) for file in files], "rows": str(rows) if rows else None}
        reply = await self._ask(order, self._run_timeout, "run()")
        return int(reply["returned"])

    async def stop(self) -> None:
        """Kill the process and whatever it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def _ask(self, order: Mapping[str, Any], timeout: timedelta, function: str) -> dict[str, Any]:
        seconds = timeout.total_seconds()
        try:
            line = await asyncio.wait_for(self._exchange(order), seconds)
        except TimeoutError:
            # Worded as Azure words it; source: Azure docs, how-to-troubleshoot-batch-endpoints.
            raise WorkerHung(
                f"No progress update in {seconds:g} seconds. {function} did not return in time and was stopped."
            ) from None
        if not line.endswith(b"\n"):
            code = await self._process.wait()
            raise WorkerLost(f"The process ended during {function} with exit code {code}.")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise WorkerFailed(str(reply["error"]), str(reply["reason"]))
        return reply

    async def _exchange(self, order: Mapping[str, Any]) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            await self._process.stdin.drain()
        except ConnectionError:
            return b""
        return await self._process.stdout.readline()
