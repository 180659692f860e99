"""Faults on purpose: rules that make an emulator misbehave once, sometimes or always.

`PUT /_faults` takes a JSON array of `{"match": {"method", "path", "header"}, "action": {...}, "times", "skip",
"probability", "seed"}`, where `header` is the name of one that the request must have; `GET` lists the rules with how
often each fired; `DELETE` clears them.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

DELIVERY_ACTIONS = frozenset({"drop", "duplicate", "shuffle"})
"""Actions that are for event deliveries; HTTP requests never see them."""
HTTP_ACTIONS = frozenset({"status", "headers", "body", "delay_ms", "reset", "after"})
ANSWER_WITHHELD = web.RequestKey("answer_withheld", bool)
"""Set on a request whose answer an `after` rule holds back: its handler must not begin to send one itself."""


@dataclass(slots=True)
class Rule:
    """One fault. `skip` matches are let through first; then it fires up to `times` times (None: always)."""

    method: str | None
    path: re.Pattern[str]
    action: Mapping[str, Any]
    header: str | None = None
    times: int | None = None
    skip: int = 0
    probability: float = 1.0
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311
    seen: int = 0
    fired: int = 0

    @classmethod
    def parse(cls, raw: object) -> Rule:
        """Raises ValueError with what is wrong."""
        if not isinstance(raw, dict) or not isinstance(raw.get("action"), dict):
            raise ValueError(f"A rule is an object with an 'action' object; got {raw!r}.")
        _check(raw["action"], DELIVERY_ACTIONS | HTTP_ACTIONS)
        match = raw.get("match") or {}
        try:
            path = re.compile(str(match.get("path", "")))
        except re.error as error:
            raise ValueError(f"match.path is not a regular expression: {error}.") from error
        times = raw.get("times")
        return cls(
            method=str(match["method"]).upper() if match.get("method") else None,
            path=path,
            action=raw["action"],
            header=str(match["header"]) if match.get("header") else None,
            times=None if times is None else int(times),
            skip=int(raw.get("skip") or 0),
            probability=float(raw.get("probability", 1.0)),
            chance=random.Random(raw.get("seed", 0)),  # noqa: S311
        )

    def fires(self, method: str, *paths: str, headers: Container[str] = ()) -> bool:
        """Whether this rule acts now; counts the match either way."""
        if self.method not in (None, method) or not any(self.path.search(path) for path in paths):
            return False
        if self.header is not None and self.header not in headers:
            return False
        if self.times is not None and self.fired >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.skip or self.chance.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def report(self) -> dict[str, Any]:
        return {
            "match": {"method": self.method, "path": self.path.pattern, "header": self.header},
            "action": dict(self.action),
            "times": self.times,
            "skip": self.skip,
            "probability": self.probability,
            "fired": self.fired,
        }


class Faults:
    """The rules of one emulator, in the order they were given; the first that fires wins."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def for_request(self, method: str, *paths: str, headers: Container[str] = ()) -> Mapping[str, Any] | None:
        """The action for an HTTP request, or None. `headers` are its names, in whatever case they were sent."""
        rule = self._pick(method, paths, headers, delivery=False)
        return rule.action if rule else None

    def for_delivery(self, *paths: str) -> Rule | None:
        """The rule for an event delivery (drop, duplicate, shuffle), or None. `paths`: endpoint and subject."""
        return self._pick("POST", paths, (), delivery=True)

    def _pick(self, method: str, paths: tuple[str, ...], headers: Container[str], *, delivery: bool) -> Rule | None:
        for rule in self.rules:
            if bool(DELIVERY_ACTIONS & rule.action.keys()) != delivery:
                continue
            if rule.fires(method, *paths, headers=headers):
                return rule
        return None

    def install(self, app: web.Application) -> None:
        """Serve `/_faults` on `app` and let the rules act on every other request."""
        app.router.add_route("*", "/_faults", self._control)
        app.middlewares.insert(0, self._middleware())

    async def _control(self, request: web.Request) -> web.Response:
        if request.method == "PUT":
            try:
                raw = json.loads(await request.text())
                self.rules = [Rule.parse(rule) for rule in raw]
            except (ValueError, TypeError, KeyError) as error:
                return web.json_response({"error": f"Not a list of fault rules: {error}"}, status=400)
        elif request.method == "DELETE":
            self.rules = []
        elif request.method != "GET":
            raise web.HTTPMethodNotAllowed(request.method, ["GET", "PUT", "DELETE"])
        return web.json_response([rule.report() for rule in self.rules])

    def _middleware(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        @web.middleware
        async def faulty(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            action = None
            if request.path != "/_faults":
                action = self.for_request(request.method, request.path, request.path_qs, headers=request.headers)
            if action is None:
                return await handler(request)
            # Whatever the rule says, the work is done once at most: a client that sent a request once has one effect.
            instead = await _misbehave(request, {key: value for key, value in action.items() if key != "after"})
            if instead is not None:
                return instead
            if "after" not in action:
                return await handler(request)
            request[ANSWER_WITHHELD] = True
            answer = await handler(request)
            instead = await _misbehave(request, action["after"])
            return answer if instead is None else instead

        return faulty


async def _misbehave(request: web.Request, action: Mapping[str, Any]) -> web.StreamResponse | None:
    """The answer that the action gives in the place of the handler's; None when it only takes its time."""
    if "delay_ms" in action:
        await asyncio.sleep(action["delay_ms"] / 1000)
    if action.get("reset"):
        if request.transport is not None:
            request.transport.abort()
        raise web.HTTPServiceUnavailable  # never reaches the client: the connection is gone
    if "status" not in action:
        return None
    body = action.get("body")
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    kind = "text/plain" if isinstance(body, str) else "application/json"
    headers = {"Content-Type": kind} | {str(k): str(v) for k, v in (action.get("headers") or {}).items()}
    return web.Response(status=action["status"], text=text, headers=headers)


def _check(action: object, known: frozenset[str]) -> None:
    """Raises ValueError unless this is an action that can be carried out."""
    if not isinstance(action, dict) or not action or set(action) - known:
        unknown = sorted(set(action) - known) if isinstance(action, dict) else action
        raise ValueError(f"Unknown or empty action {unknown}; known: {sorted(known)}.")
    if not {"headers", "body"}.isdisjoint(action) and "status" not in action:
        raise ValueError("'headers' and 'body' need a 'status'.")
    status = action.get("status", 200)
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise ValueError(f"'status' must be a number from 200 to 599, not {status!r}.")
    if "after" in action:
        if set(action) - {"after", "delay_ms"}:
            raise ValueError("Only 'delay_ms' may stand beside 'after'; move everything else into 'after'.")
        _check(action["after"], HTTP_ACTIONS - {"after"})
