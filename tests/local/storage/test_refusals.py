"""What the storage of the local cloud does not do, it says in the format of the API that it was asked by."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobClient, BlobServiceClient
from azure.storage.filedatalake import DataLakeFileClient

from local import tls
from local.addresses import ACCOUNT, LAKEHOUSE_ACCOUNT
from local.identity.credential import LocalCredential
from tests.local.storage.accounts import Accounts, code_of
from tests.local.storage.test_paths import written

VERSION = {"x-ms-version": "2024-08-04"}


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda blob: blob.undelete_blob(), "Undelete Blob is not supported here: nothing that was deleted is kept."),
        (
            lambda blob: blob.query_blob("SELECT * from BlobStorage").readall(),
            "Query Blob Contents is not supported here: download the blob, and look for the rows there.",
        ),
    ],
    ids=["undelete", "query"],
)
def test_undelete_and_query_are_refused_with_a_status_that_clients_do_not_retry(
    accounts: Accounts, ask: Callable[[BlobClient], Any], said: str
) -> None:
    """Azurite answers 500 without a word, which clients tried again for minutes."""
    with accounts.landing as landing:
        blob = landing.upload_blob("refused/rows.csv", b"1", overwrite=True)

        with pytest.raises(HttpResponseError) as refused:
            ask(blob)

    assert (refused.value.status_code, code_of(refused.value)) == (501, "NotImplemented")
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    "ask",
    [
        lambda file: file.set_access_control(permissions="rwx------"),
        lambda file: file.query_file("SELECT * from BlobStorage").readall(),
        lambda file: file.set_file_expiry("NeverExpire"),
    ],
    ids=["access control", "query", "expiry"],
)
def test_a_client_of_the_data_lake_api_reads_why_it_is_refused(
    lakes: Accounts, ask: Callable[[DataLakeFileClient], Any]
) -> None:
    file = written(lakes, "refused/file")

    with pytest.raises(HttpResponseError, match="is not supported here") as refused:
        ask(file)

    assert refused.value.status_code == 501


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "said"),
    [
        ("POST", "/landing/x", 400, "InvalidInput", "Azurite does not know POST,"),
        ("PUT", "/landing/x?comp=nothing", 400, "InvalidInput", "Azurite does not know PUT comp=nothing,"),
        ("PUT", "/landing/x?comp=tier", 400, "InvalidInput", "misses a parameter or a header"),
        ("GET", "?comp=nothing", 400, "InvalidInput", "Azurite does not know GET comp=nothing,"),
        ("POST", "?restype=service&comp=userdelegationkey", 501, "NotImplemented", "sign with the account key"),
        ("PUT", "/landing?restype=container&comp=undelete", 501, "NotImplemented", "nothing that was deleted is kept"),
    ],
)
def test_the_blob_api_refuses_in_xml(
    accounts: Accounts, method: str, path: str, status: int, code: str, said: str
) -> None:
    answer = accounts.request(method, f"/{ACCOUNT}{path}", {**VERSION, "Authorization": accounts.bearer()})

    error = ElementTree.fromstring(answer.content)
    assert (answer.status_code, error.findtext("Code"), answer.headers["x-ms-error-code"]) == (status, code, code)
    assert said in (error.findtext("Message") or "")


@pytest.mark.parametrize(
    ("method", "path", "headers", "said"),
    [
        ("PATCH", "/x?action=setAccessControl", {}, "not supported here: PATCH action=setAccessControl"),
        ("POST", "/x", {"x-ms-lease-action": "acquire"}, "not supported here: POST x-ms-lease-action: acquire"),
        ("GET", "?resource=filesystem", {}, "not supported here: GET resource=filesystem"),
    ],
)
def test_the_data_lake_api_refuses_in_json_and_names_what_was_asked(
    lakes: Accounts, method: str, path: str, headers: dict[str, str], said: str
) -> None:
    headers = {**VERSION, "Authorization": lakes.bearer(), **headers}

    answer = lakes.request(method, f"/{LAKEHOUSE_ACCOUNT}/lakehouse{path}", headers)

    error = json.loads(answer.content)["error"]
    assert (answer.status_code, error["code"], answer.headers["x-ms-error-code"]) == (501, *("NotImplemented",) * 2)
    assert said in error["message"]


def test_blobs_are_found_by_their_tags_in_a_container_and_in_the_whole_account(accounts: Accounts) -> None:
    with accounts.landing as landing:
        landing.upload_blob("tagged/a", b"", tags={"batch": "7"})
        landing.upload_blob("tagged/b", b"", tags={"batch": "8"})
        trusted = str(tls.authority(accounts.state))
        url, credential = accounts.where.account_url(ACCOUNT), LocalCredential.of(accounts.state)
        with BlobServiceClient(url, credential, connection_verify=trusted, retry_total=0) as account:
            for level in (landing, account):
                (found,) = level.find_blobs_by_tags("\"batch\" = '7'")

                assert (found.container_name, found.name, found.tags) == ("landing", "tagged/a", {"batch": "7"})


def test_an_append_blob_is_sealed_by_who_comes_with_a_token(accounts: Accounts) -> None:
    with accounts.landing as landing:
        blob = landing.get_blob_client("sealed.log")
        blob.create_append_blob()
        blob.append_block(b"the end")

        blob.seal_append_blob()

        with pytest.raises(HttpResponseError) as refused:
            blob.append_block(b"more")

    assert refused.value.status_code == 409
