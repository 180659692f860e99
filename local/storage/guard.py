"""Roles in front of Azurite: who got in with a token still needs a role for what is asked.

Source of the refusals: recorded answers (rclone issue 8052; Azure/azure-storage-azcopy issue 2829 for copies).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import jwt
from aiohttp import web

from local.roles.definitions import Needs
from local.roles.live import LiveRoles
from local.storage.access import Refused
from local.storage.permissions import READ_BLOB, blob_needs, queue_needs, resource_of_blob, resource_of_queue
from local.storage.sharedkey import SCHEME
from local.storage.upstream import raw_path

MISMATCH = "AuthorizationPermissionMismatch"
_NOT_AUTHORIZED = "This request is not authorized to perform this operation using this permission."
"""All that Azure Storage says: neither the role nor the action is named."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Refuses what no role allows. Every token that it is shown has been checked before."""

    roles: LiveRoles

    def check_blob(self, request: web.Request) -> None:
        """Raises Refused for a request to the Blob service."""
        path = raw_path(request)
        needs = blob_needs(request.method, path, request.query, request.headers)
        self.check(request.headers["Authorization"], needs, resource_of_blob(path))

    def check_queue(self, request: web.Request) -> None:
        """Raises Refused for a request to the Queue service."""
        path = raw_path(request)
        self.check(
            request.headers["Authorization"], queue_needs(request.method, path, request.query), resource_of_queue(path)
        )

    def check_source(self, headers: Mapping[str, str], path: str) -> None:
        """Raises Refused for a copy whose source, at `path` below the Blob endpoint, its token may not read.

        That is the source's own token, or else the request's, unless the URL of the source carries a signature. Who has
        the account key needs no role.
        """
        token = headers.get("x-ms-copy-source-authorization")
        if token is None and "sig=" not in headers["x-ms-copy-source"]:
            token = headers.get("Authorization")
        if token is not None and not token.startswith(SCHEME) and self._lacks(token, READ_BLOB, resource_of_blob(path)):
            why = {"x-ms-copy-source-status-code": "403", "x-ms-copy-source-error-code": MISMATCH}
            raise Refused(403, "CannotVerifyCopySource", _NOT_AUTHORIZED, why)

    def check(self, authorization: str, needs: Needs, resource: str) -> None:
        """Raises Refused unless whom the token is for may do on `resource` what has these `needs`."""
        if self._lacks(authorization, needs, resource):
            raise Refused(403, MISMATCH, _NOT_AUTHORIZED)

    def _lacks(self, authorization: str, needs: Needs, resource: str) -> bool:
        return self.roles.missing(_object_id(authorization), needs, resource) is not None


@lru_cache(maxsize=256)
def _object_id(authorization: str) -> str:
    # The signature was checked when the token was admitted; doing it twice would cost more than all of the rest.
    claims = jwt.decode(authorization.partition(" ")[2].strip(), options={"verify_signature": False})
    return str(claims.get("oid", ""))
