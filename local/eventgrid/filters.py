"""Which events a subscription wants. Pure.

Source: Azure docs, event-grid/event-filtering: values of one advanced filter are alternatives, the filters are all
required; text is compared without regard to case; an absent key matches only the negative operators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.eventgrid.schema import Event, event_type, is_cloud_event, subject

MAX_FILTERS = 25
MAX_VALUES = 25
_ABSENT = object()

_NUMBERS: Mapping[str, Callable[[float, Any], bool]] = {
    "NumberIn": lambda actual, wanted: actual == wanted,
    "NumberLessThan": lambda actual, wanted: actual < wanted,
    "NumberGreaterThan": lambda actual, wanted: actual > wanted,
    "NumberLessThanOrEquals": lambda actual, wanted: actual <= wanted,
    "NumberGreaterThanOrEquals": lambda actual, wanted: actual >= wanted,
    "NumberInRange": lambda actual, wanted: wanted[0] <= actual <= wanted[1],
}
_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "StringIn": lambda actual, wanted: actual == wanted,
    "StringBeginsWith": lambda actual, wanted: actual.startswith(wanted),
    "StringEndsWith": lambda actual, wanted: actual.endswith(wanted),
    "StringContains": lambda actual, wanted: wanted in actual,
}
_NEGATIVE = {
    "NumberNotIn": "NumberIn",
    "NumberNotInRange": "NumberInRange",
    "StringNotIn": "StringIn",
    "StringNotBeginsWith": "StringBeginsWith",
    "StringNotEndsWith": "StringEndsWith",
    "StringNotContains": "StringContains",
}
_PRESENCE = ("IsNullOrUndefined", "IsNotNull")
_SINGLE_VALUE = frozenset(name for name in _NUMBERS if "Than" in name) | {"BoolEquals"}
OPERATORS = (*_NUMBERS, *_TEXTS, *_NEGATIVE, "BoolEquals", *_PRESENCE)


@dataclass(frozen=True, slots=True)
class AdvancedFilter:
    """One condition on one key of the event. `values` are alternatives."""

    operator: str
    key: str
    values: tuple[Any, ...] = ()

    @classmethod
    def parse(cls, raw: object) -> AdvancedFilter:
        """Raises ValueError with what is wrong."""
        if not isinstance(raw, dict) or not isinstance(raw.get("key"), str):
            raise ValueError(f"An advanced filter is an object with 'operatorType' and 'key'; got {raw!r}.")
        operator = raw.get("operatorType")
        if operator not in OPERATORS:
            raise ValueError(f"operatorType {operator!r} is not supported; use one of {', '.join(OPERATORS)}.")
        if operator in _PRESENCE:
            return cls(operator, raw["key"])
        values = [raw.get("value")] if operator in _SINGLE_VALUE else raw.get("values")
        if not isinstance(values, list) or not values or not all(_fits(operator, value) for value in values):
            field = "'value'" if operator in _SINGLE_VALUE else "'values', a list"
            raise ValueError(f"{operator} on {raw['key']!r} needs {field} of its type; got {values!r}.")
        return cls(operator, raw["key"], tuple(values))

    def accepts(self, event: Event) -> bool:
        actual = _value(event, self.key)
        if self.operator in _PRESENCE:
            return (actual is _ABSENT or actual is None) == (self.operator == "IsNullOrUndefined")
        if self.operator in _NEGATIVE:
            return not any(_holds(_NEGATIVE[self.operator], actual, value) for value in self.values)
        return any(_holds(self.operator, actual, value) for value in self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a subscription's `filter` says."""

    event_types: tuple[str, ...] = ()
    begins_with: str = ""
    ends_with: str = ""
    case_sensitive: bool = False
    advanced: tuple[AdvancedFilter, ...] = ()

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Filter:
        """Raises ValueError with what is wrong."""
        known = {
            "includedEventTypes",
            "subjectBeginsWith",
            "subjectEndsWith",
            "isSubjectCaseSensitive",
            "advancedFilters",
        }
        if unknown := sorted(raw.keys() - known):
            raise ValueError(f"filter.{unknown[0]} is not supported; use one of {', '.join(sorted(known))}.")
        advanced = tuple(AdvancedFilter.parse(one) for one in raw.get("advancedFilters") or ())
        if len(advanced) > MAX_FILTERS or sum(len(one.values) for one in advanced) > MAX_VALUES:
            raise ValueError(f"At most {MAX_FILTERS} advanced filters with {MAX_VALUES} values in total are allowed.")
        return cls(
            event_types=tuple(raw.get("includedEventTypes") or ()),
            begins_with=str(raw.get("subjectBeginsWith") or ""),
            ends_with=str(raw.get("subjectEndsWith") or ""),
            case_sensitive=bool(raw.get("isSubjectCaseSensitive")),
            advanced=advanced,
        )

    def accepts(self, event: Event) -> bool:
        """Whether the subscription gets `event`."""
        if self.event_types and event_type(event) not in self.event_types:
            return False
        about, begin, end = subject(event), self.begins_with, self.ends_with
        if not self.case_sensitive:
            about, begin, end = about.casefold(), begin.casefold(), end.casefold()
        return about.startswith(begin) and about.endswith(end) and all(one.accepts(event) for one in self.advanced)


def _fits(operator: str, value: object) -> bool:
    positive = _NEGATIVE.get(operator, operator)
    if operator == "BoolEquals":
        return isinstance(value, bool)
    if positive in _TEXTS:
        return isinstance(value, str)
    if positive == "NumberInRange":
        return isinstance(value, list) and len(value) == 2 and all(_is_number(end) for end in value)
    return _is_number(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _holds(operator: str, actual: object, wanted: Any) -> bool:
    if operator == "BoolEquals":
        return isinstance(actual, bool) and actual == wanted
    if operator in _TEXTS:
        return isinstance(actual, str) and _TEXTS[operator](actual.casefold(), wanted.casefold())
    return _is_number(actual) and _NUMBERS[operator](actual, wanted)  # type: ignore[arg-type]  # _is_number says so


def _value(event: Event, key: str) -> object:
    """What `key` (an attribute of either schema, or data.x.y) names in the event, or _ABSENT."""
    first, *rest = key.split(".")
    value: object = event.get(_attribute(event, first.casefold()), _ABSENT)
    for name in rest:
        value = value.get(name, _ABSENT) if isinstance(value, Mapping) else _ABSENT
    return value


def _attribute(event: Event, name: str) -> str:
    if is_cloud_event(event):
        return {"eventid": "id", "eventtype": "type", "topic": "source"}.get(name, name)
    return {
        "eventid": "id",
        "eventtype": "eventType",
        "type": "eventType",
        "source": "topic",
        "dataversion": "dataVersion",
    }.get(name, name)
