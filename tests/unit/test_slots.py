"""Whose turn it is: never more than there are slots, first come first served within a route, fair between routes."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.pointer import Pointer
from shared.core.route import UNLIMITED, JobSettings, Limits, Polling
from shared.core.slots import (
    OFTEN,
    QUICK,
    SELDOM,
    Holder,
    InLine,
    Place,
    Slots,
    age_of,
    most_at,
    next_turn,
    place_in,
)
from testbed.fakes import NOON

POLLING = Polling(
    first=timedelta(seconds=15),
    longest=timedelta(minutes=5),
    start_deadline=timedelta(hours=2),
    deadline=timedelta(days=1),
)


def waiter(route: str, number: int) -> Pointer:
    """The run of that route that was claimed so many seconds after noon."""
    return Pointer(NOON + timedelta(seconds=number), f"{route}-{number:020x}")


def holders(*routes: str) -> list[Holder]:
    return [Holder(f"{route}-{1000 + number:020x}", NOON) for number, route in enumerate(routes)]


def test_a_run_goes_at_once_where_a_slot_is_free() -> None:
    assert place_in([], waiter("a", 1), holders("a", "a"), 3, {}) is None


def test_where_none_is_free_it_waits_and_knows_how_many_come_before() -> None:
    line = [waiter("a", number) for number in range(5)]

    assert place_in(line, waiter("a", 3), holders("a", "a"), 2, {}) == Place(3, "endpoint", 2)


def test_within_a_route_who_was_claimed_first_comes_first() -> None:
    line = [waiter("a", number) for number in (7, 3, 5)]

    assert place_in(line, waiter("a", 3), [], 1, {}) is None
    assert place_in(line, waiter("a", 5), [], 1, {}) == Place(1, "endpoint", 1)


def test_a_route_that_comes_late_need_not_wait_for_all_of_another_one() -> None:
    line = [*(waiter("a", number) for number in range(100)), waiter("b", 500)]

    assert place_in(line, waiter("b", 500), holders("a", "a", "a"), 4, {}) is None
    assert place_in(line, waiter("a", 0), holders("a", "a", "a"), 4, {}) == Place(1, "endpoint", 4)


def test_a_route_at_its_own_limit_leaves_the_slots_to_others() -> None:
    line = [waiter("a", 1), waiter("b", 2)]

    assert place_in(line, waiter("a", 1), holders("a"), 4, {"a": 1}) == Place(0, "route", 1)
    assert place_in(line, waiter("b", 2), holders("a"), 4, {"a": 1}) is None


def test_a_limit_of_a_route_holds_where_the_endpoint_has_none() -> None:
    assert place_in([], waiter("a", 1), holders("a", "a"), None, {"a": 2}) == Place(0, "route", 2)
    assert place_in([], waiter("a", 1), holders("a"), None, {"a": 2}) is None


def test_who_has_a_slot_already_and_is_still_in_line_takes_nobodys_turn() -> None:
    line = [waiter("a", 1), waiter("a", 2)]

    assert place_in(line, waiter("a", 2), [Holder(waiter("a", 1).run_id, NOON)], 2, {}) is None


def test_a_limit_that_was_lowered_lets_nobody_in_until_there_is_room() -> None:
    assert place_in([], waiter("a", 1), holders("a", "a", "a"), 2, {}) == Place(0, "endpoint", 2)


@given(st.integers(0, 2**32))
def test_everybody_gets_a_turn_and_nobody_is_overtaken_within_a_route(seed: int) -> None:
    """Runs come, ask in any order, and end in any order."""
    chance = random.Random(seed)
    most, of_routes = chance.randint(1, 4), {"b": chance.randint(1, 2)}
    coming = [waiter(chance.choice("abc"), number) for number in range(chance.randint(1, 25))]
    line: set[Pointer] = set()
    active: list[Holder] = []
    order: dict[str, list[Pointer]] = {}
    for _ in range(2000):
        if coming and chance.random() < 0.3:
            line.add(coming.pop(0))
        for own in chance.sample(sorted(line), len(line)):
            if place_in(line, own, active, most, of_routes) is None:
                line.discard(own)
                active.append(Holder(own.run_id, NOON))
                order.setdefault(own.route, []).append(own)
            taken = Counter(holder.route for holder in active)
            assert len(active) <= most
            assert taken["b"] <= of_routes["b"]
        if active and chance.random() < 0.5:
            active.remove(chance.choice(active))
        if not coming and not line:
            break
    assert not line
    assert all(one == sorted(one) for one in order.values())


@pytest.mark.parametrize(
    ("limits", "nodes", "instances", "settings", "most"),
    [
        (UNLIMITED, 8, 1, JobSettings(), 8),
        (UNLIMITED, 8, 3, JobSettings(), 2),
        (UNLIMITED, 8, 3, JobSettings(instance_count=2), 4),
        (UNLIMITED, 2, 4, JobSettings(), 1),
        (UNLIMITED, None, 1, JobSettings(), None),
        (Limits(endpoint_runs=20), 8, 1, JobSettings(), 20),
    ],
)
def test_an_endpoint_has_as_many_slots_as_its_cluster_has_room_for_or_as_is_said(
    limits: Limits, nodes: int | None, instances: int, settings: JobSettings, most: int | None
) -> None:
    assert most_at(limits, nodes, instances, settings) == most


def in_line(ahead: int, minutes: float) -> InLine:
    """A run with so many before it, on eight slots, each of which is taken for so many minutes."""
    return InLine("slots", ahead, 8, timedelta(minutes=minutes), "full")


def test_a_run_asks_again_after_most_of_the_time_that_its_turn_should_take() -> None:
    assert next_turn(POLLING, in_line(ahead=7, minutes=1)) == timedelta(seconds=45)
    assert next_turn(POLLING, in_line(ahead=15, minutes=0.5)) == timedelta(seconds=45)


def test_who_stands_far_back_asks_less_often_but_not_for_ever() -> None:
    waits = [next_turn(POLLING, in_line(ahead, minutes=5)) for ahead in (0, 7, 8, 15, 80, 10_000)]

    assert waits == sorted(waits)
    assert waits[-1] == SELDOM


def test_who_is_next_asks_at_least_every_minute_however_long_it_takes() -> None:
    waits = [next_turn(POLLING, in_line(0, minutes)) for minutes in range(600)]

    assert waits[0] == POLLING.first
    assert max(waits) == timedelta(minutes=1)


def test_a_long_line_asks_a_few_times_for_each_turn() -> None:
    """Five thousand runs, whose jobs take ten minutes on eight slots: a turn comes every 75 seconds."""
    each_second = sum(1 / next_turn(POLLING, in_line(ahead, minutes=10)).total_seconds() for ahead in range(5000))

    assert each_second * 75 < 500


AT_ENDPOINT = Place(0, "endpoint", 2)


def taken(*minutes: tuple[str, float], **more: Any) -> Slots:
    """By runs of these routes, for so long."""
    by = (Holder(f"{route}-1", NOON - timedelta(minutes=ago)) for route, ago in minutes)
    return Slots("https://score/jobs", tuple(by), **more)


def test_only_the_slots_that_a_run_waits_for_count() -> None:
    slots = taken(("a", 5), ("b", 9))

    assert age_of(slots, Place(0, "route", 1), "a", NOON) == timedelta(minutes=5)
    assert age_of(slots, AT_ENDPOINT, "a", NOON) == timedelta(minutes=9)
    assert age_of(taken(), AT_ENDPOINT, "a", NOON) == timedelta()


def test_a_slot_takes_as_long_as_those_that_were_given_back_unless_those_that_are_taken_take_longer() -> None:
    """Seen before: as soon as all slots were free, five thousand runs in line asked again and again."""
    held = (timedelta(minutes=2), timedelta(minutes=90), timedelta(minutes=3))

    assert age_of(taken(held=held), AT_ENDPOINT, "a", NOON) == timedelta(minutes=3)
    assert age_of(taken(("a", 20), held=held), AT_ENDPOINT, "a", NOON) == timedelta(minutes=20)


def test_a_slot_that_is_given_back_tells_for_how_long_it_was_taken() -> None:
    slots = taken()
    for minute in range(40):
        slots = slots.taken_by("a-1", NOON).without("a-1", NOON + timedelta(minutes=minute))

    assert slots.held == tuple(timedelta(minutes=minute) for minute in range(25, 40))
    assert slots.without("a-1", NOON) == slots


def test_however_long_jobs_have_taken_those_in_front_are_not_asleep_when_they_take_less() -> None:
    """Seen before: no job ran, and of five thousand runs in line those whose turn it was slept for a quarter of an
    hour, because jobs had taken long when they were told when to come."""
    waits = [next_turn(POLLING, in_line(ahead, minutes=600)) for ahead in range(5000)]

    assert all(wait <= max(OFTEN, QUICK * ahead / 8) for ahead, wait in enumerate(waits))
    assert sum(1 / wait.total_seconds() for wait in waits) < 2.5 + 5000 / SELDOM.total_seconds()
