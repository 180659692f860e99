"""What an endpoint is given, from a route's words to what is sent."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from shared.core.inputs import (
    KINDS,
    MODES,
    Input,
    InputMode,
    InputType,
    fill_input,
    input_problems,
    read_inputs,
    wire_of,
)
from shared.errors import InputRefused
from shared.routes import SCHEMA

VALUES = {"batch": "2026-03-01", "region": "eu west", "landing": "sales/eu west/7", "route": "sales", "run_id": "r-1"}


def given(**entry: Any) -> Input:
    (one,) = read_inputs({"x": entry})
    return one


def sent(**entry: Any) -> dict[str, Any]:
    return wire_of(fill_input(given(**entry), VALUES))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"type": "uri_folder", "path": "azureml://datastores/d/paths/ref"}, {"jobInputType": "UriFolder"}),
        ({"type": "uri_file", "path": "azureml://datastores/d/paths/ref.csv"}, {"jobInputType": "UriFile"}),
        ({"type": "mltable", "path": "azureml:table:2"}, {"jobInputType": "MLTable", "uri": "azureml:table:2"}),
        ({"type": "string", "default": "append"}, {"jobInputType": "Literal", "value": "append"}),
        ({"type": "string", "default": 7}, {"jobInputType": "Literal", "value": "7"}),
        ({"type": "integer", "default": 3}, {"jobInputType": "Literal", "value": 3}),
        ({"type": "number", "default": 0.5}, {"jobInputType": "Literal", "value": 0.5}),
        ({"type": "number", "default": "1e-3"}, {"jobInputType": "Literal", "value": 0.001}),
        ({"type": "boolean", "default": True}, {"jobInputType": "Literal", "value": True}),
        ({"type": "boolean", "default": "false"}, {"jobInputType": "Literal", "value": False}),
    ],
)
def test_every_kind_is_sent_as_azure_ai_ml_sends_it(entry: dict[str, Any], expected: dict[str, Any]) -> None:
    if "path" in entry:
        expected = {**expected, "uri": entry["path"]}

    assert sent(**entry) == expected
    assert entry["type"] in KINDS


def test_a_value_of_json_keeps_its_type() -> None:
    assert [type(sent(type=kind, default="1")["value"]) for kind in ("string", "integer", "number")] == [
        str,
        int,
        float,
    ]


def test_the_mode_of_data_is_sent_by_the_name_of_the_specification() -> None:
    assert sent(type="uri_file", path="azureml:heart:1", mode="eval_mount")["mode"] == "EvalMount"


def test_placeholders_are_filled_in_values_and_paths() -> None:
    assert sent(type="string", default="{batch}")["value"] == "2026-03-01"
    assert sent(type="uri_file", path="azureml://datastores/d/paths/{batch}/prices.csv")["uri"].endswith(
        "/2026-03-01/prices.csv"
    )


def test_in_a_url_they_are_percent_encoded() -> None:
    uri = sent(type="uri_folder", path="https://a.blob.core.windows.net/c/{landing}")["uri"]

    assert uri == "https://a.blob.core.windows.net/c/sales/eu%20west/7"


@pytest.mark.parametrize(
    "name",
    ["a; rm -rf /", "$(curl evil)", "`id`", "a'b", 'a"b', "a|b", "a&b", "a\nb", "a b", "--verbose", "-x", "{x}", "*"],
)
def test_no_folder_name_gets_into_a_command_line(name: str) -> None:
    """Azure ML puts values into the command of a step, and whoever uploads gives a folder its name."""
    with pytest.raises(InputRefused, match="Values become part of command lines") as refused:
        fill_input(given(type="string", default="{batch}"), {"batch": name})

    assert "'x' would be given" in str(refused.value)


@pytest.mark.parametrize("name", ["%2e%2e", "a?b", "a#b", "a%2Fb", "a b"])
def test_no_folder_name_leads_the_path_of_other_data_elsewhere(name: str) -> None:
    one = given(type="uri_file", path="azureml://datastores/d/paths/{batch}/prices.csv")

    with pytest.raises(InputRefused, match="Paths may be read as URLs"):
        fill_input(one, {"batch": name})


def test_what_the_route_itself_says_is_taken_as_it_is() -> None:
    assert sent(type="string", default="--mode 'fast; really'")["value"] == "--mode 'fast; really'"


@pytest.mark.parametrize(
    ("kind", "default", "value", "told"),
    [
        ("integer", "{batch}", "seven", "'seven' is not a whole number"),
        ("integer", "{batch}", "9" * 19, "at most 18 digits"),
        ("number", "{batch}", "1.2.3", "is not a number"),
        ("number", "{batch}", "nan", "is not a number"),
        ("boolean", "{batch}", "yes", "neither true nor false"),
    ],
)
def test_a_name_that_is_no_such_value_is_refused_with_what_is_wrong(
    kind: str, default: str, value: str, told: str
) -> None:
    with pytest.raises(InputRefused, match=f"Input 'x' is of type {kind}") as refused:
        fill_input(given(type=kind, default=default), {"batch": value})

    assert told in str(refused.value)


def test_numbers_that_landings_are_named_after_become_numbers() -> None:
    filled = fill_input(given(type="integer", default="{year}"), {"year": "2026"})

    assert filled.value == 2026


@pytest.mark.parametrize("path", ["https://a/c/{landing}", "azureml://datastores/d/paths/{file}"])
def test_data_that_names_the_landing_is_the_landing(path: str) -> None:
    assert given(type="uri_folder", path=path).names_the_landing


def test_a_value_that_names_the_landing_is_only_told_of_it() -> None:
    one = given(type="string", default="{landing}")

    assert not one.names_the_landing
    assert list(input_problems(one, frozenset({"landing"}))) == []


def test_a_signature_is_never_told_back() -> None:
    ((_, message),) = input_problems(given(type="uri_file", path="https://a.b/c/d?sig=secret"), frozenset())

    assert "secret" not in message


def test_kinds_modes_and_the_schema_of_routes_name_the_same() -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))["$defs"]["route"]["properties"]["inputs"]["additionalProperties"]

    assert set(KINDS) == set(get_args(InputType)) == set(schema["properties"]["type"]["enum"]) - {None}
    assert set(MODES) == set(get_args(InputMode)) == set(schema["properties"]["mode"]["enum"]) - {None}
