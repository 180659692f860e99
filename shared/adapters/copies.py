"""Copies inside the service, in one request each.

A run may copy a hundred thousand files, and the SDK takes 3 ms of CPU for each. This is the same request, over the same
connections, in less than half of that. Only its success counts here: whatever else is answered, the SDK asks once more,
with its retries, and reads the answer. Source: Azure docs, rest/api/storageservices/put-blob-from-url.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import requests

from shared.adapters.listing import CONNECTION_TIMEOUT, READ_TIMEOUT, VERSION
from shared.core.location import Location

CREATED = 201


class Copies:
    """Copies with one session. Safe for use from several threads, as far as they only copy."""

    def __init__(self, session: requests.Session, bearer: Callable[[], str]) -> None:
        self._session, self._bearer = session, bearer
        # Read from the environment (proxies, certificates) once for each account, not for each copy.
        self._settings = lru_cache(maxsize=16)(self._read_settings)

    def made(self, source: Location, target: Location, *, etag: str, md5: str | None) -> bool:
        """Whether the copy was made: of that version of the source, and where nothing was. `md5` in base64, as storage
        has it."""
        bearer = self._bearer()
        headers = {
            "x-ms-version": VERSION,
            "x-ms-blob-type": "BlockBlob",
            "x-ms-copy-source": source.url,
            "x-ms-copy-source-authorization": bearer,
            "x-ms-source-if-match": etag,
            "Authorization": bearer,
            "If-None-Match": "*",
            "Content-Length": "0",
        }
        if md5 is not None:
            headers["x-ms-source-content-md5"] = md5
        prepared = requests.Request("PUT", target.url, headers).prepare()
        settings = self._settings(target.container.account_url)
        try:
            answer = self._session.send(
                prepared, timeout=(CONNECTION_TIMEOUT, READ_TIMEOUT), allow_redirects=False, **settings
            )
        except requests.RequestException:
            return False
        return answer.status_code == CREATED

    def _read_settings(self, account_url: str) -> dict[str, Any]:
        found: dict[str, Any] = dict(self._session.merge_environment_settings(account_url, {}, None, None, None))
        return found
