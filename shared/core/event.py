"""What a storage event says, and which landings it is about.

An event is a hint to look, never a source of truth: of all its fields only the type, the account in its topic and the
path in its subject are used, and of its data whether an empty blob was put. The URLs inside it are not followed,
whoever sent it.

No list of APIs decides which event counts, because each such list loses some: a flush that does not close its file
raises `CreateFile` alone (azure-docs #101653), and the API of Put Blob From URL is not documented. An event that comes
while its file is still being written costs a look; the look sees what there is, and quiet or the marker say when it is
complete. A marker counts as soon as it is listed, even if it was only created: that it is there is all that it says.

Source: Azure docs, event-schema-blob-storage and storage-blob-event-overview. Subjects are not percent-encoded; that of
a renamed blob or folder is where it is now.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.core.landing import Landing
from shared.core.location import is_safe
from shared.core.record import parse
from shared.core.route import Route
from shared.errors import InputRefused

BLOB_CREATED = "Microsoft.Storage.BlobCreated"
BLOB_RENAMED = "Microsoft.Storage.BlobRenamed"
DIRECTORY_RENAMED = "Microsoft.Storage.DirectoryRenamed"
"""One event for the folder, and none for what is in it."""

_SUBJECT = re.compile(r"/blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<path>.+)", re.DOTALL)
_TOPIC = re.compile(r".*/providers/Microsoft\.Storage/storageAccounts/(?P<account>[a-z0-9]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A blob is there now, written or renamed. `is_empty`: it was put without content."""

    account: str
    container: str
    path: str
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class FolderArrived:
    """A folder is there now under this path, with all that is in it."""

    account: str
    container: str
    path: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """The event is ignored. `suspicious`: an operator should know of it."""

    reason: str
    suspicious: bool = False


ON_REQUEST_ONLY = "its route is scored on request only"


@dataclass(frozen=True, slots=True)
class Match:
    """An event that calls for a look at a landing."""

    landing: Landing
    is_marker: bool


@dataclass(frozen=True, slots=True)
class Leads:
    """A folder that is, or may hold, landings of these routes."""

    folder: str
    routes: tuple[Route, ...]


def event_in(message: bytes) -> dict[str, Any]:
    """The event in a queue message: JSON, or JSON in Base64; which of the two Event Grid writes is not documented.

    An object begins with a brace, which is no letter of Base64. Raises InputRefused for anything else.
    """
    text = message.strip()
    if not text.startswith(b"{"):
        try:
            text = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise InputRefused(f"neither JSON nor Base64: {error}") from error
    event = parse(text)
    if not isinstance(event, dict):
        raise InputRefused(f"an event is an object, not {type(event).__name__}")
    return event


def folder_in(subject: str) -> str:
    """The container and folder that an event's subject names; of any other subject what is before its last slash."""
    where = _SUBJECT.fullmatch(subject)
    path = f"{where['container']}/{where['path'].removesuffix('/')}" if where is not None else subject
    return path.rpartition("/")[0] or path


def read_event(kind: str, topic: str, subject: str, data: Mapping[str, Any]) -> Arrived | FolderArrived | Ignored:
    """What an event of either schema says. `topic` is a CloudEvent's source; `kind` its type."""
    if kind not in (BLOB_CREATED, BLOB_RENAMED, DIRECTORY_RENAMED):
        return Ignored(f"{kind} does not say that anything has arrived")
    where, account = _SUBJECT.fullmatch(subject), _TOPIC.fullmatch(topic)
    if where is None or account is None:
        return Ignored("the subject or topic does not name a blob")
    path, name = where["path"].removesuffix("/"), account["account"].lower()
    if not is_safe(path):
        return Ignored("the path is not valid", suspicious=True)
    if kind == DIRECTORY_RENAMED:
        return FolderArrived(name, where["container"], path)
    if where["path"] != path:
        return Ignored("a folder marker")
    # Only Put Blob writes all of a blob at once. The others may say 0 of files that are still to be filled, and the
    # documentation's own example of SftpCommit does.
    is_empty = data.get("api") == "PutBlob" and data.get("contentLength") == 0
    return Arrived(name, where["container"], path, is_empty)


def match_blob(arrived: Arrived, routes: Sequence[Route]) -> Match | Ignored:
    """The landing that a blob counts for, by the one route that matches it. Of several it is the one whose landing is
    deepest: to the others the blob is in a sub-folder."""
    found = {
        route.name: path
        for route in routes
        if arrived.container == route.landing.name and (path := route.landing_of(arrived.path)) is not None
    }
    candidates = [route for route in routes if route.name in found]
    for route in sorted(_of_account(arrived.account, candidates), key=lambda one: len(found[one.name]), reverse=True):
        if not route.is_watched:
            return Ignored(ON_REQUEST_ONLY)
        is_marker = route.is_marker(arrived.path.rpartition("/")[2])
        if arrived.is_empty and not is_marker:
            # Folder markers of accounts without a hierarchy look like this, and the first of several writes by some
            # tools. Should it really be a file of its own, the folder's listing has it, and the sweep looks there.
            return Ignored("the blob is empty")
        return Match(Landing(route, found[route.name]), is_marker)
    return _none_of(arrived.account, candidates)


def match_folder(arrived: FolderArrived, routes: Sequence[Route]) -> Leads | Ignored:
    """The routes that have landings in a folder, or of whose landing it is a part."""
    candidates = [
        route
        for route in routes
        if arrived.container == route.landing.name and route.levels_below(arrived.path) is not None
    ]
    found = tuple(_of_account(arrived.account, candidates))
    if not found:
        return _none_of(arrived.account, candidates)
    watched = tuple(route for route in found if route.is_watched)
    return Leads(arrived.path, watched) if watched else Ignored(ON_REQUEST_ONLY)


def _of_account(account: str, candidates: Sequence[Route]) -> Iterator[Route]:
    return (route for route in candidates if route.account == account)


def _none_of(account: str, candidates: Sequence[Route]) -> Ignored:
    """Why nothing follows. Whoever names a container and folder of ours in an account that is not may be up to it."""
    for route in candidates:
        reason = f"it is for account {account!r}, but route {route.name!r} reads from {route.account!r}"
        return Ignored(reason, suspicious=True)
    return Ignored("no route matches")
