"""What a storage event says, and which landing it is about.

An event is a hint to look, never a source of truth: of all its fields only the type, the API, the account in its topic
and the path in its subject are used. The URL inside it is not followed, whoever sent it.

Source: Azure docs, event-schema-blob-storage and storage-blob-event-overview.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.core.landing import Landing
from shared.core.location import is_safe
from shared.core.route import Route

BLOB_CREATED = "Microsoft.Storage.BlobCreated"
COMMITTING = frozenset({"PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"})
"""The APIs after which a blob is whole. CreateFile and SftpCreate announce a file that is still being written."""

_SUBJECT = re.compile(r"/blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<path>.+)", re.DOTALL)
_TOPIC = re.compile(r".*/providers/Microsoft\.Storage/storageAccounts/(?P<account>[a-z0-9]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Written:
    """A blob was written whole."""

    account: str
    container: str
    path: str
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    """The event is ignored. `suspicious`: an operator should know of it."""

    reason: str
    suspicious: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """An event that calls for a look at a landing."""

    landing: Landing
    is_marker: bool


def read_event(kind: str, topic: str, subject: str, data: Mapping[str, Any]) -> Written | Ignored:
    """What an event of either schema says. `topic` is a CloudEvent's source; `kind` its type."""
    if kind != BLOB_CREATED:
        return Ignored(f"{kind} is not {BLOB_CREATED}")
    api = data.get("api")
    if not isinstance(api, str) or api not in COMMITTING:
        return Ignored(f"API {api} does not complete a blob")
    where, account = _SUBJECT.fullmatch(subject), _TOPIC.fullmatch(topic)
    if where is None or account is None:
        return Ignored("the subject or topic does not name a blob")
    if not is_safe(where["path"].removesuffix("/")):
        return Ignored("the blob's path is not valid", suspicious=True)
    if where["path"].endswith("/"):
        return Ignored("a folder marker")
    return Written(account["account"].lower(), where["container"], where["path"], data.get("contentLength") == 0)


def match_event(written: Written, routes: Sequence[Route]) -> Match | Ignored:
    """The landing that a written blob belongs to, by the one route that matches it."""
    folder, _, name = written.path.rpartition("/")
    ignored = Ignored("no route matches")
    for route in routes:
        if written.container != route.landing.name or route.parts(folder) is None:
            continue
        is_marker = name == route.ready.marker
        if not is_marker and not route.wants(name):
            continue
        if written.account != route.account:
            reason = f"it is for account {written.account!r}, but route {route.name!r} reads from {route.account!r}"
            ignored = Ignored(reason, suspicious=True)
            continue
        if written.is_empty and not is_marker:
            # Folder markers of accounts without a hierarchy look like this, and the first of several writes by some
            # tools. Should it really be a file of its own, the folder's listing has it, and the sweep looks there.
            return Ignored("the blob is empty")
        return Match(Landing(route, written.path if route.takes_files else folder), is_marker)
    return ignored
