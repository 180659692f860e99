"""Storage events: what they say, and how they reach Event Grid although it may be away for a while."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import aiohttp

from local.addresses import STORAGE_TOPIC
from local.clock import Clock
from local.database import open_database
from local.storage.namespace import Entry
from local.storage.operations import Kind, Operation

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
BATCH = 100
_RESERVED = 1000
"""How many numbers of the sequence are taken from the file at a time; a restart skips what is left of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """The blob that an event is about, as it was after (for a deletion: before) the operation."""

    etag: str
    content_type: str
    content_length: int
    blob_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """When something happened, in the order of all that happens, and by which request."""

    sequence: int
    now: datetime
    request_id: str
    client_id: str


class PathApi(StrEnum):
    """What the Data Lake API did, as events call it. A flush that does not close the file raises none."""

    CREATE_FILE = "CreateFile"
    FLUSH_WITH_CLOSE = "FlushWithClose"
    RENAME_FILE = "RenameFile"
    DELETE_FILE = "DeleteFile"
    CREATE_DIRECTORY = "CreateDirectory"
    RENAME_DIRECTORY = "RenameDirectory"
    DELETE_DIRECTORY = "DeleteDirectory"


_TYPE_AND_VERSION = {
    PathApi.CREATE_FILE: ("BlobCreated", "2"),
    PathApi.FLUSH_WITH_CLOSE: ("BlobCreated", "2"),
    PathApi.RENAME_FILE: ("BlobRenamed", "1"),
    PathApi.DELETE_FILE: ("BlobDeleted", "2"),
    PathApi.CREATE_DIRECTORY: ("DirectoryCreated", "1"),
    PathApi.RENAME_DIRECTORY: ("DirectoryRenamed", "1"),
    PathApi.DELETE_DIRECTORY: ("DirectoryDeleted", "1"),
}


def storage_event(
    operation: Operation, blob: Blob, occasion: Occasion, *, account_url: str, api: str | None = None
) -> dict[str, Any]:
    """The event for an operation of the Blob API, in Event Grid's own schema. `api` replaces the operation's name.

    Source: Azure docs, event-grid/event-schema-blob-storage: the url is encoded, the subject is not, the etag is
    quoted, and the sequencer orders the events of one blob when compared as text.
    """
    deleted = operation.kind is Kind.DELETE_BLOB
    told = {
        "eTag": blob.etag,
        "contentType": blob.content_type,
        "contentLength": blob.content_length,
        "blobType": blob.blob_type,
        "accessTier": "Hot",
        "url": _url(account_url, operation.container, operation.blob),
    }
    if deleted:
        del told["contentLength"], told["accessTier"]
    return _event(
        "BlobDeleted" if deleted else "BlobCreated",
        (operation.container, operation.blob),
        {"api": api or operation.event_api, **told},
        occasion,
    )


def path_event(
    api: PathApi,
    filesystem: str,
    entry: Entry,
    occasion: Occasion,
    *,
    account_url: str,
    source: tuple[str, str] | None = None,
    recursive: bool = False,
) -> dict[str, Any]:
    """The event for an operation of the Data Lake API; `source` is what a renamed `entry` was called.

    Source: Azure docs, event-grid/event-schema-blob-storage, "Data Lake Storage Gen2": urls have the dfs endpoint, a
    rename's subject is its destination, and a directory that is renamed or deleted raises one event for all in it.
    """
    event_type, version = _TYPE_AND_VERSION[api]
    url = _url(account_url, filesystem, entry.name)
    match api:
        case PathApi.CREATE_FILE | PathApi.FLUSH_WITH_CLOSE:
            told = {
                "eTag": entry.etag,
                "contentType": entry.content_type,
                "contentLength": entry.content_length,
                "contentOffset": 0,
                "blobType": entry.blob_type,
                "url": url,
            }
        case PathApi.DELETE_FILE:
            told = {"contentType": entry.content_type, "blobType": entry.blob_type, "url": url}
        case PathApi.RENAME_FILE | PathApi.RENAME_DIRECTORY:
            assert source is not None
            told = {"destinationUrl": url, "sourceUrl": _url(account_url, *source)}
        case PathApi.CREATE_DIRECTORY:
            told = {"url": url}
        case PathApi.DELETE_DIRECTORY:
            told = {"url": url, "recursive": str(recursive).lower()}
    return _event(event_type, (filesystem, entry.name), {"api": api.value, **told}, occasion, version)


def _url(account_url: str, container: str, name: str) -> str:
    return f"{account_url}/{quote(container)}/{quote(name, safe='/~()*!')}"


def _event(
    event_type: str, of: tuple[str, str], told: Mapping[str, Any], occasion: Occasion, version: str = ""
) -> dict[str, Any]:
    return {
        "topic": STORAGE_TOPIC,
        "subject": f"/blobServices/default/containers/{of[0]}/blobs/{of[1]}",
        "eventType": f"Microsoft.Storage.{event_type}",
        "eventTime": f"{occasion.now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z",
        "id": str(uuid4()),
        "data": {
            **told,
            "clientRequestId": occasion.client_id,
            "requestId": occasion.request_id,
            "sequencer": f"{occasion.sequence:032X}",
            "storageDiagnostics": {"batchId": str(uuid4())},
        },
        "dataVersion": version,
        "metadataVersion": "1",
    }


class Outbox:
    """Events that Event Grid has not taken yet, and the sequence that orders all events; kept in SQLite."""

    def __init__(self, path: Path) -> None:
        self.db = open_database(path)
        self.last = self.reserved = 0
        self.db.executescript(
            """
            CREATE TABLE IF NOT EXISTS pending (id INTEGER PRIMARY KEY, event TEXT NOT NULL);
            CREATE TABLE IF NOT EXISTS sequence (last INTEGER NOT NULL);
            INSERT INTO sequence SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM sequence);
            """
        )

    def next_sequence(self) -> int:
        """A number greater than any before, over restarts too."""
        if self.last == self.reserved:  # a whole block at a time, or every event would be a write more
            taken = self.db.execute("UPDATE sequence SET last = last + ? RETURNING last", (_RESERVED,)).fetchone()
            self.reserved = int(taken[0])
            self.last = self.reserved - _RESERVED
        self.last += 1
        return self.last

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
    """Hands events to Event Grid at `url`, in their order. As in Azure, no request waits for that; an event is in the
    outbox before its request is answered, and never gets lost."""

    session: aiohttp.ClientSession
    url: str
    outbox: Outbox
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, event: dict[str, Any]) -> None:
        """Have the event published."""
        self.outbox.keep(event)
        self.woken.set()

    async def run_forever(self) -> None:
        """Publish what is in the outbox, for as long as this part runs."""
        away = False
        while True:
            self.woken.clear()
            waiting = self.outbox.oldest(BATCH)
            if not waiting:
                await self.woken.wait()
            elif await self._post([event for _, event in waiting]):
                self.outbox.forget(waiting[-1][0])
                if away:
                    logger.info("Event Grid is back and accepted %d events.", len(waiting))
                away = False
            else:
                away = True
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


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes events of what has happened, and has them published."""

    publisher: Publisher
    clock: Clock

    def report(self, event: Callable[[Occasion], dict[str, Any]], *, request_id: str, client_id: str) -> None:
        """Return when the event cannot be lost any more. Only one at a time per blob, or their order is lost."""
        sequence = self.publisher.outbox.next_sequence()
        occasion = Occasion(sequence=sequence, now=self.clock.now(), request_id=request_id, client_id=client_id)
        self.publisher.publish(event(occasion))
