"""The landing entity: who watches, and what its operations make of its state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from shared.core.record import dump
from shared.core.watchers import Asking, Operation, Watchers, is_readable, operate, read_watchers
from shared.errors import InputRefused


def asked(state: Watchers, operation: Operation, who: str, *, urgent: bool = False) -> tuple[Watchers, object]:
    """The state and the answer after an operation, with everything through JSON as on the host."""
    given = json.loads(json.dumps(dump(Asking(who, urgent=urgent))))
    after, answer = operate(json.loads(json.dumps(dump(state))), operation.value, given)
    return read_watchers(json.loads(json.dumps(after))), answer


def test_the_first_to_enter_watches() -> None:
    assert asked(Watchers(), Operation.ENTER, "a") == (Watchers("a"), "a")


def test_nobody_watches_where_there_is_no_state_yet() -> None:
    assert read_watchers(None) == Watchers()
    assert operate(None, "enter", dump(Asking("a"))) == (dump(Watchers("a")), "a")


def test_the_watcher_may_enter_again() -> None:
    assert asked(Watchers("a", touched=True), Operation.ENTER, "a") == (Watchers("a", touched=True), "a")


def test_another_is_turned_away_and_leaves_a_mark() -> None:
    assert asked(Watchers("a"), Operation.ENTER, "b") == (Watchers("a", touched=True), "a")


def test_an_urgent_one_replaces_a_watcher_that_waits_and_keeps_its_mark() -> None:
    replaced = asked(Watchers("a", touched=True), Operation.ENTER, "b", urgent=True)

    assert replaced == (Watchers("b", touched=True), "b")


def test_an_urgent_one_does_not_replace_a_watcher_that_makes_a_run() -> None:
    turned_away = asked(Watchers("a", busy=True), Operation.ENTER, "b", urgent=True)

    assert turned_away == (Watchers("a", busy=True, touched=True), "a")


def test_only_the_watcher_may_begin() -> None:
    assert asked(Watchers("a"), Operation.BEGIN, "a") == (Watchers("a", busy=True), True)
    assert asked(Watchers("a"), Operation.BEGIN, "b") == (Watchers("a"), False)
    assert asked(Watchers(), Operation.BEGIN, "b") == (Watchers(), False)


def test_a_watcher_leaves_unless_somebody_came_by() -> None:
    assert asked(Watchers("a", busy=True), Operation.LEAVE, "a") == (Watchers(), False)
    assert asked(Watchers("a", busy=True, touched=True), Operation.LEAVE, "a") == (Watchers("a"), True)


def test_one_that_was_replaced_leaves_without_a_trace() -> None:
    state = Watchers("b", busy=True, touched=True)

    assert asked(state, Operation.LEAVE, "a") == (state, False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Watchers("a", busy=True), Watchers()),
        (Watchers("a", busy=True, touched=True), Watchers(touched=True)),
        (Watchers("b", busy=True), Watchers("b", busy=True)),
        (Watchers(), Watchers()),
    ],
    ids=["the watcher", "one that was touched", "another", "nobody"],
)
def test_a_watcher_that_has_ended_is_forgotten_and_no_other(before: Watchers, after: Watchers) -> None:
    assert asked(before, Operation.RELEASE, "a") == (after, None)


@pytest.mark.parametrize(
    "operation", ["", "ENTER", "delete", "enter "], ids=["none", "upper case", "unknown", "a space"]
)
def test_an_operation_that_there_is_not_is_refused(operation: str) -> None:
    with pytest.raises(ValueError, match="is not a valid Operation"):
        operate(None, operation, dump(Asking("a")))


@pytest.mark.parametrize(
    "state",
    [{"version": 2, "watcher": "a"}, {"version": 1, "watcher": "a", "queue": []}, {"watcher": 1}, "a"],
    ids=["another version", "an unknown member", "no name", "no state at all"],
)
def test_nobody_watches_where_this_program_cannot_read_the_state(state: object) -> None:
    """Seen before: it was refused, so as not to lose what was not understood; but nobody could watch the landing until
    somebody had removed the state by hand. At worst two watch now, and the ledger enters the same content once."""
    assert not is_readable(state)
    assert read_watchers(state) == Watchers()
    assert operate(state, "enter", dump(Asking("a"))) == (dump(Watchers("a")), "a")


@pytest.mark.parametrize("operation", [Operation.LEAVE, Operation.RELEASE], ids=str)
def test_a_landing_that_nobody_watches_keeps_no_state(operation: Operation) -> None:
    state, _ = operate(dump(Watchers("a", busy=True)), operation.value, dump(Asking("a")))

    assert state is None
    assert is_readable(state)


@pytest.mark.parametrize("given", [None, {}, {"who": "a", "why": "b"}], ids=["nothing", "nobody", "something else"])
def test_one_that_does_not_say_who_asks_is_refused(given: Mapping[str, Any] | None) -> None:
    with pytest.raises(InputRefused, match="Not a valid Asking"):
        operate(None, "enter", given)


def test_the_state_names_its_version() -> None:
    assert dump(Watchers("a", busy=True)) == {"version": 1, "watcher": "a", "busy": True}
