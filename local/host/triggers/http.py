"""HTTP triggers: which function a request is for, and the way there and back.

Source: Azure/azure-functions-host, WebScriptHostHttpRoutesManager.cs and RpcMessageConversionExtensions.cs;
ASP.NET Core route templates.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from local.host.expressions import binding_data
from local.host.keys import Keys
from local.host.worker.invoking import Invoker, tell_failure
from local.host.worker.registry import Function
from local.host.worker.wire import Datum

log = logging.getLogger("Host.Http")

_FLOAT = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
CONSTRAINTS = {
    "int": r"[+-]?\d+",
    "long": r"[+-]?\d+",
    "alpha": r"[A-Za-z]+",
    "bool": r"(?i:true|false)",
    "guid": r"[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}",
    "double": _FLOAT,
    "float": _FLOAT,
    "decimal": r"-?\d+(?:\.\d+)?",
    "required": r"[^/]+",
}
BITS = {"int": 32, "long": 64}
"""What a number of such a parameter fits into."""
OWN_FRAMING = frozenset({"content-length", "transfer-encoding"})
"""What a function says of these would contradict how its answer is really sent."""
NO_HOMEPAGE = "azurewebjobsdisablehomepage"
LITERAL, CONSTRAINED, FREE, REST = range(4)
"""How precise a segment is; ASP.NET prefers the more precise route."""


class BadRoute(Exception):
    """A route template that this host cannot serve."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route template, ready to be matched. `methods` empty: all of them. `bits`: of parameters that are numbers."""

    function: Function
    template: str
    pattern: re.Pattern[str]
    precision: tuple[int, ...]
    methods: frozenset[str]
    bits: Mapping[str, int]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The route parameters, or None. `path` is decoded."""
        if self.methods and method not in self.methods:
            return None
        found = self.pattern.fullmatch(path)
        if found is None or not all(_fits(found[name], bits) for name, bits in self.bits.items() if found[name]):
            return None
        return {name: text for name, text in found.groupdict().items() if text}


def decoded(path: str) -> str:
    """A path as routes are matched with it: a slash within a segment stays encoded. Source: dotnet/aspnetcore, issue
    30655, on Kestrel."""
    return "%2F".join(unquote(part) for part in re.split("%2F", path, flags=re.IGNORECASE))


def _fits(text: str, bits: int) -> bool:
    return len(text) <= bits and -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1)


def routes_of(functions: Sequence[Function], prefix: str) -> list[Route]:
    """The routes of all HTTP functions, most precise first. Raises BadRoute."""
    routes = [_route(function, prefix) for function in functions]
    return sorted(routes, key=lambda route: route.precision)


def _route(function: Function, prefix: str) -> Route:
    template = "/".join(part for part in (prefix.strip("/"), _route_of(function).strip("/")) if part)
    pattern, precision = "", []
    for segment in template.split("/") if template else []:
        text, how = _segment(segment, function.name)
        pattern += text
        precision.append(how)
    methods = frozenset(str(method).upper() for method in function.trigger.get("methods") or ())
    bits = {name: BITS[kind] for name, kind in re.findall(r"\{(\w+):(int|long)\??\}", template)}
    whole = re.compile(pattern + "/?", re.IGNORECASE | re.DOTALL)
    return Route(function, template, whole, tuple(precision), methods, bits)


def _route_of(function: Function) -> str:
    route = function.trigger.get("route")
    return function.name if route is None else str(route)


def _segment(segment: str, function: str) -> tuple[str, int]:
    """The regular expression for one segment, with its slash in front, and how precise it is."""
    whole = re.fullmatch(r"\{(\*{0,2})(\w+)((?::[^{}?]+)?)(\?)?\}", segment)
    if whole is None:
        parts = re.split(r"\{(\w+)\}", segment)
        if any("{" in part or "}" in part for part in parts):
            raise BadRoute(f"The route of function '{function}' has an unsupported segment: '{segment}'.")
        # From right to left, as ASP.NET does: the literal between two parameters is the last one that can be.
        text = "".join(f"(?P<{p}>[^/]+)" if i % 2 else re.escape(p) for i, p in enumerate(parts))
        return "/" + text, LITERAL if len(parts) == 1 else CONSTRAINED
    stars, name, constraint, optional = whole.groups()
    if stars:
        return f"(?:/(?P<{name}>.*))?", REST
    known = CONSTRAINTS.get(constraint[1:]) if constraint else "[^/]+"
    if known is None:
        raise BadRoute(
            f"The route of function '{function}' uses the constraint '{constraint[1:]}'; this host knows "
            f"{', '.join(CONSTRAINTS)}."
        )
    text = f"/(?P<{name}>{known})"
    return (f"(?:{text})?" if optional else text), CONSTRAINED if constraint else FREE


class HttpFunctions:
    """Serves every path that is nobody else's."""

    def __init__(self, routes: Sequence[Route], invoker: Invoker, keys: Keys) -> None:
        self._routes, self._invoker, self._keys = routes, invoker, keys

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Invoke the function whose route matches; 404 if none does, also when only the method does not. Where an app
        has nothing at its root, the host's own page is. Source: azure-functions-host, HomepageMiddleware.cs."""
        path = decoded(request.rel_url.raw_path)
        for route in self._routes:
            parameters = route.match(request.method, path)
            if parameters is not None:
                return self._refusal(route.function, request) or await self._invoke(route.function, request, parameters)
        if path != "/":
            return web.Response(status=404)
        if any(name.lower() == NO_HOMEPAGE and text.lower() == "true" for name, text in os.environ.items()):
            return web.Response(status=204)
        return web.Response(text="Your Functions host is up and running.")

    def _refusal(self, function: Function, request: web.Request) -> web.Response | None:
        level = str(function.trigger.get("authLevel") or "function").lower()
        if level == "anonymous":
            return None
        enough = [] if level == "admin" else [self._keys.function, self._keys.of_function(function.name)]
        return self._keys.refusal(request, *enough)

    async def _invoke(
        self, function: Function, request: web.Request, parameters: Mapping[str, str]
    ) -> web.StreamResponse:
        try:
            value = await _datum(request, parameters)
        except ValueError as error:  # of the Host header
            return web.Response(status=400, text=str(error))
        try:
            given = value.value
            data = binding_data(parameters, given["query"], given["body"])
            data |= {"Query": given["query"], "Headers": given["headers"]}
            result = await self._invoker.invoke(function, value, reason="This function was called via HTTP.", data=data)
        except Exception as error:
            tell_failure(log, function.name, error)
            return web.Response(status=500)
        response = _response(result)
        if not 200 <= response.status < 600:
            log.error(
                "Function '%s' has answered with the status %s, which is no answer.", function.name, response.status
            )
            return web.Response(status=500)
        return response


async def _datum(request: web.Request, parameters: Mapping[str, str]) -> Datum:
    query = {name: ",".join(request.query.getall(name)) for name in request.query}
    return Datum(
        {
            "method": request.method,
            "url": str(request.url),
            "headers": {name.lower(): ",".join(request.headers.getall(name)) for name in request.headers},
            "query": {name: text for name, text in query.items() if text},
            "params": dict(parameters),
            "body": await request.read(),
        },
        "http",
    )


def _response(result: Datum | None) -> web.Response:
    if result is None or result.value is None:
        return web.Response(status=204)
    if result.type == "string":
        return web.Response(text=str(result.value))
    if result.type == "bytes":
        return web.Response(body=result.value)
    given: Mapping[str, Any] = result.value
    response = web.Response(
        status=int(given["status_code"]),
        body=given["body"],
        headers={str(k): str(v) for k, v in given["headers"].items() if str(k).lower() not in OWN_FRAMING},
    )
    for cookies in given.get("cookies") or ():
        for cookie in cookies:
            response.headers.add("Set-Cookie", cookie)
    return response
