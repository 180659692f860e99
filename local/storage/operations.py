"""What a request to the Blob service is, as far as the front must tell operations apart. Pure.

Source: Azure docs, rest/api/storageservices, "Operations on blobs"; the event api names are those of
event-grid/event-schema-blob-storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote


class Kind(StrEnum):
    """The operations with a rule of their own; everything else is OTHER and goes to Azurite as it is."""

    PUT_BLOB = "Put Blob"
    PUT_BLOB_FROM_URL = "Put Blob From URL"
    PUT_BLOCK_FROM_URL = "Put Block From URL"
    PUT_BLOCK_LIST = "Put Block List"
    COPY_BLOB = "Copy Blob"
    DELETE_BLOB = "Delete Blob"
    LIST = "List Blobs"
    BATCH = "Blob Batch"
    OTHER = "other"


EVENT_API = {
    Kind.PUT_BLOB: "PutBlob",
    Kind.PUT_BLOB_FROM_URL: "PutBlobFromUrl",
    Kind.PUT_BLOCK_LIST: "PutBlockList",
    Kind.COPY_BLOB: "CopyBlob",
    Kind.DELETE_BLOB: "DeleteBlob",
}
"""The operations that commit something, by the name that an event gives them. Staging a block commits nothing.

The name of Put Blob From URL is not documented; settings.py can give it another.
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """One request: what it does, and to which account, container and blob (decoded, empty where not named)."""

    kind: Kind
    account: str
    container: str = ""
    blob: str = ""

    @property
    def event_api(self) -> str | None:
        """The api name that an event for this operation carries; None when it raises no event."""
        return EVENT_API.get(self.kind) if self.blob else None


def recognise(method: str, raw_path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Operation:
    """The operation that a request asks for. `raw_path` is the path as sent; `headers` ignore case."""
    account, _, rest = raw_path.lstrip("/").partition("/")
    container, _, blob = rest.partition("/")
    kind = _on_blob(method, query, headers) if blob else _on_container(method, query)
    return Operation(kind, unquote(account), unquote(container), unquote(blob))


def _on_container(method: str, query: Mapping[str, str]) -> Kind:
    if method == "POST" and query.get("comp") == "batch":
        return Kind.BATCH
    return Kind.LIST if method == "GET" and query.get("comp") in ("list", "blobs") else Kind.OTHER


def _on_blob(method: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Kind:
    comp, copies = query.get("comp"), "x-ms-copy-source" in headers
    match method, comp:
        case "PUT", None:
            if not copies:
                return Kind.PUT_BLOB
            return Kind.PUT_BLOB_FROM_URL if "x-ms-blob-type" in headers else Kind.COPY_BLOB
        case "PUT", "block" if copies:
            return Kind.PUT_BLOCK_FROM_URL
        case "PUT", "blocklist":
            return Kind.PUT_BLOCK_LIST
        case "DELETE", None if "snapshot" not in query and headers.get("x-ms-delete-snapshots") != "only":
            return Kind.DELETE_BLOB
    return Kind.OTHER
