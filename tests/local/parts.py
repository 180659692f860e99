"""Parts of the local cloud as the supervisor runs them, for tests that need one or two of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(part: str, state: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m local.<part>`, ready; it is ended by closing its stdin, as when its parent is gone."""
    log = (state / f"{part}.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", f"local.{part}", "--state", str(state), "--with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
    )
    with log, process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n", (state / f"{part}.log").read_text()
            yield process
        finally:
            process.stdin.close()
            process.wait(timeout=30)
