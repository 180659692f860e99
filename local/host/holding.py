"""One host to a state directory: two on one state would each carry out what the other does."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.serving import keep_private


class StateInUse(Exception):
    """Another host holds the state directory; the message names it."""


@contextmanager
def hold(state: Path) -> Iterator[Callable[[int], None]]:
    """Hold a state directory, for as long as this process lives at most; yields what notes the port for those who come
    later. Raises StateInUse, StateRefused."""
    keep_private(state)
    path = state / "host" / "lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            file.seek(0)
            pid, _, its = file.read().partition(" ")
            told = f" (process {pid}, http://127.0.0.1:{its})" if its else ""
            raise StateInUse(f"another host{told} works on {state}; stop it, or choose another --state.") from taken

        def note(port: int) -> None:
            file.truncate(0)
            file.write(f"{os.getpid()} {port}")
            file.flush()

        yield note
