"""The app's identity. Managed identity and nothing else: no keys, no secrets, no developer log-ins to fall back on."""

from __future__ import annotations

import base64
import json

from azure.core.credentials import TokenCredential
from azure.identity import ManagedIdentityCredential

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
