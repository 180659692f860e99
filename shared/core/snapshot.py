"""The frozen list of a landing's files, and the fingerprint that says which content it is.

A landing may have a million files, so nothing here has all of them in memory that it is not given so: files come in the
order of their names, and are gone through one after the other.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain, islice

from shared.core.nesting import LOOKED_THROUGH, flat_names
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


MOST_LISTED = 1_000_000
"""Files of a landing that are looked through, whether they are scored or not: a minute's work, and a hundred megabytes
on disk. What has more is refused, and never listed to its end."""

Hold = Callable[[Iterable[File]], Sequence[File]]
"""Keeps files in the order of their names: shared.spool does so for any number of them."""


def in_order(files: Iterable[File]) -> Sequence[File]:
    """Keeps files in memory."""
    return tuple(sorted(files, key=lambda file: file.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a landing held at one moment: the files to score, in the order of their names, and how many others lay
    beside them and, where sub-folders are scored too, below. `strays`: files to score that no job can be given, because
    of the sub-folder that they are in or of their names; then none shall be. `is_cut`: there is more than is looked
    through; then nothing shall be scored either."""

    files: Sequence[File]
    others: int = 0
    others_below: int = 0
    marker_etag: str | None = None
    strays: tuple[File, ...] = ()
    is_cut: bool = False

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
    def is_bare(self) -> bool:
        """Whether nothing lies there at all."""
        return not (self.files or self.strays or self.others or self.others_below)

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
        return max((file.modified for file in chain(self.files, self.strays)), default=None)

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
            (f"{file.name}\0{file.size}\0{file.content}" for file in self.files), map(_line, self.stray_folders)
        )

    @property
    def drop(self) -> str:
        """Digest of the etags: distinguishes the same files uploaded again from the same upload seen again."""
        return _digest(
            (f"{file.name}\0{file.etag}" for file in self.files),
            (f"{file.name}\0{file.etag}" for file in self.strays),
            [self.marker_etag or ""],
        )

    def listed(self) -> Iterable[Frozen]:
        """As kept in the ledger. May be gone through more than once."""
        return _Listed(self)


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
    """Files of a snapshot, or outputs of an attempt, in the order of their names. A long list is in several documents:
    `more` names the others, each with as many files as the first; `total`: how many there are in all, where there are
    others."""

    files: tuple[Frozen, ...]
    more: tuple[str, ...] = ()
    total: int | None = None


@dataclass(frozen=True, slots=True)
class _Listed(Iterable[Frozen]):
    snapshot: Snapshot

    def __iter__(self) -> Iterator[Frozen]:
        files = self.snapshot.files
        staged_as = flat_names(_Names(files)) if self.snapshot.is_nested else str
        for file in files:
            flat = staged_as(file.name)
            other = flat if flat != file.name else None
            yield Frozen(name=file.name, etag=file.etag, size=file.size, md5=file.md5, staged_as=other)


@dataclass(frozen=True, slots=True)
class _Names(Iterable[str]):
    files: Sequence[File]

    def __iter__(self) -> Iterator[str]:
        return (file.name for file in self.files)


def freeze(
    files: Iterable[File],
    *,
    wants: Callable[[str], bool],
    is_marker: Callable[[str], bool],
    strays: Iterable[File] = (),
    hold: Hold = in_order,
) -> Snapshot:
    """The snapshot of a folder listing, which is read once: the wanted files in a fixed order; what else lies there is
    only counted. The `strays` are read after the files, and so many of them as are looked through."""
    others, markers = {False: 0, True: 0}, list[str]()

    def wanted() -> Iterator[File]:
        for file in files:
            if not markers and is_marker(file.name):
                markers.append(file.etag)
            if wants(file.name):
                yield file
            else:
                others["/" in file.name] += 1

    chosen = hold(wanted())
    return Snapshot(
        files=chosen,
        others=others[False],
        others_below=others[True],
        marker_etag=markers[0] if markers else None,
        strays=tuple(islice(strays, LOOKED_THROUGH)),
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
    found = Verdict.INTACT
    for then, now in paired(frozen, listed):
        if then is None:
            found = Verdict.MORE
        elif now is None or now.content != then.content:
            return Verdict.CHANGED
    return found


def paired(frozen: Iterable[Frozen], listed: Iterable[File]) -> Iterator[tuple[Frozen | None, File | None]]:
    """What has the same name in two lists, both in the order of their names; None: there is nothing of that name."""
    ours, theirs = iter(frozen), iter(listed)
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.name < other.name):
            yield one, None
            one = next(ours, None)
        elif one is None or other.name < one.name:
            yield None, other
            other = next(theirs, None)
        else:
            yield one, other
            one, other = next(ours, None), next(theirs, None)


def _line(folder: str) -> str:
    # No line of a file ends so: those have a NUL before their last part, and no etag or MD5 has a slash after it.
    return f"{folder}/\0"


def _digest(files: Iterable[str], *more: Iterable[str]) -> str:
    """Of all these lines in order. Those of files are so already, as names are: no name has a NUL, which ends it."""
    digest, rest = hashlib.sha256(), sorted(chain.from_iterable(more))
    for line in heapq.merge(files, rest) if rest else files:
        digest.update(line.encode(errors="surrogatepass") + b"\n")
    return digest.hexdigest()
