"""How Resource Manager finds a handler: paths in any case, any api-version, but one must be given."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from local.azureml.errors import Refusal
from local.azureml.workspace.names import WORKSPACE_ID

Handler = Callable[[web.Request, dict[str, str]], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method on the paths that a regular expression matches; its groups go to the handler."""

    method: str
    path: str
    handler: Handler


class Dispatcher:
    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(route, re.compile(route.path, re.IGNORECASE)) for route in routes]

    def install(self, app: web.Application) -> None:
        for path in ("/tenants", "/subscriptions", "/subscriptions/{tail:(?s:.*)}"):
            app.router.add_route("*", path, self._dispatch)

    async def _dispatch(self, request: web.Request) -> web.Response:
        if not request.query.get("api-version"):
            raise Refusal(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            )
        path = request.path.rstrip("/")
        known = [(route, match) for route, pattern in self._routes if (match := pattern.fullmatch(path))]
        for route, match in known:
            if route.method == request.method:
                return await route.handler(request, match.groupdict())
        if known:
            raise Refusal(405, "MethodNotAllowed", f"{request.method} is not supported here for {request.path}.")
        raise Refusal(404, "ResourceNotFound", f"There is no resource {request.path}; the workspace is {WORKSPACE_ID}.")


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object that a request carries; an empty body is an empty object. Raises Refusal 400."""
    given = await request.read()
    try:
        text = given.decode("utf-8")
        body = json.loads(text, parse_constant=_refused, parse_float=_finite) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "UserError", f"The request body is not JSON: {error}.") from error
    if not isinstance(body, dict):
        raise Refusal(400, "UserError", "The request body must be a JSON object.")
    return body


def _refused(text: str) -> float:
    raise ValueError(f"{text} is no value of JSON")


def _finite(text: str) -> float:
    # Python reads 1e999 as infinity, which it would then write as no JSON.
    return value if math.isfinite(value := float(text)) else _refused(text)
