"""A running Event Grid, asked through its control API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from local.addresses import Addresses
from tests.local.eventgrid.examples import PREFIX
from tests.local.receiver import Receiver


@dataclass(frozen=True, slots=True)
class Grid:
    """Event Grid's control API."""

    where: Addresses

    def put(self, name: str, destination: dict[str, Any], **settings: Any) -> httpx.Response:
        body = {"topic": "storage", "destination": destination, **settings}
        return httpx.put(f"{self.where.eventgrid}/subscriptions/{name}", json=body, trust_env=False, timeout=30)

    def hook(self, name: str, receiver: Receiver, **settings: Any) -> None:
        """Subscribe `receiver` to events about blobs below the folder `name`."""
        settings.setdefault("filter", {"subjectBeginsWith": f"{PREFIX}{name}/"})
        self.put(name, {"type": "WebHook", "url": receiver.url}, **settings).raise_for_status()

    def publish(self, *events: dict[str, Any]) -> None:
        httpx.post(f"{self.where.eventgrid}/_publish", json=events, trust_env=False).raise_for_status()

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.where.eventgrid}{path}", trust_env=False).raise_for_status().json()

    def status(self, name: str) -> dict[str, int]:
        status: dict[str, int] = self.get("/status")[name]
        return status
