"""Lists of blobs: what the adapter reads in an answer, whatever it holds, against the reading of the SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient

from local.addresses import WORKSPACE_ACCOUNT
from local.identity.credential import LocalCredential
from shared.adapters.blobs import AzureBlobs
from shared.core.location import Container, Location
from shared.errors import Denied, Unavailable
from tests.local.azureml.cloud import Cloud

ODD_NAMES = ["a b", "ä&<>'\".csv", "100%", "a+b#?", "two\nlines", " spaces ", "日本", "\U0001d4b3", "é\u0301"]


@pytest.fixture
def azure(cloud: Cloud) -> Iterator[AzureBlobs]:
    with closing(AzureBlobs(LocalCredential.of(cloud.state))) as blobs:
        yield blobs


@pytest.fixture
def datastore(cloud: Cloud) -> Container:
    return Container(cloud.addresses.account_url(WORKSPACE_ACCOUNT), "azureml-blobstore-local")


@pytest.fixture
def answers(cloud: Cloud) -> Iterator[Callable[..., None]]:
    faults = f"{cloud.addresses.storage}/_faults"

    def put(*actions: dict[str, Any]) -> None:
        match = {"method": "GET", "path": "/azureml-blobstore-local$"}
        rules = [{"match": match, "action": action, "times": 1} for action in actions]
        cloud.http.put(faults, json=rules).raise_for_status()

    yield put
    cloud.http.delete(faults).raise_for_status()


def test_what_is_listed_is_what_the_sdk_lists(azure: AzureBlobs, datastore: Container, cloud: Cloud) -> None:
    with BlobServiceClient(datastore.account_url, LocalCredential.of(cloud.state)) as service:
        client = service.get_container_client(datastore.name)
        for name in ODD_NAMES:
            client.upload_blob(f"listed/{name}", name.encode(), metadata={"a": "b"})
        client.upload_blob("listed/empty", b"")
        client.upload_blob("listed/marker/", b"")
        client.upload_blob("listed/filled-marker", b"6 byte", metadata={"hdi_isfolder": "true"})
        wanted = {
            blob.name: (blob.etag, blob.size, blob.last_modified)
            for blob in client.list_blobs("listed/")
            if blob.name != "listed/marker/"
        }

    found = {f"listed/{file.name}": (file.etag, file.size, file.modified) for file in azure.list_below(at(datastore))}

    assert found == wanted
    assert "listed/filled-marker" in found


def at(container: Container) -> Location:
    return Location(container, "listed")


PAGE = """<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>{}</Blobs>{}</EnumerationResults>"""
BLOB = (
    "<Blob><Name{}>listed/{}</Name><Properties><Last-Modified>Tue, 24 Nov 2026 10:00:00 GMT</Last-Modified>"
    "<Etag>0x1</Etag><Content-Length>{}</Content-Length><Content-MD5/></Properties>{}</Blob>"
)


def page(*blobs: str, marker: str = "<NextMarker/>") -> dict[str, Any]:
    return {"status": 200, "body": PAGE.format("".join(blobs), marker), "headers": {"Content-Type": "application/xml"}}


def test_names_that_xml_cannot_hold_come_encoded(
    azure: AzureBlobs, datastore: Container, answers: Callable[..., None]
) -> None:
    answers(page(BLOB.format(' Encoded="true"', "a%EF%BF%BE%2541", 1, ""), BLOB.format("", "b%41", 1, "")))

    assert [file.name for file in azure.list_below(at(datastore))] == ["a\ufffe%41", "b%41"]


def test_a_file_is_read_with_what_is_told_of_it_and_without_an_md5_where_there_is_none(
    azure: AzureBlobs, datastore: Container, answers: Callable[..., None]
) -> None:
    answers(page(BLOB.format("", "a", 7, "<Metadata><x>y</x></Metadata>")))

    (file,) = azure.list_below(at(datastore))

    assert (file.name, file.etag, file.size, file.md5) == ("a", "0x1", 7, None)
    assert file.modified == datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_pages_are_followed_to_the_last(azure: AzureBlobs, datastore: Container, answers: Callable[..., None]) -> None:
    more = "<NextMarker>next</NextMarker>"
    pages = [page(BLOB.format("", "a", 1, ""), marker=more), page(marker=more), page(BLOB.format("", "b", 1, ""))]
    answers(*pages)

    assert [file.name for file in azure.list_below(at(datastore))] == ["a", "b"]


def test_a_list_goes_on_where_a_page_of_it_began(
    azure: AzureBlobs, datastore: Container, answers: Callable[..., None]
) -> None:
    more = "<NextMarker>third</NextMarker>"
    answers(page(BLOB.format("", "b", 1, ""), marker=more), page(BLOB.format("", "c", 1, "")))

    pages = list(azure.pages(datastore, "", at="second"))

    assert [(one.at, one.next, [file.name for file in one.files]) for one in pages] == [
        ("second", "third", ["listed/b"]),
        ("third", None, ["listed/c"]),
    ]


def test_a_place_in_a_list_that_the_service_does_not_know_any_more_is_its_beginning(
    azure: AzureBlobs, datastore: Container, answers: Callable[..., None]
) -> None:
    unknown = {"status": 400, "headers": {"x-ms-error-code": "InvalidQueryParameterValue"}}
    answers(unknown, page(BLOB.format("", "a", 1, "")))

    (only,) = azure.pages(datastore, "", at="long ago")

    assert (only.at, [file.name for file in only.files]) == (None, ["listed/a"])


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html><body>a proxy's page</body></html>",
        "<EnumerationResults>",
        '{"value": []}',
        PAGE.format("<Blob/>", ""),
        PAGE.format(BLOB.format("", "a", "many", ""), ""),
        PAGE.format(BLOB.format("", "a", 1, "").replace("Tue, 24 Nov 2026", "someday"), ""),
    ],
)
def test_an_answer_that_is_no_list_is_trouble_and_not_an_empty_folder(
    azure: AzureBlobs, datastore: Container, answers: Callable[..., None], body: str
) -> None:
    answers({"status": 200, "body": body})

    with pytest.raises(Unavailable, match="did not answer with a list of blobs"):
        list(azure.list_below(at(datastore)))


def test_what_passes_is_asked_again(azure: AzureBlobs, datastore: Container, answers: Callable[..., None]) -> None:
    answers({"status": 503, "headers": {"x-ms-error-code": "ServerBusy"}}, page(BLOB.format("", "a", 1, "")))

    assert [file.name for file in azure.list_below(at(datastore))] == ["a"]


def test_a_refusal_is_told_with_its_code(azure: AzureBlobs, datastore: Container, answers: Callable[..., None]) -> None:
    answers({"status": 403, "headers": {"x-ms-error-code": "AuthorizationPermissionMismatch"}})

    with pytest.raises(Denied, match="403 AuthorizationPermissionMismatch") as denied:
        list(azure.list_below(at(datastore)))
    assert isinstance(denied.value.__cause__, AzureError)
