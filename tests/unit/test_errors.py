"""What can go wrong, told apart."""

from __future__ import annotations

import pytest

from shared import errors


def test_everything_that_landfall_raises_is_a_landfall_error() -> None:
    for kind in (errors.RoutesInvalid, errors.SettingsInvalid, errors.InputRefused, errors.Unavailable):
        assert issubclass(kind, errors.LandfallError)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            errors.RoutesInvalid([errors.Problem("r", "ready", "x"), errors.Problem("", "routes", "y")]),
            "routes.yaml has problems:\n  - route 'r', ready: x\n  - routes: y",
        ),
        (
            errors.SettingsInvalid(["A is missing", "B is missing"]),
            "App settings have problems:\n  - A is missing\n  - B is missing",
        ),
    ],
    ids=["routes", "settings"],
)
def test_all_problems_are_in_the_message_and_in_the_error(error: errors.RoutesInvalid, text: str) -> None:
    assert str(error) == text
    assert len(error.problems) == 2
