"""`python -m local up` with a small app."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def local(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """One command of the command line."""
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )


@dataclass(frozen=True, slots=True)
class Up:
    """A local cloud that is up."""

    state: Path
    process: subprocess.Popen[str]
    said: Path

    @property
    def described(self) -> Any:
        """stack.json."""
        return json.loads((self.state / "stack.json").read_text())

    @property
    def notes(self) -> Path:
        return self.state / "notes"

    def subjects(self) -> list[str]:
        """The subjects of the events that the app got."""
        path = self.notes / "subjects"
        return path.read_text().splitlines() if path.exists() else []


@contextmanager
def up(state: Path, *command: str, deployments: Path = HERE / "deployments") -> Iterator[Up]:
    """Start it (or what `command` says), wait until it is up, and stop it with SIGTERM."""
    (state / "notes").mkdir(parents=True, exist_ok=True)
    said = state / "said"
    # Fast, so that a retry of Event Grid, ten seconds by the clock, is soon there.
    command = command or ("up", "--clock-rate", "20", "--app", str(HERE / "app"))
    command += ("--state", str(state), "--deployments", str(deployments))
    with (
        said.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", "local", *command],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "NOTES": str(state / "notes")},
        ) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert " is up" in line, said.read_text()
            yield Up(state, process, said)
        finally:
            process.terminate()
            process.wait(timeout=60)


def is_running(pid: int) -> bool:
    """Whether the process exists and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def descendants(pid: int) -> set[int]:
    """All processes below `pid`."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child} | descendants(child)
    return found
