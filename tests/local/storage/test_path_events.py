"""What Event Grid is told of files and directories, on a landing account with a hierarchy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from local import addresses
from local.addresses import ACCOUNT
from local.storage.events import Occasion, PathApi, path_event
from local.storage.namespace import Entry
from tests.local.storage.accounts import Accounts
from tests.local.storage.test_paths import written

OCCASION = Occasion(sequence=26, now=datetime(2026, 1, 2, tzinfo=UTC), request_id="request", client_id="client")
ENTRY = Entry(
    name="a b/new.csv",
    is_directory=False,
    content_length=7,
    content_type="text/csv",
    blob_type="BlockBlob",
    etag='"0x8D"',
    last_modified="Fri, 02 Jan 2026 00:00:00 GMT",
)
NEW, OLD = (f"https://acct.dfs.localhost:1/box/a%20b/{name}.csv" for name in ("new", "old"))
WRITTEN = {
    "eTag": '"0x8D"',
    "contentType": "text/csv",
    "contentLength": 7,
    "contentOffset": 0,
    "blobType": "BlockBlob",
    "url": NEW,
}


@pytest.mark.parametrize(
    ("api", "event_type", "version", "told"),
    [
        (PathApi.CREATE_FILE, "BlobCreated", "2", WRITTEN),
        (PathApi.FLUSH_WITH_CLOSE, "BlobCreated", "2", WRITTEN),
        (PathApi.RENAME_FILE, "BlobRenamed", "1", {"destinationUrl": NEW, "sourceUrl": OLD}),
        (PathApi.DELETE_FILE, "BlobDeleted", "2", {"contentType": "text/csv", "blobType": "BlockBlob", "url": NEW}),
        (PathApi.CREATE_DIRECTORY, "DirectoryCreated", "1", {"url": NEW}),
        (PathApi.RENAME_DIRECTORY, "DirectoryRenamed", "1", {"destinationUrl": NEW, "sourceUrl": OLD}),
        (PathApi.DELETE_DIRECTORY, "DirectoryDeleted", "1", {"url": NEW, "recursive": "true"}),
    ],
)
def test_an_event_has_the_shape_that_azure_documents(
    api: PathApi, event_type: str, version: str, told: dict[str, Any]
) -> None:
    url = "https://acct.dfs.localhost:1"

    event = path_event(api, "box", ENTRY, OCCASION, account_url=url, source=("box", "a b/old.csv"), recursive=True)

    del event["data"]["storageDiagnostics"]
    assert event["eventType"] == f"Microsoft.Storage.{event_type}"
    assert event["subject"] == "/blobServices/default/containers/box/blobs/a b/new.csv"
    assert event["dataVersion"] == version
    assert event["data"] == {
        "api": api.value,
        "clientRequestId": "client",
        "requestId": "request",
        "sequencer": f"{26:032X}",
        **told,
    }


def apis(lakes: Accounts, name: str) -> list[tuple[str, str]]:
    return [(e["eventType"].removeprefix("Microsoft.Storage."), e["data"]["api"]) for e in lakes.events(name)]


def test_a_flush_is_told_only_if_it_closes_the_file(lakes: Accounts) -> None:
    file = lakes.lake().create_file("told/file")
    file.append_data(b"data", 0)
    file.flush_data(4)
    assert apis(lakes, "told/file") == [("BlobCreated", "CreateFile")]

    file.append_data(b"!", 4)
    file.flush_data(5, close=True)

    created, closed = lakes.events("told/file")
    assert (created["data"]["contentLength"], closed["data"]["contentLength"]) == (0, 5)
    assert closed["data"]["api"] == "FlushWithClose"
    assert closed["data"]["eTag"] == file.get_file_properties().etag
    assert created["data"]["sequencer"] < closed["data"]["sequencer"]


def test_a_rename_is_told_as_one_event_about_its_destination(lakes: Accounts) -> None:
    for name in ("1", "2"):
        written(lakes, f"told/_temporary/{name}")
    before = len(lakes.published)

    lakes.lake().get_directory_client("told/_temporary").rename_directory("landing/told/batch")
    lakes.lake().get_file_client("told/batch/1").rename_file("landing/told/batch/3")

    assert len(lakes.published) == before + 2
    assert apis(lakes, "told/batch") == [("DirectoryRenamed", "RenameDirectory")]
    assert apis(lakes, "told/batch/3") == [("BlobRenamed", "RenameFile")]
    (event,) = lakes.events("told/batch")
    port = addresses.port_of(lakes.where.storage)
    base = f"https://{ACCOUNT}.dfs.localhost:{port}/landing/told"
    assert (event["data"]["sourceUrl"], event["data"]["destinationUrl"]) == (f"{base}/_temporary", f"{base}/batch")


def test_directories_are_told_when_somebody_makes_or_deletes_them(lakes: Accounts) -> None:
    directory = lakes.lake().create_directory("told/directory/deep")
    written(lakes, "told/directory/deep/file").delete_file()
    directory.delete_directory()

    assert apis(lakes, "told/directory") == []
    assert apis(lakes, "told/directory/deep") == [
        ("DirectoryCreated", "CreateDirectory"),
        ("DirectoryDeleted", "DeleteDirectory"),
    ]
    assert apis(lakes, "told/directory/deep/file")[-1] == ("BlobDeleted", "DeleteFile")


def test_the_blob_api_is_told_as_on_any_other_account(lakes: Accounts) -> None:
    with lakes.landing as landing:
        landing.upload_blob("told/blob/put", b"x")

    (event,) = lakes.events("told/blob/put")
    assert (event["data"]["api"], event["dataVersion"]) == ("PutBlob", "")
    assert event["data"]["url"] == f"{lakes.where.account_url()}/landing/told/blob/put"
    assert apis(lakes, "told/blob") == []


def test_what_is_refused_and_what_other_accounts_do_is_not_told(lakes: Accounts) -> None:
    before = len(lakes.published)
    headers = {"x-ms-version": "2024-08-04", "Authorization": lakes.bearer(), "x-ms-rename-source": "/landing/nothing"}

    refused = lakes.request("PUT", f"/{ACCOUNT}/landing/told/nothing", headers)
    lakes.lake("lakehouse", "lakehouse").create_file("told/silent")

    assert refused.status_code == 404
    assert len(lakes.published) == before
