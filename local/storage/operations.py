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
    UNDELETE_BLOB = "Undelete Blob"
    UNDELETE_CONTAINER = "Restore Container"
    RENAME_CONTAINER = "Rename Container"
    QUERY = "Query Blob Contents"
    EXPIRY = "Set Blob Expiry"
    IMMUTABILITY = "Blob Immutability Policy"
    LEGAL_HOLD = "Set Blob Legal Hold"
    INCREMENTAL_COPY = "Incremental Copy Blob"
    PAGES_FROM_URL = "Put Page From URL"
    APPEND_FROM_URL = "Append Block From URL"
    DELEGATION_KEY = "Get User Delegation Key"
    OTHER = "other"


_NOTHING_IS_KEPT = "nothing that was deleted is kept."
REFUSED = {
    Kind.BATCH: "send the requests one by one.",
    Kind.UNDELETE_BLOB: _NOTHING_IS_KEPT,
    Kind.UNDELETE_CONTAINER: _NOTHING_IS_KEPT,
    Kind.RENAME_CONTAINER: "copy its blobs to another container.",
    Kind.QUERY: "download the blob, and look for the rows there.",
    Kind.EXPIRY: "blobs stay until they are deleted.",
    Kind.IMMUTABILITY: "every blob can be changed and deleted.",
    Kind.LEGAL_HOLD: "every blob can be changed and deleted.",
    Kind.INCREMENTAL_COPY: "copy the blob as a whole.",
    Kind.PAGES_FROM_URL: "send the pages themselves.",
    Kind.APPEND_FROM_URL: "send the block itself.",
    Kind.DELEGATION_KEY: "sign with the account key, or come with the token itself.",
}
"""The operations of Azure that the front does not carry out, and what to do instead."""

_NO_KEYS_OF_CLIENTS = "nothing is encrypted here with keys of clients."
REFUSED_HEADERS = {
    "x-ms-range-get-content-crc64": "ask for x-ms-range-get-content-md5.",
    "x-ms-encryption-key": _NO_KEYS_OF_CLIENTS,
    "x-ms-encryption-key-sha256": _NO_KEYS_OF_CLIENTS,
    "x-ms-encryption-algorithm": _NO_KEYS_OF_CLIENTS,
}
"""The headers at which Azurite fails with a 500, and what to do instead."""

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
    kind = _on_blob(method, query, headers) if blob else _on_container(method, query, named=bool(container))
    return Operation(kind, unquote(account), unquote(container), unquote(blob))


def account_in_host(host: str) -> str:
    """The account that a host name says, with or without a port; empty where the path says it.

    Clients that make the URL of an account from its name, such as azure-ai-ml, come to `<account>.blob.localhost`;
    those of its Data Lake endpoint to `<account>.dfs.localhost`.
    """
    account, _, service = host.lower().partition(".")
    return account if service.partition(":")[0] in ("blob.localhost", "dfs.localhost") else ""


def described(method: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """What a request to either API asks for, in the words that it has said it in; never with a signature."""
    told = [f"{name}={query[name]}" for name in ("resource", "action", "restype", "comp") if name in query]
    lease = headers.get("x-ms-lease-action")
    return " ".join((method, *told, *([f"x-ms-lease-action: {lease}"] if lease else [])))


def _on_container(method: str, query: Mapping[str, str], *, named: bool) -> Kind:
    match method, query.get("comp"):
        case "GET", "list" | "blobs":
            return Kind.LIST
        case "POST", "batch":
            return Kind.BATCH
        case "PUT", "undelete" if named:
            return Kind.UNDELETE_CONTAINER
        case "PUT", "rename" if named:
            return Kind.RENAME_CONTAINER
        case "POST", "userdelegationkey":
            return Kind.DELEGATION_KEY
    return Kind.OTHER


def _on_blob(method: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Kind:
    comp, copies = query.get("comp"), "x-ms-copy-source" in headers
    match method, comp:
        case "PUT", None:
            if not copies:
                return Kind.PUT_BLOB
            return Kind.PUT_BLOB_FROM_URL if "x-ms-blob-type" in headers else Kind.COPY_BLOB
        case "PUT", "block" if copies:
            return Kind.PUT_BLOCK_FROM_URL
        case "PUT", "page" if copies:
            return Kind.PAGES_FROM_URL
        case "PUT", "appendblock" if copies:
            return Kind.APPEND_FROM_URL
        case "PUT", "blocklist":
            return Kind.PUT_BLOCK_LIST
        case "DELETE", None if "snapshot" not in query and headers.get("x-ms-delete-snapshots") != "only":
            return Kind.DELETE_BLOB
        case _, "immutabilityPolicies":
            return Kind.IMMUTABILITY
    return _REFUSED_ON_BLOB.get((method, comp), Kind.OTHER)


_REFUSED_ON_BLOB: Mapping[tuple[str, str | None], Kind] = {
    ("POST", "query"): Kind.QUERY,
    ("PUT", "undelete"): Kind.UNDELETE_BLOB,
    ("PUT", "expiry"): Kind.EXPIRY,
    ("PUT", "legalhold"): Kind.LEGAL_HOLD,
    ("PUT", "incrementalcopy"): Kind.INCREMENTAL_COPY,
}
