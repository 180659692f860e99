"""Which storage account the `connection` of a binding means.

Source: Azure docs, functions-reference (connections): the setting `<connection>` or `AzureWebJobs<connection>` holds a
connection string, or `<connection>__<service>ServiceUri` the URL of a service, reached with a managed identity: the
app's own, or with `<connection>__credential` = managedidentity the one that `<connection>__clientId` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from local.host.settings import SettingsError

DEFAULT = "AzureWebJobsStorage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Either a connection string, or the URL of a service and the client id of a managed identity (None: the app's)."""

    connection_string: str | None = None
    service_url: str = ""
    client_id: str | None = None


def account_of(function: str, service: str, connection: str | None, environment: Mapping[str, str]) -> Account:
    """The account of `connection` for `service` ("blob" or "queue"). Raises SettingsError if it is not configured."""
    wanted = connection or DEFAULT
    for name in (wanted, f"AzureWebJobs{wanted}"):
        if environment.get(name):
            return Account(connection_string=environment[name])
        if environment.get(f"{name}__{service}ServiceUri"):
            return Account(
                service_url=environment[f"{name}__{service}ServiceUri"], client_id=_client_id(name, environment)
            )
    raise SettingsError(
        f"The function '{function}' uses a {service} through the connection '{wanted}', but there is neither a setting "
        f"'{wanted}' with a connection string nor '{wanted}__{service}ServiceUri'."
    )


def _client_id(name: str, environment: Mapping[str, str]) -> str | None:
    """The user-assigned identity of a connection. A client id without that credential is part of a client secret."""
    is_managed = environment.get(f"{name}__credential", "").lower() == "managedidentity"
    return environment.get(f"{name}__clientId") if is_managed else None


class Services:
    """The services of accounts: clients are made on first use, and kept until `stack` closes. `options`: for each."""

    def __init__(self, stack: AsyncExitStack, **options: Any) -> None:
        self._stack, self._options = stack, options
        self._made: dict[tuple[str, Account], Any] = {}

    def get(self, kind: str, account: Account) -> Any:
        """The client for `kind` ("blob" or "queue")."""
        if (kind, account) not in self._made:
            service = self._connect(kind, account)
            self._stack.push_async_callback(service.close)
            self._made[kind, account] = service
        return self._made[kind, account]

    def _connect(self, kind: str, account: Account) -> Any:
        # They take a third of a second to import, which apps that have no use for them need not pay.
        if kind == "blob":
            from azure.storage.blob.aio import BlobServiceClient as Service
        else:
            from azure.storage.queue.aio import QueueServiceClient as Service  # type: ignore[assignment]  # by kind
        if account.connection_string:
            return Service.from_connection_string(account.connection_string, **self._options)
        return Service(account.service_url, credential=credential_of(self._stack, account), **self._options)


def credential_of(stack: AsyncExitStack, account: Account) -> Any:
    """The managed identity of an account without a connection string; closed with `stack`."""
    from azure.identity.aio import ManagedIdentityCredential

    credential = ManagedIdentityCredential(client_id=account.client_id)
    stack.push_async_callback(credential.close)
    return credential
