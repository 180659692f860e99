"""The frozen list of a landing's files, and the fingerprint that says which content it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One blob of a landing. `name` is relative to the landing's folder; `size` in bytes; `md5` base64 or None."""

    name: str
    etag: str
    size: int
    md5: str | None
    modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a landing held at one moment: the files to score, and how many others lay beside them."""

    files: tuple[File, ...]
    others: int = 0
    marker_etag: str | None = None

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def newest(self) -> datetime | None:
        """When the last of the files was written, by the storage service's clock."""
        return max((file.modified for file in self.files), default=None)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the content: sorted names and sizes with the service's MD5, or the etag where it has none.

        Equal fingerprints mean equal content. The service knows the MD5 of blobs that were written in one request;
        uploading the same bytes again changes a blob's etag, not its MD5. Blobs written in blocks have only an etag,
        so dropping those again counts as new content.
        """
        return _digest(f"{file.name}\0{file.size}\0{file.md5 or file.etag}" for file in self.files)

    @property
    def drop(self) -> str:
        """Digest of the etags: tells the same files dropped again from the same drop seen again."""
        return _digest([*(f"{file.name}\0{file.etag}" for file in self.files), self.marker_etag or ""])

    def to_payload(self) -> dict[str, Any]:
        """As kept in the ledger. Times and MD5s of the files are left out: etags identify them."""
        return {
            "fingerprint": self.fingerprint,
            "files": [{"name": f.name, "etag": f.etag, "size": f.size, "md5": f.md5} for f in self.files],
        }


def intact(frozen: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether every frozen file (name to etag) is still there unchanged."""
    return all(now.get(name) == etag for name, etag in frozen.items())


def freeze(files: Iterable[File], *, wanted: Sequence[str], marker: str | None) -> Snapshot:
    """The snapshot of a folder listing: `wanted` names in a fixed order; what else lies there is only counted."""
    chosen, others, marker_etag = [], 0, None
    names = frozenset(wanted)
    for file in files:
        if file.name == marker:
            marker_etag = file.etag
            others += 1
        elif file.name in names:
            chosen.append(file)
        else:
            others += 1
    return Snapshot(files=tuple(sorted(chosen, key=lambda f: f.name)), others=others, marker_etag=marker_etag)


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in sorted(lines):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
