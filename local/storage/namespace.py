"""The paths of accounts with a hierarchy: changes and listings, each of them at one go (directories.cjs)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.storage.datalake import translated
from local.storage.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or directory, as it is after (for a deletion: before) what was done."""

    name: str
    is_directory: bool
    content_length: int
    content_type: str
    blob_type: str
    etag: str
    last_modified: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Entry:
        return cls(
            name=body["name"],
            is_directory=body["isDirectory"],
            content_length=body["contentLength"],
            content_type=body["contentType"],
            blob_type=body["blobType"],
            etag=body["etag"],
            last_modified=body["lastModified"],
        )


@dataclass(frozen=True, slots=True)
class Namespace:
    """Azurite's store, asked for what Azurite does not do."""

    upstream: Upstream

    async def change(self, operation: str, **arguments: Any) -> Entry:
        """Carry out createFile, createDirectory, flush, rename or remove. Raises Refused."""
        return Entry.of(await self._ask(operation, arguments))

    async def page(self, **arguments: Any) -> tuple[list[dict[str, Any]], bool]:
        """Paths in order, and whether there are more after them. Raises Refused."""
        body = await self._ask("list", arguments)
        return body["paths"], body["more"]

    async def _ask(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        text = json.dumps(arguments).encode()
        async with self.upstream.answer("POST", f"/_hierarchy/{operation}", "", {}, text) as answer:
            body: dict[str, Any] = await answer.json()
        if answer.status != 200:
            raise translated(answer.status, body["code"], body["message"])
        return body
