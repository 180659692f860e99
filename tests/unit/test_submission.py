"""The body that a batch endpoint is sent, and how its answer is recognised."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.finding import is_same_place
from shared.core.record import Message, change, load
from shared.core.steps import SUBMIT_JOB
from shared.core.submission import Accepted, Deferred, Rejected, Unclear, invoke_body
from shared.core.trouble import Kind, Trouble
from testbed.examples import tuesday
from tests.unit.routes_files import edited, parsed
from tests.unit.runs import RUN_ID, a_job, a_spec, over_copies, spec_of

SENT = "azureml://datastores/store/paths/landfall/r/1/p.csv"


def test_the_body_names_input_and_output_as_the_service_spells_them() -> None:
    assert invoke_body(a_spec().request(2)) == {
        "properties": {
            "inputData": {
                "images": {
                    "jobInputType": "UriFolder",
                    "uri": "https://landing.blob.core.windows.net/landing/digits/tuesday",
                }
            },
            "outputData": {
                "predictions": {
                    "jobOutputType": "UriFile",
                    "uri": f"azureml://datastores/workspaceblobstore/paths/landfall/{RUN_ID}/2/predictions.csv",
                }
            },
        }
    }


def test_a_file_is_sent_as_a_file() -> None:
    spec = a_spec()

    body = invoke_body(change(spec, input=change(spec.input, type="uri_file")).request(1))

    assert body["properties"]["inputData"]["images"]["jobInputType"] == "UriFile"


def test_copies_are_sent_as_the_folder_that_they_are_in() -> None:
    uri = invoke_body(over_copies().request(1))["properties"]["inputData"]["images"]["uri"]

    assert uri == f"azureml://datastores/workspaceblobstore/paths/landfall/{RUN_ID}/input"


@pytest.mark.parametrize(
    ("settings", "properties"),
    [
        ({}, {}),
        ({"instance_count": 2}, {"compute": {"instanceCount": 2}}),
        ({"mini_batch_size": 10}, {"miniBatchSize": 10}),
        ({"error_threshold": 0}, {"errorThreshold": 0}),
        ({"error_threshold": -1}, {"errorThreshold": -1}),
        ({"retry_settings": {"max_retries": 3}}, {"retrySettings": {"maxRetries": 3}}),
        ({"retry_settings": {"timeout": 90}}, {"retrySettings": {"timeout": "PT90S"}}),
        (
            {"retry_settings": {"max_retries": 3, "timeout": 90}},
            {"retrySettings": {"maxRetries": 3, "timeout": "PT90S"}},
        ),
        ({"max_concurrency_per_instance": 4}, {"maxConcurrencyPerInstance": 4}),
        ({"output_file_name": "predictions.csv"}, {"outputFileName": "predictions.csv"}),
        ({"logging_level": "debug"}, {"loggingLevel": "Debug"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_what_a_route_sets_is_sent_as_the_service_spells_it_and_nothing_else(
    settings: dict[str, Any], properties: dict[str, Any]
) -> None:
    (route,) = parsed(edited(("settings", settings))).usable

    sent = invoke_body(spec_of(tuesday(route)).request(1))["properties"]

    assert {name: value for name, value in sent.items() if name not in ("inputData", "outputData")} == properties


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        ({"type": "Accepted", "job": {"name": "batchjob-1", "status": "Running"}}, Accepted(a_job())),
        ({"type": "Rejected", "status": 404, "message": "no"}, Rejected(404, "no")),
        ({"type": "Deferred", "retry_after": 30, "message": "busy"}, Deferred(30.0, "busy")),
        ({"type": "Unclear", "message": "time-out"}, Unclear("time-out")),
        ({"type": "Trouble", "kind": "passing", "message": "503"}, Trouble(Kind.PASSING, "503")),
    ],
    ids=["accepted", "rejected", "deferred", "unclear", "not done"],
)
def test_what_an_endpoint_may_answer_is_told_apart_on_its_way(payload: dict[str, Any], answer: Message) -> None:
    assert load(SUBMIT_JOB.answer_or_trouble, payload) == answer


WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


@pytest.mark.parametrize(
    ("uri", "same"),
    [
        pytest.param(SENT, True, id="as sent"),
        pytest.param(f"{WORKSPACE}/datastores/store/paths/landfall/r/1/p.csv", True, id="as the service answers"),
        pytest.param(f"azureml:{WORKSPACE}/datastores/store/paths/landfall//r/1/p.csv", True, id="double slashes"),
        pytest.param(SENT.replace("/1/", "/2/"), False, id="another attempt"),
        pytest.param(SENT.replace("/1/", "/11/"), False, id="an attempt that begins alike"),
        pytest.param(SENT.replace("r/1/", "r1/"), False, id="other folders of the same letters"),
        pytest.param(SENT.replace("/store/", "/other/"), False, id="another datastore"),
        pytest.param(SENT + ".bak", False, id="a longer name"),
        pytest.param("landfall/r/1/p.csv", None, id="no datastore at all"),
        pytest.param(
            "https://a.blob.core.windows.net/c/landfall/r/1/p.csv", None, id="a form to compare it with is missing"
        ),
        pytest.param(SENT.replace("/r/", "/%72/"), True, id="percent-encoded"),
        pytest.param(SENT.replace("datastores/store", "Datastores/Store"), True, id="in capitals"),
    ],
)
def test_an_output_is_recognised_in_the_form_that_the_service_answers_with(uri: str, same: bool | None) -> None:
    assert is_same_place(uri, SENT) is same


def test_an_output_is_recognised_whatever_the_workspace_is_called() -> None:
    """The job of a lost answer is not adopted then: a second one is submitted."""
    assert is_same_place(f"{WORKSPACE}-datastores/datastores/store/paths/landfall/r/1/p.csv", SENT)
