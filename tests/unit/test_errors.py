"""What can go wrong, told apart."""

from __future__ import annotations

import pytest

from shared import errors


def test_everything_that_landfall_raises_is_a_landfall_error() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]

    assert errors.UnknownVersion in kinds
    assert all(issubclass(kind, errors.LandfallError) for kind in kinds)


def test_only_what_trying_again_may_cure_is_unavailable() -> None:
    assert issubclass(errors.Denied, errors.Unavailable)
    assert not issubclass(errors.UnknownVersion, errors.Unavailable)
    assert not issubclass(errors.InputRefused, errors.Unavailable)


def test_the_module_draws_every_error() -> None:
    drawn = errors.__doc__ or ""

    for kind in errors.LandfallError.__subclasses__() + errors.Unavailable.__subclasses__():
        assert kind.__name__ in drawn


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            errors.RoutesInvalid([errors.Problem("r", "ready", "x"), errors.Problem("", "routes", "y")]),
            "routes.yaml has problems:\n  - route 'r', ready: x\n  - routes: y",
        ),
        (
            errors.SettingsInvalid(["A is missing", "B is missing"]),
            "The app settings have problems:\n  - A is missing\n  - B is missing",
        ),
    ],
    ids=["routes", "settings"],
)
def test_all_problems_are_in_the_message_and_in_the_error(error: errors.RoutesInvalid, text: str) -> None:
    assert str(error) == text
    assert len(error.problems) == 2
