"""Routes that are scored on request, and what they may leave out."""

from __future__ import annotations

import pytest
import yaml

from tests.unit.routes_files import REMOVED, Change, digits, edited, parsed, told


def test_a_route_on_request_may_leave_out_when_it_is_ready() -> None:
    routes = parsed(edited(("ready", REMOVED), ("on_request", True)))

    routes.require_whole()
    (route,) = routes.usable
    assert (route.on_request, route.is_watched) == (True, False)


def test_a_route_on_request_that_says_when_it_is_ready_is_watched_as_well() -> None:
    (route,) = parsed(edited(("on_request", True))).usable

    assert (route.on_request, route.is_watched) == (True, True)


def test_a_ready_that_all_routes_share_is_removed_by_null() -> None:
    own = {name: value for name, value in digits().items() if name != "ready"}
    document = {
        "defaults": {"ready": {"quiet": "5s"}},
        "routes": {"digits": {**own, "ready": None, "on_request": True}},
    }

    (route,) = parsed(yaml.safe_dump(document)).usable

    assert not route.is_watched


@pytest.mark.parametrize(
    "changes", [[("ready", REMOVED)], [("ready", REMOVED), ("on_request", False)]], ids=["unsaid", "denied"]
)
def test_any_other_route_has_to_say_when_it_is_ready_and_is_told_of_both_ways(changes: list[Change]) -> None:
    ((route, field, message),) = told(parsed(edited(*changes)))

    assert (route, field) == ("digits", "the route")
    assert message == (
        "ready is missing; expected a mapping with either quiet or marker, or on_request: true in the route, if it is "
        "to be scored on request only"
    )


def test_on_request_is_true_or_false() -> None:
    ((_, field, message),) = told(parsed(edited(("on_request", "yes"))))

    assert field == "on_request"
    assert message.startswith("'yes' is not valid; expected true or false")


def test_an_empty_ready_is_a_mistake_and_not_a_way_to_leave_it_out() -> None:
    routes = parsed(edited(("ready", {}), ("on_request", True)))

    assert [field for _, field, _ in told(routes)] == ["ready"]
