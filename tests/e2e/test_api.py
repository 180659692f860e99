"""The API is as its description says, whatever it is asked: schemathesis asks, over HTTP, of the unmodified app."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from function_app import app
from testbed.examples import ROOT
from testbed.stack import Stack, running
from tests.e2e.test_landings import texts

pytestmark = pytest.mark.filterwarnings("ignore")  # of schemathesis and what it is made of

DESCRIPTION: Any = json.loads((ROOT / "triggers/page/openapi.json").read_text("utf-8"))
NOT_ASKED = "/doctor"
"""It submits jobs and takes minutes; it has tests of its own."""
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
OPERATIONS = [
    (path, method.upper())
    for path, operations in DESCRIPTION["paths"].items()
    for method in operations
    if path != NOT_ASKED
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("api")) as started:
        started.drop("lengths/described", texts(2))
        started.ended("lengths/described")
        yield started


@pytest.fixture(scope="module")
def described(stack: Stack) -> Any:
    """As the app itself describes it."""
    schema = schemathesis.openapi.from_dict(stack.cloud.api("openapi.json"))
    schema.config.update(base_url=f"{stack.cloud.stack['host']['base_url']}/api")
    return schema


CHECKS = (status_code_conformance, content_type_conformance, response_schema_conformance)
UNSOUND = "/health"
"""Answers 503 on purpose where something is wrong, and in these tests something is."""


def ask(stack: Stack, described: Any, path: str, method: str, *, examples: int) -> None:
    """Of requests that are right, and of some that are wrong: each is answered as the description says."""
    for mode in GenerationMode:
        checks = [*CHECKS, *([not_a_server_error] if path != UNSOUND else [])]
        if mode is GenerationMode.NEGATIVE and method == "POST":
            checks.append(negative_data_rejection)
        with suppress(Unsatisfiable):  # there is no wrong request of what takes nothing
            _each(stack, described[path][method].as_strategy(generation_mode=mode), checks, examples)


def _each(stack: Stack, cases: Any, checks: list[Any], examples: int) -> None:
    key = stack.cloud.stack["host"]["master_key"]

    @given(case=cases)
    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=QUIET)
    def each(case: Any) -> None:
        case.call_and_validate(headers={"x-functions-key": key}, checks=checks)

    each()


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_api_is_as_it_is_described(stack: Stack, described: Any, path: str, method: str) -> None:
    ask(stack, described, path, method, examples=8)


@pytest.mark.long
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_api_is_as_it_is_described_however_long_it_is_tried(
    stack: Stack, described: Any, path: str, method: str
) -> None:
    ask(stack, described, path, method, examples=60)


def test_every_function_is_described_with_its_methods_and_the_key_that_it_takes() -> None:
    triggers = [trigger for one in app.get_functions() if (trigger := one.get_trigger()) is not None]
    registered = {
        (f"/{one['route']}", str(getattr(method, "value", method)), one["authLevel"].name == "ADMIN")
        for one in (trigger.get_dict_repr() for trigger in triggers if trigger.type == "httpTrigger")
        for method in one["methods"]
    }
    told = {
        (path, method.upper(), {"admin": []} in operation.get("security", []))
        for path, operations in DESCRIPTION["paths"].items()
        for method, operation in operations.items()
    }

    assert told == registered
