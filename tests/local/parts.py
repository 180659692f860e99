"""Parts of the local cloud as the supervisor runs them, for tests that need one or two of them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")


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


def eventually(look: Callable[[], Found], *, within: float = 20.0) -> Found:
    """What `look` finds, as soon as it finds something true."""
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.02)
    return found
