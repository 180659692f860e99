"""What the app logs: every event, with the fields that its lines can have, as the calls in the code say it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from shared.core.record import Names
from testbed.examples import ROOT

LOGGING = {"log", "warn", "error"}
"""The functions of shared/telemetry.py, which the rest of the app imports by these names."""

EVENT = re.compile(r"[a-z_]+\.[a-z_]+")


class NotTold(AssertionError):
    """Which fields a line has cannot be told from its call. Write a dict where it can be seen, or teach this module."""


@cache
def fields_of() -> dict[str, frozenset[str]]:
    """The fields that lines of each event can have."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in _files():
        for call, function in _calls(ast.parse(path.read_text("utf-8"))):
            event = call.args[0]
            assert isinstance(event, ast.Constant)
            found[str(event.value)] |= {name for one in call.keywords for name in _fields(one, function)}
    return {event: frozenset(fields) for event, fields in found.items()}


def _files() -> Iterator[Path]:
    for folder in ("shared", "triggers"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def _calls(module: ast.Module) -> Iterator[tuple[ast.Call, ast.AST]]:
    """The calls that log, each with the function that it is in."""
    for function in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and _logs(node):
                yield node, function


def _logs(call: ast.Call) -> bool:
    names = {node.id for node in ast.walk(call.func) if isinstance(node, ast.Name)}
    event = call.args[0] if call.args else None
    return bool(names & LOGGING) and isinstance(event, ast.Constant) and bool(EVENT.fullmatch(str(event.value)))


def _fields(keyword: ast.keyword, function: ast.AST) -> set[str]:
    return {keyword.arg} if keyword.arg is not None else set(_keys(keyword.value, function))


def _keys(value: ast.expr, function: ast.AST) -> Iterator[str]:
    """The keys that a mapping can have which is passed as `**value`."""
    match value:
        case ast.Dict(keys, values):
            for key, inner in zip(keys, values, strict=True):
                yield from [str(key.value)] if isinstance(key, ast.Constant) else _keys(inner, function)
        case ast.IfExp(_, then, otherwise):
            yield from _keys(then, function)
            yield from _keys(otherwise, function)
        case ast.Call(ast.Name("dump"), [names]) if "names" in ast.unparse(names):
            yield from Names.__struct_fields__
        case ast.Call(ast.Name(name) | ast.Attribute(_, name)):
            yield from _keys_given_by(name, is_property=False)
        case ast.Attribute(_, name):
            yield from _keys_given_by(name, is_property=True)
        case ast.Name(name):
            yield from _keys_called(name, function)
        case _:
            raise NotTold(ast.unparse(value))


def _keys_called(name: str, function: ast.AST) -> Iterator[str]:
    """Of everything that a function binds to that name."""
    bound = [value for target, value in _bindings(function) if isinstance(target, ast.Name) and target.id == name]
    if not bound:
        raise NotTold(f"{name} in {getattr(function, 'name', '?')}")
    for value in bound:
        yield from _keys(value, function)


def _bindings(function: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    for node in ast.walk(function):
        match node:
            case ast.Assign([ast.Tuple(targets)], ast.Tuple(values)):
                yield from zip(targets, values, strict=True)
            case ast.Assign([target], value) | ast.For(target, value):
                yield target, value


def _keys_given_by(name: str, *, is_property: bool) -> Iterator[str]:
    """Of the dicts that functions of that name, anywhere in the app, return or yield."""
    given = [value for function in _functions().get((name, is_property), ()) for value in _answers(function)]
    if not given:
        raise NotTold(name)
    for value in given:
        yield from _keys(value, value)


def _answers(function: ast.AST) -> list[ast.Dict]:
    nodes = (node.value for node in ast.walk(function) if isinstance(node, ast.Return | ast.Yield))
    return [value for value in nodes if isinstance(value, ast.Dict)]


@cache
def _functions() -> dict[tuple[str, bool], list[ast.AST]]:
    """By name, and by whether they are properties."""
    found: dict[tuple[str, bool], list[ast.AST]] = defaultdict(list)
    for path in _files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                decorators = {ast.unparse(one) for one in node.decorator_list}
                found[node.name, "property" in decorators].append(node)
    return found
