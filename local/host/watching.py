"""Tells when the files of an app change.

By looking, twice a second, at names, sizes and times: that works on every system and in every container.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

WATCHED = frozenset({".py", ".json", ".yaml", ".yml"})
PASSED_OVER = frozenset({"__pycache__", "node_modules", "venv", "env", "site-packages"})
"""Folders that are not the app's own, besides those whose names begin with a dot."""
EVERY = 0.5

Seen = dict[str, tuple[int, int]]


async def changes(app: Path) -> AsyncIterator[None]:
    """Once for each change, when nothing has changed any more for one look: editors and tools write several files."""
    known = await asyncio.to_thread(_look, app)
    while True:
        await asyncio.sleep(EVERY)
        seen = await asyncio.to_thread(_look, app)
        if seen == known:
            continue
        while True:
            await asyncio.sleep(EVERY)
            later = await asyncio.to_thread(_look, app)
            if later == seen:
                break
            seen = later
        known = seen
        yield


def read(path: Path) -> bytes | None:
    """What a file holds; None: it is not there."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _look(app: Path) -> Seen:
    return {path: (status.st_mtime_ns, status.st_size) for path, status in _files(str(app))}


def _files(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # it was removed meanwhile
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in PASSED_OVER:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
        elif Path(entry.name).suffix in WATCHED:
            try:
                yield entry.path, entry.stat()
            except OSError:
                continue
