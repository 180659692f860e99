"""What requests to the management API ask for.

Source: Azure/azure-functions-durable-extension, HttpApiHandler.cs.
"""

from __future__ import annotations

import base64
import json
import math
import re
from datetime import datetime
from typing import Any

from aiohttp import web

from local.host.durable.protocol import identities
from local.host.durable.protocol.entities import EntityId
from local.host.durable.protocol.events import moment
from local.host.durable.runtime.listing import EntityQuery, Instance, Query, page_key

TOKEN = "x-ms-continuation-token"  # noqa: S105  # the name of a header
STATUSES = ("Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Pending", "Suspended")
"""Source: OrchestrationRuntimeStatus.cs."""
PAGE = 100
"""Instances or entities on a page when `top` is not given. Source: OrchestrationStatusQueryCondition.PageSize."""


class BadRequest(Exception):
    """A request that cannot be understood."""


async def json_text(request: web.Request) -> str | None:
    """The body as JSON text; None when there is none."""
    text = (await _text(request)).strip()
    if not text:
        return None
    try:
        json.loads(text, parse_int=str)  # of any length: only whether it is JSON is asked
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"Invalid JSON content: {error}") from error
    return text


async def operation_input(request: web.Request) -> str | None:
    """What an entity's operation is given: a body that is not said to be JSON is a text."""
    if request.content_type == "application/json":
        return await json_text(request)
    text = await _text(request)
    return json.dumps(text) if text else None


async def _text(request: web.Request) -> str:
    return (await request.read()).decode(errors="replace")


def flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    """A boolean of the query string, as .NET reads it: what is none says nothing."""
    return {"true": True, "false": False}.get(request.query.get(name, "").strip().lower(), default)


def number(request: web.Request, name: str, default: float) -> float:
    """A number of the query string, with or without a fraction."""
    try:
        given = float(request.query.get(name) or default)
    except ValueError:
        given = math.nan
    if not math.isfinite(given):
        raise BadRequest(f"'{name}' is not a number: {request.query[name]}")
    return given


def instance_id(request: web.Request) -> str | None:
    """The id that a new instance is to have; None: any."""
    identity = request.match_info.get("id")
    if identity is not None and not identities.allowed(identity):
        raise BadRequest(identities.RULE)
    return identity


def entity_id(request: web.Request) -> EntityId:
    """The entity that the path names; `$` stands for the empty key."""
    key = request.match_info["key"]
    return EntityId(request.match_info["name"].lower(), "" if key == "$" else key)


def instances_query(request: web.Request, *, paged: bool) -> Query:
    """Which instances to list, or to purge (not `paged`)."""
    after = _after(request, int, str) if paged else None
    asked = [one.strip().lower() for given in request.query.getall("runtimeStatus", []) for one in given.split(",")]
    statuses = frozenset(status for status in STATUSES if status.lower() in asked)
    return Query(
        prefix=request.query.get("instanceIdPrefix"),
        created_from=_when(request, "createdTimeFrom", lenient=paged),
        created_to=_when(request, "createdTimeTo", lenient=paged),
        limit=_limit(request) if paged else None,
        after=(after[0], after[1]) if after else None,
        statuses=statuses or None,  # what is no status says nothing
    )


def entities_query(request: web.Request) -> EntityQuery:
    """Which entities to list."""
    after = _after(request, str)
    return EntityQuery(
        name=request.match_info.get("name"),
        updated_from=_when(request, "lastOperationTimeFrom"),
        updated_to=_when(request, "lastOperationTimeTo"),
        limit=_limit(request),
        after=after[0] if after else None,
    )


def more(key: tuple[Any, ...], count: int, limit: int | None) -> dict[str, str]:
    """The header that leads to the next page, if this one, which ends with `key`, is full."""
    return {TOKEN: base64.b64encode(json.dumps(key).encode()).decode()} if count == limit else {}


def more_instances(found: list[Instance], limit: int | None) -> dict[str, str]:
    """The header that leads to the instances after these."""
    return more(page_key(found[-1]), len(found), limit) if found else {}


def _limit(request: web.Request) -> int:
    """What is no number says nothing."""
    text = request.query.get("top", "").strip()
    return max(1, int(text)) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else PAGE


def _after(request: web.Request, *kinds: type) -> list[Any] | None:
    token = request.headers.get(TOKEN)
    try:
        after = json.loads(base64.b64decode(token)) if token else None
    except (ValueError, TypeError, RecursionError):
        after = ()
    if after is None or (isinstance(after, list) and tuple(map(type, after)) == kinds):
        return after
    raise BadRequest(f"The header {TOKEN} was not issued by this host.")


def _when(request: web.Request, name: str, *, lenient: bool = False) -> datetime | None:
    text = request.query.get(name)
    try:
        # A plus sign that was not escaped arrives as a space.
        return moment(text.replace(" ", "+")) if text else None
    except ValueError as error:
        if lenient:
            return None  # what is no time says nothing
        raise BadRequest(f"'{name}' is not a time: {text}") from error
