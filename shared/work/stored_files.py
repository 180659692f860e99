"""Lists of files in the ledger: a document for every few thousand files, so that who works on some reads no others.

A list is known by its first document, which names the rest by their content; it is written last, so that where it is,
all of the list is. Nothing of a list is ever changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import overload

from shared.core.location import Location
from shared.core.record import from_json, to_json
from shared.core.snapshot import Frozen, FrozenFiles
from shared.errors import LedgerDamaged
from shared.ports import Blobs
from shared.work.keeping import Kept

FILES_PER_DOCUMENT = 5_000
"""Two megabytes of memory, and twenty milliseconds to read."""


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """A list of files as it is stored. What of it is asked for is read when it is. Raises LedgerDamaged where a part is
    gone."""

    blobs: Blobs
    kept: Kept[FrozenFiles]
    at: Location
    what: str
    first: FrozenFiles

    def __len__(self) -> int:
        return len(self.first.files) if self.first.total is None else self.first.total

    def __iter__(self) -> Iterator[Frozen]:
        yield from self.first.files
        for name in self.first.more:
            yield from self._part(name)

    @overload
    def __getitem__(self, at: int) -> Frozen: ...
    @overload
    def __getitem__(self, at: slice) -> list[Frozen]: ...
    def __getitem__(self, at: int | slice) -> Frozen | list[Frozen]:
        if isinstance(at, slice):
            return [self[index] for index in range(*at.indices(len(self)))]
        number, index = divmod(range(len(self))[at], max(1, len(self.first.files)))
        return (self.first.files if number == 0 else self._part(self.first.more[number - 1]))[index]

    def named(self, name: str) -> Frozen | None:
        """The file of that name. Reads a few parts, however many there are."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self[middle].name < name:
                low = middle + 1
            else:
                high = middle
        return self[low] if low < len(self) and self[low].name == name else None

    def _part(self, name: str) -> tuple[Frozen, ...]:
        return _read(self.blobs, self.kept, _part_of(self.at, name), self.what).files


def stored_files(blobs: Blobs, kept: Kept[FrozenFiles], at: Location, what: str) -> StoredFiles:
    """The list that is stored there. Raises LedgerDamaged where there is none: `what` says which."""
    return StoredFiles(blobs, kept, at, what, _read(blobs, kept, at, what))


def written(blobs: Blobs, at: Location, files: Iterable[Frozen]) -> FrozenFiles:
    """The first document of a list that is to be stored there; all others are stored when this returns. `files`: in the
    order of their names, gone through once."""
    rest = iter(files)
    first, more, total = tuple(islice(rest, FILES_PER_DOCUMENT)), list[str](), None
    while some := tuple(islice(rest, FILES_PER_DOCUMENT)):
        total = (len(first) if total is None else total) + len(some)
        content = to_json(FrozenFiles(some))
        more.append(hashlib.sha256(content).hexdigest())
        blobs.replace(_part_of(at, more[-1]), content, etag=None)
    return FrozenFiles(first, tuple(more), total)


def _part_of(at: Location, name: str) -> Location:
    return at.parent.at(f"part-{name}.json")


def _read(blobs: Blobs, kept: Kept[FrozenFiles], at: Location, what: str) -> FrozenFiles:
    def read() -> FrozenFiles:
        stored = blobs.read(at)
        if stored is None:
            raise LedgerDamaged(f"The ledger has no {what}; was {at.url} deleted?")
        return from_json(FrozenFiles, stored.content)

    return kept.get(at.path, read)
