"""Who gets in. Every refusal is one that Azure Storage would give, in the form that its clients read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobSasPermissions, ContainerClient, generate_blob_sas

from local.addresses import ACCOUNT, ACCOUNT_KEY
from local.tokens import AZURE_ML, MOST_REMEMBERED, STORAGE, Issuer, TokenRefused, Verifier
from testbed.eventually import eventually
from tests.local.storage.accounts import Accounts, code_of

VERSION = {"x-ms-version": "2024-08-04"}
LIST = f"/{ACCOUNT}/landing?restype=container&comp=list"


@pytest.mark.parametrize("audience", [STORAGE, f"{STORAGE}/", f"https://{ACCOUNT}.blob.core.windows.net"])
def test_a_token_for_storage_or_for_the_account_is_admitted(accounts: Accounts, audience: str) -> None:
    answer = accounts.request("GET", LIST, {**VERSION, "Authorization": accounts.bearer(audience)})

    assert answer.status_code == 200


def test_a_token_for_another_service_is_refused_with_a_challenge(accounts: Accounts) -> None:
    answer = accounts.request("GET", LIST, {**VERSION, "Authorization": accounts.bearer(AZURE_ML)})

    assert answer.status_code == 401
    assert answer.headers["x-ms-error-code"] == "InvalidAuthenticationInfo"
    assert "https://ml.azure.com" in answer.text
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=https://login.microsoftonline.com/")


def test_an_expired_token_is_refused(accounts: Accounts) -> None:
    answer = accounts.request("GET", LIST, {**VERSION, "Authorization": accounts.bearer(lifetime=-60)})

    assert answer.status_code == 401
    assert "expired" in answer.text


def test_a_token_that_was_admitted_before_is_refused_once_it_has_expired(accounts: Accounts) -> None:
    """Good tokens are remembered, but not for longer than they are good."""
    headers = {**VERSION, "Authorization": accounts.bearer(lifetime=2.5)}

    assert accounts.request("GET", LIST, headers).status_code == 200
    eventually(lambda: accounts.request("GET", LIST, headers).status_code == 401, "the refusal", within=20)


def test_of_many_tokens_each_is_still_told_from_the_others(tmp_path: Path) -> None:
    issuer, verifier = Issuer.of(tmp_path), Verifier.of(tmp_path, STORAGE)
    tokens = [f"Bearer {issuer.issue(STORAGE, oid=str(number))}" for number in range(MOST_REMEMBERED + 1)]

    for _ in range(2):
        assert [verifier.check(token)["oid"] for token in tokens] == [str(n) for n in range(MOST_REMEMBERED + 1)]
        assert len(verifier.known) <= MOST_REMEMBERED
    with pytest.raises(TokenRefused):
        verifier.check(f"{tokens[0]}x")


def test_a_token_of_another_tenant_is_refused(accounts: Accounts, tmp_path_factory: pytest.TempPathFactory) -> None:
    foreign = Issuer.of(tmp_path_factory.mktemp("tenant")).issue(STORAGE)

    answer = accounts.request("GET", LIST, {**VERSION, "Authorization": f"Bearer {foreign}"})

    assert answer.status_code == 401


@pytest.mark.parametrize("version", [None, "2015-02-21"])
def test_a_token_needs_a_service_version_that_knows_tokens(accounts: Accounts, version: str | None) -> None:
    headers = {"Authorization": accounts.bearer(), **({"x-ms-version": version} if version else {})}

    answer = accounts.request("GET", LIST, headers)

    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "AuthenticationFailed")


@pytest.mark.parametrize("version", ["foo", "2099-01-01", "2024-8-04", "2024-08-04x", "20240804"])
def test_a_service_version_that_is_none_or_of_the_future_is_refused(accounts: Accounts, version: str) -> None:
    for authorization in ({"Authorization": accounts.bearer()}, {}):
        answer = accounts.request("GET", LIST, {"x-ms-version": version, **authorization})

        assert (answer.status_code, answer.headers["x-ms-error-code"]) == (400, "InvalidHeaderValue")
        assert "x-ms-version" in answer.text


def test_a_client_that_is_newer_than_the_front_is_not_locked_out(accounts: Accounts) -> None:
    newest = max(accounts.landing.api_version, accounts.lake().api_version)
    today = f"{datetime.now(UTC):%Y-%m-%d}"

    for version in (newest, today):
        headers = {"x-ms-version": version, "Authorization": accounts.bearer()}
        assert accounts.request("GET", LIST, headers).status_code == 200


def test_a_request_without_any_authorisation_is_refused(accounts: Accounts) -> None:
    assert accounts.request("GET", LIST, VERSION).status_code == 403


def test_an_account_that_does_not_exist_is_named_in_the_refusal(accounts: Accounts) -> None:
    answer = accounts.request("GET", "/nobody/box/x", {**VERSION, "Authorization": accounts.bearer()})

    assert answer.status_code == 400
    assert "nobody" in answer.text


def test_the_sdk_reads_the_error_code_of_a_refusal(accounts: Accounts) -> None:
    with accounts.landing as landing, pytest.raises(ResourceNotFoundError) as refused:
        landing.download_blob("access/nothing")

    assert code_of(refused.value) == "BlobNotFound"


def test_the_account_key_still_opens_the_account(accounts: Accounts) -> None:
    key = {"account_name": ACCOUNT, "account_key": ACCOUNT_KEY}
    with accounts.container(ACCOUNT, "landing", credential=key) as landing:
        landing.upload_blob("access/key", b"key")

        assert landing.download_blob("access/key").readall() == b"key"


def test_a_shared_access_signature_opens_what_it_is_for(accounts: Accounts) -> None:
    with accounts.landing as landing:
        landing.upload_blob("access/sas", b"sas")
    signature = generate_blob_sas(
        ACCOUNT,
        "landing",
        "access/sas",
        account_key=ACCOUNT_KEY,
        permission=BlobSasPermissions(read=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    with accounts.container(ACCOUNT, "landing", credential=signature) as limited:
        assert limited.download_blob("access/sas").readall() == b"sas"
        assert _refused(limited) == 403


def _refused(container: ContainerClient) -> int | None:
    with pytest.raises(HttpResponseError) as refused:
        container.upload_blob("access/sas", b"more", overwrite=True)
    return refused.value.status_code


def test_blob_batches_are_refused_because_their_parts_would_pass_unseen(accounts: Accounts) -> None:
    with accounts.landing as landing, pytest.raises(HttpResponseError) as refused:
        landing.delete_blobs("access/a", "access/b")

    assert refused.value.status_code == 501
