"""The running local cloud as a user of it sees it: through stack.json, storage clients and HTTP."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
from azure.storage.blob import BlobServiceClient

from local.identity.credential import LocalCredential

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Cloud:
    """A stack that was started on a state directory. Also what end-to-end tests use."""

    state: Path
    stack: dict[str, Any]
    http: httpx.Client
    clients: dict[str, BlobServiceClient] = field(default_factory=dict)

    @classmethod
    def of(cls, state: Path) -> Self:
        stack = json.loads((state / "stack.json").read_text("utf-8"))
        trust = ssl.create_default_context(cafile=stack["storage"]["ca_cert"])
        # A part that is being restarted refuses connections for a moment.
        transport = httpx.HTTPTransport(verify=trust, retries=6)
        return cls(state, stack, httpx.Client(transport=transport, timeout=30.0))

    @property
    def parts(self) -> list[str]:
        """One line for each part."""
        stack = self.stack
        return [
            f"storage     {stack['storage']['account_url']}",
            f"lakehouse   {stack['lakehouse']['account_url']}",
            f"identity    {stack['identity']['endpoint']}",
            f"event grid  {stack['eventgrid']['control_url']}",
            f"azure ml    {stack['azureml']['management_url']}",
            f"functions   {stack['host']['base_url']}",
        ]

    @property
    def landing(self) -> BlobServiceClient:
        """Where data lands."""
        return self._storage(self.stack["storage"]["account_url"])

    @property
    def lakehouse(self) -> BlobServiceClient:
        """Where results are published."""
        return self._storage(self.stack["lakehouse"]["account_url"])

    @property
    def page(self) -> str:
        """The address of the app's status page, with the key that opens it and shows its buttons."""
        host = self.stack["host"]
        return f"{host['base_url']}/api/status?code={host['master_key']}"

    def runs(self) -> list[dict[str, Any]]:
        """The ledger, newest first, from the function app's own API."""
        return list(self.api("runs", limit="1000"))

    def api(self, path: str, /, **params: str) -> Any:
        """`GET /api/…` with the host's key."""
        host = self.stack["host"]
        headers = {"x-functions-key": host["master_key"]}
        return self.http.get(f"{host['base_url']}/api/{path}", params=params, headers=headers).raise_for_status().json()

    def fresh_stack(self) -> dict[str, Any]:
        """stack.json as it is now: process ids change when a part is restarted."""
        return dict(json.loads((self.state / "stack.json").read_text("utf-8")))

    def jobs(self) -> list[dict[str, Any]]:
        """Every job that the local Azure ML was asked for."""
        return list(self.http.get(f"{self.stack['azureml']['management_url']}/_jobs").raise_for_status().json())

    def delivered_events(self) -> int:
        """How many storage events reached the function app."""
        status = self.http.get(f"{self.stack['eventgrid']['control_url']}/status").raise_for_status().json()
        return sum(counts["delivered"] for counts in status.values())

    def published(self, container: str, path: str) -> dict[str, bytes]:
        """The files of a run folder, by name. An account with a hierarchy lists directories too, and marks them."""
        client = self.lakehouse.get_container_client(container)
        blobs = client.list_blobs(name_starts_with=f"{path}/", include=["metadata"])
        names = [blob.name for blob in blobs if (blob.metadata or {}).get("hdi_isfolder") != "true"]
        return {name[len(path) + 1 :]: client.download_blob(name).readall() for name in names}

    def _storage(self, account_url: str) -> BlobServiceClient:
        if account_url not in self.clients:
            trust = self.stack["storage"]["ca_cert"]
            client = BlobServiceClient(account_url, LocalCredential.of(self.state), connection_verify=trust)
            self.clients[account_url] = client
        return self.clients[account_url]

    def close(self) -> None:
        """Let go of every connection."""
        self.http.close()
        for client in self.clients.values():
            client.close()
