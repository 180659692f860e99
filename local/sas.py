"""Signatures with which a part reaches an account of Azurite: account SAS of the development key. Pure.

Made here, because the SDK's storage client takes a third of a second to load, and the front needs nothing else of it.
Source: Azure docs, rest/api/storageservices/create-account-sas, for versions since 2020-12-06.
"""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from local.addresses import ACCOUNT_KEY, ACCOUNTS

VERSION = "2023-11-03"


LASTS = timedelta(days=3650)


def for_all(service: str, permissions: str, now: datetime) -> dict[str, str]:
    """By account, what lets a front do with it whatever it let in."""
    return {
        account: account_sas(account, service=service, permissions=permissions, expires=now + LASTS)
        for account in ACCOUNTS
    }


def account_sas(account: str, *, service: str, permissions: str, expires: datetime, version: str = VERSION) -> str:
    """A query for all that is in one service of the account: `b` for blobs or `q` for queues. `permissions`: letters,
    in the order of `rwdxylacuptfi`, which the service demands."""
    expiry = f"{expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    resources, start, addresses, protocol, scope = "sco", "", "", "", ""
    signed = (account, permissions, service, resources, start, expiry, addresses, protocol, version, scope, "")
    given = {"sv": version, "ss": service, "srt": resources, "sp": permissions, "se": expiry}
    return urlencode({**given, "sig": signature("\n".join(signed))})


def signature(text: str) -> str:
    """What the account key makes of a text, in base64."""
    return base64.b64encode(hmac.digest(base64.b64decode(ACCOUNT_KEY), text.encode(), "sha256")).decode()
