"""Storage events as Event Grid delivers them, for blobs in the landing container of testbed/examples.py."""

from __future__ import annotations

from testbed.examples import TOPIC

HOOK = "/runtime/webhooks/eventgrid?functionName=on_blob_event"
HEADERS = {"aeg-event-type": "Notification"}


def blob_created(path: str) -> dict[str, object]:
    """The event of a blob that was written in one request."""
    return {
        "topic": TOPIC,
        "subject": f"/blobServices/default/containers/landing/blobs/{path}",
        "id": path,
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-03-01T12:00:00Z",
        "dataVersion": "",
        "metadataVersion": "1",
        "data": {"api": "PutBlob", "contentLength": 167, "contentType": "image/png", "blobType": "BlockBlob"},
    }
