"""The project's routes.yaml with values set, added or taken away, for tests of what is wrong with routes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import yaml

from shared.routes import Routes, parse_routes
from testbed.examples import ROOT, SETTINGS

REMOVED = object()

Change = tuple[str, Any]


def digits() -> dict[str, Any]:
    """The demo's route as a document."""
    return deepcopy(_digits())


@cache
def _digits() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "routes.yaml").read_text("utf-8"))["routes"]["digits"]
    return document


def changed(document: Mapping[str, Any], *changes: Change) -> dict[str, Any]:
    """A copy with values set at dotted paths; REMOVED takes one away."""
    result = deepcopy(dict(document))
    for path, value in changes:
        *above, last = path.split(".")
        place = result
        for name in above:
            place = place.setdefault(name, {})
        if value is REMOVED:
            del place[last]
        else:
            place[last] = value
    return result


def edited(*changes: Change) -> str:
    """routes.yaml with its one route changed."""
    return text_of({"digits": changed(digits(), *changes)})


def one_more_route(*changes: Change, name: Any = "second") -> str:
    """routes.yaml with a second route that is a changed copy of the first."""
    return text_of({"digits": digits(), name: changed(digits(), *changes)})


def text_of(routes: Mapping[Any, Any]) -> str:
    return yaml.safe_dump({"routes": dict(routes)}, sort_keys=False)


def parsed(text: str, **settings: str) -> Routes:
    """The routes in a text, with the example settings and these."""
    return parse_routes(text, {**SETTINGS, **settings})


def told(routes: Routes) -> list[tuple[str, str, str]]:
    """The problems as (route, field, message)."""
    return [(problem.route, problem.field, problem.message) for problem in routes.problems]
