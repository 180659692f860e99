"""The app's identity. Managed identity and nothing else: no keys, no secrets, no developer log-ins to fall back on."""

from __future__ import annotations

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
