"""`defaults`: what routes share is written once, and each route can set it differently or take it away."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.core.route import JobSettings
from shared.errors import RoutesInvalid
from shared.routes import Routes, merge_defaults
from testbed.examples import ROOT, digits_route
from tests.unit.routes_files import REMOVED, changed, digits, parsed, told
from tests.unit.test_routes_schema import DOCUMENT

FOLDER = {"landing": {"folder": "digits/{batch}"}}


def shared_by(defaults: Any, **routes: Any) -> Routes:
    """What is read where these routes share these defaults."""
    return parsed(yaml.safe_dump({"defaults": defaults, "routes": routes}))


def common() -> dict[str, Any]:
    """All of the demo's route but its folder."""
    return changed(digits(), ("landing.folder", REMOVED))


def test_a_route_may_be_nothing_but_its_folder() -> None:
    routes = shared_by(common(), digits=FOLDER)

    routes.require_whole()
    assert routes.usable == (digits_route(),)


@pytest.mark.parametrize(
    ("default", "given", "merged"),
    [
        pytest.param({"a": 1}, {}, {"a": 1}, id="the default stands"),
        pytest.param({"a": 1}, {"a": 2}, {"a": 2}, id="the route wins"),
        pytest.param({"a": {"x": 1, "y": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}, id="mappings are merged"),
        pytest.param({"a": [1, 2]}, {"a": [3]}, {"a": [3]}, id="lists replace"),
        pytest.param({"a": {"x": 1}}, {"a": "text"}, {"a": "text"}, id="a text replaces a mapping"),
        pytest.param({"a": 1}, {"a": {"x": 1}}, {"a": {"x": 1}}, id="a mapping replaces a text"),
        pytest.param({"a": 1, "b": 1}, {"a": None}, {"b": 1}, id="null removes"),
        pytest.param({"a": {"x": 1, "y": 1}}, {"a": {"x": None}}, {"a": {"y": 1}}, id="null removes a member"),
        pytest.param({"b": 1}, {"a": None}, {"a": None, "b": 1}, id="null that removes nothing stays"),
        pytest.param({"a": 1}, None, None, id="a route that is no mapping stays"),
    ],
)
def test_defaults_are_merged_below_a_route(default: Any, given: Any, merged: Any) -> None:
    document = merge_defaults({"defaults": default, "routes": {"r": given, "other": {}}})

    assert document == {"routes": {"r": merged, "other": default}}


def test_a_route_that_waits_for_a_marker_takes_the_quiet_of_the_others_away() -> None:
    marked = {"landing": {"folder": "marked/{batch}"}, "ready": {"quiet": None, "marker": "_DONE"}}

    routes = shared_by(common(), digits=FOLDER, marked=changed(marked, ("publish.path", "marked/{batch}")))

    routes.require_whole()
    assert [(route.ready.quiet is None, route.ready.marker) for route in routes.usable] == [
        (False, None),
        (True, "_DONE"),
    ]


def test_a_wrong_default_is_told_of_every_route_that_takes_it() -> None:
    routes = shared_by(
        changed(common(), ("ready.quiet", "soon")),
        one=FOLDER,
        two={"landing": {"folder": "two/{batch}"}},
        three={"landing": {"folder": "three/{batch}"}, "ready": {"quiet": "5s"}},
    )

    assert [(route, field) for route, field, _ in told(routes)] == [("one", "ready.quiet"), ("two", "ready.quiet")]
    assert [route.name for route in routes.usable] == ["three"]


def test_an_app_setting_that_is_missing_in_a_default_is_told_of_the_route() -> None:
    ((route, field, message),) = told(shared_by(changed(common(), ("landing.container", "${GONE}")), digits=FOLDER))

    assert (route, field) == ("digits", "landing.container")
    assert message.startswith("the app setting GONE is not set")


def test_what_neither_the_route_nor_the_defaults_say_is_missing() -> None:
    ((route, field, message),) = told(shared_by(changed(common(), ("publish.path", REMOVED)), digits=FOLDER))

    assert (route, field) == ("digits", "publish")
    assert message.startswith("path is missing")


def test_null_where_there_is_no_default_is_a_problem() -> None:
    """An empty value is more often forgotten than meant."""
    route = changed(FOLDER, ("settings", {"error_threshold": None}), ("staging", None))

    assert told(shared_by(common(), digits=route)) == [
        ("digits", field, "null removes a default, and there is none; give a value, or leave the field out")
        for field in ("settings.error_threshold", "staging")
    ]


@pytest.mark.parametrize(
    ("defaults", "field", "hint"),
    [
        pytest.param(["ready"], "defaults", "a mapping like a route, without landing.folder", id="a list"),
        pytest.param(None, "defaults", "a mapping like a route", id="nothing"),
        pytest.param(
            FOLDER, "defaults.landing.folder", "every route has a folder of its own; write it below the", id="a folder"
        ),
    ],
)
def test_defaults_that_cannot_be_meant_are_refused_with_the_file(defaults: Any, field: str, hint: str) -> None:
    with pytest.raises(RoutesInvalid) as refused:
        shared_by(defaults, digits=digits())

    (problem,) = refused.value.problems
    assert (problem.route, problem.field) == ("", field)
    assert hint in problem.message


def test_the_example_in_the_documentation_is_right() -> None:
    example = (ROOT / "docs" / "routes.md").read_text("utf-8").split("```yaml\n")[1].split("```")[0]

    routes = parsed(example)

    routes.require_whole()
    digits, letters = routes.usable
    assert (digits.publish_path, letters.ready.marker) == ("{route}/{batch}", "_SUCCESS")
    assert letters.settings == JobSettings(error_threshold=0, mini_batch_size=5)


@pytest.mark.parametrize("file", ["routes.yaml", "testbed/routes.yaml"])
def test_an_editor_has_nothing_to_object_to(file: str) -> None:
    """It checks the file as it is written: with references to app settings, and defaults apart."""
    document = yaml.safe_load((ROOT / file).read_text("utf-8"))

    assert [error.json_path for error in Draft202012Validator(DOCUMENT).iter_errors(document)] == []


def test_an_editor_asks_for_what_is_missing_where_there_are_no_defaults() -> None:
    validator = Draft202012Validator(DOCUMENT)

    assert not validator.is_valid({"routes": {"digits": FOLDER}})
    assert validator.is_valid({"defaults": {}, "routes": {"digits": FOLDER}})
