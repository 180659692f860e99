"""Which storage account and which identity a connection means."""

from __future__ import annotations

import pytest

from local.host.accounts import Account, account_of
from local.host.settings import SettingsError

URI = {"Events__queueServiceUri": "https://a.queue.core.windows.net"}


def account(settings: dict[str, str]) -> Account:
    return account_of("on_message", "queue", "Events", settings)


def test_a_service_uri_is_reached_with_the_apps_own_identity() -> None:
    assert account(URI) == Account(service_url=URI["Events__queueServiceUri"])


def test_a_user_assigned_identity_needs_the_credential_beside_its_client_id() -> None:
    named = {**URI, "Events__clientId": "1234"}

    assert account({**named, "Events__credential": "managedidentity"}).client_id == "1234"
    assert account({**named, "Events__credential": "ManagedIdentity"}).client_id == "1234"
    assert account(named).client_id is None


def test_a_connection_string_comes_before_a_service_uri() -> None:
    assert account({**URI, "Events": "AccountName=a"}) == Account(connection_string="AccountName=a")


def test_a_connection_that_is_not_configured_says_what_it_may_be() -> None:
    with pytest.raises(SettingsError, match="nor 'Events__queueServiceUri'"):
        account({"Events__blobServiceUri": "https://a.blob.core.windows.net"})
