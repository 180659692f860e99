"""A credential for programs that run beside the local cloud and may read its state directory."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.roles.identities import USER, Identity
from local.tokens import Issuer

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

REFRESHED = 300.0
"""Seconds before its end that a token is replaced."""


@dataclass(frozen=True, slots=True)
class LocalCredential:
    """An azure-core TokenCredential that signs its tokens itself, as the developer or whoever `identity` is."""

    issuer: Issuer
    identity: Identity = USER
    _tokens: dict[str, AccessToken] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, state: Path, identity: Identity = USER) -> LocalCredential:
        return cls(Issuer.of(state), identity)

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """A token for the one audience that `scopes` name, good for an hour."""
        from azure.core.credentials import AccessToken  # slow to import, and only needed by who uses an SDK

        if len(scopes) != 1:
            raise ValueError(f"Exactly one scope is required, e.g. https://storage.azure.com/.default; got {scopes!r}.")
        audience = scopes[0].removesuffix("/.default")
        kept = self._tokens.get(audience)
        if kept is None or kept.expires_on < time.time() + REFRESHED:  # as azure-identity does
            kept = AccessToken(self.issuer.issue(audience, identity=self.identity), int(time.time()) + 3600)
            self._tokens[audience] = kept
        return kept
