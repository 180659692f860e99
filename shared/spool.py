"""Files in the order of their names, however many: few are kept in memory, many in a temporary file.

A landing may have a million files, an instance has two gigabytes for all that it does at a time, and a list of files
takes six hundred bytes of memory for each. On disk it takes a hundred, and who reads the list has some of it at a time.
"""

from __future__ import annotations

import heapq
import io
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from operator import attrgetter
from typing import IO, overload

import msgspec

from shared.core.snapshot import File
from shared.errors import Unavailable

IN_MEMORY = 20_000
"""Files that are kept in memory at the most: 12 MB of them."""
BLOCK = 500
"""Files that are written, and read, at a time."""
_TEXT = 4 * 1024 * 1024
"""Bytes of a document that are kept in memory."""

_Row = tuple[bytes, str, int, str | None, float]
_by_name = attrgetter("name")
_encoder, _decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(list[_Row])


def spooled(files: Iterable[File], *, in_memory: int = IN_MEMORY) -> Sequence[File]:
    """The files in the order of their names, whatever order they come in. The iterable is read once. Raises Unavailable
    where the disk is full."""
    spool = Spool(in_memory)
    for file in files:
        spool.add(file)
    return spool.in_order()


class Spool:
    """Files that come one by one, in any order. Not for several threads."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._in_memory = in_memory
        self._last, self._on_disk, self._written = list[File](), list[_OnDisk](), 0

    def __len__(self) -> int:
        return self._written + len(self._last)

    def add(self, file: File) -> None:
        """Raises Unavailable where the disk is full."""
        if len(self._last) == self._in_memory:
            self._write()
        self._last.append(file)

    def in_order(self) -> Sequence[File]:
        """All that were added, in the order of their names."""
        if not self._on_disk:
            return tuple(sorted(self._last, key=_by_name))
        if self._last:
            self._write()
        if len(self._on_disk) > 1:
            self._on_disk = [_OnDisk.of(heapq.merge(*self._on_disk, key=_by_name))]
        return self._on_disk[0]

    def _write(self) -> None:
        some = sorted(self._last, key=_by_name)
        if self._on_disk and self._on_disk[-1][-1].name <= some[0].name:
            self._on_disk[-1].append(some)  # as services list them
        else:
            self._on_disk.append(_OnDisk.of(some))
        self._written, self._last = self._written + len(some), []


def document(pieces: Iterable[bytes]) -> IO[bytes]:
    """A document that is written piece by piece, to be read from its beginning; on disk where it is large. Who asks for
    it closes it. Raises Unavailable where the disk is full."""
    written: IO[bytes] = io.BytesIO()
    try:
        for piece in pieces:
            written.write(piece)
            if isinstance(written, io.BytesIO) and written.tell() > _TEXT:
                in_memory, written = written, tempfile.TemporaryFile()  # noqa: SIM115  # whoever asks closes it
                written.write(in_memory.getbuffer())
        written.seek(0)
    except OSError as error:
        written.close()
        raise _full(error) from error
    return written


class _OnDisk(Sequence[File]):
    """Files in a temporary file, in blocks. Safe to read from several threads."""

    def __init__(self) -> None:
        self._disk = tempfile.TemporaryFile()  # noqa: SIM115  # as long as this is
        weakref.finalize(self, self._disk.close)
        self._starts, self._end, self._count = list[int](), 0, 0
        self._gate = threading.Lock()

    @classmethod
    def of(cls, files: Iterable[File]) -> _OnDisk:
        kept = cls()
        kept.append(files)
        return kept

    def append(self, files: Iterable[File]) -> None:
        """Add files that come after all that are there."""
        rest = iter(files)
        if left := self._count % BLOCK:  # every block but the last is full
            rest = chain(self._block(len(self._starts) - 1), rest)
            self._end, self._count = self._starts.pop(), self._count - left
        while some := list(islice(rest, BLOCK)):
            content = _encoder.encode([_row(file) for file in some])
            try:
                self._disk.seek(self._end)
                self._disk.write(content)
                self._disk.flush()
            except OSError as error:
                raise _full(error) from error
            self._starts.append(self._end)
            self._end, self._count = self._end + len(content), self._count + len(some)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[File]:
        for number in range(len(self._starts)):
            yield from self._block(number)

    @overload
    def __getitem__(self, at: int) -> File: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[File]: ...
    def __getitem__(self, at: int | slice) -> File | Sequence[File]:
        if isinstance(at, slice):
            return [self[index] for index in range(*at.indices(self._count))]
        index = range(self._count)[at]
        return self._block(index // BLOCK)[index % BLOCK]

    def _block(self, number: int) -> list[File]:
        start = self._starts[number]
        end = self._starts[number + 1] if number + 1 < len(self._starts) else self._end
        with self._gate:
            self._disk.seek(start)
            content = self._disk.read(end - start)
        return [_file(row) for row in _decoder.decode(content)]


def _row(file: File) -> _Row:
    # Who fakes a listing may have names that are no UTF-8.
    return file.name.encode(errors="surrogatepass"), file.etag, file.size, file.md5, file.modified.timestamp()


def _file(row: _Row) -> File:
    name, etag, size, md5, modified = row
    when = datetime.fromtimestamp(modified, UTC)
    return File(name=name.decode(errors="surrogatepass"), etag=etag, size=size, md5=md5, modified=when)


def _full(error: OSError) -> Unavailable:
    return Unavailable(
        f"A list of files could not be kept on the instance's disk ({error.strerror}). If it happens again, lower "
        "limits.files of the route whose landing is this large."
    )
