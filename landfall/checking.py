"""What is wrong with a routes file, and in which line: the app's own rules, with no app running."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from landfall.connection import Told
from shared.errors import Problem, RoutesInvalid
from shared.routes import parse_routes

LARGEST = 1024 * 1024
"""Bytes of a file that people write."""
SETTINGS = "local.settings.json"
"""Where `${NAME}` may be set, beside the environment, which comes first."""

_UNKNOWN = re.compile(r"unknown field '([^']*)'")
_AT_LINE = re.compile(r"\bline (\d+)(?:, column (\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong. Lines and columns begin at 1."""

    line: int
    column: int
    route: str | None
    field: str
    message: str

    def shown(self, file: Path) -> str:
        where = f"route {self.route!r}, {self.field}" if self.route else self.field
        return f"{file}:{self.line}:{self.column}: {where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Checked:
    """How many routes can be used, and what is wrong, in the order of the lines."""

    usable: int
    findings: tuple[Finding, ...]


def check(file: Path) -> Checked:
    """What is wrong with that file. Where a setting is not known here, any value stands in for it that is right by its
    name. Raises Told for a file that cannot be read."""
    text = _text_of(file)
    settings = {**{name: _stand_in(name) for name in _named_in(text)}, **_settings_for(text, file)}
    try:
        routes = parse_routes(text, settings)
        usable, problems = len(routes.usable), routes.problems
    except RoutesInvalid as invalid:
        usable, problems = 0, tuple(invalid.problems)
    except RecursionError:
        raise Told(f"{file} is nested too deeply, or within itself; write it plainly.") from None
    places = _places_in(text)
    found = (
        Finding(**_place_of(places, one), route=one.route or None, field=one.field, message=one.message)
        for one in problems
    )
    return Checked(usable, tuple(sorted(found, key=lambda one: (one.line, one.column))))


def _text_of(file: Path) -> str:
    try:
        if file.stat().st_size > LARGEST:
            raise Told(f"{file} has {file.stat().st_size:,} bytes; a routes file has at most {LARGEST:,}.")
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise Told(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise Told(f"{file} is not UTF-8: byte {error.start} is {file.read_bytes()[error.start]:#x}.") from None


def _settings_for(text: str, file: Path) -> dict[str, str]:
    """The settings that the file names, as far as anything is known of them: from the environment, or beside it."""
    known = {**_settings_beside(file), **os.environ}
    return {name: known[name] for name in _named_in(text) if name in known}


def unset_in(file: Path) -> list[str]:
    """The settings that the file names, and that are set nowhere here."""
    text = _text_of(file)
    return sorted(_named_in(text) - _settings_for(text, file).keys())


def _named_in(text: str) -> set[str]:
    without_comments = re.sub(r"(?m)(^|\s)#.*$", "", text)
    return set(re.findall(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", without_comments))


def _settings_beside(file: Path) -> dict[str, str]:
    path = file.parent / SETTINGS
    try:
        values = json.loads(path.read_text("utf-8"))["Values"] if path.exists() else {}
        return {key: str(value) for key, value in values.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Told(f"{path} cannot be read: {error}.") from None


def _stand_in(name: str) -> str:
    """A value that is as good as any for a setting whose name says what it is."""
    plain = re.sub("[^a-z0-9]", "", name.lower())[:24]
    if name.endswith("_SCORING_URI"):
        return f"https://{plain}.westeurope.inference.ml.azure.com/jobs"
    if name.endswith("_ACCOUNT_URL"):
        return f"https://{plain}.blob.core.windows.net"
    return plain if name.endswith("_CONTAINER") else ""


Places = Mapping[tuple[str, ...], tuple[int, int]]


def _places_in(text: str) -> Places:
    """Where each key and each item is; nothing of a file that is no YAML."""
    try:
        return {path: (mark.line + 1, mark.column + 1) for path, mark in _walk(yaml.compose(text), (), frozenset())}
    except yaml.YAMLError:
        return {}


def _walk(node: Any, path: tuple[str, ...], above: frozenset[int]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if node is None or id(node) in above:  # an anchor within itself
        return
    yield path, node.start_mark
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = (*path, str(key.value))
            yield from ((at, mark) for at, mark in _walk(value, name, above | {id(node)}) if at != name)
            yield name, key.start_mark
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _walk(item, (*path, str(number)), above | {id(node)})


def _place_of(places: Places, problem: Problem) -> dict[str, int]:
    """As near as can be told: what the problem is about, or what that is in. A default is where it is written."""
    field = [] if problem.field in ("the route", "routes.yaml") else problem.field.split(".")
    unknown = _UNKNOWN.search(problem.message)
    steps = [*field, *([unknown[1]] if unknown else [])]
    roots: Sequence[tuple[str, ...]] = [("routes", problem.route), ("defaults",)] if problem.route else [()]
    tried = [(*root, *steps[:length]) for length in range(len(steps), -1, -1) for root in roots]
    named = _AT_LINE.search(problem.message)
    line, column = next((places[path] for path in tried if path in places), (1, 1))
    if named is not None and not problem.route:
        line, column = int(named[1]), int(named[2] or 1)
    return {"line": line, "column": column}
