"""Which blobs functions have still to see, and which they were given: the durable half of blob triggers.

A row of `work` is what the message of Azure's queue azure-webjobs-blobtrigger-<host> is, a row of `receipt` what the
blob in azure-webjobs-hosts/blobreceipts is. Here both are in the host's state, so that one transaction writes both.
Source: Azure/azure-sdk-for-net, BlobTriggerExecutor.cs and BlobTriggerMessage.cs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from local.database import open_database

ID_PREFIX = "Host.Functions."
"""What the id of a function has before its name."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS receipt (
    function TEXT NOT NULL, container TEXT NOT NULL, blob TEXT NOT NULL, etag TEXT NOT NULL,
    PRIMARY KEY (function, container, blob)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS work (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, function TEXT NOT NULL, container TEXT NOT NULL, blob TEXT NOT NULL,
    etag TEXT NOT NULL, kind TEXT NOT NULL, begun INTEGER NOT NULL DEFAULT 0);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A blob that is new or has changed; `etag` without quotes, `kind` such as BlockBlob."""

    function: str
    container: str
    blob: str
    etag: str
    kind: str

    @property
    def path(self) -> str:
        return f"{self.container}/{self.blob}"

    def message(self) -> str:
        """The message that tells of it in the poison queue."""
        return json.dumps(
            {
                "Type": "BlobTrigger",
                "FunctionId": ID_PREFIX + self.function,
                "BlobType": self.kind,
                "ContainerName": self.container,
                "BlobName": self.blob,
                "ETag": f'"{self.etag}"',
            }
        )


@dataclass(frozen=True, slots=True)
class Work:
    """A change that its function has still to see; `begun`: how often the function was called with it."""

    seq: int
    change: Change
    begun: int = 0


class BlobWork:
    """Work and receipts of one state directory. Whatever was added is there after a kill, until it is done."""

    def __init__(self, path: Path | str) -> None:
        self._database = open_database(path)
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        self._database.close()

    def receipts(self, function: str, container: str) -> dict[str, str]:
        """The etag of each blob of a container that a function was given."""
        rows = self._database.execute(
            "SELECT blob, etag FROM receipt WHERE function = ? AND container = ?", (function, container)
        )
        return dict(rows.fetchall())

    def add(self, changes: Iterable[Change], *, receipts: bool) -> list[Work]:
        """Take changes in, all or none; with `receipts` they are not new any more when they are seen again."""
        added: list[Work] = []
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for one in changes:
                row = (one.function, one.container, one.blob, one.etag)
                if receipts:
                    self._database.execute("INSERT OR REPLACE INTO receipt VALUES (?, ?, ?, ?)", row)
                made = self._database.execute(
                    "INSERT INTO work (function, container, blob, etag, kind) VALUES (?, ?, ?, ?, ?)", (*row, one.kind)
                )
                added.append(Work(int(made.lastrowid or 0), one))
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        return added

    def pending(self) -> list[Work]:
        """What is not done, oldest first."""
        rows = self._database.execute("SELECT seq, begun, function, container, blob, etag, kind FROM work ORDER BY seq")
        names = ("function", "container", "blob", "etag", "kind")
        return [Work(seq, Change(**dict(zip(names, rest, strict=True))), begun) for seq, begun, *rest in rows]

    def begin(self, work: Work) -> Work:
        """Count a call before it is made, so that one that kills the host counts as well."""
        self._database.execute("UPDATE work SET begun = begun + 1 WHERE seq = ?", (work.seq,))
        return Work(work.seq, work.change, work.begun + 1)

    def done(self, work: Work) -> None:
        """Nothing has to be done about it any more."""
        self._database.execute("DELETE FROM work WHERE seq = ?", (work.seq,))
