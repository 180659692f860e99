"""Lines as they were listed last, for many that ask at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared.core.pointer import Pointer
from shared.errors import Unavailable
from shared.work.lines import FRESH, FRESH_FOR_EACH, Lines
from testbed.fakes import NOON


def waiter(number: int) -> Pointer:
    return Pointer(NOON + timedelta(seconds=number), f"a-{number:020x}")


class Reading:
    """A list that takes its time: it is there once `goes_on` is set."""

    def __init__(self, *numbers: int) -> None:
        self.pointers = [waiter(number) for number in numbers]
        self.begun, self.goes_on = threading.Event(), threading.Event()

    def __call__(self) -> list[Pointer]:
        self.begun.set()
        assert self.goes_on.wait(30)
        return self.pointers


def never() -> list[Pointer]:
    raise AssertionError("it is listed already")


def listed(lines: Lines, *numbers: int) -> None:
    lines.waiting("slots", NOON, lambda: [waiter(number) for number in numbers])


def while_it_is_listed(lines: Lines, reading: Reading, act: Callable[[], None]) -> list[Pointer]:
    """What the line is after a list during which that has happened."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lines.waiting, "slots", NOON + 2 * FRESH, reading)
        assert reading.begun.wait(30)
        act()
        reading.goes_on.set()
        return list(answer.result())


def test_a_line_is_in_the_order_of_its_claims_however_it_was_listed() -> None:
    lines = Lines()
    listed(lines, 3, 1)
    lines.joined("slots", waiter(2))
    lines.joined("slots", waiter(2))
    lines.left("slots", waiter(3))
    lines.left("slots", waiter(9))

    assert lines.waiting("slots", NOON, never) == [waiter(1), waiter(2)]


def test_while_one_lists_it_the_others_go_by_the_list_before() -> None:
    """Seen before: with thousands in line, everybody who asked waited a second for whoever listed it."""
    lines, reading = Lines(), Reading(1, 2)
    listed(lines, 1)
    seen = list[list[Pointer]]()

    after = while_it_is_listed(
        lines, reading, lambda: seen.append(list(lines.waiting("slots", NOON + 2 * FRESH, never)))
    )

    assert (seen, after) == ([[waiter(1)]], [waiter(1), waiter(2)])


def test_who_comes_or_goes_while_it_is_listed_is_not_forgotten() -> None:
    lines, reading = Lines(), Reading(1, 2)
    listed(lines, 1)

    def act() -> None:
        lines.left("slots", waiter(2))
        lines.joined("slots", waiter(3))

    assert while_it_is_listed(lines, reading, act) == [waiter(1), waiter(3)]


def test_the_longer_a_line_the_longer_its_list_is_good_for() -> None:
    lines = Lines()
    listed(lines, *range(1000))

    assert len(lines.waiting("slots", NOON + FRESH + 999 * FRESH_FOR_EACH, never)) == 1000
    assert lines.waiting("slots", NOON + FRESH + 1000 * FRESH_FOR_EACH, list) == []


def test_a_list_that_fails_is_asked_for_again() -> None:
    lines = Lines()

    def fail() -> list[Pointer]:
        raise Unavailable("503")

    with pytest.raises(Unavailable):
        lines.waiting("slots", NOON, fail)
    assert lines.waiting("slots", NOON, lambda: [waiter(1)]) == [waiter(1)]
