"""The frozen list of a landing's files, and the fingerprint that says which content it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.core.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One blob of a landing. `name` is relative to the landing's folder; `size` in bytes; `md5` base64 or None."""

    name: str
    etag: str
    size: int
    md5: str | None
    modified: datetime

    @property
    def content(self) -> str:
        """What distinguishes this content from another: the service's MD5, or the etag where it has none."""
        return self.md5 or self.etag


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
    def is_marked(self) -> bool:
        """Whether the marker is there."""
        return self.marker_etag is not None

    @property
    def left_out(self) -> int:
        """How many files the route leaves out. Its marker is not one of them."""
        return self.others - self.is_marked

    @property
    def newest(self) -> datetime | None:
        """When the last of the files was written, by the storage service's clock."""
        return max((file.modified for file in self.files), default=None)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the content: sorted names and sizes with the service's MD5, or the etag where it has none.

        Equal fingerprints mean equal content. The service knows the MD5 of blobs that were written in one request;
        uploading the same bytes again changes a blob's etag, not its MD5. Blobs written in blocks have only an etag,
        so uploading those again gives new content.
        """
        return _digest(f"{file.name}\0{file.size}\0{file.content}" for file in self.files)

    @property
    def drop(self) -> str:
        """Digest of the etags: distinguishes the same files uploaded again from the same upload seen again."""
        return _digest([*(f"{file.name}\0{file.etag}" for file in self.files), self.marker_etag or ""])

    def listed(self) -> tuple[Frozen, ...]:
        """As kept in the ledger."""
        return tuple(Frozen(name=f.name, etag=f.etag, size=f.size, md5=f.md5) for f in self.files)


class Frozen(Record, frozen=True, kw_only=True):
    """A file as it was when it was listed. `size` in bytes; `md5` base64, None where the service has none."""

    name: str
    etag: str
    size: int
    md5: str | None = None

    @property
    def content(self) -> str:
        """As in File."""
        return self.md5 or self.etag


class FrozenFiles(Record, frozen=True):
    """The files of a snapshot, or the outputs of an attempt, in a fixed order."""

    files: tuple[Frozen, ...]


def freeze(files: Iterable[File], *, wants: Callable[[str], bool], is_marker: Callable[[str], bool]) -> Snapshot:
    """The snapshot of a folder listing: the wanted files in a fixed order; what else lies there is only counted."""
    listed = tuple(files)
    chosen = tuple(sorted((file for file in listed if wants(file.name)), key=lambda file: file.name))
    marker_etag = next((file.etag for file in listed if is_marker(file.name)), None)
    return Snapshot(files=chosen, others=len(listed) - len(chosen), marker_etag=marker_etag)


class Verdict(StrEnum):
    """What became of a landing since it was frozen."""

    INTACT = "intact"
    MORE = "more"
    """Other files lie beside the frozen ones now."""
    CHANGED = "changed"
    """A frozen file was changed or removed."""


def compare(frozen: Iterable[Frozen], listed: Iterable[File]) -> Verdict:
    """What became of a frozen landing, by a later listing of it."""
    then = {file.name: file.content for file in frozen}
    now = {file.name: file.content for file in listed}
    if any(now.get(name) != content for name, content in then.items()):
        return Verdict.CHANGED
    return Verdict.MORE if len(now) > len(then) else Verdict.INTACT


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in sorted(lines):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
