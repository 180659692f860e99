"""A Functions host as a process of its own, for as long as something is measured."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx

PATIENCE = 120.0
TICKS_IN_A_SECOND = os.sysconf("SC_CLK_TCK")

Running = TypeVar("Running", bound="Host")


class Host:
    """A host process that is ready."""

    def __init__(self, pid: int, port: str) -> None:
        self.pid = pid
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False)

    def all_at_once(self, requests: Sequence[Callable[[], httpx.Response]]) -> None:
        """Send requests from a few threads, until all are answered."""
        with ThreadPoolExecutor(4) as pool:
            for answer in pool.map(lambda send: send(), requests):
                answer.raise_for_status()

    def seconds(self, work: Callable[[], None], done: Callable[[], bool] = lambda: True) -> float:
        """How long it takes until the work is sent and done."""
        began = time.perf_counter()
        work()
        while not done():
            assert time.perf_counter() - began < PATIENCE, "the host did not finish in time"
            time.sleep(0.02)
        return time.perf_counter() - began

    def memory(self) -> int:
        """Resident bytes of the host and its worker."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self._pids())
        return pages * os.sysconf("SC_PAGE_SIZE")

    def processor(self) -> float:
        """Seconds of processor time of the host and its worker so far."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._pids()]
        return sum(int(fields[11]) + int(fields[12]) for fields in stats) / TICKS_IN_A_SECOND

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]


@contextmanager
def running(app: Path, kind: type[Running], settings: Mapping[str, str] | None = None) -> Iterator[Running]:
    """The host with that app, on a state directory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        command = [sys.executable, "-m", "local.host", "--app", str(app), "--state", str(state), "--with-parent"]
        with subprocess.Popen(
            command,
            env={**os.environ, **(settings or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert any(line.strip() == "ready" for line in process.stdout), "the host did not start"
            host = kind(process.pid, (state / "host" / "port").read_text())
            try:
                yield host
            finally:
                host.http.close()
                assert process.stdin is not None
                process.stdin.close()
                process.wait(30)
