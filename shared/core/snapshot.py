"""The frozen list of a landing's files, and the fingerprint that says which content it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.core.nesting import flat_names
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
    """What a landing held at one moment: the files to score, and how many others lay beside them and, where sub-folders
    are scored too, below. `strays`: files to score that no job can be given, because of the sub-folder that they are in
    or of their names; then none shall be."""

    files: tuple[File, ...]
    others: int = 0
    others_below: int = 0
    marker_etag: str | None = None
    strays: tuple[File, ...] = ()

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
        return self.others + self.others_below - self.is_marked

    @property
    def is_nested(self) -> bool:
        """Whether some of the files are in sub-folders."""
        return any("/" in file.name for file in self.files)

    @property
    def stray_folders(self) -> tuple[str, ...]:
        """Where the files are that cannot be scored: sub-folders, or the landing itself, which is an empty text."""
        return tuple(sorted({file.name.rpartition("/")[0] for file in self.strays}))

    @property
    def newest(self) -> datetime | None:
        """When the last of the files was written, by the storage service's clock."""
        return max((file.modified for file in (*self.files, *self.strays)), default=None)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the content: sorted names and sizes with the service's MD5, or the etag where it has none.

        Equal fingerprints mean equal content. The service knows the MD5 of blobs that were written in one request;
        uploading the same bytes again changes a blob's etag, not its MD5. Blobs written in blocks have only an etag,
        so uploading those again gives new content.

        Of files that cannot be scored the folders count. So a landing that was refused for them is other content
        once they are gone, or can be scored.
        """
        return _digest(
            [*(f"{file.name}\0{file.size}\0{file.content}" for file in self.files), *map(_line, self.stray_folders)]
        )

    @property
    def drop(self) -> str:
        """Digest of the etags: distinguishes the same files uploaded again from the same upload seen again."""
        files = (*self.files, *self.strays)
        return _digest([*(f"{file.name}\0{file.etag}" for file in files), self.marker_etag or ""])

    def listed(self) -> tuple[Frozen, ...]:
        """As kept in the ledger."""
        flat = flat_names(file.name for file in self.files)
        return tuple(
            Frozen(
                name=f.name,
                etag=f.etag,
                size=f.size,
                md5=f.md5,
                staged_as=flat[f.name] if flat[f.name] != f.name else None,
            )
            for f in self.files
        )


class Frozen(Record, frozen=True, kw_only=True):
    """A file as it was when it was listed. `size` in bytes; `md5` base64, None where the service has none. `staged_as`:
    the name of its copy, if that is another one."""

    name: str
    etag: str
    size: int
    md5: str | None = None
    staged_as: str | None = None

    @property
    def copy_name(self) -> str:
        """The name of its copy in the folder that is scored."""
        return self.staged_as or self.name

    @property
    def content(self) -> str:
        """As in File."""
        return self.md5 or self.etag


class FrozenFiles(Record, frozen=True):
    """The files of a snapshot, or the outputs of an attempt, in a fixed order."""

    files: tuple[Frozen, ...]


def freeze(
    files: Iterable[File],
    *,
    wants: Callable[[str], bool],
    is_marker: Callable[[str], bool],
    strays: Iterable[File] = (),
) -> Snapshot:
    """The snapshot of a folder listing: the wanted files in a fixed order; what else lies there is only counted."""
    listed = tuple(files)
    chosen = tuple(sorted((file for file in listed if wants(file.name)), key=lambda file: file.name))
    below = sum("/" in file.name for file in listed) - sum("/" in file.name for file in chosen)
    return Snapshot(
        files=chosen,
        others=len(listed) - len(chosen) - below,
        others_below=below,
        marker_etag=next((file.etag for file in listed if is_marker(file.name)), None),
        strays=tuple(strays),
    )


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


def _line(folder: str) -> str:
    # No line of a file ends so: those have a NUL before their last part, and no etag or MD5 has a slash after it.
    return f"{folder}/\0"


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in sorted(lines):
        digest.update(line.encode(errors="surrogatepass") + b"\n")
    return digest.hexdigest()
