"""What an endpoint is given: every kind of input, from a route's words to what is sent.

One table of kinds: how a value is written, and what the service calls it. An input of data refers to the landing, by
`{landing}` or `{file}`, or to what is always the same; the others are values.

Source: Azure docs, how-to-access-data-batch-endpoints-jobs; `BatchJob` of the data-plane specification
2020-09-01-dataplanepreview; the requests that azure-ai-ml 1.35 sends for the same inputs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from shared.core.location import fill, placeholders
from shared.core.record import Record, change
from shared.core.references import notations, read_reference
from shared.errors import InputRefused

InputMode = Literal["ro_mount", "rw_mount", "download", "direct", "eval_mount", "eval_download"]
InputType = Literal["uri_folder", "uri_file", "mltable", "string", "number", "integer", "boolean"]
Value = str | int | float | bool

THE_LANDING = frozenset({"landing", "file"})
"""Placeholders for the landing: its path in its container. `{file}` says that every file is a landing of its own."""

HARMLESS = re.compile(r"(?!-)[\w.,:=@+/-]*")
"""What may come from a landing's name into a value, or into the path of data that is always the same. A step's command
line is made of values, a path may be read as a URL, and names are given by whoever uploads."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of input. `read` makes a value of its text, and raises ValueError; None: it is data, with a path."""

    wire: str
    read: Callable[[str], Value] | None = None


def _whole(text: str) -> Value:
    if not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        raise ValueError(f"{text!r} is not a whole number of at most 18 digits")
    return int(text)


def _number(text: str) -> Value:
    if not re.fullmatch(r"[+-]?(\d{1,300}\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text, re.ASCII):
        raise ValueError(f"{text!r} is not a number")
    return float(text)


def _boolean(text: str) -> Value:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


KINDS: Mapping[str, Kind] = {
    "uri_folder": Kind("UriFolder"),
    "uri_file": Kind("UriFile"),
    "mltable": Kind("MLTable"),
    "string": Kind("Literal", str),
    "number": Kind("Literal", _number),
    "integer": Kind("Literal", _whole),
    "boolean": Kind("Literal", _boolean),
}


MODES: Mapping[str, str] = {
    "ro_mount": "ReadOnlyMount",
    "rw_mount": "ReadWriteMount",
    "download": "Download",
    "direct": "Direct",
    "eval_mount": "EvalMount",
    "eval_download": "EvalDownload",
}
"""What the specification calls the modes of azure-ai-ml. azure-ai-ml itself sends none for files and folders."""


class Input(Record, frozen=True, kw_only=True):
    """One input, in Azure ML's notation: `uri` of data, `value` of a literal. As long as it belongs to a route, either
    is a template. `mode`: how data reaches the node; None: as the service does it. `is_landing`: the landing under one
    more name, so that copies take its place as well."""

    name: str
    type: InputType
    uri: str = ""
    value: Value | None = None
    mode: InputMode | None = None
    is_landing: bool = False

    @property
    def is_data(self) -> bool:
        return KINDS[self.type].read is None

    @property
    def template(self) -> str:
        """What may hold placeholders."""
        return self.uri if self.is_data else str(self.value)

    @property
    def names_the_landing(self) -> bool:
        """Whether it is data of the landing: the template of an input that is."""
        return self.is_data and bool(placeholders(self.template) & THE_LANDING)


def read_inputs(raw: Mapping[str, Any]) -> tuple[Input, ...]:
    """The inputs of a route, from a mapping that satisfies the schema. A path is as the service takes it, if it is in
    a notation that is known."""
    return tuple(_read(name, given) for name, given in raw.items())


def _read(name: str, given: Mapping[str, Any]) -> Input:
    if KINDS[given["type"]].read is not None:
        return Input(name=name, type=given["type"], value=given["default"])
    path = given["path"]
    found = read_reference(path)
    return Input(name=name, type=given["type"], uri=path if found is None else found.sent, mode=given.get("mode"))


def input_problems(one: Input, known: frozenset[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with an input of a route by itself: a field and a message each. `known`: the placeholders that can
    be used."""
    field = f"inputs.{one.name}.{'path' if one.is_data else 'default'}"
    for name in sorted(placeholders(one.template) - known):
        expected = ", ".join(f"{{{placeholder}}}" for placeholder in sorted(known))
        yield field, f"{{{name}}} cannot be used here; use {expected}"
    if one.is_data and read_reference(one.template) is None:
        # The query may be a signature.
        given = one.template.partition("?")[0]
        yield field, f"{given!r} is not written as a batch endpoint takes it: {notations()}; a URL without a query"
    if not one.is_data and not placeholders(one.template):
        try:
            _value(one, one.template)
        except ValueError as error:
            yield field, f"is of type {one.type}, but {error}"


def fill_input(one: Input, values: Mapping[str, str]) -> Input:
    """The input of one landing, its placeholders replaced by these values. Raises InputRefused if what comes of it is
    no such value."""
    used = sorted(placeholders(one.template))
    if not one.names_the_landing:
        _require_harmless(one, used, values)
    if one.is_data:
        encoded = {name: quote(value, safe="/=") for name, value in values.items()}
        uri = fill(one.template, encoded if one.template.startswith("https://") else values)
        return change(one, uri=uri, is_landing=one.names_the_landing)
    try:
        return change(one, value=_value(one, fill(one.template, values)))
    except ValueError as error:
        raise InputRefused(f"Input {one.name!r} is of type {one.type}, but {error}.") from error


def _require_harmless(one: Input, used: Iterable[str], values: Mapping[str, str]) -> None:
    for name in used:
        if not HARMLESS.fullmatch(values[name]):
            where = "Paths may be read as URLs" if one.is_data else "Values become part of command lines"
            raise InputRefused(
                f"Input {one.name!r} would be given {values[name]!r} for {{{name}}}. {where}, so only letters, digits "
                "and _ . , : = @ + / - are taken from a landing's name, and no - at its beginning. Rename the folder "
                "or file, or take the placeholder out of the route."
            )


def wire_of(one: Input) -> dict[str, Any]:
    """What is sent for an input."""
    kind = KINDS[one.type].wire
    if not one.is_data:
        return {"jobInputType": kind, "value": one.value}
    return {"jobInputType": kind, "uri": one.uri, **({"mode": MODES[one.mode]} if one.mode else {})}


def _value(one: Input, text: str) -> Value:
    read = KINDS[one.type].read
    assert read is not None, "data has no value"
    return read(text)
