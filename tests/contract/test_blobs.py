"""What the `Blobs` port promises, kept by the fake that tests rely on and by the adapter over real HTTP, whether the
service copies or the adapter has to stream."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from local.addresses import WORKSPACE_ACCOUNT
from local.identity.credential import LocalCredential
from shared.adapters.blobs import AzureBlobs
from shared.core.location import Container, Location
from shared.errors import InputRefused
from shared.ports import Blobs, Copied
from shared.spool import document
from testbed.fakes import FakeBlobs
from tests.contract.refusing import Faults
from tests.contract.written import copy, names, written
from tests.local.azureml.cloud import Cloud

_numbers = itertools.count()
Place = Callable[[str], Location]


MADE = {Copied.MADE, Copied.STREAMED}


@pytest.fixture(params=["fake", "azure", "azure behind firewalls"])
def blobs(request: pytest.FixtureRequest) -> Iterator[Blobs]:
    if request.param == "fake":
        yield FakeBlobs(lambda: datetime.now(UTC))
        return
    cloud: Cloud = request.getfixturevalue("cloud")
    faults = Faults(cloud)
    if request.param == "azure behind firewalls":
        faults.refuse_copies()
    credential = LocalCredential.of(cloud.state)
    with closing(AzureBlobs(credential, one_request=1000, block=400, streamed_block=400)) as azure:
        yield azure
    faults.clear()


@pytest.fixture
def container(request: pytest.FixtureRequest, blobs: Blobs) -> Container:
    if isinstance(blobs, FakeBlobs):
        return Container("https://account.blob.core.windows.net", "container")
    cloud: Cloud = request.getfixturevalue("cloud")
    return Container(cloud.addresses.account_url(WORKSPACE_ACCOUNT), "azureml-blobstore-local")


@pytest.fixture
def at(container: Container) -> Place:
    """A blob or folder in a place that no other test uses."""
    folder = f"contract-{next(_numbers)}"
    return lambda path: Location(container, f"{folder}/{path}".rstrip("/"))


def test_a_created_blob_is_read_back_and_not_created_twice(blobs: Blobs, at: Place) -> None:
    assert blobs.create(at("a.json"), b"first") is True
    assert blobs.create(at("a.json"), b"second") is False

    stored = blobs.read(at("a.json"))

    assert stored is not None
    assert stored.content == b"first"


@pytest.mark.parametrize("path", ["a/../b", "../b", "a/./b", "a//b", "a\\b", "a\nb", "a\ufffe", "a\ud800"])
def test_what_could_mean_another_blob_is_neither_read_nor_written(blobs: Blobs, at: Place, path: str) -> None:
    file = written(blobs, at("b"), b"of somebody else")
    odd, new = at(path), at("new")
    acts: list[Callable[[], object]] = [
        lambda: blobs.read(odd),
        lambda: blobs.stat(odd),
        lambda: blobs.list_file(odd),
        lambda: blobs.create(odd, b""),
        lambda: blobs.replace(odd, b"", etag=None),
        lambda: blobs.delete(odd),
        lambda: copy(blobs, odd, new, file),
        lambda: copy(blobs, at("b"), odd, file),
    ]

    for act in acts:
        with pytest.raises(InputRefused, match=r"is not used: a path has no empty, \. or \.\. segment"):
            act()
    assert names(blobs.list_below(at(""))) == ["b"]
    assert blobs.stat(at("b")) == file


def test_what_is_not_there_is_none(blobs: Blobs, at: Place) -> None:
    assert blobs.read(at("nothing")) is None
    assert blobs.stat(at("nothing")) is None
    assert blobs.list_folder(at("nothing")).files == ()
    blobs.delete(at("nothing"))


def test_a_blob_is_replaced_only_over_the_version_that_was_read(blobs: Blobs, at: Place) -> None:
    blobs.create(at("a"), b"1")
    first = blobs.read(at("a"))
    assert first is not None

    assert blobs.replace(at("a"), b"2", etag=first.etag) is True
    assert blobs.replace(at("a"), b"3", etag=first.etag) is False
    assert blobs.replace(at("a"), b"4", etag=None) is True

    last = blobs.read(at("a"))
    assert last is not None
    assert last.content == b"4"


def test_a_folder_lists_its_own_files_and_nothing_deeper(blobs: Blobs, at: Place) -> None:
    for name in ("in/a b.png", "in/ü#%+.png", "in/deeper/c.png", "inside.png"):
        blobs.create(at(name), b"x")

    listing = blobs.list_folder(at("in"))

    assert names(listing.files) == ["a b.png", "ü#%+.png"]
    assert names(blobs.list_below(at("in"))) == ["a b.png", "deeper/c.png", "ü#%+.png"]
    assert listing.has_folders
    assert not blobs.list_folder(at("in/deeper")).has_folders


def test_a_folder_is_listed_no_further_than_is_asked_for(blobs: Blobs, at: Place) -> None:
    for name in ("in/a", "in/b", "in/c", "in/d"):
        blobs.create(at(name), b"x")

    listings = {most: blobs.list_folder(at("in"), most=most) for most in (1, 3, 4, None)}

    assert {most: (names(listing.files), listing.is_cut) for most, listing in listings.items()} == {
        1: (["a", "b"], True),
        3: (["a", "b", "c", "d"], True),
        4: (["a", "b", "c", "d"], False),
        None: (["a", "b", "c", "d"], False),
    }


@pytest.mark.parametrize("megabytes", [0, 1, 9])
def test_a_document_is_written_from_a_file_as_from_its_bytes(blobs: Blobs, at: Place, megabytes: int) -> None:
    content = bytes(megabytes * 2**20)
    with document([content]) as pieces, document([b"other"]) as others:
        assert blobs.create(at("a"), pieces) is True
        assert blobs.create(at("a"), others) is False

    written = blobs.read(at("a"))

    assert written is not None
    assert written.content == content


@pytest.mark.parametrize("folder", ["50%25", "a&b=c", "#1?", "a+b", "a b", "ä", "100%", "%2e%2e", "'\"<>"])
def test_a_folder_is_listed_whatever_its_name_has_to_be_in_a_url(blobs: Blobs, at: Place, folder: str) -> None:
    blobs.create(at(f"{folder}/x/1"), b"1")
    blobs.create(at(f"{folder}/2"), b"2")
    blobs.create(at("50%/3"), b"3")

    listing = blobs.list_folder(at(folder))

    assert (names(listing.files), listing.has_folders) == (["2"], True)
    assert names(blobs.list_below(at(folder))) == ["2", "x/1"]
    prefix = f"{at(folder).path}/"
    assert list(blobs.names(at(folder).container, prefix)) == [f"{prefix}2", f"{prefix}x/1"]
    assert list(blobs.names(at(folder).container, prefix, folders=True)) == ["x"]


def test_a_listing_tells_what_a_file_is_and_when_the_service_looked(blobs: Blobs, at: Place) -> None:
    blobs.create(at("in/a"), b"12345")

    listing = blobs.list_folder(at("in"))

    (file,) = listing.files
    assert file.size == 5
    assert file.md5 == "gnzLDuqKcGxMNKFokfhOew=="
    assert [file] == list(blobs.list_below(at("in")))
    assert timedelta(0) <= listing.seen_at - file.modified < timedelta(seconds=60)


def test_a_file_by_itself_is_what_a_listing_of_its_folder_says_of_it(blobs: Blobs, at: Place) -> None:
    for name in ("in/a", "in/a1", "in/a ü#%+.png", "in/a/deeper"):
        blobs.create(at(name), name.encode())
    listed = {file.name: file for file in blobs.list_folder(at("in")).files}

    for name in ("a", "a1", "a ü#%+.png"):
        listing = blobs.list_file(at(f"in/{name}"))

        assert listing.files == (listed[name],)
        assert timedelta(0) <= listing.seen_at - listed[name].modified < timedelta(seconds=60)


def test_a_file_that_is_not_there_is_none_and_the_service_tells_its_time_all_the_same(blobs: Blobs, at: Place) -> None:
    blobs.create(at("in/a1"), b"")

    for name in ("in/a", "in"):
        listing = blobs.list_file(at(name))

        assert listing.files == ()
        assert abs(listing.seen_at - datetime.now(UTC)) < timedelta(seconds=60)


def test_what_is_below_a_folder_can_be_read_in_part(blobs: Blobs, at: Place) -> None:
    for number in range(5):
        blobs.create(at(f"in/{number}/a"), b"")

    assert names(itertools.islice(blobs.list_below(at("in")), 2)) == ["0/a", "1/a"]


def test_pages_name_what_begins_with_a_prefix_by_its_path(blobs: Blobs, at: Place) -> None:
    for path in ("in/a", "in/deeper/b", "inside/c", "out/d"):
        blobs.create(at(path), b"x")
    place = at("in")

    (page,) = blobs.pages(place.container, place.path)

    root = place.path.removesuffix("in")
    assert [file.name.removeprefix(root) for file in page.files] == ["in/a", "in/deeper/b", "inside/c"]
    assert (page.at, page.next) == (None, None)
    assert page.files[0] == blobs.stat(at("in/a"))


def test_equal_bytes_written_again_have_the_same_md5_and_another_etag(blobs: Blobs, at: Place) -> None:
    blobs.create(at("a"), b"same")
    first = blobs.stat(at("a"))
    blobs.replace(at("a"), b"same", etag=None)
    second = blobs.stat(at("a"))

    assert first is not None
    assert second is not None
    assert first.md5 == second.md5 is not None
    assert first.etag != second.etag


def test_a_blob_is_deleted_only_in_the_version_that_was_seen(blobs: Blobs, at: Place) -> None:
    first = written(blobs, at("a"), b"1")
    second = written(blobs, at("a"), b"2")

    blobs.delete(at("a"), etag=first.etag)
    assert blobs.stat(at("a")) == second

    blobs.delete(at("a"), etag=second.etag)
    assert blobs.stat(at("a")) is None
    blobs.delete(at("a"), etag=second.etag)  # gone already


def test_a_blob_is_deleted_in_the_version_that_a_listing_or_a_read_has_told(blobs: Blobs, at: Place) -> None:
    written(blobs, at("in/listed"), b"1")
    written(blobs, at("in/read"), b"2")
    listed = {file.name: file.etag for file in blobs.list_below(at("in"))}
    stored = blobs.read(at("in/read"))
    assert stored is not None

    blobs.delete(at("in/listed"), etag=listed["listed"])
    blobs.delete(at("in/read"), etag=stored.etag)

    assert list(blobs.list_below(at("in"))) == []


def test_without_a_version_whatever_is_there_is_deleted(blobs: Blobs, at: Place) -> None:
    written(blobs, at("a"), b"1")
    written(blobs, at("a"), b"2")

    blobs.delete(at("a"))

    assert blobs.stat(at("a")) is None


@pytest.mark.parametrize("size", [0, 10, 1000, 1001, 2500], ids=lambda size: f"{size} bytes")
def test_a_copy_has_the_bytes_of_its_source(blobs: Blobs, at: Place, size: int) -> None:
    content = bytes(i % 251 for i in range(size))
    source = written(blobs, at("source ü.csv"), content)

    assert copy(blobs, at("source ü.csv"), at("run_id=1/target.csv"), source) in MADE

    copied = blobs.read(at("run_id=1/target.csv"))
    assert copied is not None
    assert copied.content == content
    target = blobs.stat(at("run_id=1/target.csv"))
    assert target is not None
    assert target.md5 == source.md5


AT_ONCE_AND_IN_BLOCKS = pytest.mark.parametrize("size", [10, 1500], ids=["at once", "in blocks"])


@AT_ONCE_AND_IN_BLOCKS
def test_a_copy_of_a_version_that_is_gone_is_not_made(blobs: Blobs, at: Place, size: int) -> None:
    old = written(blobs, at("source"), b"1" * size)
    written(blobs, at("source"), b"2" * size)

    assert copy(blobs, at("source"), at("target"), old) is Copied.SOURCE_CHANGED
    assert blobs.stat(at("target")) is None


@AT_ONCE_AND_IN_BLOCKS
def test_a_copy_of_a_blob_that_is_gone_is_not_made(blobs: Blobs, at: Place, size: int) -> None:
    old = written(blobs, at("source"), b"1" * size)
    blobs.delete(at("source"))

    assert copy(blobs, at("source"), at("target"), old) is Copied.SOURCE_CHANGED
    assert blobs.stat(at("target")) is None


@AT_ONCE_AND_IN_BLOCKS
def test_a_copy_leaves_a_blob_that_is_there_as_it_is(blobs: Blobs, at: Place, size: int) -> None:
    source = written(blobs, at("source"), b"1" * size)
    there = written(blobs, at("target"), b"somebody else's")

    assert copy(blobs, at("source"), at("target"), source) is Copied.THERE

    assert blobs.stat(at("target")) == there
    stored = blobs.read(at("target"))
    assert stored is not None
    assert stored.content == b"somebody else's"


@AT_ONCE_AND_IN_BLOCKS
def test_a_copy_that_was_made_before_is_there_and_stays_as_it_is(blobs: Blobs, at: Place, size: int) -> None:
    """Its answer was lost, and the copy is asked for again."""
    source = written(blobs, at("source"), b"1" * size)
    copy(blobs, at("source"), at("target"), source)
    made = blobs.stat(at("target"))

    assert copy(blobs, at("source"), at("target"), source) is Copied.THERE
    assert blobs.stat(at("target")) == made


@AT_ONCE_AND_IN_BLOCKS
@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "changed"])
def test_a_blob_that_is_there_stays_whatever_became_of_the_source(
    blobs: Blobs, at: Place, size: int, is_gone: bool
) -> None:
    """Which of the two is told is left open: the service looks at one of them first."""
    old = written(blobs, at("source"), b"1" * size)
    there = written(blobs, at("target"), b"somebody else's")
    if is_gone:
        blobs.delete(at("source"))
    else:
        written(blobs, at("source"), b"2" * size)

    assert copy(blobs, at("source"), at("target"), old) in (Copied.THERE, Copied.SOURCE_CHANGED)
    assert blobs.stat(at("target")) == there


def test_names_come_in_order_and_folders_by_their_next_segment(blobs: Blobs, at: Place) -> None:
    for name in ("days/2026-01-02/b", "days/2026-01-01/c", "days/2026-01-01/a"):
        blobs.create(at(name), b"")
    folder = at("").path

    found = list(blobs.names(at("").container, f"{folder}/days/2026-01-01/"))

    assert [name.rpartition("/")[2] for name in found] == ["a", "c"]
    assert list(blobs.names(at("").container, f"{folder}/days/", folders=True)) == ["2026-01-01", "2026-01-02"]


def test_folders_are_told_by_what_follows_the_prefix_even_within_a_segment(blobs: Blobs, at: Place) -> None:
    for name in ("in/digits/a", "in/digits2/b/c", "in/digits.txt", "in/letters/d"):
        blobs.create(at(name), b"")
    folder, container = at("").path, at("").container

    assert list(blobs.names(container, f"{folder}/in/digits", folders=True)) == ["", "2"]
    assert list(blobs.names(container, f"{folder}/in/letters", folders=True)) == [""]
    assert list(blobs.names(container, f"{folder}/in/numbers", folders=True)) == []
