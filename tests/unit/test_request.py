"""The body that a batch endpoint is sent, and how its answer is recognised."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.request import invoke_body, is_output
from tests.examples import digits_route, tuesday
from tests.unit.scorings import an_order, order_of

SENT = "azureml://datastores/store/paths/landfall/r/1/p.csv"


def test_the_body_names_input_and_output_as_the_service_spells_them() -> None:
    order = an_order()

    assert invoke_body(order, 2, staged=False) == {
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
                    "uri": f"azureml://datastores/workspaceblobstore/paths/landfall/{order.run_id}/2/predictions.csv",
                }
            },
        }
    }


def test_a_file_is_sent_as_a_file() -> None:
    body = invoke_body(an_order(input_type="uri_file"), 1, staged=False)

    assert body["properties"]["inputData"]["images"]["jobInputType"] == "UriFile"


def test_staged_input_is_the_folder_of_the_copies() -> None:
    order = an_order()

    uri = invoke_body(order, 1, staged=True)["properties"]["inputData"]["images"]["uri"]

    assert uri == f"azureml://datastores/workspaceblobstore/paths/landfall/{order.run_id}/input"


@pytest.mark.parametrize(
    ("overrides", "properties"),
    [
        ({}, {}),
        ({"instance_count": 2}, {"compute": {"instanceCount": 2}}),
        ({"mini_batch_size": 10}, {"miniBatchSize": 10}),
        ({"error_threshold": 0}, {"errorThreshold": 0}),
        ({"error_threshold": -1}, {"errorThreshold": -1}),
        ({"max_retries": 3}, {"retrySettings": {"maxRetries": 3}}),
        ({"timeout": 90}, {"retrySettings": {"timeout": "PT90S"}}),
        ({"max_retries": 3, "timeout": 90}, {"retrySettings": {"maxRetries": 3, "timeout": "PT90S"}}),
    ],
    ids=str,
)
def test_what_a_route_overrides_is_sent_and_nothing_else(overrides: dict[str, int], properties: dict[str, Any]) -> None:
    sent = invoke_body(an_order(overrides=overrides), 1, staged=False)["properties"]

    assert {name: value for name, value in sent.items() if name not in ("inputData", "outputData")} == properties


def test_overrides_come_from_the_route() -> None:
    route = digits_route(
        (
            "    inputs:",
            "      mini_batch_size: 10\n      error_threshold: 0\n      retries: {timeout: 2m}\n    inputs:",
        )
    )

    order = order_of(tuesday(route))

    assert order.overrides == {"mini_batch_size": 10, "error_threshold": 0, "timeout": 120}


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
        pytest.param(SENT.replace("store", "other"), False, id="another datastore"),
        pytest.param(SENT + ".bak", False, id="a longer name"),
        pytest.param("landfall/r/1/p.csv", False, id="no datastore at all"),
    ],
)
def test_an_output_is_recognised_in_the_form_that_the_service_answers_with(uri: str, same: bool) -> None:
    assert is_output(uri, SENT) == same


def test_an_output_is_recognised_whatever_the_workspace_is_called() -> None:
    """The job of a lost answer is not adopted then: a second one is submitted."""
    assert is_output(f"{WORKSPACE}-datastores/datastores/store/paths/landfall/r/1/p.csv", SENT)
