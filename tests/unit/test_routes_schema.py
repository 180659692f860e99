"""The schema that editors use and the code that reads routes say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shared.core.route import Endpoint, JobSettings, Route, read_route
from shared.routes import SCHEMA
from tests.unit.routes_files import REMOVED, changed

DOCUMENT: dict[str, Any] = json.loads(SCHEMA.read_text("utf-8"))
ROUTE: dict[str, Any] = DOCUMENT["$defs"]["route"]

WORKSPACES = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces"

FULL: dict[str, Any] = {
    "landing": {
        "account_url": "https://a.b",
        "container": "landing",
        "folder": "f/{x}",
        "files": ["*.png"],
        "exclude": ["_*"],
        "case": "ignore",
        "nested": "flatten",
    },
    "ready": {"quiet": "7s", "longest_wait": "7h", "then": "fail"},
    "endpoint": {
        "scoring_uri": "https://a.b/jobs",
        "workspace": f"{WORKSPACES}/one",
        "deployment": "one",
        "shadow": "three",
    },
    "settings": {
        "mini_batch_size": 7,
        "instance_count": 7,
        "max_concurrency_per_instance": 7,
        "error_threshold": 7,
        "retry_settings": {"max_retries": 7, "timeout": 7},
        "output_file_name": "x",
        "logging_level": "debug",
        "experiment_name": "one",
    },
    "inputs": {"images": {"type": "uri_folder", "path": "https://a.b/landing/{landing}", "mode": "download"}},
    "outputs": {
        "scores": {"type": "uri_file", "path": "azureml://datastores/d/paths/{run_id}/{attempt}/x", "mode": "upload"}
    },
    "datastores": {"d": {"account_url": "https://a.b", "container": "store"}},
    "staging": "always",
    "polling": {"first": "7s", "longest": "7m", "start_deadline": "7h", "deadline": "7d"},
    "publish": {"account_url": "https://a.b", "container": "lake", "path": "out/{x}"},
    "limits": {
        "files": 1000,
        "bytes": 10**12,
        "active_runs": 4,
        "endpoint_runs": 8,
        "runs_per_day": 500,
        "landing_runs_per_day": 50,
    },
    "on_request": True,
}
"""A route in which every field differs from its default, but for `marker`, which excludes `quiet`."""

OTHER: dict[str, Any] = {
    "landing.account_url": "https://c.d",
    "landing.container": "other",
    "landing.folder": "g/{x}",
    "landing.files": ["*.csv"],
    "landing.exclude": ["~*"],
    "landing.case": "sensitive",
    "landing.nested": "split",
    "ready.quiet": "8s",
    "ready.marker": "_DONE",
    "ready.longest_wait": "8h",
    "ready.then": "score",
    "endpoint.scoring_uri": "https://c.d/jobs",
    "endpoint.workspace": f"{WORKSPACES}/two",
    "endpoint.deployment": "two",
    "endpoint.shadow": "four",
    "settings.mini_batch_size": 8,
    "settings.instance_count": 8,
    "settings.max_concurrency_per_instance": 8,
    "settings.error_threshold": 8,
    "settings.retry_settings.max_retries": 8,
    "settings.retry_settings.timeout": 8,
    "settings.output_file_name": "y",
    "settings.logging_level": "warning",
    "settings.experiment_name": "two",
    "inputs.images.type": "uri_file",
    "inputs.images.path": "https://a.b/landing/x/{landing}",
    "inputs.images.default": "b",
    "inputs.images.mode": "direct",
    "outputs.scores.type": "uri_folder",
    "outputs.scores.mode": "rw_mount",
    "outputs.scores.path": "azureml://datastores/d/paths/x/{run_id}/{attempt}/x",
    "datastores.d.account_url": "https://c.d",
    "datastores.d.container": "other",
    "staging": "never",
    "polling.first": "8s",
    "polling.longest": "8m",
    "polling.start_deadline": "8h",
    "polling.deadline": "8d",
    "publish.account_url": "https://c.d",
    "publish.container": "other",
    "publish.path": "more/{x}",
    "limits.files": 2000,
    "limits.bytes": 10**13,
    "limits.active_runs": 5,
    "limits.endpoint_runs": 9,
    "limits.runs_per_day": 600,
    "limits.landing_runs_per_day": 60,
    "on_request": False,
}
"""For every field another value that the schema accepts."""

INSTEAD: dict[str, tuple[str, dict[str, Any]]] = {
    "ready.marker": ("ready", {"marker": "_READY"}),
    "inputs.images.default": ("inputs", {"images": {"type": "string", "default": "a"}}),
}
"""Fields that exclude others: what stands in a member of the full route where they do."""

NAMES = {"inputs": "images", "outputs": "scores", "datastores": "d"}
"""What the maps with free names call their entry here."""


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with its reference followed; what stands beside the reference wins."""
    if "$ref" not in schema:
        return schema
    return {**DOCUMENT["$defs"][schema["$ref"].rpartition("/")[2]], **schema}


def fields(schema: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field below a schema that is not a map itself, by its dotted path."""
    schema = resolved(schema)
    if "not" in schema:  # known only to be refused
        return
    below = dict(schema.get("properties", {}))
    if isinstance(schema.get("additionalProperties"), dict):
        below[NAMES[path[-1]]] = schema["additionalProperties"]
    for name, child in below.items():
        yield from fields(child, (*path, name))
    if not below:
        yield ".".join(path), schema


FIELDS = dict(fields(ROUTE))
DEFAULTS = {path: schema["default"] for path, schema in FIELDS.items() if "default" in schema}


def read(document: Mapping[str, Any]) -> Route:
    """The route as the code reads it, once the schema has accepted it."""
    Draft202012Validator(DOCUMENT).validate({"routes": {"r": document}})
    return read_route("r", document)


def without(document: Mapping[str, Any], path: str) -> dict[str, Any]:
    return changed(document, (path, REMOVED))


def test_the_schema_is_a_valid_one_and_every_field_in_it_is_tried_here() -> None:
    Draft202012Validator.check_schema(DOCUMENT)

    assert len(FIELDS) == 48
    assert set(FIELDS) == set(OTHER)


@pytest.mark.parametrize("path", OTHER)
def test_every_field_of_the_schema_is_read(path: str) -> None:
    base = {**FULL, **dict([INSTEAD[path]])} if path in INSTEAD else FULL

    assert read(changed(base, (path, OTHER[path]))) != read(base)


@pytest.mark.parametrize("path", DEFAULTS)
def test_the_code_has_the_defaults_that_the_schema_tells(path: str) -> None:
    left_out = read(without(FULL, path))

    assert left_out == read(changed(FULL, (path, DEFAULTS[path])))
    assert left_out != read(FULL)


def test_the_defaults_of_the_schema_are_the_ones_that_the_documentation_tells() -> None:
    assert DEFAULTS == {
        "landing.files": ["*"],
        "landing.exclude": [],
        "landing.case": "sensitive",
        "landing.nested": "refuse",
        "ready.longest_wait": "1d",
        "staging": "when_needed",
        "polling.first": "15s",
        "polling.longest": "5m",
        "polling.start_deadline": "2h",
        "polling.deadline": "1d",
        "limits.files": 250000,
        "limits.landing_runs_per_day": 100,
        "on_request": False,
    }


@pytest.mark.parametrize(
    ("ready", "then"), [({"quiet": "7s"}, "score"), ({"marker": "_READY"}, "fail")], ids=["quiet", "marker"]
)
def test_what_follows_the_longest_wait_depends_on_what_was_waited_for(ready: dict[str, str], then: str) -> None:
    assert read({**FULL, "ready": ready}) == read({**FULL, "ready": {**ready, "then": then}})


def test_what_is_left_out_without_a_default_is_left_as_deployed() -> None:
    route = read(without({**FULL, "endpoint": {"scoring_uri": "https://a.b/jobs"}}, "settings"))

    assert route.endpoint == Endpoint(scoring_uri="https://a.b/jobs")
    assert route.settings == JobSettings()


@pytest.mark.parametrize("map_", ["polling", "datastores", "settings"])
def test_a_map_that_may_be_left_out_is_as_good_as_an_empty_one(map_: str) -> None:
    assert ROUTE["properties"][map_]["default"] == {}
    assert read(without(FULL, map_)) == read({**FULL, map_: {}})


def test_every_other_field_is_required() -> None:
    validator = Draft202012Validator(DOCUMENT)
    given = set(FIELDS) - set(INSTEAD)

    optional = {path for path in given if validator.is_valid({"routes": {"r": without(FULL, path)}})}

    as_deployed = {path for path in given if path.startswith(("endpoint.", "settings."))} - {"endpoint.scoring_uri"}
    by_the_service = {"inputs.images.mode", "outputs.scores.mode", "outputs.scores.path"}
    limits = {path for path in given if path.startswith("limits.")}
    assert optional == {*DEFAULTS, *as_deployed, *by_the_service, "ready.then", *limits}
