"""What only the adapter for blob storage meets: accounts, tokens, and what happens while it copies."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.blob import BlobServiceClient, ContentSettings

from local.addresses import LAKEHOUSE_ACCOUNT, WORKSPACE_ACCOUNT
from local.identity.credential import LocalCredential
from local.tokens import Issuer
from shared.adapters.blobs import AzureBlobs
from shared.core.location import Container, Location
from shared.errors import Denied, Unavailable
from shared.ports import Blobs, Copied
from tests.contract.written import copy, names, written
from tests.local.azureml.cloud import Cloud


class Foreign(LocalCredential):
    """Shows everybody a token for Azure ML."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return super().get_token("https://ml.azure.com/.default")


class Nobody(LocalCredential):
    """Has no identity to show."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        raise ClientAuthenticationError("no identity here")


@dataclass
class Meddler:
    """A credential that does something when it is asked for a second token, once: blocks are being copied then."""

    credential: LocalCredential
    meddle: Callable[[], object]
    asked: Iterator[int] = field(default_factory=itertools.count)

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        if next(self.asked) == 1:
            self.meddle()
        return self.credential.get_token(*scopes, **options)


CALLS: Mapping[str, Callable[[Blobs, Location], object]] = {
    "list a folder": lambda blobs, blob: blobs.list_folder(blob),
    "list below": lambda blobs, blob: list(blobs.list_below(blob)),
    "list a file": lambda blobs, blob: blobs.list_file(blob),
    "names": lambda blobs, blob: list(blobs.names(blob.container, "x")),
    "names of folders": lambda blobs, blob: list(blobs.names(blob.container, "x", folders=True)),
    "stat": lambda blobs, blob: blobs.stat(blob),
    "read": lambda blobs, blob: blobs.read(blob),
    "create": lambda blobs, blob: blobs.create(blob, b""),
    "replace": lambda blobs, blob: blobs.replace(blob, b"", etag=None),
    "replace a version": lambda blobs, blob: blobs.replace(blob, b"", etag="0x1"),
    "delete": lambda blobs, blob: blobs.delete(blob),
    "copy at once": lambda blobs, blob: blobs.copy(blob, blob.at("copy"), etag="0x1", size=10, md5=None),
    "copy in blocks": lambda blobs, blob: blobs.copy(blob, blob.at("copy"), etag="0x1", size=1500, md5=None),
}
EVERY_CALL = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@pytest.fixture
def azure(cloud: Cloud) -> Iterator[AzureBlobs]:
    with closing(AzureBlobs(LocalCredential.of(cloud.state), one_request=1000, block=400)) as azure:
        yield azure


@pytest.fixture
def datastore(cloud: Cloud) -> Container:
    return Container(cloud.addresses.account_url(WORKSPACE_ACCOUNT), "azureml-blobstore-local")


@pytest.fixture
def break_storage(cloud: Cloud) -> Iterator[Callable[..., None]]:
    """Have storage answer every request so, until the test is over."""
    faults = f"{cloud.addresses.storage}/_faults"

    def put(**action: Any) -> None:
        cloud.http.put(faults, json=[{"action": action}]).raise_for_status()

    yield put
    cloud.http.delete(faults).raise_for_status()


def test_a_copy_goes_from_one_account_to_another_by_token(
    azure: AzureBlobs, datastore: Container, cloud: Cloud
) -> None:
    source = Location(datastore, "x/y.csv")
    target = Location(Container(cloud.addresses.account_url(LAKEHOUSE_ACCOUNT), "lakehouse"), "x/run_id=1/y.csv")
    found = written(azure, source, b"1,2\n")

    assert copy(azure, source, target, found) is Copied.MADE

    copied = azure.stat(target)
    assert copied is not None
    assert (copied.size, copied.md5) == (4, found.md5)


@pytest.mark.parametrize("size", [10, 1500], ids=["at once", "in blocks"])
def test_a_copy_keeps_the_content_type_and_the_metadata(
    azure: AzureBlobs, datastore: Container, cloud: Cloud, size: int
) -> None:
    """Copies in blocks lost both: they were octets of nobody's."""
    source, target = Location(datastore, f"typed/source-{size}"), Location(datastore, f"typed/target-{size}")
    with BlobServiceClient(datastore.account_url, LocalCredential.of(cloud.state)) as service:
        container = service.get_container_client(datastore.name)
        settings = ContentSettings(content_type="text/csv")
        container.upload_blob(source.path, b"1" * size, content_settings=settings, metadata={"sent_by": "sensor"})
        version = azure.stat(source)
        assert version is not None

        assert copy(azure, source, target, version) is Copied.MADE

        copied = container.get_blob_client(target.path).get_blob_properties()
    assert (copied.content_settings.content_type, copied.metadata) == ("text/csv", {"sent_by": "sensor"})


def test_a_blob_that_comes_while_blocks_are_copied_stays_as_it_is(
    azure: AzureBlobs, datastore: Container, cloud: Cloud
) -> None:
    source, target = Location(datastore, "meddled/source-1"), Location(datastore, "meddled/target-1")
    version = written(azure, source, b"1" * 1500)
    meddler = Meddler(LocalCredential.of(cloud.state), lambda: written(azure, target, b"somebody else's"))

    with closing(AzureBlobs(meddler, one_request=1000, block=400)) as blobs:
        assert copy(blobs, source, target, version) is Copied.THERE

    stored = azure.read(target)
    assert stored is not None
    assert stored.content == b"somebody else's"


def test_a_source_that_changes_while_its_blocks_are_copied_is_told_and_nothing_is_made(
    azure: AzureBlobs, datastore: Container, cloud: Cloud
) -> None:
    source, target = Location(datastore, "meddled/source-2"), Location(datastore, "meddled/target-2")
    version = written(azure, source, b"1" * 1500)
    meddler = Meddler(LocalCredential.of(cloud.state), lambda: written(azure, source, b"2" * 1500))

    with closing(AzureBlobs(meddler, one_request=1000, block=400)) as blobs:
        assert copy(blobs, source, target, version) is Copied.SOURCE_CHANGED

    assert azure.stat(target) is None


def test_folder_markers_are_not_files(azure: AzureBlobs, datastore: Container, cloud: Cloud) -> None:
    with BlobServiceClient(datastore.account_url, LocalCredential.of(cloud.state)) as service:
        client = service.get_container_client(datastore.name)
        client.upload_blob("marked/sub", b"", metadata={"hdi_isfolder": "true"})
        client.upload_blob("marked/sub/a.txt", b"1")
        client.upload_blob("marked/b.txt", b"2")

    assert names(azure.list_folder(Location(datastore, "marked")).files) == ["b.txt"]
    assert names(azure.list_below(Location(datastore, "marked"))) == ["b.txt", "sub/a.txt"]
    assert list(azure.names(datastore, "marked/")) == ["marked/b.txt", "marked/sub/a.txt"]
    assert list(azure.names(datastore, "marked/", folders=True)) == ["sub"]
    assert azure.stat(Location(datastore, "marked/sub")) is None
    assert azure.list_file(Location(datastore, "marked/sub")).files == ()
    assert azure.list_folder(Location(datastore, "marked")).has_folders


def test_a_file_by_itself_costs_one_request_whatever_else_is_in_its_folder(
    azure: AzureBlobs, datastore: Container, cloud: Cloud
) -> None:
    """It was found by listing its name as a prefix: `a` listed `a1` to `a9999`, too."""
    for name in ("a", *(f"a{number}" for number in range(20)), "b"):
        azure.create(Location(datastore, f"many/{name}"), b"")
    faults = f"{cloud.addresses.storage}/_faults"
    rules = [{"match": match, "action": {"delay_ms": 0}} for match in ({"method": "HEAD", "path": "/many/a$"}, {})]
    cloud.http.put(faults, json=rules).raise_for_status()

    azure.list_file(Location(datastore, "many/a"))

    own, any_other = cloud.http.get(faults).json()
    cloud.http.delete(faults).raise_for_status()
    assert (own["fired"], any_other["fired"]) == (1, 0)


def test_a_container_that_is_not_there_is_trouble_and_not_an_empty_folder(
    azure: AzureBlobs, datastore: Container
) -> None:
    nowhere = Location(Container(datastore.account_url, "nowhere"), "x")

    for call in (azure.list_folder, azure.list_file, azure.read, lambda blob: azure.create(blob, b"")):
        with pytest.raises(Unavailable, match="ContainerNotFound") as trouble:
            call(nowhere)
        assert not isinstance(trouble.value, Denied)


@EVERY_CALL
def test_who_is_not_let_in_is_denied_and_not_only_told_of_trouble(
    datastore: Container, cloud: Cloud, call: Callable[[Blobs, Location], object]
) -> None:
    """A role that is new takes a while to be felt, so that patience with it differs."""
    with (
        closing(AzureBlobs(Foreign(Issuer.of(cloud.state)), one_request=1000, block=400)) as foreign,
        pytest.raises(
            Denied, match=r"Could not .*/azureml-blobstore-local/x.*: 401 .* Storage Blob Data (Reader|Contributor)"
        ),
    ):
        call(foreign, Location(datastore, "x"))


@EVERY_CALL
def test_who_has_no_role_is_denied(
    azure: AzureBlobs,
    datastore: Container,
    break_storage: Callable[..., None],
    call: Callable[[Blobs, Location], object],
) -> None:
    break_storage(status=403, headers={"x-ms-error-code": "AuthorizationPermissionMismatch"})

    with pytest.raises(
        Denied, match=r": 403 AuthorizationPermissionMismatch\. .* Storage Blob Data (Reader|Contributor)"
    ):
        call(azure, Location(datastore, "x"))


def test_without_an_identity_the_trouble_says_so(datastore: Container, cloud: Cloud) -> None:
    """It said `None None`. (A copy asks for its token itself, so that the SDK does not try for minutes.)"""
    with (
        closing(AzureBlobs(Nobody(Issuer.of(cloud.state)))) as nobody,
        pytest.raises(Unavailable, match=r"Could not copy .*: no identity here"),
    ):
        CALLS["copy at once"](nobody, Location(datastore, "x"))
