"""Blobs that contract tests write, copy and list, through either side of the port."""

from __future__ import annotations

from collections.abc import Iterable

from shared.core.location import Location
from shared.core.snapshot import File
from shared.ports import Blobs, Copied


def names(files: Iterable[File]) -> list[str]:
    return sorted(file.name for file in files)


def written(blobs: Blobs, blob: Location, content: bytes) -> File:
    """Write a blob, whatever was there; what it is now."""
    assert blobs.replace(blob, content, etag=None)
    found = blobs.stat(blob)
    assert found is not None
    return found


def copy(blobs: Blobs, source: Location, target: Location, version: File) -> Copied:
    return blobs.copy(source, target, etag=version.etag, size=version.size, md5=version.md5)
