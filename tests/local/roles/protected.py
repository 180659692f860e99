"""Storage, Azure ML and Event Grid, and requests to them that are allowed or not, whatever else becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.addresses import ACCOUNT, LAKEHOUSE_ACCOUNT, STATE_ACCOUNT, WORKSPACE_ACCOUNT
from local.azureml.workspace.names import WORKSPACE_ID
from local.roles.identities import APP, Identity
from local.tokens import AZURE_ML, EVENT_GRID, MANAGEMENT, STORAGE
from testbed.stack import HERE
from tests.local.azureml.cloud import Cloud
from tests.local.parts import running

VERSION = {"x-ms-version": "2023-11-03"}
BLOCK_BLOB = {**VERSION, "x-ms-blob-type": "BlockBlob"}
MESSAGE = "<QueueMessage><MessageText>aGVsbG8=</MessageText></QueueMessage>"
REFUSED = (401, 403)


@dataclass(frozen=True, slots=True)
class Protected:
    """`job` is one that has ended."""

    cloud: Cloud
    job: str

    def ask(
        self,
        method: str,
        url: str,
        audience: str = STORAGE,
        *,
        identity: Identity = APP,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        token = self.cloud.token(audience, identity=identity)
        return self.cloud.http.request(method, url, headers={**token, **(headers or {})}, **more)

    def blob(self, method: str, path: str, **more: Any) -> httpx.Response:
        more["headers"] = {**BLOCK_BLOB, **more.get("headers", {})}
        return self.ask(method, f"{self.cloud.addresses.storage}/{path}", **more)

    def queue(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.ask(method, f"{self.cloud.addresses.queues}/{ACCOUNT}/{path}", headers=VERSION, **more)

    def copy(self, source: str, target: str, **more: Any) -> httpx.Response:
        """Put Blob From URL, with the same identity's token for the source."""
        token = self.cloud.token(STORAGE, identity=more.get("identity", APP))["Authorization"]
        where = f"{self.cloud.addresses.storage}/{source}"
        headers = {"x-ms-copy-source": where, "x-ms-copy-source-authorization": token}
        return self.blob("PUT", target, headers=headers, **more)

    def jobs(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        return self.ask(method, f"{self.cloud.addresses.azureml}/endpoints/lengths/jobs{path}", AZURE_ML, **more)

    def manage(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        url = f"{self.cloud.addresses.azureml}{WORKSPACE_ID}{path}"
        return self.ask(method, url, MANAGEMENT, params={"api-version": "2024-10-01"}, **more)

    def history(self, **more: Any) -> httpx.Response:
        url = f"{self.cloud.addresses.azureml}/history/v1.0{WORKSPACE_ID}/runs/{self.job}/details"
        return self.ask("GET", url, MANAGEMENT, **more)

    def announce(self, **more: Any) -> httpx.Response:
        url = f"{self.cloud.addresses.eventgrid_topics}/topics/landfall/api/events"
        event = {"id": "1", "source": "/s", "type": "T", "specversion": "1.0", "time": "2026-01-31T12:00:00Z"}
        more["headers"] = {"Content-Type": "application/cloudevents-batch+json"}
        return self.ask("POST", url, EVENT_GRID, params={"api-version": "2018-01-01"}, json=[event], **more)

    def requests(self) -> dict[str, Callable[[], httpx.Response]]:
        """What the app asks for, by what it asks it for. Copies write what they have read, so they need both."""
        folder = "restype=container&comp=list&prefix=x/"
        landing, outputs = f"{ACCOUNT}/landing", f"{WORKSPACE_ACCOUNT}/azureml-blobstore-local"
        return {
            "ledger": lambda: self.blob("PUT", f"{STATE_ACCOUNT}/landfall/probe", content=b"{}"),
            "landing": lambda: self.blob("GET", f"{landing}?{folder}"),
            "copies": lambda: self.copy(f"{landing}/source", f"{outputs}/copy"),
            "outputs": lambda: self.blob("GET", f"{outputs}?{folder}"),
            "publications": lambda: self.blob("PUT", f"{LAKEHOUSE_ACCOUNT}/lakehouse/probe", content=b""),
            "submit": lambda: self.jobs("POST", json={"properties": {}}),
            "find": lambda: self.jobs("GET"),
            "follow": lambda: self.jobs("GET", f"/{self.job}"),
            "find in the workspace": lambda: self.manage("GET", "/jobs"),
            "cancel": lambda: self.manage("POST", f"/jobs/{self.job}/cancel"),
            "where history is": lambda: self.manage("GET"),
            "explain": self.history,
            "announce": self.announce,
            "receive": lambda: self.queue("GET", "landing-events/messages"),
            "hide": lambda: self.queue("PUT", "landing-events/messages/1?popreceipt=x&visibilitytimeout=1"),
            "make the queue": lambda: self.queue("PUT", "landing-events"),
            "give up": lambda: self.queue("POST", "landing-events-poison/messages", content=MESSAGE),
        }

    def denied(self) -> set[str]:
        """Which of them are not allowed. Others may be refused for what is in them, after they were allowed."""
        return {name for name, request in self.requests().items() if request().status_code in REFUSED}


@contextmanager
def opened(state: Path) -> Iterator[Protected]:
    with closing(Cloud(state, HERE / "deployments", endpoint="lengths")) as cloud, running("eventgrid", state):
        job = cloud.score({"a.txt": "1"}, "main")
        cloud.put(f"{ACCOUNT}/landing/source", b"1")
        yield Protected(cloud, job)
