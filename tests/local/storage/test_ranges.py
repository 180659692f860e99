"""Ranges of a blob: the two forms that Azure takes, and what becomes of others."""

from __future__ import annotations

from typing import Any

import pytest
from azure.storage.blob import BlobClient

from local.addresses import ACCOUNT, ACCOUNT_KEY
from tests.local.storage.accounts import Accounts

VERSION = {"x-ms-version": "2024-08-04"}
DATA = b"0123456789"


@pytest.fixture
def blob(accounts: Accounts) -> BlobClient:
    with accounts.landing as landing:
        return landing.upload_blob("ranges/digits", DATA, overwrite=True)


def read(accounts: Accounts, name: str, headers: dict[str, str]) -> Any:
    headers = {**VERSION, "Authorization": accounts.bearer(), **headers}
    return accounts.request("GET", f"/{ACCOUNT}/landing/{name}", headers)


@pytest.mark.parametrize("header", ["Range", "x-ms-range"])
@pytest.mark.parametrize(
    ("asked", "status", "got"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=9-", 206, b"9"),
        ("bytes=-3", 200, DATA),
        ("items=1-2", 200, DATA),
        ("bytes=1-2,4-5", 200, DATA),
        ("bytes=4-2", 200, DATA),
        ("bytes=a-b", 200, DATA),
        ("bytes=", 200, DATA),
    ],
)
def test_a_range_that_azure_does_not_know_is_ignored(
    accounts: Accounts, blob: BlobClient, header: str, asked: str, status: int, got: bytes
) -> None:
    """Clients would repeat a 500 for minutes."""
    answer = read(accounts, "ranges/digits", {header: asked})

    assert (answer.status_code, answer.content) == (status, got)
    assert ("Content-Range" in answer.headers) is (status == 206)


@pytest.mark.parametrize("header", ["Range", "x-ms-range"])
@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-12", "bytes=11-"])
def test_a_range_that_begins_at_the_end_or_behind_it_is_refused(
    accounts: Accounts, blob: BlobClient, header: str, asked: str
) -> None:
    answer = read(accounts, "ranges/digits", {header: asked})

    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (416, "InvalidRange")
    assert answer.headers["Content-Range"] == "bytes */10"


def test_so_is_any_range_of_an_empty_blob_which_clients_read_all_the_same(accounts: Accounts) -> None:
    with accounts.landing as landing:
        empty = landing.upload_blob("ranges/empty", b"", overwrite=True)

        assert read(accounts, "ranges/empty", {"Range": "bytes=0-"}).status_code == 416
        assert empty.download_blob().readall() == b""


def test_it_is_ignored_for_page_blobs_and_files_of_the_data_lake_api_too(accounts: Accounts, lakes: Accounts) -> None:
    with accounts.landing as landing:
        pages = landing.get_blob_client("ranges/pages")
        pages.create_page_blob(512)
        pages.upload_page(b"x" * 512, 0, 512)
    lakes.lake().get_file_client("ranges/file").upload_data(DATA, overwrite=True)

    assert read(accounts, "ranges/pages", {"Range": "bytes=-3"}).content == b"x" * 512
    headers = {**VERSION, "Authorization": lakes.bearer(), "Range": "bytes=-3", "Host": f"{ACCOUNT}.dfs.localhost"}
    assert lakes.request("GET", "/landing/ranges/file", headers).content == DATA


def test_a_request_that_is_signed_with_the_key_keeps_its_range(accounts: Accounts, blob: BlobClient) -> None:
    """The signature covers the header, so it cannot be taken away before it is checked."""
    key = {"account_name": ACCOUNT, "account_key": ACCOUNT_KEY}
    seen: list[tuple[str, int]] = []

    def ask(request: Any) -> None:
        request.http_request.headers["x-ms-range"] = "bytes=-3"

    def note(response: Any) -> None:
        seen.append((response.http_request.headers["x-ms-range"], response.http_response.status_code))

    with accounts.container(ACCOUNT, "landing", credential=key) as landing:
        signed = landing.get_blob_client("ranges/digits")
        with pytest.raises(ValueError, match="Content-Range"):  # the SDK misses the range that it itself has asked for
            signed.download_blob(raw_request_hook=ask, raw_response_hook=note)

    assert seen == [("bytes=-3", 200)]


@pytest.mark.parametrize("source_range", ["bytes=-3", "items=1-2", "bytes=4-2"])
def test_a_block_is_not_made_of_more_than_was_asked_for(
    accounts: Accounts, blob: BlobClient, source_range: str
) -> None:
    asked = {"x-ms-copy-source": blob.url, "x-ms-source-range": source_range, "Content-Length": "0"}
    headers = {**VERSION, "Authorization": accounts.bearer(), **asked}

    answer = accounts.request("PUT", f"/{ACCOUNT}/landing/ranges/copy?comp=block&blockid=YQ==", headers)

    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (400, "InvalidHeaderValue")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("x-ms-range-get-content-crc64", "ask for x-ms-range-get-content-md5."),
        ("x-ms-encryption-key", "nothing is encrypted here with keys of clients."),
    ],
)
def test_what_azurite_has_not_is_refused_with_a_status_that_clients_do_not_retry(
    accounts: Accounts, lakes: Accounts, blob: BlobClient, header: str, said: str
) -> None:
    asked = {**VERSION, header: "true", "Range": "bytes=0-3"}
    answer = read(accounts, "ranges/digits", asked)
    headers = {**asked, "Authorization": lakes.bearer(), "Host": f"{ACCOUNT}.dfs.localhost"}
    of_lake = lakes.request("GET", "/landing/ranges/file", headers)

    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (501, "NotImplemented")
    assert f"{header} is not supported here: {said}" in answer.text
    assert (of_lake.status_code, of_lake.json()["error"]["code"]) == (501, "NotImplemented")
