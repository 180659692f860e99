"""Whether everything is in order: settings, routes, storage and endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from shared.core.deployment import asked_by, misfits
from shared.core.location import Location
from shared.core.route import Route
from shared.errors import InputRefused, LandfallError
from shared.ports import BatchEndpoint, Blobs
from shared.routes import Routes
from shared.threads import each
from shared.work.ledger import Ledger

CHECKS_AT_ONCE = 8


def problems_of(routes: Routes, blobs: Blobs, ledger: Ledger, endpoint: BatchEndpoint) -> list[str]:
    """What is wrong with the routes, their storage and their endpoints; empty when all is well."""
    found = each(_trouble, _checks(routes, blobs, ledger, endpoint), at_once=CHECKS_AT_ONCE)
    return list(dict.fromkeys([*map(str, routes.problems), *(problem for problem in found if problem)]))


def _checks(routes: Routes, blobs: Blobs, ledger: Ledger, endpoint: BatchEndpoint) -> Iterator[Callable[[], object]]:
    yield ledger.check
    for route in routes.usable:
        for container in dict.fromkeys(container for _, container in route.containers()):
            yield partial(blobs.list_folder, Location(container, "landfall-health"))
        yield partial(endpoint.check, route.endpoint)
        yield partial(_require_fit, endpoint, route)


def _require_fit(endpoint: BatchEndpoint, route: Route) -> None:
    """Raise InputRefused if the route's deployment does not take what the route gives it."""
    deployment = endpoint.deployment(route.endpoint)
    if deployment is not None and (wrong := misfits(asked_by(route), deployment)):
        raise InputRefused(f"route {route.name!r}: {' '.join(wrong)}")


def _trouble(check: Callable[[], object]) -> str | None:
    try:
        check()
    except LandfallError as error:
        return str(error)
    return None
