"""The app's identity. In Azure managed identity and nothing else: no keys, no secrets, no sign-ins to fall back on.
On a developer's machine, where there is none, the developer's own sign-in and nothing else.

So it is not `DefaultAzureCredential`, which looks in a dozen places and takes what it finds first, such as the secret
of a service principal in the environment.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from typing import Any

from azure.core.credentials import AccessToken, TokenCredential
from azure.identity import (
    AzureCliCredential,
    AzureDeveloperCliCredential,
    ChainedTokenCredential,
    ManagedIdentityCredential,
)

STORAGE = "https://storage.azure.com/.default"
AZURE_ML = "https://ml.azure.com/.default"
"""Audience of scoring URIs. Source: Azure docs, how-to-authenticate-batch-endpoint."""
MANAGEMENT = "https://management.azure.com/.default"
"""Audience of the management plane, which cancels jobs and explains failures."""


def managed_identity(client_id: str | None) -> TokenCredential:
    """The system-assigned identity, or the user-assigned one with that client id. Tokens are cached by the library."""
    return ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()


def names_in(token: str) -> frozenset[str]:
    """What the identity that a token was issued to is called: its object and client ids. Empty if the token does not
    say: it is meant for the service, so nothing may rest on what it says here but a comparison with what the service
    says. Source: Microsoft identity platform, access token claims reference."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return frozenset(claims[name] for name in ("oid", "appid", "azp") if isinstance(claims.get(name), str))
    except (IndexError, ValueError, AttributeError):
        return frozenset()


def developers_sign_in() -> TokenCredential:
    """Who has signed in with `az login`, else with `azd auth login`."""
    return Kept(ChainedTokenCredential(AzureCliCredential(), AzureDeveloperCliCredential()))


EARLY = 300.0
"""Seconds before its end at which a token is replaced."""


class Kept:
    """A credential whose tokens are kept. The library does that for managed identities, but would start the command
    line tool for each copy that is made (azure-identity 1.27, `AzureCliCredential.get_token`)."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential
        self._tokens: dict[Any, AccessToken] = {}
        self._asking = threading.Lock()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token that lasts for some time."""
        asked = (scopes, *sorted(options.items()))
        with self._asking:
            kept = self._tokens.get(asked)
            if kept is None or kept.expires_on - time.time() < EARLY:
                kept = self._tokens[asked] = self._credential.get_token(*scopes, **options)
            return kept
