from __future__ import annotations

from typing import Any

import pytest

from local.eventgrid.filters import OPERATORS, Filter
from tests.local.eventgrid.examples import CREATED, PREFIX, announced, created

EVENT = created("Digits/a.PNG", size=10, done=True, nested={"kind": "Image"}, nothing=None, tags=["x"])


@pytest.mark.parametrize(
    ("raw", "accepted"),
    [
        ({}, True),
        ({"includedEventTypes": [CREATED]}, True),
        ({"includedEventTypes": ["Microsoft.Storage.BlobDeleted"]}, False),
        ({"subjectBeginsWith": PREFIX + "digits/"}, True),
        ({"subjectBeginsWith": PREFIX + "digits/", "isSubjectCaseSensitive": True}, False),
        ({"subjectBeginsWith": PREFIX + "other/"}, False),
        ({"subjectEndsWith": ".png"}, True),
        ({"subjectEndsWith": ".png", "isSubjectCaseSensitive": True}, False),
        ({"includedEventTypes": [CREATED], "subjectBeginsWith": PREFIX, "subjectEndsWith": ".txt"}, False),
    ],
)
def test_types_and_subjects_are_filtered(raw: dict[str, Any], accepted: bool) -> None:
    assert Filter.parse(raw).accepts(EVENT) is accepted


@pytest.mark.parametrize(
    ("operator", "key", "value", "accepted"),
    [
        ("NumberIn", "data.size", [1, 10], True),
        ("NumberIn", "data.size", [1], False),
        ("NumberIn", "data.api", [1], False),
        ("NumberNotIn", "data.size", [10], False),
        ("NumberNotIn", "data.absent", [10], True),
        ("NumberLessThan", "data.size", 10, False),
        ("NumberLessThanOrEquals", "data.size", 10, True),
        ("NumberGreaterThan", "data.size", 9.5, True),
        ("NumberGreaterThanOrEquals", "data.size", 11, False),
        ("NumberInRange", "data.size", [[1, 2], [9, 10]], True),
        ("NumberNotInRange", "data.size", [[1, 2], [9, 10]], False),
        ("BoolEquals", "data.done", True, True),
        ("BoolEquals", "data.done", False, False),
        ("BoolEquals", "data.size", True, False),
        ("StringIn", "data.api", ["putblob", "CopyBlob"], True),
        ("StringNotIn", "data.api", ["PutBlob"], False),
        ("StringNotIn", "data.absent", ["PutBlob"], True),
        ("StringBeginsWith", "data.nested.kind", ["ima"], True),
        ("StringNotBeginsWith", "data.nested.kind", ["ima"], False),
        ("StringEndsWith", "subject", [".png"], True),
        ("StringNotEndsWith", "subject", [".png"], False),
        ("StringContains", "Subject", ["/digits/"], True),
        ("StringNotContains", "subject", ["/digits/"], False),
        ("StringContains", "data.tags", ["x"], False),
        ("StringContains", "data.absent.deeper", ["x"], False),
        ("IsNullOrUndefined", "data.nothing", None, True),
        ("IsNullOrUndefined", "data.absent", None, True),
        ("IsNullOrUndefined", "data.api", None, False),
        ("IsNotNull", "data.api", None, True),
        ("IsNotNull", "data.nothing", None, False),
        ("StringIn", "eventType", [CREATED], True),
    ],
)
def test_advanced_filters_look_into_the_event(operator: str, key: str, value: Any, accepted: bool) -> None:
    field = "values" if isinstance(value, list) else "value"
    raw = {"advancedFilters": [{"operatorType": operator, "key": key, field: value}]}

    assert Filter.parse(raw).accepts(EVENT) is accepted


@pytest.mark.parametrize(
    ("key", "value"), [("type", "Landfall.RunPublished"), ("source", "app"), ("eventtype", "Landfall.RunPublished")]
)
def test_cloud_events_are_filtered_by_their_own_attributes(key: str, value: str) -> None:
    raw = {"advancedFilters": [{"operatorType": "StringIn", "key": key, "values": [value]}]}

    assert Filter.parse(raw).accepts(announced())


def test_all_advanced_filters_are_required() -> None:
    one = {"operatorType": "IsNotNull", "key": "data.api"}
    other = {"operatorType": "IsNotNull", "key": "data.absent"}

    assert Filter.parse({"advancedFilters": [one]}).accepts(EVENT)
    assert not Filter.parse({"advancedFilters": [one, other]}).accepts(EVENT)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"subjectContains": "x"}, "subjectContains"),
        ({"advancedFilters": ["x"]}, "operatorType"),
        ({"advancedFilters": [{"operatorType": "StringMatches", "key": "subject", "values": ["x"]}]}, "StringMatches"),
        ({"advancedFilters": [{"operatorType": "StringIn", "key": "subject", "values": [1]}]}, "StringIn"),
        ({"advancedFilters": [{"operatorType": "StringIn", "key": "subject", "values": []}]}, "'values'"),
        ({"advancedFilters": [{"operatorType": "NumberLessThan", "key": "data.n", "values": [1]}]}, "'value'"),
        ({"advancedFilters": [{"operatorType": "NumberInRange", "key": "data.n", "values": [1]}]}, "NumberInRange"),
        ({"advancedFilters": [{"operatorType": "NumberIn", "key": "data.n", "values": [True]}]}, "NumberIn"),
        ({"advancedFilters": [{"operatorType": "StringIn", "key": "subject", "values": ["x"] * 26}]}, "25"),
        ({"advancedFilters": [{"operatorType": "IsNotNull", "key": "subject"}] * 26}, "25"),
    ],
)
def test_a_filter_that_is_not_supported_is_refused_with_the_reason(raw: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Filter.parse(raw)


def test_every_operator_that_is_offered_is_tested_here() -> None:
    (cases,) = [m.args[1] for m in test_advanced_filters_look_into_the_event.pytestmark]

    assert {case[0] for case in cases} == set(OPERATORS)
