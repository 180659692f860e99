"""Events for tests."""

from __future__ import annotations

from typing import Any

from local.addresses import STORAGE_TOPIC

CREATED = "Microsoft.Storage.BlobCreated"
PREFIX = "/blobServices/default/containers/landing/blobs/"


def created(name: str, **data: Any) -> dict[str, Any]:
    """A storage event about a blob in the landing container."""
    return {
        "id": f"id-{name}",
        "topic": STORAGE_TOPIC,
        "subject": f"{PREFIX}{name}",
        "eventType": CREATED,
        "eventTime": "2026-01-02T03:04:05.0000000Z",
        "data": {"api": "PutBlob", **data},
        "dataVersion": "",
        "metadataVersion": "1",
    }


def announced(**attributes: Any) -> dict[str, Any]:
    """A CloudEvent as an app announces it."""
    return {"specversion": "1.0", "id": "1", "source": "app", "type": "Landfall.RunPublished", **attributes}
