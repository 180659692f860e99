"""A credential for programs that run beside the local cloud and may read its state directory."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken

from local.roles.identities import USER, Identity
from local.tokens import Issuer


@dataclass(frozen=True, slots=True)
class LocalCredential:
    """An azure-core TokenCredential that signs its tokens itself, as the developer or whoever `identity` is."""

    issuer: Issuer
    identity: Identity = USER

    @classmethod
    def of(cls, state: Path, identity: Identity = USER) -> LocalCredential:
        return cls(Issuer.of(state), identity)

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """A token for the one audience that `scopes` name, good for an hour."""
        if len(scopes) != 1:
            raise ValueError(f"Exactly one scope is required, e.g. https://storage.azure.com/.default; got {scopes!r}.")
        audience = scopes[0].removesuffix("/.default")
        return AccessToken(self.issuer.issue(audience, identity=self.identity), int(time.time()) + 3600)
