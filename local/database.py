"""Opens the SQLite databases that the parts keep their state in, so that all of them promise the same.

Isolation   nothing begins a transaction unasked: a statement is one of its own, several are one from BEGIN to COMMIT,
            and the module that keeps the tables says which belong together
Journal     a write-ahead log: another process may look at any moment, and keeps no writer waiting
Durability  synchronous=NORMAL: a commit is handed to the operating system before it is reported, so `kill -9` loses
            nothing; a power failure may lose the last commits, which a development machine can bear

A connection is used from the thread that opened it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_STATEMENTS = 256
"""How many prepared statements a connection keeps; the durable store alone has more than Python keeps otherwise."""


def open_database(path: Path | str) -> sqlite3.Connection:
    """Open the file for reading and writing, made with its folder if it is not there; ":memory:" is kept nowhere."""
    if isinstance(path, Path):
        path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, isolation_level=None, cached_statements=_STATEMENTS)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    return database


@contextmanager
def looking_into(path: Path) -> Iterator[sqlite3.Connection]:
    """The file of another process, for reading only; one that is not there is an OperationalError."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        yield database
