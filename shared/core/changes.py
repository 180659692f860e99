"""What a run does differently from its route because its caller said so, within what the route allows.

A route that says `on_request: true` lets a caller replace settings, values, and the paths of data that is not the
landing. A caller holds a key, not the pen that wrote the route: so a path stays within the containers that the route
names, and a text holds nothing that a command line would read as more than one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from shared.core.acts import Repeats, Said
from shared.core.inputs import HARMLESS, Input, Value
from shared.core.location import is_safe, locate
from shared.core.record import Record, change, dump
from shared.core.references import Notation, read_reference
from shared.core.route import JobSettings, Route
from shared.core.route_problems import problems_of
from shared.errors import InputRefused

FITTING: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
}
"""What a value of each type of input is in JSON."""

PLAIN = frozenset({Notation.URL, Notation.DATASTORE, Notation.ABFSS, Notation.WASBS})
"""Notations that name the container, or a datastore of the route."""

LONGEST_TEXT = 1000
"""Characters of a text; as many as a blob's name may have, and more than anybody writes by hand."""


class Changes(Record, frozen=True, kw_only=True):
    """What is different from the route. Settings that are None and inputs that are not named are as the route says."""

    settings: JobSettings | None = None
    inputs: dict[str, Value] = {}

    @property
    def identity(self) -> str:
        """Different for different changes; the same however they were written."""
        return hashlib.sha256(json.dumps(dump(self), sort_keys=True).encode()).hexdigest()


class Requested(Record, frozen=True, kw_only=True):
    """That somebody asked for a run. `by`: who it was, where the app's sign-in tells; `changes`: what they changed.
    `repeats`: the run whose content is scored once more. `backfill`: it was asked for with others, and why."""

    by: str | None = None
    changes: Changes | None = None
    repeats: Repeats | None = None
    backfill: Said | None = None


def changed(route: Route, changes: Changes | None) -> Route:
    """The route with the changes. Raises InputRefused with all that it does not allow."""
    if changes is None:
        return route
    if not route.on_request:
        raise InputRefused(
            f"Route {route.name!r} does not let a caller change its settings or inputs. Leave them out, or have "
            "on_request: true written in the route."
        )
    wrong = list(_input_problems(route, changes.inputs))
    if not wrong:
        result = replace(route, settings=_merged(route.settings, changes.settings), inputs=_given(route, changes))
        wrong = [f"{problem.field} {problem.message}" for problem in problems_of(result)]
    if wrong:
        raise InputRefused(f"Route {route.name!r} does not allow this: {'; '.join(wrong)}.")
    return result


def _merged(own: JobSettings, asked: JobSettings | None) -> JobSettings:
    """Member by member, also within retry_settings."""
    if asked is None:
        return own
    given = {name: value for name in JobSettings.__struct_fields__ if (value := getattr(asked, name)) is not None}
    retries = asked.retry_settings
    if retries is not None and own.retry_settings is not None:
        members = {name: getattr(retries, name) for name in retries.__struct_fields__}
        known = {name: value for name, value in members.items() if value is not None}
        given["retry_settings"] = change(own.retry_settings, **known)
    return change(own, **given)


def _given(route: Route, changes: Changes) -> tuple[Input, ...]:
    return tuple(_with(one, changes.inputs[one.name]) if one.name in changes.inputs else one for one in route.inputs)


def _with(one: Input, value: Value) -> Input:
    if not one.is_data:
        return change(one, value=value)
    found = read_reference(str(value))
    assert found is not None, "was checked"
    return change(one, uri=found.sent)


def _input_problems(route: Route, inputs: Mapping[str, Value]) -> Iterator[str]:
    known = {one.name: one for one in route.inputs}
    for name, value in inputs.items():
        one = known.get(name)
        if one is None:
            yield f"inputs.{name[:40]} is no input of the route; it has {', '.join(known)}"
        elif one.names_the_landing:
            yield f"inputs.{name} is the landing; name the folder or file in landing instead"
        elif one.is_data:
            yield from (f"inputs.{name} {problem}" for problem in _path_problems(route, value))
        else:
            yield from (f"inputs.{name} {problem}" for problem in _value_problems(one, value))


def _value_problems(one: Input, value: Value) -> Iterator[str]:
    is_boolean = isinstance(value, bool)
    if not isinstance(value, FITTING[one.type]) or is_boolean is not (one.type == "boolean"):
        yield f"is of type {one.type}, not {json.dumps(value)[:80]}"
    elif isinstance(value, str) and (len(value) > LONGEST_TEXT or not HARMLESS.fullmatch(value)):
        yield (
            f"is a text that may become part of a command line: at most {LONGEST_TEXT} letters, digits and "
            "_ . , : = @ + / -, and no - at its beginning"
        )


def _path_problems(route: Route, value: Value) -> Iterator[str]:
    """What may stand for another place than it seems to is refused: dots, percent signs, queries, placeholders, and
    datastores with a workspace, which may be another one's of the same name."""
    text = value if isinstance(value, str) else ""
    found = read_reference(text) if not set(text) & set("%?#{}") else None
    is_plain = found is not None and found.notation in PLAIN
    place = locate(found.sent, route.datastores, (route.landing, route.publish)) if found and is_plain else None
    if place is None or not is_safe(place.path) or not text.removesuffix("/").endswith(f"/{place.path}"):
        named = sorted({container.url for _, container in route.containers()})
        yield f"must be a path in one of the containers that the route names ({', '.join(named)}), written plainly"
