"""The webhook of the storage extension, through which Event Grid tells of blobs.

Source: Azure docs, functions-event-grid-blob-trigger (the address and the key `blobs_extension`);
Azure/azure-sdk-for-net, BlobsExtensionConfigProvider.cs: an event is taken in and answered with 202, its function runs
afterwards. The path of the trigger decides nothing here: which blobs are told of is for the subscription to say.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from aiohttp import web

from local.host.keys import Keys
from local.host.triggers.blob_work import ID_PREFIX, Change
from local.host.triggers.blobs import BlobTriggers, is_told_by_events
from local.host.triggers.event_grid import answered

log = logging.getLogger("Host.Triggers.Blob")


class NoBlobEvent(Exception):
    """An event does not tell of a blob."""


class BlobWebhook:
    """`/runtime/webhooks/blobs?functionName=Host.Functions.NAME`."""

    def __init__(self, blobs: BlobTriggers, keys: Keys) -> None:
        self._blobs, self._keys = blobs, keys

    async def handle(self, request: web.Request) -> web.Response:
        """Answer the handshakes of both schemas, and take events in."""
        refusal = self._keys.refusal(request, self._keys.blobs_extension)
        if refusal is not None:
            return refusal
        return await answered(request, lambda: self._notified(request))

    async def _notified(self, request: web.Request) -> web.Response:
        asked = request.query.get("functionName", "")
        name = asked.removeprefix(ID_PREFIX)
        function = self._blobs.functions.get(name)
        if function is None or not is_told_by_events(function) or name == asked:
            # Azure takes such events in as well, and drops them later; here at least somebody is told at once.
            said = (
                "Events for '%s' are dropped: functionName has to be %sNAME, of a blob trigger with source EventGrid."
            )
            log.warning(said, asked, ID_PREFIX)
            return web.Response(status=202)
        try:
            body = json.loads(await request.read())
            changes = [change_of(name, event) for event in (body if isinstance(body, list) else [body])]
        except (ValueError, NoBlobEvent) as error:
            return web.Response(status=400, text=f"The body has no events of blobs: {error}")
        self._blobs.told(changes)
        return web.Response(status=202)


def change_of(function: str, event: Any) -> Change:
    """What an event of storage tells, in either schema. Raises NoBlobEvent."""
    data = event.get("data") if isinstance(event, Mapping) else None
    if not isinstance(data, Mapping) or not data.get("url"):
        raise NoBlobEvent("data.url is missing")
    container, blob = _place(str(data["url"]))
    if not blob:
        raise NoBlobEvent(f"{data['url']} is not the address of a blob")
    etag, kind = str(data.get("eTag", "")).strip('"'), str(data.get("blobType", "BlockBlob"))
    return Change(function=function, container=container, blob=blob, etag=etag, kind=kind)


def _place(url: str) -> tuple[str, str]:
    """Container and name. A host that is a number has the account as the first part of the path, as with Azurite."""
    parts = urlsplit(url)
    path = unquote(parts.path).lstrip("/")
    if (parts.hostname or "").replace(".", "").isdigit() or parts.hostname == "localhost":
        path = path.partition("/")[2]
    container, _, blob = path.partition("/")
    return container, blob
