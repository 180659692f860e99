"""Requests that are signed with the account key, checked as Azure Storage checks them. Pure.

Azurite checks them by itself, except for copies: there the signature covers the URL of the source, and Azurite knows
the source by another one. Source: Azure docs, rest/api/storageservices/authorize-with-shared-key, for the Blob service
since 2015-02-21. The headers are in the order of their characters' codes; the SDK has another one for two names of
metadata that differ first where one has an underscore and the other a digit.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import unquote

from local.sas import signature

SCHEME = "SharedKey "
_SIGNED = (
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-MD5",
    "Content-Type",
    "Date",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Unmodified-Since",
    "Range",
)


def is_signed(account: str, method: str, target: str, headers: Mapping[str, str]) -> bool:
    """Whether the `Authorization` of a request is the account's signature of it. `target`: path and query as sent."""
    given = headers.get("Authorization", "").removeprefix(SCHEME)
    text = _text_to_sign(account, method, target, headers)
    return hmac.compare_digest(given.encode(), f"{account}:{signature(text)}".encode())


def _text_to_sign(account: str, method: str, target: str, headers: Mapping[str, str]) -> str:
    path, _, query = target.partition("?")
    plain = [headers.get(name, "").strip() for name in _SIGNED]
    plain[2] = "" if plain[2] == "0" else plain[2]
    own = sorted((name.lower(), value.strip()) for name, value in headers.items() if _is_own(name))
    asked: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        asked.setdefault(unquote(name).lower(), []).append(unquote(value))
    lines = [
        method,
        *plain,
        *(f"{name}:{value}" for name, value in own),
        f"/{account}{path}",
        *(f"{name}:{','.join(sorted(values))}" for name, values in sorted(asked.items())),
    ]
    return "\n".join(lines)


def _is_own(name: str) -> bool:
    return name.lower().startswith("x-ms-")
