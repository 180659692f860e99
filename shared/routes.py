"""Reads routes.yaml: defaults merged and settings filled in, checked against routes.schema.json and against each other,
all at once.

A route with a problem is left out and reported; the others stay usable. A file that cannot be read as routes at all
raises RoutesInvalid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shared.core.record import dump, load
from shared.core.route import JobSettings, Route, read_route, read_settings
from shared.core.route_problems import problems_of
from shared.core.together import problems_between
from shared.errors import InputRefused, Problem, RoutesInvalid
from shared.yaml_text import load_yaml

SCHEMA = Path(__file__).parent.parent / "routes.schema.json"

UNSET = "unset"
"""Stands in for an app setting that is missing, which has been reported."""

SHORTEST_SECRET = 8
LONGEST_TOLD = 200
"""Characters of a value in a message."""

_SETTING = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Routes:
    """The usable routes, and what is wrong with the others."""

    usable: tuple[Route, ...]
    problems: tuple[Problem, ...] = ()
    broken_containers: frozenset[str] | None = frozenset()
    """Names of the landing containers of routes with a problem; None if it cannot be told which."""

    def require_sound(self, container: str) -> None:
        """Raise RoutesInvalid if a route with a problem reads, or may read, that container."""
        if self.broken_containers is None or container in self.broken_containers:
            raise RoutesInvalid(self.problems)

    def require_whole(self) -> None:
        """Raise RoutesInvalid if any route had a problem."""
        if self.problems:
            raise RoutesInvalid(self.problems)


def parse_routes(text: str, settings: Mapping[str, str]) -> Routes:
    """The routes in `text`, with `${NAME}` taken from `settings`. Raises RoutesInvalid if nothing can be used."""
    raw = load_yaml(text)
    problems = [*_defaults_problems(raw)]
    if isinstance(raw, dict) and isinstance(raw.get("routes"), dict):
        raw = merge_defaults(raw)
    document = _fill(raw, settings, (), problems)
    problems += _schema_problems(document, raw, {(problem.route, problem.field) for problem in problems})
    if any(not problem.route for problem in problems):
        raise RoutesInvalid(problems)
    broken = {problem.route for problem in problems}
    routes = [read_route(name, entry) for name, entry in document["routes"].items() if str(name) not in broken]
    found = [*(problem for route in routes for problem in problems_of(route)), *problems_between(routes)]
    problems += [replace(problem, message=_without_values(problem.message, text, settings)) for problem in found]
    broken = {problem.route for problem in problems}
    usable = tuple(route for route in routes if route.name not in broken)
    return Routes(usable, tuple(dict.fromkeys(problems)), _containers(document["routes"], broken))


def merge_defaults(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its defaults merged below each route, and without them.

    Mappings are merged member by member; anything else of a route replaces the default. `null` in a route removes a
    default; where there is none, it stays and is a problem.
    """
    routes, defaults = raw["routes"], raw.get("defaults", {})
    merged = {name: _merge(defaults, route) for name, route in routes.items()}
    return {key: merged if key == "routes" else value for key, value in raw.items() if key != "defaults"}


def _merge(default: Any, given: Any) -> Any:
    if not isinstance(default, dict) or not isinstance(given, dict):
        return given
    own = {name: _merge(default.get(name), value) for name, value in given.items()}
    removed = {name for name, value in given.items() if value is None and name in default}
    return {name: value for name, value in {**default, **own}.items() if name not in removed}


def _containers(routes: Mapping[Any, Any], names: set[str]) -> frozenset[str] | None:
    found = set()
    for name in (name for name in routes if str(name) in names):
        landing = routes[name].get("landing") if isinstance(routes[name], dict) else None
        container = landing.get("container") if isinstance(landing, dict) else None
        if not isinstance(container, str) or UNSET in container:
            return None
        found.add(container)
    return frozenset(found)


def _fill(value: Any, settings: Mapping[str, str], path: tuple[str, ...], problems: list[Problem]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(item, settings, (*path, str(key)), problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, settings, (*path, str(i)), problems) for i, item in enumerate(value)]
    if value is None and len(path) > 2:  # within a route
        problems.append(
            _problem(path, "null removes a default, and there is none; give a value, or leave the field out")
        )
    if not isinstance(value, str):
        return value
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        problems.append(_problem(path, "has half a character (a surrogate), which UTF-8 cannot hold; correct it"))
        return UNSET

    def setting(match: re.Match[str]) -> str:
        # A URL is as good with a trailing slash as without, and is often followed by one here.
        found = settings.get(match[1], "").strip().rstrip("/")
        if not found:
            problems.append(_problem(path, f"the app setting {match[1]} is not set; set it, or write the value here"))
        return found or UNSET

    filled = _SETTING.sub(setting, value)
    if "${" in filled:
        problems.append(_problem(path, f"{value!r} has a ${{…}} without a valid setting name; write ${{NAME}}"))
    return filled


def _without_values(message: str, text: str, settings: Mapping[str, str]) -> str:
    """The message with the names of settings for their values, unless these are plain addresses: one of them may be a
    secret, which nobody meant to have in logs and answers."""
    for name in sorted(set(_SETTING.findall(text))):
        value = settings.get(name, "").strip().rstrip("/")
        is_address = value.startswith("https://") and not {"?", "@"} & set(value)
        if len(value) >= SHORTEST_SECRET and not is_address:
            message = message.replace(value, f"${{{name}}}")
    return message


def _schema_problems(document: Any, raw: Any, told: set[tuple[str, str]]) -> Iterator[Problem]:
    """What the schema objects to, apart from fields that somebody has been told of already. `raw`: the document before
    settings were filled in."""
    validator = _validator(_schema())
    names = document.get("routes") if isinstance(document, dict) else None
    if isinstance(names, dict):
        for name in names:
            if not isinstance(name, str):
                yield Problem(str(name), "the route", f"the name {name!r} is not a string; put it in quotes")
    for error in sorted(validator.iter_errors(document), key=lambda e: [str(part) for part in e.absolute_path]):
        path = [str(part) for part in error.absolute_path]
        if "propertyNames" in error.absolute_schema_path and path == ["routes"]:
            path.append(str(error.instance))
        problem = _problem(tuple(path), _wrong(error, _at(raw, error.absolute_path)))
        if (problem.route, problem.field) not in told:
            yield problem


def _defaults_problems(document: Any) -> Iterator[Problem]:
    """What is wrong with the defaults that no route would be told of."""
    if isinstance(document, dict) and "defaults" in document:
        for error in _validator(_schema()["$defs"]["defaults"]).iter_errors(document["defaults"]):
            yield _problem(("defaults", *(str(part) for part in error.absolute_path)), _wrong(error))


def settings_in(raw: Mapping[str, Any]) -> JobSettings:
    """The settings that a caller sends, by the rules of a route's. Raises InputRefused with all that is wrong."""
    rules = {"$ref": "#/$defs/route/properties/settings", "$defs": _schema()["$defs"]}
    found = sorted(_validator(rules).iter_errors(raw), key=lambda e: [str(part) for part in e.absolute_path])
    wrong = [f"{'.'.join(['settings', *map(str, error.absolute_path)])}: {_wrong(error)}" for error in found]
    for name, value in [*raw.items(), *_members(raw.get("retry_settings"))]:
        if value is None:
            wrong.append(f"settings.{name}: null is no value; leave it out, and it is as the route says")
    if wrong:
        raise InputRefused("; ".join(wrong) + ".")
    return load(JobSettings, dump(read_settings(raw)))


def _members(value: object) -> list[tuple[str, Any]]:
    return [(f"retry_settings.{name}", member) for name, member in value.items()] if isinstance(value, dict) else []


def _validator(rules: Any) -> Any:
    from jsonschema import Draft202012Validator, ValidationError, validators  # first use, not cold start

    def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[ValidationError]:
        # JSON Schema's `$` is the end; Python's is before a last line break, too.
        if isinstance(value, str) and (value.endswith("\n") or re.search(wanted, value) is None):
            yield ValidationError(f"{value!r} does not match {wanted!r}")

    extend: Any = validators.extend
    return extend(Draft202012Validator, {"pattern": pattern})(rules)


def _schema() -> Any:
    return json.loads(SCHEMA.read_text("utf-8"))


def _at(raw: Any, path: Iterable[Any]) -> Any:
    for part in path:
        raw = raw[part]
    return raw


def _wrong(error: Any, written: Any = None) -> str:
    """What is wrong, and what is expected. `written`: the value before settings were filled in."""
    wanted = error.schema.get("description", error.message)
    match error.validator:
        case "required":
            missing = ", ".join(name for name in error.validator_value if name not in error.instance)
            return f"{missing} is missing; expected {wanted}"
        case "additionalProperties":
            unknown = ", ".join(repr(name) for name in error.instance if name not in error.schema.get("properties", {}))
            return f"unknown field {unknown}{_near(error)}; expected {wanted}"
        case "oneOf":
            return f"expected {wanted}"
        case "not":  # a field that is known only to say why it cannot be here
            return str(wanted)
        case _ if "propertyNames" in error.absolute_schema_path:
            return f"{_told(error.instance)} is not a valid name; it must match {error.validator_value}"
        case _:
            given = written if isinstance(written, str) else error.instance
            return f"{_told(given)} is not valid; expected {wanted}"


def _told(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_TOLD else f"{text[: LONGEST_TOLD - 1]}…"


def _near(error: Any) -> str:
    """What an unknown field was probably meant to be."""
    from difflib import get_close_matches  # first use, not cold start

    known = error.schema.get("properties", {})
    unknown = [name for name in error.instance if name not in known]
    near = [f"{match!r}" for name in unknown for match in get_close_matches(str(name), known, n=1)]
    return f" (did you mean {', '.join(near)}?)" if near else ""


def _problem(path: tuple[str, ...], message: str) -> Problem:
    if len(path) >= 2 and path[0] == "routes":
        return Problem(path[1], ".".join(path[2:]) or "the route", message)
    return Problem("", ".".join(path) or "routes.yaml", message)
