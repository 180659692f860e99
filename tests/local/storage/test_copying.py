"""Server-side copy between accounts, which Azurite lacks or does in its own way."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.storage.blob import BlobBlock, BlobClient, BlobSasPermissions, ContentSettings, generate_blob_sas

from local.addresses import ACCOUNT, ACCOUNT_KEY, LAKEHOUSE_ACCOUNT, port_of
from local.tokens import AZURE_ML
from tests.local.storage.accounts import Accounts, code_of

CSV = ContentSettings(content_type="text/csv", cache_control="no-cache", content_language="en")


def written(accounts: Accounts, name: str, data: bytes = b"a,b\n1,2\n") -> BlobClient:
    """A source in the landing account."""
    with accounts.landing as landing:
        return landing.upload_blob(name, data, content_settings=CSV, metadata={"Made": "here"})


def target(accounts: Accounts, name: str) -> BlobClient:
    """A destination in another account."""
    return accounts.lakehouse.get_blob_client(name)


def refusal(accounts: Accounts, name: str, source: str, **options: Any) -> HttpResponseError:
    options = {"source_authorization": accounts.bearer(), "overwrite": True, **options}
    with pytest.raises(HttpResponseError) as refused:
        target(accounts, name).upload_blob_from_url(source, **options)
    assert not target(accounts, name).exists()
    return refused.value


def test_put_blob_from_url_copies_content_properties_and_metadata(accounts: Accounts) -> None:
    source = written(accounts, "copy/a")

    answer = target(accounts, "copy/a").upload_blob_from_url(source.url, source_authorization=accounts.bearer())

    copy = target(accounts, "copy/a").get_blob_properties()
    assert target(accounts, "copy/a").download_blob().readall() == b"a,b\n1,2\n"
    assert answer["etag"] == copy.etag
    assert bytes(answer["content_md5"]) == hashlib.md5(b"a,b\n1,2\n").digest()
    assert (copy.content_settings.content_type, copy.content_settings.cache_control) == ("text/csv", "no-cache")
    assert copy.metadata == {"Made": "here"}


def test_a_copy_may_have_properties_and_metadata_of_its_own(accounts: Accounts) -> None:
    source = written(accounts, "copy/own")

    target(accounts, "copy/own").upload_blob_from_url(
        source.url,
        source_authorization=accounts.bearer(),
        metadata={"Run": "1"},
        content_settings=ContentSettings(content_type="text/plain"),
        include_source_blob_properties=False,
    )

    copy = target(accounts, "copy/own").get_blob_properties()
    assert (copy.content_settings.content_type, copy.content_settings.cache_control) == ("text/plain", None)
    assert copy.metadata == {"Run": "1"}


def test_an_existing_destination_is_kept_when_the_copy_must_be_new(accounts: Accounts) -> None:
    source = written(accounts, "copy/twice")
    target(accounts, "copy/twice").upload_blob(b"first")

    with pytest.raises(ResourceExistsError):
        target(accounts, "copy/twice").upload_blob_from_url(
            source.url, source_authorization=accounts.bearer(), overwrite=False
        )

    assert target(accounts, "copy/twice").download_blob().readall() == b"first"


@pytest.mark.parametrize("token", [None, "wrong audience", "expired"])
def test_a_source_that_the_caller_may_not_read_is_not_copied(accounts: Accounts, token: str | None) -> None:
    source = written(accounts, f"copy/forbidden-{token}")
    tokens = {"wrong audience": accounts.bearer(AZURE_ML), "expired": accounts.bearer(lifetime=-60)}

    refused = refusal(accounts, f"copy/forbidden-{token}", source.url, source_authorization=tokens.get(token or ""))

    assert (refused.status_code, code_of(refused)) == (403, "CannotVerifyCopySource")


def test_a_missing_source_is_told_apart_from_a_forbidden_one(accounts: Accounts) -> None:
    refused = refusal(accounts, "copy/none", accounts.landing.get_blob_client("copy/none").url)

    assert (refused.status_code, code_of(refused)) == (404, "CannotVerifyCopySource")


def test_a_source_that_has_changed_meanwhile_is_not_copied(accounts: Accounts) -> None:
    source = written(accounts, "copy/changed")

    refused = refusal(
        accounts,
        "copy/changed",
        source.url,
        source_etag='"0x0"',
        source_match_condition=MatchConditions.IfNotModified,
    )

    assert (refused.status_code, code_of(refused)) == (412, "SourceConditionNotMet")


def test_a_source_with_another_hash_is_not_copied(accounts: Accounts) -> None:
    source = written(accounts, "copy/hash")

    refused = refusal(accounts, "copy/hash", source.url, source_content_md5=bytearray(hashlib.md5(b"other").digest()))

    assert (refused.status_code, code_of(refused)) == (400, "Md5Mismatch")


def test_sources_outside_of_the_local_cloud_are_refused(accounts: Accounts) -> None:
    refused = refusal(accounts, "copy/outside", "https://example.blob.core.windows.net/box/blob")

    assert refused.status_code == 403
    assert accounts.where.storage in str(refused)


@pytest.mark.parametrize(
    "place",
    [
        f"https://{ACCOUNT}.blob.localhost:{{port}}",
        f"https://{ACCOUNT}.dfs.localhost:{{port}}",
        f"HTTPS://{ACCOUNT.upper()}.Blob.LocalHost:{{port}}",
        f"https://localhost:{{port}}/{ACCOUNT}",
        f"HTTPS://127.0.0.1:{{port}}/{ACCOUNT}",
    ],
)
def test_a_source_may_be_named_as_its_account_is_reached(accounts: Accounts, place: str) -> None:
    """Clients copy `blob.url`, which has the host name that they were told the account by."""
    name = f"copy/named {sum(place.encode())}"
    written(accounts, name)
    source = f"{place.format(port=port_of(accounts.where.storage))}/landing/{quote(name)}"
    within = accounts.landing.get_blob_client(f"{name}-copy")

    target(accounts, name).upload_blob_from_url(source, source_authorization=accounts.bearer())
    within.start_copy_from_url(source)

    assert target(accounts, name).download_blob().readall() == within.download_blob().readall() == b"a,b\n1,2\n"


@pytest.mark.parametrize(
    "source",
    [
        f"https://{ACCOUNT}.blob.localhost/landing/x",
        f"https://{ACCOUNT}.blob.localhost:{{port}}x/landing/x",
        f"https://{ACCOUNT}.blob.localhost.example.org:{{port}}/landing/x",
        f"http://127.0.0.1:{{port}}/{ACCOUNT}/landing/x",
        f"https://127.0.0.1:{{port}}@example.org/{ACCOUNT}/landing/x",
    ],
)
def test_what_only_looks_like_a_name_of_the_front_is_outside_of_it(accounts: Accounts, source: str) -> None:
    refused = refusal(accounts, "copy/lookalike", source.format(port=port_of(accounts.where.storage)))

    assert (refused.status_code, code_of(refused)) == (403, "CannotVerifyCopySource")


def test_blocks_are_staged_from_ranges_of_a_url_and_committed(accounts: Accounts) -> None:
    source = written(accounts, "copy/blocks", b"0123456789")
    copy = target(accounts, "copy/blocks")

    copy.stage_block_from_url("YQ==", source.url, 5, 5, source_authorization=accounts.bearer())
    copy.stage_block_from_url("Yg==", source.url, 0, 5, source_authorization=accounts.bearer())
    copy.commit_block_list([BlobBlock("YQ=="), BlobBlock("Yg==")])

    assert copy.download_blob().readall() == b"5678901234"


def test_a_range_outside_of_the_source_is_refused(accounts: Accounts) -> None:
    source = written(accounts, "copy/short", b"0123456789")

    with pytest.raises(HttpResponseError) as refused:
        target(accounts, "copy/short").stage_block_from_url(
            "YQ==", source.url, 100, 5, source_authorization=accounts.bearer()
        )

    assert refused.value.status_code == 416


def test_copy_blob_keeps_a_status_that_clients_can_poll(accounts: Accounts) -> None:
    source = written(accounts, "copy/polled")
    copy = target(accounts, "copy/polled")

    copy.start_copy_from_url(source.url, requires_sync=True, source_authorization=accounts.bearer())

    properties = copy.get_blob_properties()
    assert (properties.copy.status, properties.copy.source) == ("success", source.url)
    assert copy.download_blob().readall() == b"a,b\n1,2\n"


def test_within_an_account_the_token_of_the_request_opens_the_source(accounts: Accounts) -> None:
    source = written(accounts, "copy/within")
    copy = accounts.landing.get_blob_client("copy/within-copy")

    copy.start_copy_from_url(source.url)

    assert copy.download_blob().readall() == b"a,b\n1,2\n"


def keyed(accounts: Accounts, account: str, name: str, key: str = ACCOUNT_KEY) -> BlobClient:
    """A blob by the account key."""
    container = {LAKEHOUSE_ACCOUNT: "lakehouse", ACCOUNT: "landing"}[account]
    credential = {"account_name": account, "account_key": key}
    return accounts.container(account, container, credential=credential).get_blob_client(name)


def readable(blob: BlobClient) -> str:
    """The URL of a blob in the landing account, with a signature that lets it be read."""
    parts = (ACCOUNT, blob.container_name, blob.blob_name)
    expiry = datetime.now(UTC) + timedelta(hours=1)
    permission = BlobSasPermissions(read=True)
    return f"{blob.url}?{generate_blob_sas(*parts, account_key=ACCOUNT_KEY, permission=permission, expiry=expiry)}"


@pytest.mark.parametrize("name", ["copy/key", "copy/a key+ä&.csv"])
@pytest.mark.parametrize("account", [ACCOUNT, LAKEHOUSE_ACCOUNT])
def test_every_copy_may_be_signed_with_the_account_key(accounts: Accounts, account: str, name: str) -> None:
    source = readable(written(accounts, f"{name}-{account}-source"))
    copies = [keyed(accounts, account, f"{name}-{account}-{number}") for number in range(4)]

    copies[0].upload_blob_from_url(source, metadata={"Made_Here": "b", "made": "a  b"}, overwrite=True)
    copies[1].start_copy_from_url(source, requires_sync=True)
    copies[2].start_copy_from_url(source)
    copies[3].stage_block_from_url("YQ==", source, 2, 3)
    copies[3].commit_block_list([BlobBlock(block_id="YQ==")])

    read = [copy.download_blob().readall() for copy in copies]
    assert read == [b"a,b\n1,2\n"] * 3 + [b"b\n1"]
    assert copies[0].get_blob_properties().metadata == {"Made_Here": "b", "made": "a  b"}


def test_within_an_account_its_key_opens_the_source(accounts: Accounts) -> None:
    source = written(accounts, "copy/by-key")
    copy = keyed(accounts, ACCOUNT, "copy/by-key-copy")

    copy.start_copy_from_url(source.url, requires_sync=True)

    assert copy.download_blob().readall() == b"a,b\n1,2\n"


def test_the_key_of_an_account_does_not_open_a_source_in_another(accounts: Accounts) -> None:
    source = written(accounts, "copy/foreign")

    copy = keyed(accounts, LAKEHOUSE_ACCOUNT, "copy/foreign")

    with pytest.raises(HttpResponseError) as refused:
        copy.upload_blob_from_url(source.url)
    assert code_of(refused.value) == "CannotVerifyCopySource"
    with pytest.raises(HttpResponseError) as refused:
        copy.start_copy_from_url(source.url, requires_sync=True)
    assert refused.value.status_code in (403, 404)


def test_a_copy_that_is_signed_with_another_key_is_refused(accounts: Accounts) -> None:
    source = readable(written(accounts, "copy/other-key"))
    other = base64.b64encode(b"another").decode()

    with pytest.raises(HttpResponseError) as refused:
        keyed(accounts, LAKEHOUSE_ACCOUNT, "copy/other-key", other).upload_blob_from_url(source)

    assert (refused.value.status_code, code_of(refused.value)) == (403, "AuthenticationFailed")
    assert not target(accounts, "copy/other-key").exists()


def test_a_copy_may_have_a_signature_for_its_destination_and_another_for_its_source(accounts: Accounts) -> None:
    source = readable(written(accounts, "copy/signed"))
    expiry = datetime.now(UTC) + timedelta(hours=1)
    permission = BlobSasPermissions(write=True, create=True, read=True)
    place = (LAKEHOUSE_ACCOUNT, "lakehouse", "copy/signed")
    sas = generate_blob_sas(*place, account_key=ACCOUNT_KEY, permission=permission, expiry=expiry)
    copy = accounts.container(LAKEHOUSE_ACCOUNT, "lakehouse", credential=sas).get_blob_client("copy/signed")

    copy.upload_blob_from_url(source, metadata={"way": "put"})
    assert copy.download_blob().readall() == b"a,b\n1,2\n"
    copy.start_copy_from_url(source, metadata={"way": "copy"}, requires_sync=True)
    assert copy.get_blob_properties().metadata == {"way": "copy"}
