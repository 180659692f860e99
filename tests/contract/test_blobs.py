"""What the `Blobs` port promises, kept by the fake that tests rely on and by the adapter over real HTTP."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient

from local.addresses import LAKEHOUSE_ACCOUNT, WORKSPACE_ACCOUNT
from local.identity.credential import LocalCredential
from local.tokens import Issuer
from shared.adapters.blobs import AzureBlobs
from shared.core.location import Container, Location
from shared.core.snapshot import File
from shared.errors import Unavailable
from shared.ports import Blobs, Copied
from tests.fakes import FakeBlobs
from tests.local.azureml.cloud import Cloud

_numbers = itertools.count()
Place = Callable[[str], Location]


@pytest.fixture(params=["fake", "azure"])
def blobs(request: pytest.FixtureRequest) -> Iterator[Blobs]:
    if request.param == "fake":
        yield FakeBlobs(lambda: datetime.now(UTC))
        return
    cloud: Cloud = request.getfixturevalue("cloud")
    with closing(AzureBlobs(LocalCredential.of(cloud.state), one_request=1000, block=400)) as azure:
        yield azure


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


def names(files: Iterable[File]) -> list[str]:
    return sorted(file.name for file in files)


def test_a_created_blob_is_read_back_and_not_created_twice(blobs: Blobs, at: Place) -> None:
    assert blobs.create(at("a.json"), b"first") is True
    assert blobs.create(at("a.json"), b"second") is False

    stored = blobs.read(at("a.json"))

    assert stored is not None
    assert stored.content == b"first"


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
    assert names(blobs.list_folder(at("in"), "a").files) == ["a b.png"]


def test_a_listing_tells_what_a_file_is_and_when_the_service_looked(blobs: Blobs, at: Place) -> None:
    blobs.create(at("in/a"), b"12345")

    listing = blobs.list_folder(at("in"))

    (file,) = listing.files
    assert file.size == 5
    assert file.md5 == "gnzLDuqKcGxMNKFokfhOew=="
    assert file == blobs.list_below(at("in"))[0]
    assert timedelta(0) <= listing.seen_at - file.modified < timedelta(seconds=60)


def test_equal_bytes_written_again_have_the_same_md5_and_another_etag(blobs: Blobs, at: Place) -> None:
    blobs.create(at("a"), b"same")
    first = blobs.stat(at("a"))
    blobs.replace(at("a"), b"same", etag=None)
    second = blobs.stat(at("a"))

    assert first is not None
    assert second is not None
    assert first.md5 == second.md5 is not None
    assert first.etag != second.etag


@pytest.mark.parametrize("size", [0, 10, 1000, 1001, 2500], ids=lambda size: f"{size} bytes")
def test_a_copy_has_the_bytes_of_its_source(blobs: Blobs, at: Place, size: int) -> None:
    content = bytes(i % 251 for i in range(size))
    blobs.create(at("source ü.csv"), content)
    source = blobs.stat(at("source ü.csv"))
    assert source is not None

    target = at("run_id=1/target.csv")
    assert blobs.copy(at("source ü.csv"), target, etag=source.etag, size=size, md5=source.md5) is Copied.MADE

    copied = blobs.read(target)
    assert copied is not None
    assert copied.content == content
    there = blobs.stat(target)
    assert there is not None
    assert there.md5 == source.md5


@pytest.mark.parametrize("size", [10, 1500], ids=["at once", "in blocks"])
def test_a_copy_of_a_version_that_is_gone_is_not_made(blobs: Blobs, at: Place, size: int) -> None:
    blobs.create(at("source"), b"1" * size)
    old = blobs.stat(at("source"))
    assert old is not None
    blobs.replace(at("source"), b"2" * size, etag=None)

    assert blobs.copy(at("source"), at("target"), etag=old.etag, size=size, md5=old.md5) is Copied.SOURCE_CHANGED
    assert blobs.stat(at("target")) is None
    blobs.delete(at("source"))
    assert blobs.copy(at("source"), at("target"), etag=old.etag, size=10, md5=None) is Copied.SOURCE_CHANGED


@pytest.mark.parametrize("size", [10, 1500], ids=["at once", "in blocks"])
def test_a_copy_never_touches_what_is_there(blobs: Blobs, at: Place, size: int) -> None:
    blobs.create(at("source"), b"1" * size)
    source = blobs.stat(at("source"))
    assert source is not None
    blobs.create(at("target"), b"sealed")
    before = blobs.stat(at("target"))

    assert blobs.copy(at("source"), at("target"), etag=source.etag, size=size, md5=source.md5) is Copied.THERE
    assert blobs.stat(at("target")) == before


def test_only_the_version_that_was_seen_is_removed(blobs: Blobs, at: Place) -> None:
    blobs.create(at("leftover"), b"old")
    old = blobs.stat(at("leftover"))
    assert old is not None
    blobs.replace(at("leftover"), b"new", etag=None)

    blobs.delete(at("leftover"), etag=old.etag)
    new = blobs.stat(at("leftover"))
    assert new is not None

    blobs.delete(at("leftover"), etag=new.etag)
    assert blobs.stat(at("leftover")) is None


def test_names_come_in_order_and_folders_by_their_next_segment(blobs: Blobs, at: Place) -> None:
    for name in ("days/2026-01-02/b", "days/2026-01-01/c", "days/2026-01-01/a"):
        blobs.create(at(name), b"")
    folder = at("").path

    found = list(blobs.names(at("").container, f"{folder}/days/2026-01-01/"))

    assert [name.rpartition("/")[2] for name in found] == ["a", "c"]
    assert list(blobs.names(at("").container, f"{folder}/days/", folders=True)) == ["2026-01-01", "2026-01-02"]


class TestOnlyOverHttp:
    """What only the adapter meets."""

    @pytest.fixture
    def azure(self, cloud: Cloud) -> Iterator[AzureBlobs]:
        with closing(AzureBlobs(LocalCredential.of(cloud.state))) as azure:
            yield azure

    @pytest.fixture
    def datastore(self, cloud: Cloud) -> Container:
        return Container(cloud.addresses.account_url(WORKSPACE_ACCOUNT), "azureml-blobstore-local")

    def test_a_copy_goes_from_one_account_to_another_by_token(
        self, azure: AzureBlobs, datastore: Container, cloud: Cloud
    ) -> None:
        source = Location(datastore, "x/y.csv")
        target = Location(Container(cloud.addresses.account_url(LAKEHOUSE_ACCOUNT), "lakehouse"), "x/run_id=1/y.csv")
        azure.create(source, b"1,2\n")
        found = azure.stat(source)
        assert found is not None

        assert azure.copy(source, target, etag=found.etag, size=4, md5=found.md5) is Copied.MADE

        copied = azure.stat(target)
        assert copied is not None
        assert (copied.size, copied.md5) == (4, found.md5)

    def test_folder_markers_are_not_files(self, azure: AzureBlobs, datastore: Container, cloud: Cloud) -> None:
        with BlobServiceClient(datastore.account_url, LocalCredential.of(cloud.state)) as service:
            client = service.get_container_client(datastore.name)
            client.upload_blob("marked/sub", b"", metadata={"hdi_isfolder": "true"})
            client.upload_blob("marked/sub/a.txt", b"1")
            client.upload_blob("marked/b.txt", b"2")

        assert names(azure.list_folder(Location(datastore, "marked")).files) == ["b.txt"]
        assert names(azure.list_below(Location(datastore, "marked"))) == ["b.txt", "sub/a.txt"]

    def test_a_container_that_is_not_there_is_trouble_and_not_an_empty_folder(
        self, azure: AzureBlobs, datastore: Container
    ) -> None:
        nowhere = Location(Container(datastore.account_url, "nowhere"), "x")

        for call in (azure.list_folder, azure.read, lambda blob: azure.create(blob, b"")):
            with pytest.raises(Unavailable, match="ContainerNotFound"):
                call(nowhere)

    def test_a_token_that_storage_refuses_is_trouble_in_plain_words(self, datastore: Container, cloud: Cloud) -> None:
        class Foreign(LocalCredential):
            def get_token(self, *scopes: str, **options: Any) -> AccessToken:
                return super().get_token("https://ml.azure.com/.default")

        with (
            closing(AzureBlobs(Foreign(Issuer.of(cloud.state)))) as foreign,
            pytest.raises(Unavailable, match=r"Could not list .*/azureml-blobstore-local/x: 401"),
        ):
            foreign.list_folder(Location(datastore, "x"))
