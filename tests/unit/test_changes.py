"""What a caller may change of a route, what comes of it, and what an enemy with a key may not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.core.changes import Changes, changed
from shared.core.identity import run_id
from shared.core.inputs import Value
from shared.core.location import Location
from shared.core.route import JobSettings, RetrySettings, Route
from shared.errors import InputRefused
from shared.routes import settings_in
from tests.unit.routes_files import edited, parsed

LANDING = "https://landing.blob.core.windows.net"
STORE = "https://workspace.blob.core.windows.net/azureml-blobstore"


def a_route(**more: Any) -> Route:
    """A route whose callers may change a setting, values of each type, and a folder of prices."""
    data = {"type": "uri_folder", "path": f"{LANDING}/landing/{{landing}}"}
    inputs = {
        "images": data,
        "prices": {"type": "uri_folder", "path": "azureml://datastores/workspaceblobstore/paths/prices/old"},
        "limit": {"type": "integer", "default": 3},
        "share": {"type": "number", "default": 0.5},
        "dry": {"type": "boolean", "default": False},
        "label": {"type": "string", "default": "{batch}"},
    }
    given = {"on_request": True, "inputs": inputs, "settings": {"mini_batch_size": 5}, **more}
    routes = parsed(edited(*given.items()))
    routes.require_whole()
    return routes.usable[0]


def inputs_of(route: Route) -> dict[str, object]:
    return {one.name: one.uri if one.is_data else one.value for one in route.inputs}


def refused(changes: Changes, **more: Any) -> str:
    with pytest.raises(InputRefused) as caught:
        changed(a_route(**more), changes)
    return str(caught.value)


def test_nothing_that_is_asked_for_changes_nothing() -> None:
    route = a_route()

    assert changed(route, None) is route
    assert changed(route, Changes()) == route


def test_settings_replace_the_routes_own_member_by_member() -> None:
    route = a_route(settings={"mini_batch_size": 5, "retry_settings": {"max_retries": 2, "timeout": 30}})
    asked = settings_in({"instance_count": 4, "retry_settings": {"timeout": 60}})

    assert changed(route, Changes(settings=asked)).settings == JobSettings(
        mini_batch_size=5,
        instance_count=4,
        retry_settings=RetrySettings(max_retries=2, timeout=timedelta(seconds=60)),
    )


def test_inputs_replace_values_and_paths_by_their_names() -> None:
    new = "azureml://datastores/workspaceblobstore/paths/prices/new"
    asked: dict[str, Value] = {"limit": 7, "share": 1, "dry": True, "label": "spring-2026", "prices": new}

    given = inputs_of(changed(a_route(), Changes(inputs=asked)))

    assert given == {**asked, "images": f"{LANDING}/landing/{{landing}}"}


@pytest.mark.parametrize(
    "path",
    [
        f"{STORE}/prices/new",
        f"{STORE}/prices/new/",
        f"{LANDING}/landing/prices",
        "abfss://lakehouse@lake.dfs.core.windows.net/prices",
        "azureml://datastores/workspaceblobstore/paths/prices/new/",
    ],
)
def test_a_path_may_lead_anywhere_in_the_containers_that_the_route_names(path: str) -> None:
    assert changed(a_route(), Changes(inputs={"prices": path})).name == "digits"


@pytest.mark.parametrize(
    "path",
    [
        "https://elsewhere.blob.core.windows.net/azureml-blobstore/prices",
        "https://workspace.blob.core.windows.net/other/prices",
        "https://workspace.blob.core.windows.net.evil.com/azureml-blobstore/prices",
        "https://workspace.blob.core.windows.net/azureml-blobstore-two/prices",
        f"{STORE}/../secrets/x",
        f"{STORE}/%2e%2e/secrets/x",
        f"{STORE}/prices//../x",
        f"{STORE}/prices?sv=2026&sig=signature",
        f"{STORE}/{{landing}}",
        "azureml://datastores/others/paths/x",
        "azureml://datastores/workspaceblobstore/paths/../x",
        "azureml://subscriptions/s/resourcegroups/g/workspaces/evil/datastores/workspaceblobstore/paths/x",
        "/subscriptions/s/resourceGroups/g/providers/p/workspaces/evil/datastores/workspaceblobstore/paths/x",
        "azureml:prices@latest",
        "prices/new",
        "",
        7,
    ],
)
def test_a_path_that_leads_or_may_lead_elsewhere_is_refused(path: Value) -> None:
    told = refused(Changes(inputs={"prices": path}))

    assert "inputs.prices must be a path in one of the containers that the route names" in told
    assert "signature" not in told


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("limit", "7", 'is of type integer, not "7"'),
        ("limit", 7.5, "is of type integer, not 7.5"),
        ("limit", True, "is of type integer, not true"),
        ("limit", 10**18, "not a whole number of at most 18 digits"),
        ("share", True, "is of type number, not true"),
        ("dry", 1, "is of type boolean, not 1"),
        ("label", 7, "is of type string, not 7"),
        ("label", "a; rm -rf /", "may become part of a command line"),
        ("label", "$(id)", "may become part of a command line"),
        ("label", "--help", "may become part of a command line"),
        ("label", "{route}", "may become part of a command line"),
        ("label", "x" * 1001, "at most 1000"),
        ("images", f"{LANDING}/landing/other", "is the landing; name the folder or file in landing instead"),
        ("unknown", 1, "is no input of the route; it has images, prices, limit, share, dry, label"),
    ],
)
def test_an_input_that_the_route_does_not_allow_is_refused_with_what_would_be_right(
    name: str, value: Value, hint: str
) -> None:
    assert hint in refused(Changes(inputs={name: value}))


def test_settings_that_the_route_cannot_have_are_refused_as_in_the_route_itself() -> None:
    told = refused(Changes(settings=JobSettings(output_file_name="other.csv")))

    assert "settings.output_file_name is not the file name 'predictions.csv'" in told


def test_a_route_that_does_not_say_so_lets_nobody_change_anything() -> None:
    told = refused(Changes(settings=JobSettings(mini_batch_size=1)), on_request=False)

    assert "does not let a caller change its settings or inputs" in told


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"mini_batch_size": 0}, "settings.mini_batch_size: 0 is not valid; expected files per mini batch"),
        ({"mini_batch_size": "5"}, "settings.mini_batch_size: '5' is not valid"),
        ({"mini_batch_size": True}, "settings.mini_batch_size: True is not valid"),
        ({"mini_batch_size": 5.0}, "mini_batch_size"),
        ({"mini_batch_size": None}, "settings.mini_batch_size: null is no value"),
        ({"retry_settings": {"timeout": None}}, "settings.retry_settings.timeout: null is no value"),
        ({"retry_settings": {"timeout": 0}}, "settings.retry_settings.timeout: 0 is not valid"),
        ({"unknown": 1}, "unknown field 'unknown'"),
        ({"output_action": "append_row"}, "an invocation does not take output_action"),
    ],
)
def test_settings_are_checked_by_the_rules_of_a_route(settings: dict[str, Any], hint: str) -> None:
    with pytest.raises(InputRefused) as caught:
        settings_in(settings)
    assert hint in str(caught.value)


def test_all_that_is_wrong_with_settings_is_said_at_once() -> None:
    with pytest.raises(InputRefused) as caught:
        settings_in({"mini_batch_size": 0, "instance_count": 0})

    assert "mini_batch_size" in str(caught.value)
    assert "instance_count" in str(caught.value)


def test_different_changes_have_different_identities_however_they_are_written() -> None:
    one = Changes(settings=JobSettings(mini_batch_size=5), inputs={"a": 1, "b": 2})
    same = Changes(settings=JobSettings(mini_batch_size=5), inputs={"b": 2, "a": 1})
    others = [Changes(), Changes(inputs={"a": 1}), Changes(inputs={"a": True}), Changes(inputs={"a": "1"})]

    assert one.identity == same.identity
    assert len({change.identity for change in (one, *others)}) == 5


def test_a_run_that_was_asked_for_differently_has_an_id_of_its_own() -> None:
    place = Location(a_route().landing, "digits/tuesday")

    ids = {
        run_id("digits", place, "f", 0),
        run_id("digits", place, "f", 0, "changes x"),
        run_id("digits", place, "f", 1),
    }

    assert len(ids) == 3
