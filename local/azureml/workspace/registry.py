"""Every resource of the workspace but its jobs, in SQLite: what Resource Manager was given, and where its files are.

A resource is known by its path below the workspace, such as `models/digits/versions/1`, in any case. What the
deployments folder describes is recorded here too, with a digest of the description: over it, what was changed or
deleted over HTTP stays so, until the description itself changes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from local.clock import Clock
from local.database import open_database

FOLDER = "deployments folder"
"""The author of what the deployments folder describes."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    key      TEXT NOT NULL UNIQUE,
    path     TEXT NOT NULL,
    document TEXT,
    files    TEXT,
    digest   TEXT,
    author   TEXT NOT NULL,
    created  TEXT NOT NULL,
    modified TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource. `document` has its properties, tags and so on; `files` is where a local file or folder is."""

    path: str
    document: Mapping[str, Any]
    files: Path | None
    author: str
    created: datetime
    modified: datetime

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def properties(self) -> Mapping[str, Any]:
        return self.document.get("properties") or {}


class Registry:
    """Resources by path; lists are in the order in which they were created."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._database = open_database(path)
        self._database.execute(_SCHEMA)

    def get(self, path: str) -> Resource | None:
        row = self._database.execute(
            f"SELECT {_COLUMNS} FROM resources WHERE key = ? AND document IS NOT NULL",  # noqa: S608  # a constant
            (path.lower(),),
        ).fetchone()
        return _resource(row) if row else None

    def put(self, path: str, document: Mapping[str, Any], *, author: str = "", files: Path | None = None) -> Resource:
        """Create or replace a resource."""
        self._write(path, document, author, files)
        found = self.get(path)
        assert found is not None
        return found

    def delete(self, path: str) -> bool:
        """Whether there was one. What the folder describes stays known as deleted; all else is forgotten."""
        known = self.get(path) is not None
        key = path.lower()
        self._database.execute("UPDATE resources SET document = NULL WHERE key = ?", (key,))
        self._database.execute("DELETE FROM resources WHERE key = ? AND digest IS NULL", (key,))
        return known

    def children(self, collection: str) -> list[Resource]:
        """The resources directly below `collection`, such as `models/digits/versions`."""
        return [resource for resource in self.below(collection) if "/" not in resource.path[len(collection) + 1 :]]

    def below(self, prefix: str) -> list[Resource]:
        """All resources below a path, at any depth."""
        key = f"{prefix.lower()}/"
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM resources WHERE substr(key, 1, ?) = ?"  # noqa: S608  # a constant
            " AND document IS NOT NULL ORDER BY number",
            (len(key), key),
        )
        return [_resource(row) for row in rows]

    def describe(self, path: str, document: Mapping[str, Any], digest: str, *, files: Path | None = None) -> None:
        """Record what the deployments folder says, unless it has said so before."""
        row = self._database.execute("SELECT digest FROM resources WHERE key = ?", (path.lower(),)).fetchone()
        if row and row[0] == digest:
            return
        self._write(path, document, FOLDER, files)
        self._database.execute("UPDATE resources SET digest = ? WHERE key = ?", (digest, path.lower()))

    def retain(self, described: Collection[str]) -> None:
        """Forget what the folder has described once and does not any more."""
        kept = {path.lower() for path in described}
        rows = self._database.execute("SELECT key FROM resources WHERE digest IS NOT NULL").fetchall()
        for (key,) in rows:
            if key not in kept:
                self._database.execute("DELETE FROM resources WHERE key = ?", (key,))

    def close(self) -> None:
        self._database.close()

    def _write(self, path: str, document: Mapping[str, Any], author: str, files: Path | None) -> None:
        now = self._clock.now().isoformat()
        self._database.execute(
            "INSERT INTO resources (key, path, document, files, author, created, modified) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET document = excluded.document, files = excluded.files,"
            " modified = excluded.modified",
            (path.lower(), path, _to_json(document), str(files) if files else None, author, now, now),
        )


_COLUMNS = "path, document, files, author, created, modified"


def _resource(row: tuple[str, str, str | None, str, str, str]) -> Resource:
    path, document, files, author, created, modified = row
    return Resource(
        path=path,
        document=json.loads(document),
        files=Path(files) if files else None,
        author=author,
        created=datetime.fromisoformat(created),
        modified=datetime.fromisoformat(modified),
    )


def _to_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, allow_nan=False)
