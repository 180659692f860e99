"""Copying what was frozen."""

from __future__ import annotations

from shared.core.location import Location
from shared.core.snapshot import Frozen
from shared.ports import Blobs, Copied

COPIES_AT_ONCE = 16


def copy_frozen(blobs: Blobs, source: Location, target: Location, file: Frozen) -> Copied:
    """Copy a file as it was frozen, or the same bytes written again: then the service has the same MD5 for them.

    Two at once: a copy never changes an existing blob, and both copy the same content.
    """
    copied = blobs.copy(source, target, etag=file.etag, size=file.size, md5=file.md5)
    if copied is Copied.SOURCE_CHANGED and file.md5 is not None:
        now = blobs.stat(source)
        if now is not None and now.md5 == file.md5:
            copied = blobs.copy(source, target, etag=now.etag, size=file.size, md5=now.md5)
    return copied
