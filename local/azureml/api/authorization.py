"""Asks the roles before a handler is reached, and refuses in the words of the service that is asked.

Sources: a recorded refusal of Azure ML's data plane (microsoft/build-your-first-agent-with-azure-ai-agent-service-
workshop issue 26) and one of Resource Manager (machine-learning-apps/ml-template-azure issue 17).
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from local.azureml.api.permissions import asked
from local.azureml.errors import Refusal
from local.azureml.workspace.names import TYPE, WORKSPACE_ID
from local.roles.definitions import Permission, action
from local.roles.live import LiveRoles

READ_WORKSPACE = action(f"{TYPE}/read")


def checks_roles(roles: LiveRoles) -> Middleware:
    """For requests whose token was checked; others have no claims, and need no role either."""

    @web.middleware
    async def checks(request: web.Request, handler: Handler) -> web.StreamResponse:
        what = asked(request.method, request.path) if "claims" in request else None
        if what is None:
            return await handler(request)
        claims = request["claims"]
        missing = roles.missing(object_id(request), what.needs, what.scope)
        if missing is None:
            return await handler(request)
        if what.of_resource_manager:
            client = str(claims.get("appid", ""))
            return _refused_by_resource_manager(client, object_id(request), missing, what.scope)
        raise Refusal(
            403,
            "UserError",
            f"Identity(object id: {object_id(request)}) does not have permissions for {missing.name} actions. Please "
            "refer to https://aka.ms/azureml-auth-troubleshooting to fix the permissions issue.",
        )

    return checks


def may_see_workspace(roles: LiveRoles, request: web.Request) -> bool:
    """Whether the workspace is in the lists of Resource Manager, which show only what may be read."""
    return roles.missing(object_id(request), READ_WORKSPACE, WORKSPACE_ID) is None


def object_id(request: web.Request) -> str:
    """Whom the token of a request is for."""
    return str(request["claims"].get("oid", ""))


def _refused_by_resource_manager(client: str, oid: str, missing: Permission, scope: str) -> web.Response:
    message = (
        f"The client '{client}' with object id '{oid}' does not have authorization to perform action "
        f"'{missing.name}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
        "refresh your credentials."
    )
    return web.json_response({"error": {"code": "AuthorizationFailed", "message": message}}, status=403)
