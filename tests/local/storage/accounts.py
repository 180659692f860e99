"""A running storage part, and clients for it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ContainerClient
from azure.storage.filedatalake import FileSystemClient

from local import addresses, tls
from local.addresses import ACCOUNT, LAKEHOUSE_ACCOUNT, Addresses
from local.database import looking_into
from local.identity.credential import LocalCredential
from local.storage import settings
from local.tokens import STORAGE, Issuer
from testbed.eventually import eventually
from tests.local.parts import running
from tests.local.receiver import Receiver, receiving


@dataclass(frozen=True, slots=True)
class Accounts:
    """`grid` stands in for Event Grid and notes what is published."""

    state: Path
    where: Addresses
    grid: Receiver
    process: subprocess.Popen[bytes]

    @property
    def landing(self) -> ContainerClient:
        return self.container(ACCOUNT, "landing")

    @property
    def lakehouse(self) -> ContainerClient:
        return self.container(LAKEHOUSE_ACCOUNT, "lakehouse")

    def container(self, account: str, name: str, **options: Any) -> ContainerClient:
        options.setdefault("credential", LocalCredential.of(self.state))
        url = self.where.account_url(account)
        return ContainerClient(url, name, connection_verify=str(tls.authority(self.state)), retry_total=0, **options)

    def lake(self, account: str = ACCOUNT, filesystem: str = "landing") -> FileSystemClient:
        """The same account by its Data Lake API."""
        return FileSystemClient(
            self.where.account_url(account),
            filesystem,
            credential=LocalCredential.of(self.state),
            connection_verify=str(tls.authority(self.state)),
            retry_total=0,
        )

    def bearer(self, audience: str = STORAGE, **claims: Any) -> str:
        return f"Bearer {Issuer.of(self.state).issue(audience, **claims)}"

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | Iterator[bytes] | None = None
    ) -> httpx.Response:
        """A request of which every header is in the test's hands."""
        with httpx.Client(verify=tls.client_context(self.state), trust_env=False, timeout=30.0) as http:
            return http.request(method, f"{self.where.storage}{path}", headers=headers, content=body)

    @property
    def published(self) -> list[Any]:
        """All events, once those of every request that was answered have been published."""

        def are_all() -> bool:
            with looking_into(self.state / "storage" / "events.sqlite") as outbox:
                return outbox.execute("SELECT 1 FROM pending").fetchone() is None

        eventually(are_all, "the events")
        return list(self.grid.events)

    def events(self, name: str) -> list[Any]:
        """The events about one blob of the landing container."""
        return [event for event in self.published if event["subject"].endswith(f"/landing/blobs/{name}")]


@contextmanager
def opened(state: Path, *hierarchical: str) -> Iterator[Accounts]:
    """Storage on a state directory; the accounts named have a hierarchy."""
    where = addresses.settle(state)
    settings.settle(state, hierarchical=hierarchical)
    with receiving(addresses.port_of(where.eventgrid)) as grid, running("storage", state) as process:
        yield Accounts(state, where, grid, process)


def code_of(error: HttpResponseError) -> str:
    """The error code that the storage client read."""
    code: str = error.error_code  # type: ignore[attr-defined]  # azure-storage-blob adds it to errors of azure-core
    return code
