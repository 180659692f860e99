"""Bearer tokens of the local tenant: issued by the identity part, checked by every other part as Azure checks them.

The claims are those of a Microsoft Entra v1 access token that Azure services look at: issuer, audience, expiry and the
object that it was issued to. Expiry is counted in real time, because azure-identity caches tokens in real time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.addresses import TENANT
from local.roles.identities import USER, Identity

ISSUER = f"https://sts.windows.net/{TENANT}/"
STORAGE = "https://storage.azure.com"
AZURE_ML = "https://ml.azure.com"
MANAGEMENT = "https://management.azure.com"
EVENT_GRID = "https://eventgrid.azure.net"
MOST_REMEMBERED = 256
"""How many good tokens a verifier remembers; with one more it begins anew."""


class TokenRefused(Exception):
    """A token that Azure would not have accepted was presented; `code` is the Entra style reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs tokens with the key of one state directory."""

    key: rsa.RSAPrivateKey

    @classmethod
    def of(cls, state: Path) -> Issuer:
        """The issuer of this state directory; its key pair is made on first use."""
        private, public = state / "identity" / "key.pem", state / "identity" / "public.pem"
        if not private.exists():
            private.parent.mkdir(parents=True, exist_ok=True)
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            public.write_bytes(
                key.public_key().public_bytes(
                    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
                )
            )
            private.touch(mode=0o600)
            private.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
        return cls(_loaded(private.read_bytes()))

    def issue(self, audience: str, *, identity: Identity = USER, lifetime: float = 3600.0, **claims: Any) -> str:
        """A signed token for `audience`, good for `lifetime` seconds (negative: already expired). `claims` override."""
        now = int(time.time())
        body = {
            "iss": ISSUER,
            "aud": audience.rstrip("/"),
            "iat": now,
            "nbf": now - 300,
            "exp": int(now + lifetime),
            "sub": identity.object_id,
            "oid": identity.object_id,
            "appid": identity.client_id,
            "tid": TENANT,
            "idtyp": "app",
            "ver": "1.0",
        }
        return jwt.encode({**body, **claims}, self.key, algorithm="RS256")


@lru_cache(maxsize=8)
def _loaded(pem: bytes) -> rsa.RSAPrivateKey:
    # Loading checks the key, which takes longer than many signatures.
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@dataclass(frozen=True, slots=True)
class Verifier:
    """Checks tokens for one service. `audiences` are what that service accepts, without trailing slash.

    A token that was good is good until it expires, so its signature is checked once.
    """

    public_key: rsa.RSAPublicKey
    audiences: tuple[str, ...]
    known: dict[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, state: Path, *audiences: str) -> Verifier:
        Issuer.of(state)  # makes the key pair when this part is the first to start
        key = serialization.load_pem_public_key((state / "identity" / "public.pem").read_bytes())
        assert isinstance(key, rsa.RSAPublicKey)
        return cls(key, audiences)

    def check(self, authorization: str | None) -> Mapping[str, Any]:
        """The claims behind an `Authorization` header. Raises TokenRefused: missing, malformed, expired, foreign."""
        if not authorization or not authorization.lower().startswith("bearer "):
            raise TokenRefused("NoAuthenticationInformation", "A bearer token is required, but the request has none.")
        claims = self.known.get(authorization)
        if claims is not None and int(claims["exp"]) > time.time():
            return claims
        claims = self._verified(authorization[7:].strip())
        if len(self.known) >= MOST_REMEMBERED:
            self.known.clear()
        self.known[authorization] = claims
        return claims

    def _verified(self, token: str) -> Mapping[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self.public_key,
                algorithms=["RS256"],
                issuer=ISSUER,
                options={"verify_aud": False, "require": ["exp", "aud", "iss"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenRefused("ExpiredAuthenticationToken", "The access token has expired.") from error
        except jwt.PyJWTError as error:
            raise TokenRefused("InvalidAuthenticationToken", f"The access token is not valid: {error}.") from error
        if str(claims["aud"]).rstrip("/") not in self.audiences:
            wanted = " or ".join(self.audiences)
            raise TokenRefused(
                "InvalidAuthenticationTokenAudience",
                f"The access token is for the audience {claims['aud']!r}; this service accepts {wanted}.",
            )
        return claims
