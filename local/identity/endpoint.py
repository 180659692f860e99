"""The managed identity endpoint of App Service, which azure-identity's ManagedIdentityCredential asks for tokens.

Source: Azure docs, app-service/overview-managed-identity, "REST endpoint reference"; azure-identity's app_service.py.
"""

from __future__ import annotations

import secrets
import time

from aiohttp import web

from local.identity.asking import API_VERSION, PATH
from local.roles.identities import APP, by_client_id
from local.tokens import Issuer

LIFETIME = 24 * 3600


def make_app(issuer: Issuer, secret: str) -> web.Application:
    """The endpoint as an application."""

    async def token(request: web.Request) -> web.Response:
        if not secrets.compare_digest(request.headers.get("X-IDENTITY-HEADER", ""), secret):
            return _refused(401, "The X-IDENTITY-HEADER header is missing or does not match IDENTITY_HEADER.")
        if request.query.get("api-version") != API_VERSION:
            return _refused(400, f"api-version must be {API_VERSION}; got {request.query.get('api-version')!r}.")
        resource = request.query.get("resource")
        if not resource:
            return _refused(400, "The query parameter 'resource' is missing; set it to the token's audience.")
        others = {"mi_res_id", "principal_id", "object_id"} & request.query.keys()
        if others:
            return _refused(400, f"Name the identity by client_id; {sorted(others)[0]} is not supported here.")
        # A request that names no identity gets the system-assigned one.
        client = request.query.get("client_id") or APP.client_id
        return web.json_response(
            {
                "access_token": issuer.issue(resource, lifetime=LIFETIME, identity=by_client_id(client)),
                "expires_on": str(int(time.time()) + LIFETIME),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": client,
            }
        )

    app = web.Application()
    app.router.add_get(PATH, token)
    return app


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)
