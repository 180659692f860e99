"""Copies inside the service, in one request each.

A run may copy a hundred thousand files, and the SDK takes 3 ms of CPU for each. This is the same request over the same
connections in a sixth of that: it is handed to urllib3, below `requests`. Only its success counts here: whatever else
is answered, the SDK asks once more, with its retries, and reads the answer. Source: Azure docs,
rest/api/storageservices/put-blob-from-url.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, Timeout
from urllib3.exceptions import HTTPError

from shared.adapters.listing import CONNECTION_TIMEOUT, READ_TIMEOUT, VERSION
from shared.core.location import Location

CREATED = 201
ACCOUNTS = 16
"""Whose connections are kept."""
_TIMEOUT = Timeout(connect=CONNECTION_TIMEOUT, read=READ_TIMEOUT)


class Connections(HTTPAdapter):
    """The connections of a session, for it and for who needs nothing else of it: `at_once` for each account."""

    def __init__(self, at_once: int) -> None:
        super().__init__(pool_connections=ACCOUNTS, pool_maxsize=at_once)

    def to(self, account_url: str, session: requests.Session) -> HTTPConnectionPool:
        """Those to one account, as the session and its environment (proxies, certificates) want them."""
        request = requests.Request("PUT", account_url).prepare()
        wanted = session.merge_environment_settings(account_url, {}, None, None, None)
        pool = self.get_connection_with_tls_context(request, wanted["verify"], wanted["proxies"], wanted["cert"])
        self.cert_verify(pool, account_url, wanted["verify"], wanted["cert"])
        return pool


class Copies:
    """Copies over the connections of one session. Safe for use from several threads, as far as they only copy."""

    def __init__(self, session: requests.Session, connections: Connections, bearer: Callable[[], str]) -> None:
        self._bearer = bearer
        # The environment is read once for each account, not for each copy.
        self._to = lru_cache(maxsize=ACCOUNTS)(lambda account_url: connections.to(account_url, session))

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
        path = urlsplit(target.url).path
        try:
            pool = self._to(target.container.account_url)
            answer = pool.urlopen("PUT", path, headers=headers, redirect=False, retries=False, timeout=_TIMEOUT)
        except (HTTPError, OSError):  # a RequestException is an OSError
            return False
        return answer.status == CREATED
