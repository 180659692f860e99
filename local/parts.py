"""Single parts of the local cloud, for as long as a command needs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.supervisor import CHECKOUT


class PartEnded(Exception):
    """A part has ended before it was ready; the message is the last line of its log."""


@contextmanager
def part(module: str, state: Path, *flags: str, settings: Mapping[str, str] | None = None) -> Iterator[Path]:
    """`python -m MODULE` on a state directory, ready, until the block is over; gives its log. Raises PartEnded."""
    state.mkdir(parents=True, exist_ok=True)
    log = state / f"{module}.log"
    command = [sys.executable, "-m", module, "--state", str(state), "--with-parent", *flags]
    with (
        log.open("ab") as stderr,
        subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env={**os.environ, **(settings or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            # What an app prints comes before it, and must not be waited for after it.
            if not any(line == "ready\n" for line in process.stdout):
                raise PartEnded(last_line(log) or f"{module} did not start.")
            yield log
        finally:
            process.terminate()


def last_line(log: Path) -> str:
    """What a log says last; nothing if it says nothing."""
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
