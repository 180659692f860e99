from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential

from local import addresses
from local.identity.asking import header_secret
from local.identity.credential import LocalCredential
from local.roles.identities import APP, USER
from local.tokens import AZURE_ML, STORAGE, TokenRefused, Verifier
from tests.local.parts import running


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("identity")
    addresses.settle(folder)
    with running("identity", folder):
        yield folder


@pytest.fixture
def url(state: Path) -> str:
    return f"{addresses.load(state).identity}/msi/token"


def ask(url: str, secret: str | None, **query: str) -> httpx.Response:
    headers = {"X-IDENTITY-HEADER": secret} if secret else {}
    return httpx.get(url, params={"api-version": "2019-08-01", **query}, headers=headers, trust_env=False)


def test_the_managed_identity_credential_of_azure_identity_gets_a_token(
    state: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", url)
    monkeypatch.setenv("IDENTITY_HEADER", header_secret(state))

    with ManagedIdentityCredential() as credential:
        token = credential.get_token("https://storage.azure.com/.default")

    claims = Verifier.of(state, STORAGE).check(f"Bearer {token.token}")
    assert (claims["aud"], claims["oid"]) == (STORAGE, APP.object_id)
    assert token.expires_on > time.time() + 3600
    with pytest.raises(TokenRefused, match="audience"):
        Verifier.of(state, AZURE_ML).check(f"Bearer {token.token}")


def test_a_wrong_identity_header_makes_the_credential_fail(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", url)
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")

    with ManagedIdentityCredential() as credential, pytest.raises(ClientAuthenticationError):
        credential.get_token("https://storage.azure.com/.default")


@pytest.mark.parametrize("secret", [None, "wrong"])
def test_a_request_without_the_header_of_the_app_is_unauthorised(url: str, secret: str | None) -> None:
    assert ask(url, secret, resource=STORAGE).status_code == 401


@pytest.mark.parametrize(
    "query",
    [{}, {"resource": ""}, {"resource": STORAGE, "api-version": "2017-09-01"}, {"resource": STORAGE, "mi_res_id": "x"}],
    ids=["no resource", "empty resource", "old api-version", "identity by resource id"],
)
def test_what_the_endpoint_does_not_support_is_a_bad_request_with_a_reason(
    state: Path, url: str, query: dict[str, str]
) -> None:
    answer = ask(url, header_secret(state), **query)

    assert answer.status_code == 400
    assert answer.json()["message"]


def test_a_user_assigned_identity_is_named_in_the_token_and_the_answer(state: Path, url: str) -> None:
    answer = ask(url, header_secret(state), resource=STORAGE, client_id="mine").json()

    assert answer["client_id"] == "mine"
    assert Verifier.of(state, STORAGE).check(f"Bearer {answer['access_token']}")["appid"] == "mine"


def test_the_apps_identity_is_the_same_one_when_it_is_named(state: Path, url: str) -> None:
    answer = ask(url, header_secret(state), resource=STORAGE, client_id=APP.client_id).json()

    assert Verifier.of(state, STORAGE).check(f"Bearer {answer['access_token']}")["oid"] == APP.object_id


def test_the_identity_header_stays_the_same_for_a_state_directory(tmp_path: Path) -> None:
    assert header_secret(tmp_path) == header_secret(tmp_path)


def test_a_local_credential_signs_tokens_without_asking_anybody(tmp_path: Path) -> None:
    token = LocalCredential.of(tmp_path).get_token("https://storage.azure.com/.default").token

    assert Verifier.of(tmp_path, STORAGE).check(f"Bearer {token}")["oid"] == USER.object_id
    with pytest.raises(ValueError, match="one scope"):
        LocalCredential.of(tmp_path).get_token()
