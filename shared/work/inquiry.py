"""What people ask: which runs there were, and whether everything is in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from shared.core.location import Location
from shared.core.run import Status
from shared.errors import InputRefused, LandfallError
from shared.work.ledger import Ledger

if TYPE_CHECKING:
    from shared.services import Services

MOST = 1000
"""Runs that one request may ask for."""

_RUN_ID = re.compile(r"[a-z][a-z0-9-]{0,39}-[0-9a-f]{20}")


@dataclass(frozen=True, slots=True)
class Query:
    """Which runs are asked for."""

    route: str | None
    status: Status | None
    since: datetime | None
    limit: int


def read_query(params: Mapping[str, str]) -> Query:
    """The query in an HTTP request. Raises InputRefused with what would be right."""
    status, since, limit = params.get("status"), params.get("since"), params.get("limit", "50")
    if status is not None and status not in set(Status):
        raise InputRefused(f"status is {status!r}; it can be {', '.join(Status)}.")
    try:
        moment = _moment(since) if since else None
    except (ValueError, OverflowError) as error:
        raise InputRefused(f"since is {since!r}; it must be a time such as 2026-01-31T12:00:00Z.") from error
    if not limit.isdecimal() or len(limit) > 9 or not 1 <= int(limit) <= MOST:
        raise InputRefused(f"limit is {limit!r}; it must be a number from 1 to {MOST}.")
    return Query(params.get("route"), Status(status) if status else None, moment, int(limit))


def _moment(text: str) -> datetime:
    # A plus sign that was not percent-encoded arrives as a space.
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def runs(ledger: Ledger, query: Query) -> list[dict[str, Any]]:
    """The newest runs that the query asks for."""
    wanted = (
        _shown(document)
        for document in ledger.newest(since=query.since)
        if query.route in (None, document["route"]) and query.status in (None, document["status"])
    )
    return list(islice(wanted, query.limit))


def run(ledger: Ledger, run_id: str) -> dict[str, Any] | None:
    """One run with the files of its snapshot; None if there is none of that id."""
    if not _RUN_ID.fullmatch(run_id):
        raise InputRefused(f"{run_id!r} is not a run id.")
    document = ledger.run(run_id)
    if document is None:
        return None
    files = ledger.kept("snapshots", run_id)["files"]
    return {**_shown(document), "snapshot": {**document["snapshot"], "list": files}}


def health(services: Services) -> list[str]:
    """What is wrong with settings, routes, storage and endpoints; empty when all is well."""
    try:
        routes = services.routes
        checks = list(_checks(services))
    except LandfallError as error:
        return str(error).splitlines()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(_trouble, checks))
    return [*map(str, routes.problems), *(problem for problem in found if problem)]


def _checks(services: Services) -> Iterator[Callable[[], object]]:
    yield services.ledger.check
    for route in services.routes.usable:
        for container in dict.fromkeys(container for _, container in route.containers()):
            yield partial(services.blobs.list_folder, Location(container, "landfall-health"))
        yield partial(services.endpoint.job, route.endpoint.scoring_uri, "landfall-health")


def _trouble(check: Callable[[], object]) -> str | None:
    try:
        check()
    except LandfallError as error:
        return str(error)
    return None


def _shown(document: Mapping[str, Any]) -> dict[str, Any]:
    job = document["job"] or {}
    shown = {name: value for name, value in document.items() if name not in ("order", "revision")}
    return {**shown, "endpoint": document["order"]["scoring_uri"], "studio_url": job.get("studio_url")}
