"""Sends the requests of `call_http`; what follows an answer is decided by protocol/http_calls.py.

Source: Azure/azure-functions-durable-extension, TaskHttpActivityShim.cs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.host.durable.protocol.http_calls import BadHttpCall, HttpAnswer, Request


async def send(request: Request) -> HttpAnswer:
    """Send one request. Raises BadHttpCall."""
    import aiohttp  # only apps that call HTTP need it here

    headers = {str(k): str(v) for k, v in (request.get("headers") or {}).items()}
    try:
        if request.get("tokenSource"):
            headers["Authorization"] = f"Bearer {await _token(request['tokenSource'])}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                str(request["method"]), str(request["uri"]), data=request.get("content"), headers=headers
            ) as response,
        ):
            return HttpAnswer(response.status, dict(response.headers), await response.text())
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise BadHttpCall(f"{request['method']} {request['uri']}: {error}") from error


async def _token(source: Mapping[str, Any]) -> str:
    from azure.identity.aio import ManagedIdentityCredential

    resource = str(source["resource"]).rstrip("/")
    scope = resource if resource.endswith("/.default") else f"{resource}/.default"
    async with ManagedIdentityCredential() as credential:
        return str((await credential.get_token(scope)).token)
