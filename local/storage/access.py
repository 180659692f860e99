"""Who may do what: bearer tokens and copy sources, checked and refused as Azure Storage does it.

Sources: Azure docs, rest/api/storageservices, "Authorize with Microsoft Entra ID", "Status and error codes",
"Put Blob From URL" and "Copy Blob"; the shape of the refusals is that of recorded answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4
from xml.sax.saxutils import escape

from aiohttp import web

from local import sas
from local.addresses import ACCOUNTS, TENANT, Addresses
from local.storage.operations import account_in_host
from local.storage.sharedkey import SCHEME, is_signed
from local.tokens import STORAGE, TokenRefused, Verifier

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FIRST_VERSION_WITH_TOKENS = "2017-11-09"
NEWEST_VERSION = "2026-10-06"
"""The newest that clients are known to ask for: azure-storage-blob 12.31."""
SERVICE_VERSION = "2026-06-06"
"""What the front says it is where it answers by itself: what Azurite says it is."""
_VERSION = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Refused(Exception):
    """A request was refused by the front itself, with an error that Azure Storage would have given."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, dict(headers or {})

    def response(self) -> web.Response:
        """The XML error that clients of the Blob API parse."""
        request_id = str(uuid4())
        return web.Response(
            status=self.status,
            text=f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{self.code}</Code>'
            f"<Message>{escape(self._message(request_id))}</Message></Error>",
            headers={"Content-Type": "application/xml", **self._headers(request_id)},
        )

    def json_response(self) -> web.Response:
        """The JSON error that clients of the Data Lake API parse."""
        request_id = str(uuid4())
        body = {"error": {"code": self.code, "message": self._message(request_id)}}
        return web.json_response(body, status=self.status, headers=self._headers(request_id))

    def _message(self, request_id: str) -> str:
        return f"{self}\nRequestId:{request_id}\nTime:{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"

    def _headers(self, request_id: str) -> dict[str, str]:
        stamps = {"x-ms-error-code": self.code, "x-ms-request-id": request_id, "x-ms-version": SERVICE_VERSION}
        return stamps | self.headers


def answered(status: int, headers: Mapping[str, str], body: object = None) -> web.Response:
    """An answer that the front gives by itself."""
    stamps = {"x-ms-request-id": str(uuid4()), "x-ms-version": SERVICE_VERSION, **headers}
    if body is None:
        return web.Response(status=status, headers=stamps)
    return web.json_response(body, status=status, headers=stamps)


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides about requests. `sas` holds, by account, the query that makes Azurite accept what the gate let in."""

    front: str
    verifiers: Mapping[str, Verifier]
    sas: Mapping[str, str]

    @classmethod
    def of(cls, state: Path, addresses: Addresses) -> Gate:
        return cls(
            front=addresses.storage,
            verifiers={a: Verifier.of(state, STORAGE, f"https://{a}.blob.core.windows.net") for a in ACCOUNTS},
            sas=sas.for_all("b", "rwdlacuptf", datetime.now(UTC)),
        )

    def admit(self, account: str, headers: Mapping[str, str]) -> str:
        """What to add to the query of a request so that Azurite accepts it.

        Empty for requests without a bearer token: those carry a signature that Azurite judges, or are anonymous.
        Raises Refused.
        """
        version = headers.get("x-ms-version", "")
        if version:
            _check_version(version)
        authorization = headers.get("Authorization", "")
        if not authorization.lower().startswith("bearer "):
            return ""
        self._known(account)
        if version < FIRST_VERSION_WITH_TOKENS:
            raise Refused(
                403,
                "AuthenticationFailed",
                f"A bearer token needs the header x-ms-version: {FIRST_VERSION_WITH_TOKENS} or later.",
            )
        try:
            self.verifiers[account].check(authorization)
        except TokenRefused as error:
            challenge = f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/oauth2/authorize"
            raise Refused(
                401,
                "InvalidAuthenticationInfo",
                f"Server failed to authenticate the request. {error}",
                {"WWW-Authenticate": f"{challenge} resource_id={STORAGE}"},
            ) from error
        return self.sas[account]

    def admit_address(self, request: web.Request) -> None:
        """Raises Refused for a signature (SAS) that is for other addresses than the client's. Azurite never looks."""
        allowed = request.query.get("sip")
        if allowed is None or "sig" not in request.query or _is_within(request.remote or "", allowed):
            return
        # Code and message: rest/api/storageservices/sas-error-codes.
        raise Refused(
            403,
            "AuthorizationSourceIPMismatch",
            f"This request is not authorized to perform this operation using this source IP {request.remote}.",
        )

    def admit_copy(self, account: str, method: str, target: str, headers: Mapping[str, str]) -> str:
        """The same for a copy that is signed with the account key; `target` is its path and query as sent.

        Azurite could not check it: the signature covers the URL of the source, which Azurite knows by another one.
        """
        authorization = headers.get("Authorization", "")
        if not authorization:
            return ""
        self._known(account)
        if authorization.startswith(SCHEME) and is_signed(account, method, target, headers):
            return self.sas[account]
        raise Refused(
            403,
            "AuthenticationFailed",
            "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
            "correctly including the signature.",
        )

    def source(
        self, headers: Mapping[str, str], *, account: str, admitted: bool, firewalls: Collection[str] = ()
    ) -> tuple[str, str]:
        """Path and query, below Azurite, of the blob that a copy reads. Raises Refused.

        A source is read with its own token (x-ms-copy-source-authorization) or its own SAS; a source in the account
        that is written to, by the token or the key of the request itself, when that was `admitted`. If it or the
        account that is written to has a firewall (is one of `firewalls`), nothing is copied: the service that reads the
        source is not the client that the firewall lets through (azure-storage-azcopy #755, #1673).
        """
        url = headers["x-ms-copy-source"]
        place = _below(self.front, url)
        if place is None:
            raise _unverified(f"Only blobs behind {self.front} can be copied here; x-ms-copy-source is {url!r}.")
        path, query = place
        owner = path.lstrip("/").partition("/")[0]
        self._known(owner)
        shut = [name for name in dict.fromkeys((owner, account)) if name in firewalls]
        if shut:
            raise _unverified(f"This request is not authorized to perform this operation: {shut[0]} has a firewall.")
        token = headers.get("x-ms-copy-source-authorization")
        if token is not None:
            try:
                self.verifiers[owner].check(token)
            except TokenRefused as error:
                raise _unverified(f"x-ms-copy-source-authorization was refused: {error}") from error
        elif "sip" in parse_qs(query):
            # The service reads it, not the client that the address is of (azure-storage-azcopy #1373).
            raise _unverified("This request is not authorized to perform this operation: the signature has an address.")
        if token is not None or (admitted and owner == account and "sig=" not in query):
            query = "&".join(filter(None, (query, self.sas[owner])))
        return path, query

    def _known(self, account: str) -> None:
        if account not in self.verifiers:
            raise Refused(
                400, "InvalidUri", f"There is no storage account {account!r}; use one of {', '.join(self.verifiers)}."
            )


def _check_version(version: str) -> None:
    """Raises Refused for a service version that there cannot be yet (azure-storage-python #631).

    Versions come several times a year. One that is dated before today may be, so that newer clients are not locked out.
    """
    newest = max(NEWEST_VERSION, f"{datetime.now(UTC):%Y-%m-%d}")
    if not _VERSION.fullmatch(version) or version > newest:
        raise Refused(
            400,
            "InvalidHeaderValue",
            "The value for one of the HTTP headers is not in the correct format. "
            f"x-ms-version is {version!r}; it must be YYYY-MM-DD, and {newest} at most.",
        )


def _is_within(address: str, allowed: str) -> bool:
    """Whether an address is the `allowed` one, or in such a range, both ends included (create-account-sas, `sip`)."""
    first, _, last = allowed.partition("-")
    try:
        return IPv4Address(first) <= IPv4Address(address) <= IPv4Address(last or first)
    except AddressValueError:
        return False


def _below(front: str, url: str) -> tuple[str, str] | None:
    """Path and query of `url`, the account in the path, if it leads to the `front` by any of its names."""
    try:
        there, here = urlsplit(url), urlsplit(front)
        if (there.scheme, there.port) != (here.scheme, here.port):  # the scheme in small letters, as RFC 3986 has it
            return None
    except ValueError:  # no URL at all
        return None
    host = there.hostname or ""
    account = account_in_host(host)
    if account:
        return f"/{account}{there.path}", there.query
    return (there.path, there.query) if host in (here.hostname, "localhost") else None


def _unverified(message: str) -> Refused:
    return Refused(403, "CannotVerifyCopySource", message)
