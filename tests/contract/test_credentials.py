"""Whose identity the app has: in Azure its own, on a developer's machine the developer's."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential

from shared.adapters.credentials import AZURE_ML, STORAGE, Kept
from shared.services import Services
from testbed.fakes import FakeClock

STATE = {"LANDFALL_STATE_URL": "https://state.blob.core.windows.net/landfall"}
FUNC_START = {**STATE, "AZURE_FUNCTIONS_ENVIRONMENT": "Development"}


def services(env: dict[str, str]) -> Services:
    return Services(env=env, now=FakeClock(), new_id=lambda: "id")


class Tool:
    """A command line tool on an otherwise nearly empty PATH that answers with what it is given, and notes the calls."""

    def __init__(self, folder: Path, name: str) -> None:
        self._answer, self._calls = folder / f"{name}.json", folder / f"{name}.calls"
        script = folder / name
        script.write_text(f'#!/bin/sh\necho "$@" >> {self._calls}\ncat {self._answer}\n')
        script.chmod(0o755)

    def answers(self, answer: dict[str, object]) -> None:
        self._answer.write_text(json.dumps(answer))

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines() if self._calls.exists() else []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first folder on the PATH; the real tools are on none."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):  # a secret that is not to be used
        monkeypatch.setenv(name, "11111111-1111-1111-1111-111111111111")
    return tmp_path


def az_token(token: str, expires: datetime) -> dict[str, object]:
    return {"accessToken": token, "expires_on": int(expires.timestamp()), "tokenType": "Bearer"}


def soon(**span: float) -> datetime:
    return datetime.now(UTC) + timedelta(**span)


def test_a_developer_is_who_has_signed_in_with_az(folder: Path) -> None:
    az = Tool(folder, "az")
    az.answers(az_token("mine", soon(hours=1)))

    assert services(FUNC_START).credential.get_token(STORAGE).token == "mine"
    (call,) = az.calls
    assert "get-access-token" in call
    assert "--resource https://storage.azure.com" in call


def test_the_tool_is_asked_once_for_each_audience_and_not_for_every_request(folder: Path) -> None:
    az = Tool(folder, "az")
    az.answers(az_token("mine", soon(hours=1)))
    credential = services(FUNC_START).credential

    for audience in (STORAGE, AZURE_ML, STORAGE, AZURE_ML):
        credential.get_token(audience)

    assert len(az.calls) == 2


def test_a_token_that_is_about_to_expire_is_replaced(folder: Path) -> None:
    az = Tool(folder, "az")
    az.answers(az_token("old", soon(minutes=2)))
    credential = services(FUNC_START).credential
    credential.get_token(STORAGE)

    az.answers(az_token("new", soon(hours=1)))

    assert credential.get_token(STORAGE).token == "new"


def test_without_az_it_is_who_has_signed_in_with_azd(folder: Path) -> None:
    azd = Tool(folder, "azd")
    azd.answers({"token": "mine", "expiresOn": f"{soon(hours=1):%Y-%m-%dT%H:%M:%SZ}"})

    assert services(FUNC_START).credential.get_token(STORAGE).token == "mine"
    assert len(azd.calls) == 1


def test_who_has_not_signed_in_is_told_what_to_do(folder: Path) -> None:
    """And a secret in the environment is not used in its place."""
    with pytest.raises(ClientAuthenticationError, match=r"(?i)az.*not found"):
        services(FUNC_START).credential.get_token(STORAGE)


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({}, id="in Azure"),
        pytest.param({"AZURE_FUNCTIONS_ENVIRONMENT": "Production"}, id="in Azure, told so"),
        pytest.param({"IDENTITY_ENDPOINT": "http://localhost/msi/token"}, id="in Azure with an identity"),
        pytest.param(
            {"AZURE_FUNCTIONS_ENVIRONMENT": "Development", "IDENTITY_ENDPOINT": "http://localhost/msi/token"},
            id="where there is an identity, whatever the environment is called",
        ),
        pytest.param(
            {"AZURE_FUNCTIONS_ENVIRONMENT": "Development", "MSI_ENDPOINT": "http://localhost/msi/token"},
            id="the same with the older name",
        ),
    ],
)
def test_everywhere_else_it_is_the_managed_identity_and_nothing_else(env: dict[str, str], folder: Path) -> None:
    az = Tool(folder, "az")

    assert isinstance(services({**STATE, **env}).credential, ManagedIdentityCredential)
    assert az.calls == []


def test_a_token_for_another_tenant_is_another_token() -> None:
    """Storage names the tenant in its challenge, and the SDK asks again for that one."""
    asked = []

    class Tenants:
        def get_token(self, *scopes: str, **options: object) -> AccessToken:
            asked.append(options.get("tenant_id"))
            return AccessToken(f"of {options.get('tenant_id')}", int(time.time()) + 3600)

    credential = Kept(Tenants())

    tokens = [credential.get_token(STORAGE, tenant_id=tenant).token for tenant in ("a", "b", "a")]
    assert tokens == ["of a", "of b", "of a"]
    assert asked == ["a", "b"]
