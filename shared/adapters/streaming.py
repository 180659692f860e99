"""Copying a blob through this app, in blocks, where the service that writes cannot read the source itself.

That is what firewalls on both accounts lead to: Put Blob From URL is then refused with `CannotVerifyCopySource`
(Azure/azure-storage-azcopy, issues 755 and 1673), although this app may read the one and write the other.
"""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobClient, BlobProperties

from shared.core.location import Container
from shared.errors import InputRefused
from shared.ports import Copied

PIECE = 1024 * 1024
"""Bytes that are read with one request. While the SDK (azure-storage-blob 12.31) reads, it takes nine times as much."""
NOT_READ = "CannotVerifyCopySource"
REMEMBERED = 600.0
"""Seconds after which the service is asked again whether it can read from there: a firewall may have been opened."""
T = TypeVar("T")
Pair = tuple[str, str]


class Walls:
    """Between which accounts the service does not copy, as far as this process has seen lately."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._until: dict[Pair, float] = {}

    def stand_between(self, source: Container, target: Container) -> bool:
        return self._monotonic() < self._until.get((source.account_url, target.account_url), 0.0)

    def found_between(self, source: Container, target: Container) -> bool:
        """Remember it; whether it is news."""
        known = self.stand_between(source, target)
        self._until[source.account_url, target.account_url] = self._monotonic() + REMEMBERED
        return not known


def tells_of_source(error: HttpResponseError, code: str) -> bool:
    """Whether a copy was refused because of its source. Source: Azure docs, put-blob-from-url (response headers)."""
    return code == NOT_READ or _from_source(error, "error-code") != "" or _from_source(error, "status-code") != ""


def is_out_of_reach(error: HttpResponseError, code: str) -> bool:
    """Whether the service could not read the source, for another reason than that it was busy. A source that is gone or
    has changed looks the same; whether it is there as it was, this app has to see for itself."""
    status = _from_source(error, "status-code")
    return tells_of_source(error, code) and status != "429" and not status.startswith("5")


def stream(
    source: BlobClient, target: BlobClient, *, etag: str, md5: str | None, block: int, room: AbstractContextManager[Any]
) -> Copied:
    """Copy that version of the source to where nothing is, with its properties and metadata.

    `room` is held while a block is in memory, so that it bounds how many are, over all copies. The MD5 of what was read
    is compared with `md5` where one is known and becomes the copy's own; each block is checked by the service with an
    MD5 of its own. Raises InputRefused for another MD5, and what the SDK raises for the target.
    """
    if target.exists():
        return Copied.THERE  # told before all the bytes are read, and again when they are committed
    properties = properties_of(source, etag)
    if properties is None:
        return Copied.SOURCE_CHANGED
    digest = hashlib.md5(usedforsecurity=False)
    mine = secrets.token_hex(4)  # blocks that another copy to the same place stages are not this one's

    def pass_on(start: int) -> BlobBlock | None:
        length = min(block, properties.size - start)
        with room:
            content = _unchanged(lambda **same: _read(source, start, length, same), etag)
            if content is None:
                return None
            digest.update(content)
            name = f"{mine}{start // block:08d}"
            target.stage_block(name, content, validate_content="md5")
        return BlobBlock(block_id=name)

    blocks = []
    for start in range(0, properties.size, block):
        if (passed := pass_on(start)) is None:
            return Copied.SOURCE_CHANGED
        blocks.append(passed)
    if md5 is not None and digest.digest() != base64.b64decode(md5):
        raise wrong_md5(source.url)
    try:
        commit_like(properties, target, blocks, bytearray(digest.digest()))
    except ResourceExistsError:
        return Copied.THERE
    return Copied.STREAMED


def properties_of(source: BlobClient, etag: str) -> BlobProperties | None:
    """The source's properties; None if it is gone, or another version by now."""
    return _unchanged(source.get_blob_properties, etag)


def wrong_md5(url: str) -> InputRefused:
    """The MD5 in a blob's properties is not that of its content: its writer has set it, and nobody has compared it
    (Azure docs, put-block-list). Trying again would not help."""
    told = f"The MD5 in the properties of {url} is not that of its content."
    return InputRefused(f"{told} Upload it again with the right one, or without any.")


def commit_like(source: BlobProperties, target: BlobClient, blocks: list[BlobBlock], md5: bytearray | None) -> None:
    """Make a new blob of the blocks, with the source's properties and metadata and that MD5."""
    settings = source.content_settings
    if md5 is not None:
        settings.content_md5 = md5
    target.commit_block_list(
        blocks, content_settings=settings, metadata=source.metadata, match_condition=MatchConditions.IfMissing
    )


def _read(source: BlobClient, start: int, length: int, same: dict[str, Any]) -> bytes:
    """The bytes as they are stored: by default the SDK unpacks what has a Content-Encoding."""
    block = io.BytesIO()
    for offset in range(start, start + length, PIECE):
        piece = min(PIECE, start + length - offset)
        block.write(source.download_blob(offset=offset, length=piece, decompress=False, **same).readall())
    return block.getvalue()


def _unchanged(read: Callable[..., T], etag: str) -> T | None:
    try:
        return read(etag=etag, match_condition=MatchConditions.IfNotModified)
    except (ResourceNotFoundError, ResourceModifiedError):
        return None


def _from_source(error: HttpResponseError, name: str) -> str:
    """What the source itself answered to the service, as the service passes it on."""
    headers = getattr(error.response, "headers", {})
    return str(headers.get(f"x-ms-copy-source-{name}") or "")
