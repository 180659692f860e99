"""What exceptions mean for a run or a watch, and how patient each kind of trouble makes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.core.trouble import LONGEST_MESSAGE, PATIENCE, Kind, Trouble, rest_after, trouble_of
from shared.errors import (
    Denied,
    InputRefused,
    Problem,
    RoutesInvalid,
    SettingsInvalid,
    Unavailable,
    UnknownVersion,
)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        pytest.param(Unavailable("503"), Kind.PASSING, "503", id="a service that is away"),
        pytest.param(Denied("403: no role"), Kind.DENIED, "403: no role", id="no role"),
        pytest.param(ConnectionResetError("reset by peer"), Kind.PASSING, "reset by peer", id="a broken connection"),
        pytest.param(TimeoutError(), Kind.PASSING, "TimeoutError", id="an error without words"),
        pytest.param(MemoryError(), Kind.PASSING, "MemoryError", id="a worker that is full"),
        pytest.param(InputRefused("no such landing"), Kind.REFUSED, "no such landing", id="wrong data"),
        pytest.param(UnknownVersion("version 2"), Kind.REFUSED, "version 2", id="another version"),
        pytest.param(
            SettingsInvalid(["A is missing"]),
            Kind.REFUSED,
            "The app settings have problems:\n  - A is missing",
            id="wrong settings",
        ),
        pytest.param(
            RoutesInvalid([Problem("r", "ready", "x")]),
            Kind.REFUSED,
            "routes.yaml has problems:\n  - route 'r', ready: x",
            id="wrong routes",
        ),
        pytest.param(ValueError("negative"), Kind.DEFECT, "ValueError: negative", id="wrong code"),
        pytest.param(AssertionError(), Kind.DEFECT, "AssertionError: ", id="a broken promise"),
    ],
)
def test_an_exception_is_trouble_of_one_kind(error: BaseException, kind: Kind, message: str) -> None:
    assert trouble_of(error) == Trouble(kind, message)


@pytest.mark.parametrize(
    ("kind", "may_pass"),
    [(Kind.PASSING, True), (Kind.DENIED, True), (Kind.REFUSED, False), (Kind.DEFECT, False)],
    ids=str,
)
def test_only_what_others_can_cure_may_pass(kind: Kind, may_pass: bool) -> None:
    assert Trouble(kind, "x").may_pass == may_pass


def test_a_message_that_histories_would_hold_again_and_again_is_cut() -> None:
    assert trouble_of(Unavailable("x" * 10_000)).message == "x" * LONGEST_MESSAGE
    assert len(trouble_of(ValueError("x" * 10_000)).message) == LONGEST_MESSAGE


def test_rests_grow_with_every_failure_in_a_row_and_the_longest_repeats() -> None:
    rests = [rest_after(failures) for failures in range(6)]

    assert rests == [*PATIENCE, PATIENCE[-1], PATIENCE[-1]]
    assert rests == sorted(rests)
    assert (rests[0], rests[-1]) == (timedelta(seconds=5), timedelta(minutes=5))
