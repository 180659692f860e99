"""Storage events: what they say, and how they reach Event Grid although it may be away for a while."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import aiohttp

from local.addresses import STORAGE_TOPIC
from local.database import open_database
from local.storage.operations import Kind, Operation

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """The blob that an event is about, as it was after (for a deletion: before) the operation."""

    etag: str
    content_type: str
    content_length: int
    blob_type: str


def storage_event(
    operation: Operation, blob: Blob, *, account_url: str, sequence: int, now: datetime, request_id: str, client_id: str
) -> dict[str, Any]:
    """The event, in Event Grid's own schema.

    Source: Azure docs, event-grid/event-schema-blob-storage: the url is encoded, the subject is not, the etag is
    quoted, and the sequencer orders the events of one blob when compared as text.
    """
    deleted = operation.kind is Kind.DELETE_BLOB
    data = {
        "api": operation.event_api,
        "clientRequestId": client_id,
        "requestId": request_id,
        "eTag": blob.etag,
        "contentType": blob.content_type,
        "contentLength": blob.content_length,
        "blobType": blob.blob_type,
        "accessTier": "Hot",
        "url": f"{account_url}/{quote(operation.container)}/{quote(operation.blob, safe='/~()*!')}",
        "sequencer": f"{sequence:032X}",
        "storageDiagnostics": {"batchId": str(uuid4())},
    }
    if deleted:
        del data["contentLength"], data["accessTier"]
    return {
        "topic": STORAGE_TOPIC,
        "subject": f"/blobServices/default/containers/{operation.container}/blobs/{operation.blob}",
        "eventType": f"Microsoft.Storage.Blob{'Deleted' if deleted else 'Created'}",
        "eventTime": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z",
        "id": str(uuid4()),
        "data": data,
        "dataVersion": "",
        "metadataVersion": "1",
    }


class Outbox:
    """Events that Event Grid has not taken yet, and the sequence that orders all events; kept in SQLite."""

    def __init__(self, path: Path) -> None:
        self.db = open_database(path)
        self.db.executescript(
            """
            CREATE TABLE IF NOT EXISTS pending (id INTEGER PRIMARY KEY, event TEXT NOT NULL);
            CREATE TABLE IF NOT EXISTS sequence (last INTEGER NOT NULL);
            INSERT INTO sequence SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM sequence);
            """
        )

    def next_sequence(self) -> int:
        """A number greater than any before, over restarts too."""
        return int(self.db.execute("UPDATE sequence SET last = last + 1 RETURNING last").fetchone()[0])

    def keep(self, event: dict[str, Any]) -> None:
        self.db.execute("INSERT INTO pending (event) VALUES (?)", (json.dumps(event),))

    def oldest(self, limit: int) -> list[tuple[int, dict[str, Any]]]:
        rows = self.db.execute("SELECT id, event FROM pending ORDER BY id LIMIT ?", (limit,))
        return [(number, json.loads(event)) for number, event in rows]

    def forget(self, up_to: int) -> None:
        self.db.execute("DELETE FROM pending WHERE id <= ?", (up_to,))

    def close(self) -> None:
        self.db.close()


@dataclass(frozen=True, slots=True)
class Publisher:
    """Hands events to Event Grid at `url`; what it does not take now goes through the outbox, and never gets lost."""

    session: aiohttp.ClientSession
    url: str
    outbox: Outbox

    async def publish(self, event: dict[str, Any]) -> None:
        """Return when Event Grid, or else the outbox, has the event."""
        if not await self._post([event]):
            self.outbox.keep(event)

    async def retry_forever(self) -> None:
        """Publish what is in the outbox, for as long as this part runs."""
        while True:
            waiting = self.outbox.oldest(BATCH)
            if waiting and await self._post([event for _, event in waiting]):
                self.outbox.forget(waiting[-1][0])
                logger.info("Event Grid is back and accepted %d events.", len(waiting))
            else:
                await asyncio.sleep(RETRY_SECONDS)

    async def _post(self, events: list[dict[str, Any]]) -> bool:
        try:
            async with self.session.post(self.url, json=events) as answer:
                if answer.status < 300:
                    return True
                logger.warning("Event Grid answered %d to %d events.", answer.status, len(events))
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.debug("Event Grid did not answer: %s", error)
        return False
