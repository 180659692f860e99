"""Files in order, however many: the same whether they are in memory or on disk."""

from __future__ import annotations

import errno
import json
import tempfile
import threading
import tracemalloc
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.snapshot import File, in_order
from shared.errors import Unavailable
from shared.spool import BLOCK, Spool, document, spooled
from testbed.fakes import NOON

names = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=5)
files = st.builds(
    File,
    name=names,
    etag=st.text("0x1aF", max_size=4),
    size=st.integers(0, 2**53),
    md5=st.none() | st.text("ab=", max_size=3),
    modified=st.integers(0, 10**9).map(lambda microseconds: NOON + timedelta(microseconds=microseconds)),
)
folders = st.lists(files, max_size=40, unique_by=lambda file: file.name)


@given(folders, st.integers(1, 9))
def test_what_was_put_in_comes_out_in_order_whatever_its_names(listed: list[File], in_memory: int) -> None:
    kept = spooled(iter(listed), in_memory=in_memory)

    assert tuple(kept) == in_order(listed)
    assert (len(kept), tuple(kept)) == (len(listed), in_order(listed)), "it can be read again"


@given(folders, st.integers(1, 9), st.slices(40), st.integers(-45, 45))
def test_any_of_it_can_be_read_as_from_a_list(listed: list[File], in_memory: int, part: slice, index: int) -> None:
    kept, known = spooled(listed, in_memory=in_memory), list(in_order(listed))

    assert list(kept[part]) == known[part]
    if -len(known) <= index < len(known):
        assert kept[index] == known[index]
    else:
        with pytest.raises(IndexError):
            kept[index]


def many(count: int, *, backwards: bool = False) -> Iterator[File]:
    numbers: Iterable[int] = range(count)
    for number in reversed(list(numbers)) if backwards else numbers:
        yield File(name=f"{number:07}.png", etag=f"0x{number:X}", size=number, md5=None, modified=NOON)


@pytest.mark.parametrize("backwards", [False, True], ids=["as listed", "in the wrong order"])
@pytest.mark.parametrize("count", [BLOCK - 1, BLOCK, 7 * BLOCK + 1])
def test_more_than_a_block_is_read_as_well(count: int, backwards: bool) -> None:
    kept = spooled(many(count, backwards=backwards), in_memory=3 * BLOCK // 2)

    assert list(kept) == list(many(count))


def test_files_that_come_after_it_was_read_are_in_it_too() -> None:
    growing = Spool(in_memory=2)
    for number, file in enumerate(many(7)):
        growing.add(file)
        assert list(growing.in_order()) == list(many(number + 1))
        assert len(growing) == number + 1


def test_a_long_list_takes_as_much_memory_as_a_short_one() -> None:
    def most_memory(count: int) -> int:
        tracemalloc.start()
        kept = spooled(many(count), in_memory=1000)
        assert sum(file.size for file in kept) == sum(range(count))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert most_memory(30_000) < 1.5 * most_memory(3_000)


def test_threads_that_read_at_the_same_time_read_the_same() -> None:
    kept, all_begin = spooled(many(20 * BLOCK), in_memory=BLOCK), threading.Barrier(4)

    def read() -> list[File]:
        all_begin.wait()
        return list(kept)

    with ThreadPoolExecutor(4) as pool:
        assert all(future.result() == list(many(20 * BLOCK)) for future in [pool.submit(read) for _ in range(4)])


class _FullDisk:
    """A file on a disk that has no room."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, _: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_without_room_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    made = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: _FullDisk(made()))

    with pytest.raises(Unavailable, match=r"disk \(No space left on device\).*lower limits\.files"):
        spooled(many(10), in_memory=2)
    with pytest.raises(Unavailable, match="No space left on device"):
        document([b"x" * 2**20] * 5)


@pytest.mark.parametrize("megabytes", [0, 1, 9])
def test_a_document_is_all_of_its_pieces(megabytes: int) -> None:
    pieces = [json.dumps(number).encode() * 2**20 for number in range(megabytes)]

    with document(pieces) as written:
        assert written.read() == b"".join(pieces)
