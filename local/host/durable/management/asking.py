"""What requests to the management API ask for.

Source: Azure/azure-functions-durable-extension, HttpApiHandler.cs.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from aiohttp import web

from local.host.durable.protocol import identities
from local.host.durable.protocol.entities import EntityId
from local.host.durable.protocol.events import moment
from local.host.durable.runtime.listing import EntityQuery, Instance, Query, page_key

TOKEN = "x-ms-continuation-token"  # noqa: S105  # the name of a header
PAGE = 100
"""Instances or entities on a page when `top` is not given. Source: OrchestrationStatusQueryCondition.PageSize."""


class BadRequest(Exception):
    """A request that cannot be understood."""


async def json_text(request: web.Request) -> str | None:
    """The body as JSON text; None when there is none."""
    text = (await request.text()).strip()
    if not text:
        return None
    try:
        json.loads(text)
    except ValueError as error:
        raise BadRequest(f"Invalid JSON content: {error}") from error
    return text


def flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    """A boolean of the query string, as .NET reads it."""
    given = request.query.get(name)
    return default if given is None else given.lower() == "true"


def number(request: web.Request, name: str, default: float) -> float:
    """A number of the query string."""
    try:
        return float(request.query.get(name) or default)
    except ValueError as error:
        raise BadRequest(f"'{name}' is not a number: {request.query[name]}") from error


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
    statuses, after = request.query.get("runtimeStatus"), _after(request) if paged else None
    return Query(
        prefix=request.query.get("instanceIdPrefix"),
        created_from=_when(request, "createdTimeFrom"),
        created_to=_when(request, "createdTimeTo"),
        limit=_limit(request) if paged else None,
        after=(int(after[0]), str(after[1])) if after else None,
        statuses=frozenset(s.strip() for s in statuses.split(",")) if statuses else None,
    )


def entities_query(request: web.Request) -> EntityQuery:
    """Which entities to list."""
    after = _after(request)
    return EntityQuery(
        name=request.match_info.get("name"),
        updated_from=_when(request, "lastOperationTimeFrom"),
        updated_to=_when(request, "lastOperationTimeTo"),
        limit=_limit(request),
        after=str(after[0]) if after else None,
    )


def more(key: tuple[Any, ...], count: int, limit: int | None) -> dict[str, str]:
    """The header that leads to the next page, if this one, which ends with `key`, is full."""
    return {TOKEN: base64.b64encode(json.dumps(key).encode()).decode()} if count == limit else {}


def more_instances(found: list[Instance], limit: int | None) -> dict[str, str]:
    """The header that leads to the instances after these."""
    return more(page_key(found[-1]), len(found), limit) if found else {}


def _limit(request: web.Request) -> int:
    return max(1, int(number(request, "top", PAGE)))


def _after(request: web.Request) -> list[Any] | None:
    token = request.headers.get(TOKEN)
    try:
        return list(json.loads(base64.b64decode(token))) if token else None
    except (ValueError, TypeError) as error:
        raise BadRequest(f"The header {TOKEN} was not issued by this host.") from error


def _when(request: web.Request, name: str) -> datetime | None:
    text = request.query.get(name)
    try:
        # A plus sign that was not escaped arrives as a space.
        return moment(text.replace(" ", "+")) if text else None
    except ValueError as error:
        raise BadRequest(f"'{name}' is not a time: {text}") from error
