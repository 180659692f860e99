"""Lists of files in the ledger, in documents of so many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.location import Location
from shared.core.record import to_json
from shared.core.snapshot import Frozen, FrozenFiles
from shared.errors import LedgerDamaged
from shared.work import stored_files
from shared.work.keeping import Kept
from shared.work.stored_files import FILES_PER_DOCUMENT, StoredFiles, written
from testbed.examples import STATE
from testbed.fakes import FakeBlobs, FakeClock

AT = Location(STATE, "snapshots/digits-1/d.json")


def files(count: int, etag: str = "0x1") -> list[Frozen]:
    return [Frozen(name=f"{number:05}.png", etag=etag, size=number) for number in range(count)]


def kept(blobs: FakeBlobs, listed: list[Frozen]) -> StoredFiles:
    blobs.replace(AT, to_json(written(blobs, AT, iter(listed))), etag=None)
    return stored_files.stored_files(blobs, Kept(), AT, "snapshot")


def reads_of(blobs: FakeBlobs) -> int:
    return blobs.requests["read"]


@pytest.fixture
def blobs() -> FakeBlobs:
    return FakeBlobs(FakeClock())


@given(st.integers(0, 40), st.slices(40), st.integers(-1, 41))
def test_a_list_is_read_as_it_was_written_whole_or_in_part(count: int, part: slice, index: int) -> None:
    blobs, listed = FakeBlobs(FakeClock()), files(count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored_files, "FILES_PER_DOCUMENT", 7)
        stored = kept(blobs, listed)

    assert (len(stored), list(stored), stored[part]) == (count, listed, listed[part])
    assert stored.named(f"{index:05}.png") == (listed[index] if 0 <= index < count else None)


def test_a_short_list_is_one_document_as_it_has_always_been(blobs: FakeBlobs) -> None:
    kept(blobs, files(3))

    assert blobs.paths(STATE, "snapshots/") == [AT.path]
    assert blobs.contents[AT][0] == to_json(FrozenFiles(tuple(files(3))))


def test_a_list_that_was_written_as_one_document_is_read_however_long_it_is(blobs: FakeBlobs) -> None:
    listed = files(2 * FILES_PER_DOCUMENT)
    blobs.put(AT, to_json(FrozenFiles(tuple(listed))))

    stored = stored_files.stored_files(blobs, Kept(), AT, "snapshot")

    assert list(stored) == listed
    assert stored[-3:] == listed[-3:]


def test_who_works_on_some_files_reads_the_documents_that_they_are_in(blobs: FakeBlobs) -> None:
    stored = kept(blobs, files(10 * FILES_PER_DOCUMENT))
    before = reads_of(blobs)

    assert stored[7 * FILES_PER_DOCUMENT : 7 * FILES_PER_DOCUMENT + 250] == files(10 * FILES_PER_DOCUMENT)[35000:35250]

    assert reads_of(blobs) == before + 1


def test_one_file_of_many_is_found_by_a_few_reads(blobs: FakeBlobs) -> None:
    stored = kept(blobs, files(10 * FILES_PER_DOCUMENT))
    before = reads_of(blobs)

    assert stored.named("41234.png") == Frozen(name="41234.png", etag="0x1", size=41234)

    assert reads_of(blobs) <= before + 4


def test_the_first_document_is_written_last_so_that_where_it_is_all_of_the_list_is(blobs: FakeBlobs) -> None:
    first = written(blobs, AT, iter(files(3 * FILES_PER_DOCUMENT)))

    assert len(first.more) == len(blobs.paths(STATE, "snapshots/digits-1/part-")) == 2
    assert AT not in blobs.contents


def test_of_two_lists_that_are_written_at_the_same_time_neither_changes_the_other(blobs: FakeBlobs) -> None:
    one, other = files(2 * FILES_PER_DOCUMENT), files(2 * FILES_PER_DOCUMENT, etag="0x2")
    first = written(blobs, AT, one)
    written(blobs, AT, other)
    blobs.replace(AT, to_json(first), etag=None)

    assert list(stored_files.stored_files(blobs, Kept(), AT, "snapshot")) == one


def test_a_part_that_is_gone_is_told_of_by_its_address(blobs: FakeBlobs) -> None:
    stored = kept(blobs, files(2 * FILES_PER_DOCUMENT))
    (part,) = blobs.paths(STATE, "snapshots/digits-1/part-")
    blobs.delete(Location(STATE, part))

    with pytest.raises(LedgerDamaged, match=rf"no snapshot; was .*/{part} deleted"):
        list(stored)
