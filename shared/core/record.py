"""Records: what travels between functions and is stored in the ledger, and how it is converted to JSON and back.

A Record is frozen, and an unknown member is refused when it is read: an older program must not rewrite a
document without the members that it does not know. A Message is one of several possible answers; its `type` says
which. Durations are ISO 8601 (`PT300S`), times are ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from shared.errors import InputRefused

T = TypeVar("T")

change = msgspec.structs.replace
"""A record with some members changed; what the record forbids is refused."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Plain values with names; members that have their default are left out of the JSON."""


class Message(Record, frozen=True, kw_only=True, tag=True):
    """One of several possible answers."""


class Done(Message, frozen=True):
    """It was done, and there is nothing to tell."""


def dump(record: msgspec.Struct) -> dict[str, Any]:
    """The record as what JSON has: maps, lists, strings, numbers."""
    found: dict[str, Any] = msgspec.to_builtins(record)
    return found


def builtins_of(value: object) -> Any:
    """Any value of a record as what JSON has."""
    return msgspec.to_builtins(value)


def load(kind: type[T], payload: object) -> T:
    """The record that was dumped. Raises InputRefused with the member that is wrong."""
    tag = kind.__struct_config__.tag_field if isinstance(kind, type) and issubclass(kind, Record) else None
    if tag is not None and isinstance(payload, dict) and tag not in payload:
        # msgspec takes it for granted where there is only one kind that it can be.
        raise InputRefused(f"Not a valid {kind.__name__}: it has no {tag}")
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        raise InputRefused(f"Not a valid {getattr(kind, '__name__', kind)}: {error}") from error


def to_json(record: msgspec.Struct) -> bytes:
    """The record as JSON that people can read."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1)


def from_json(kind: type[T], content: bytes) -> T:
    """The record in JSON. Raises InputRefused if it is not of that kind."""
    return load(kind, parse(content))


def parse(content: bytes) -> Any:
    """The value in a JSON document. Raises InputRefused if it is not valid JSON."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # the last: nested too deeply
        raise InputRefused(f"Not valid JSON: {error}") from error


class Names(Record, frozen=True, kw_only=True):
    """What log lines call the run or watch that something is done for."""

    route: str
    landing: str
    instance_id: str
    run_id: str | None = None

    @property
    def run(self) -> str:
        """The run's id. Only for what is done for a run."""
        assert self.run_id is not None, "this is not done for a run"
        return self.run_id
