"""Records on their way between functions and into the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from shared.core.record import Done, Message, Names, Record, builtins_of, change, dump, from_json, load, parse, to_json
from shared.core.watchers import Watchers
from shared.errors import InputRefused
from testbed.fakes import NOON


class Wait(Message, frozen=True):
    """One of two answers."""

    until: datetime
    at_least: timedelta = timedelta(minutes=5)


class Step(Record, frozen=True, kw_only=True):
    """A record that is not one of several."""

    name: str
    names: tuple[str, ...] = ()
    before: Done | Wait | None = None


@pytest.mark.parametrize(
    "record",
    [Step(name="look"), Step(name="look", names=("a", "ä"), before=Done()), Step(name="", before=Wait(NOON))],
    ids=["defaults", "another inside", "one of several inside"],
)
def test_a_record_comes_back_as_it_went(record: Step) -> None:
    assert load(Step, json.loads(json.dumps(dump(record)))) == record
    assert from_json(Step, to_json(record)) == record


def test_members_that_have_their_default_are_left_out() -> None:
    assert dump(Step(name="look")) == {"name": "look"}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (NOON, "2026-03-01T12:00:00Z"),
        (NOON + timedelta(microseconds=1), "2026-03-01T12:00:00.000001Z"),
        (timedelta(minutes=5), "PT300S"),
        (timedelta(days=1, milliseconds=1), "P1DT0.001S"),
        ((Done(), None), ({"type": "Done"}, None)),
    ],
    ids=["a time", "a microsecond", "five minutes", "a day and a bit", "several"],
)
def test_times_and_durations_are_iso_8601(value: object, told: object) -> None:
    assert builtins_of(value) == told


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=5)))

    assert load(datetime, builtins_of(there)) == NOON
    assert load(datetime, "2026-03-01T12:00:00Z").tzinfo is UTC


@pytest.mark.parametrize("answer", [Done(), Wait(NOON)], ids=["done", "wait"])
def test_a_message_says_which_of_several_answers_it_is(answer: Done | Wait) -> None:
    assert dump(answer)["type"] == type(answer).__name__
    found: object = load(Done | Wait, dump(answer))  # type: ignore[arg-type]
    assert found == answer


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({"name": "look", "prority": 1}, "Object contains unknown field `prority`"),
        ({}, "missing required field `name`"),
        ({"name": 1}, r"Expected `str`, got `int` - at `\$.name`"),
        ({"name": "look", "before": {"type": "Gone"}}, "Invalid value 'Gone'"),
        ({"name": "look", "before": {}}, "missing required field `type`"),
        (None, "Expected `object`, got `null`"),
    ],
    ids=["unknown member", "missing member", "another type", "unknown answer", "no answer at all", "nothing"],
)
def test_what_is_wrong_with_a_payload_is_told(payload: Any, why: str) -> None:
    with pytest.raises(InputRefused, match=f"Not a valid Step: .*{why}"):
        load(Step, payload)


def test_json_of_another_kind_and_what_is_no_json_are_told_apart() -> None:
    with pytest.raises(InputRefused, match="Not a valid Step"):
        from_json(Step, b"{}")
    with pytest.raises(InputRefused, match="Not valid JSON"):
        from_json(Step, b"{")
    assert parse(b'{"a": [1, null]}') == {"a": [1, None]}


def test_people_can_read_what_lies_in_the_ledger() -> None:
    assert to_json(Step(name="look", names=("a",))).decode().splitlines() == [
        "{",
        ' "name": "look",',
        ' "names": [',
        '  "a"',
        " ]",
        "}",
    ]


def test_a_changed_record_is_another_record() -> None:
    look = Step(name="look")

    assert change(look, name="claim") == Step(name="claim")
    assert look == Step(name="look")
    with pytest.raises(AttributeError):
        look.name = "claim"  # type: ignore[misc]


def test_names_without_a_run_say_nothing_of_one() -> None:
    told = dump(Names(route="digits", landing="digits/tuesday", instance_id="watch-1"))

    assert told == {"route": "digits", "landing": "digits/tuesday", "instance_id": "watch-1"}


@pytest.mark.parametrize("kind", [Watchers, Done], ids=["a version", "a type"])
def test_a_record_that_leaves_out_what_it_is_is_refused(kind: type[Record]) -> None:
    """Else a document of before there were versions would be taken for one of today."""
    with pytest.raises(InputRefused, match=r"has no (version|type)"):
        load(kind, {})
