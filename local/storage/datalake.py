"""What a request to the Data Lake Storage API is, as far as the front carries it out. Pure.

Source: Azure docs, rest/api/storageservices/datalakestoragegen2: "Filesystem" and "Path", and the error codes there.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote, unquote

from local.storage.access import Refused

DIRECTORY_MARK = "x-ms-meta-hdi_isfolder"
METHOD_OVERRIDE = "X-HTTP-Method-Override"
"""Hadoop's client says PUT and the method that it means here, because Java's old HTTP client knows no PATCH."""
MOST_PATHS = 5000
"""What a page of a listing holds when the client does not say, and at most."""
_QUERIES = frozenset({"resource", "action", "recursive"})
_CONDITIONS = {
    "If-Match": "ifMatch",
    "If-None-Match": "ifNoneMatch",
    "If-Modified-Since": "ifModifiedSince",
    "If-Unmodified-Since": "ifUnmodifiedSince",
}
_PROPERTIES = {
    "x-ms-cache-control": "cacheControl",
    "x-ms-content-type": "contentType",
    "x-ms-content-encoding": "contentEncoding",
    "x-ms-content-language": "contentLanguage",
    "x-ms-content-disposition": "contentDisposition",
    "x-ms-content-md5": "contentMD5",
}
_SAME_FAULT = {
    "BlobNotFound": "PathNotFound",
    "BlobAlreadyExists": "PathAlreadyExists",
    "ContainerNotFound": "FilesystemNotFound",
    "ContainerAlreadyExists": "FilesystemAlreadyExists",
    "ContainerBeingDeleted": "FilesystemBeingDeleted",
    "InvalidOperation": "Md5Mismatch",  # all that Azurite says of a block whose Content-MD5 is not that of its data
}


class Task(StrEnum):
    """What is asked for. UNSUPPORTED is everything that Azure does and the front does not."""

    CREATE_FILESYSTEM = "Filesystem - Create"
    FILESYSTEM_PROPERTIES = "Filesystem - Get Properties"
    DELETE_FILESYSTEM = "Filesystem - Delete"
    LIST = "Path - List"
    CREATE_FILE = "Path - Create (file)"
    CREATE_DIRECTORY = "Path - Create (directory)"
    RENAME = "Path - Create (rename)"
    APPEND = "Path - Update (append)"
    FLUSH = "Path - Update (flush)"
    PROPERTIES = "Path - Get Properties"
    READ = "Path - Read"
    DELETE = "Path - Delete"
    UNSUPPORTED = "unsupported"


OF_FILESYSTEMS = frozenset({Task.CREATE_FILESYSTEM, Task.FILESYSTEM_PROPERTIES, Task.DELETE_FILESYSTEM})
"""What an account without a hierarchy does as well."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the task, and the account, filesystem and path (decoded; empty for the root) that it is about."""

    task: Task
    account: str
    filesystem: str = ""
    path: str = ""


def is_for_paths(host: str, method: str, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """Whether a request speaks the Data Lake dialect. Behind `<account>.dfs.localhost` everything does.

    Elsewhere both dialects share the URLs, and only parameters that the Blob API does not have tell them apart. A plain
    DELETE has none, but a client that accepts JSON: errors of the Blob API are XML.
    """
    return (
        ".dfs.localhost" in host
        or method == "PATCH"
        or not _QUERIES.isdisjoint(query)
        or "x-ms-rename-source" in headers
        or (method == "POST" and "x-ms-lease-action" in headers)
        or (method == "DELETE" and headers.get("Accept", "").startswith("application/json"))
    )


def recognise(method: str, raw_path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Asked:
    """What a request of the Data Lake dialect asks for. `raw_path` begins with the account."""
    account, _, rest = raw_path.lstrip("/").partition("/")
    filesystem, _, path = rest.partition("/")
    path = unquote(path).strip("/")
    on_filesystem = query.get("resource") == "filesystem"
    task = _on_filesystem(method, query) if on_filesystem else _on_path(method, query, headers, root=not path)
    return Asked(task, unquote(account), unquote(filesystem), path)


def _on_filesystem(method: str, query: Mapping[str, str]) -> Task:
    match method:
        case "PUT":
            return Task.CREATE_FILESYSTEM
        case "HEAD":
            return Task.FILESYSTEM_PROPERTIES
        case "DELETE":
            return Task.DELETE_FILESYSTEM
        case "GET" if "recursive" in query:
            return Task.LIST
    return Task.UNSUPPORTED


def _on_path(method: str, query: Mapping[str, str], headers: Mapping[str, str], *, root: bool) -> Task:
    if method == "HEAD" and query.get("action") in (None, "getStatus", "getAccessControl"):
        return Task.PROPERTIES
    if root:
        return Task.UNSUPPORTED
    match method, query.get("action"), query.get("resource"):
        case "PUT", None, None if "x-ms-rename-source" in headers:
            return Task.RENAME
        case "PUT", None, "file":
            return Task.CREATE_FILE
        case "PUT", None, "directory":
            return Task.CREATE_DIRECTORY
        case "PATCH", "append", None:
            return Task.APPEND
        case "PATCH", "flush", None:
            return Task.FLUSH
        case "GET", None, None:
            return Task.READ
        case "DELETE", None, None:
            return Task.DELETE
    return Task.UNSUPPORTED


def rename_source(headers: Mapping[str, str]) -> tuple[str, str]:
    """Filesystem and path of `x-ms-rename-source`: /filesystem/path, percent-encoded. Raises Refused."""
    filesystem, _, path = headers["x-ms-rename-source"].partition("?")[0].lstrip("/").partition("/")
    if not path.strip("/"):
        raise Refused(400, "InvalidSourceUri", "The source URI is invalid: x-ms-rename-source is /filesystem/path.")
    return unquote(filesystem), unquote(path).strip("/")


def conditions(headers: Mapping[str, str], prefix: str = "") -> dict[str, str]:
    """The conditional headers, by the names that the store knows. Of a rename's source, with its `prefix`."""
    return {ours: headers[prefix + theirs] for theirs, ours in _CONDITIONS.items() if prefix + theirs in headers}


def properties(headers: Mapping[str, str]) -> dict[str, str]:
    """What the request sets of a file's properties."""
    return {ours: headers[theirs] for theirs, ours in _PROPERTIES.items() if theirs in headers}


def metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """The metadata in `x-ms-properties`: name=value pairs, the values in Base64. Raises Refused."""
    pairs = (pair.strip().partition("=") for pair in headers.get("x-ms-properties", "").split(",") if pair.strip())
    try:
        return {name: base64.b64decode(value, validate=True).decode("latin-1") for name, _, value in pairs}
    except ValueError as error:
        raise Refused(400, "InvalidHeaderValue", "The values in x-ms-properties are Base64.") from error


def number(query: Mapping[str, str], name: str, default: int | None = None) -> int:
    """A query parameter that is a number, not below 0. Raises Refused when it is missing, without a default."""
    text = query.get(name)
    if text is None and default is not None:
        return default
    if text is None:
        raise Refused(400, "MissingRequiredQueryParameter", f"The query parameter {name} is required here.")
    if not text.isdecimal():
        raise Refused(400, "InvalidQueryParameterValue", f"The query parameter {name} must be a number; got {text!r}.")
    return int(text)


def is_set(query: Mapping[str, str], name: str) -> bool:
    """Whether a query parameter says true."""
    return query.get(name, "").lower() == "true"


def block_id(position: int) -> str:
    """The id of the block that holds the data appended at `position` (flushing.cjs reads it), ready for a query."""
    return quote(base64.b64encode(f"lake-{position:020d}".encode()).decode(), safe="")


def continuation(last: str) -> str:
    """The token after a page that ends with the path `last`."""
    return base64.urlsafe_b64encode(last.encode()).decode()


def after(query: Mapping[str, str]) -> str | None:
    """The path that the page before ended with. Raises Refused."""
    token = query.get("continuation")
    if not token:
        return None
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise Refused(
            400, "InvalidQueryParameterValue", "The continuation token is not one of this listing."
        ) from error


def listed(entry: Mapping[str, Any]) -> dict[str, str]:
    """A path as a listing shows it: all values are text, and only directories say what they are."""
    ticks = {"creationTime": str(_ticks(entry["creationTime"]))} if entry.get("creationTime") else {}
    return {
        "name": entry["name"],
        "contentLength": str(entry["contentLength"]),
        "lastModified": entry["lastModified"],
        "etag": entry["etag"].strip('"'),
        "owner": "$superuser",
        "group": "$superuser",
        "permissions": "rwxr-x---" if entry["isDirectory"] else "rw-r-----",
        **ticks,
        **({"isDirectory": "true"} if entry["isDirectory"] else {}),
    }


def of_blob(blob: Mapping[str, str]) -> dict[str, str]:
    """What the Blob API says of a path beyond the headers of a `blob`, in accounts with a hierarchy.

    Source: Azure docs, rest/api/storageservices/get-blob-properties, since version 2020-06-12.
    """
    return ownership(directory=blob.get(DIRECTORY_MARK) == "true")


def of_root(_: Mapping[str, str]) -> dict[str, str]:
    """What Get Properties says of the root of a filesystem."""
    return ownership(directory=True)


def shown(blob: Mapping[str, str]) -> dict[str, str]:
    """What Get Properties says of a path beyond the headers of a `blob`: its metadata in another form, too."""
    pairs = {
        name.lower().removeprefix("x-ms-meta-"): value
        for name, value in blob.items()
        if name.lower().startswith("x-ms-meta-") and name.lower() != DIRECTORY_MARK
    }
    encoded = ",".join(f"{name}={base64.b64encode(value.encode('latin-1')).decode()}" for name, value in pairs.items())
    return of_blob(blob) | ({"x-ms-properties": encoded} if encoded else {})


def ownership(*, directory: bool) -> dict[str, str]:
    """Kind, owner and permissions. The front keeps no access control lists: everything is the superuser's."""
    permissions = "rwxr-x---" if directory else "rw-r-----"
    owner, group, other = permissions[:3], permissions[3:6], permissions[6:]
    return {
        "x-ms-resource-type": "directory" if directory else "file",
        "x-ms-owner": "$superuser",
        "x-ms-group": "$superuser",
        "x-ms-permissions": permissions,
        "x-ms-acl": f"user::{owner},group::{group},other::{other}",
    }


def translated(status: int, code: str, message: str) -> Refused:
    """A refusal of the Blob service or of the store, in the words of the Data Lake API."""
    return Refused(status, _SAME_FAULT.get(code, code or "InternalError"), message)


def _ticks(created: str) -> int:
    """A time as Windows counts it: 100 ns since 1601."""
    seconds = parsedate_to_datetime(created).timestamp()
    return int((seconds + 11_644_473_600) * 10_000_000)
