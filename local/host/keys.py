"""The keys of a function app, and who may come in with them.

Source: Azure docs, functions/function-keys-how-to; Azure/azure-functions-host, WebScriptHostHttpRoutesManager.cs and
SecretManager: levels anonymous < function < system < admin; the header x-functions-key wins over ?code=.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from local.host.files import write_whole

_NAMES = ("master", "function", "eventgrid_extension", "durabletask_extension", "blobs_extension")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Made once per state directory. `enforced` False: everybody may do everything, as with `func start`."""

    master: str
    function: str
    eventgrid_extension: str
    durabletask_extension: str
    blobs_extension: str
    enforced: bool = False

    def of_function(self, name: str) -> str:
        """The key named `default` of one function; it follows from the master key, so it needs no place of its own."""
        digest = hmac.digest(self.master.encode(), f"function:{name.lower()}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def refusal(self, request: web.Request, *allowed: str) -> web.Response | None:
        """401 unless the request brings the master key or one of `allowed`."""
        if not self.enforced:
            return None
        given = request.headers.get("x-functions-key") or request.query.get("code") or ""
        if any(secrets.compare_digest(given.encode(), key.encode()) for key in (self.master, *allowed)):
            return None
        return web.Response(status=401)


def keys_of(state: Path, *, enforced: bool) -> Keys:
    """The keys in `<state>/host/keys.json`, made on first use."""
    path = state / "host" / "keys.json"
    known: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    # A state directory of an earlier version lacks the keys that are new, and keeps those that it has.
    kept = {name: secrets.token_urlsafe(40) for name in _NAMES} | known
    if kept != known:
        write_whole(path, json.dumps(kept, indent=1), mode=0o600)
    return Keys(**kept, enforced=enforced)
