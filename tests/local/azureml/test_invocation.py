from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local.azureml.api.invocation import Invocation, parse
from local.azureml.errors import InvalidRequest, Refusal
from local.azureml.workspace.jobs import InputKind
from local.azureml.workspace.names import WORKSPACE_ID
from local.azureml.workspace.settings import JobSettings, LoggingLevel
from tests.local.azureml.workspaces import places

FOLDER = {"jobInputType": "UriFolder", "uri": "azureml://datastores/landing/paths/x"}


def read(properties: dict[str, Any]) -> Invocation:
    return parse({"properties": properties}, JobSettings(), places())


def violations(properties: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as refused:
        read(properties)
    return [(violation.property_name, violation.message) for violation in refused.value.violations]


@pytest.mark.parametrize("kind", ["UriFile", "uriFile", "uri_file", "URIFILE"])
def test_enum_values_are_taken_in_every_spelling(kind: str) -> None:
    assert read({"inputData": {"x": {**FOLDER, "jobInputType": kind}}}).inputs[0].kind is InputKind.FILE


def test_keys_are_taken_in_any_case_but_the_caller_s_own_names_are_kept() -> None:
    found = parse(
        {"Properties": {"INPUTDATA": {"Heart_Data": {"JobInputType": "UriFolder", "URI": FOLDER["uri"]}}}},
        JobSettings(),
        places(),
    )

    assert found.inputs[0].key == "Heart_Data"


def test_every_override_changes_what_was_deployed() -> None:
    found = read(
        {
            "inputData": {"x": FOLDER},
            "compute": {"isLocal": True, "instanceCount": 5},
            "retrySettings": {"maxRetries": 2, "timeout": "PT1M"},
            "errorThreshold": 3,
            "miniBatchSize": 20,
            "maxConcurrencyPerInstance": 4,
            "outputFileName": "mine.csv",
            "loggingLevel": "Warning",
        }
    )

    assert found.settings == JobSettings(
        instance_count=5,
        max_retries=2,
        timeout=timedelta(minutes=1),
        error_threshold=3,
        mini_batch_size=20,
        max_concurrency_per_instance=4,
        output_file_name="mine.csv",
        logging_level=LoggingLevel.WARNING,
    )


def test_without_overrides_what_was_deployed_stays() -> None:
    found = read({"inputData": {"x": FOLDER}, "compute": None, "miniBatchSize": None, "unknown": 1})

    assert found.settings == JobSettings()
    assert found.outputs == ()


def test_the_legacy_dataset_form_is_an_input() -> None:
    found = read({"dataset": {"dataInputType": "DataUrl", "Path": FOLDER["uri"]}})

    assert (found.inputs[0].kind, found.inputs[0].uri) == (InputKind.DATA_URL, FOLDER["uri"])


def test_registered_datasets_are_an_input_that_fails_later() -> None:
    found = read({"dataset": {"dataInputType": "DatasetVersion", "datasetName": "d", "datasetVersion": "1"}})

    assert (found.inputs[0].kind, found.inputs[0].uri) == (InputKind.DATASET, "d:1")


@pytest.mark.parametrize(
    "store", [f"{WORKSPACE_ID}/datastores/workspaceblobstore", "azureml:workspaceblobstore", "workspaceblobstore"]
)
def test_the_legacy_output_form_names_folder_and_file_apart(store: str) -> None:
    found = read(
        {
            "inputData": {"x": FOLDER},
            "outputDataset": {"datastoreId": store, "path": "/ep1/"},
            "outputFileName": "p-1.csv",
        }
    )

    assert found.outputs[0].uri.endswith("/datastores/workspaceblobstore/paths/ep1/p-1.csv")


@pytest.mark.parametrize(
    ("properties", "where", "words"),
    [
        ({}, "InputData", "the request has 0"),
        ({"inputData": []}, "InputData", "object"),
        ({"inputData": {"x": "y"}}, "InputData.x", "object"),
        ({"inputData": {"a b": FOLDER}}, "InputData.Keys", "letters, digits and underscores"),
        ({"inputData": {"x": {"jobInputType": "Literal", "value": 1}}}, "InputData.Values[0].JobInputType", "pipeline"),
        ({"inputData": {"x": {"jobInputType": "TritonModel"}}}, "InputData.Values[0].JobInputType", "Not supported"),
        ({"inputData": {"x": {"jobInputType": "UriFile"}}}, "InputData.Values[0].Uri", "required"),
        ({"inputData": {"x": {**FOLDER, "uri": "nonsense"}}}, "InputData.Values[0].Uri", "neither"),
        ({"dataset": {"dataInputType": "Magic"}}, "Dataset.DataInputType", "DataUrl"),
        ({"inputData": {"x": FOLDER}, "miniBatchSize": 0}, "MiniBatchSize", "at least 1"),
        ({"inputData": {"x": FOLDER}, "errorThreshold": "3"}, "ErrorThreshold", "whole number"),
        ({"inputData": {"x": FOLDER}, "compute": {"instanceCount": True}}, "Compute.instanceCount", "whole number"),
        ({"inputData": {"x": FOLDER}, "retrySettings": {"timeout": "30s"}}, "RetrySettings.Timeout", "ISO 8601"),
        ({"inputData": {"x": FOLDER}, "loggingLevel": "Loud"}, "LoggingLevel", "Info"),
        ({"inputData": {"x": FOLDER}, "outputFileName": "../x"}, "OutputFileName", "file name"),
        (
            {"inputData": {"x": FOLDER}, "outputData": {"s": {"jobOutputType": "UriFile", "uri": "https://a.b/c"}}},
            "OutputData.Values[0].Uri",
            "registered Blob datastore",
        ),
        (
            {
                "inputData": {"x": FOLDER},
                "outputData": {"s": {"jobOutputType": "UriFile", "uri": "https://127.0.0.1:1/devstoreaccount1/c/x"}},
            },
            "OutputData.Values[0].Uri",
            "registered Blob datastore",
        ),
        ({"inputData": {"x": FOLDER}, "outputDataset": {"datastoreId": "none"}}, "OutputDataset", "does not exist"),
    ],
)
def test_what_is_wrong_is_named(properties: dict[str, Any], where: str, words: str) -> None:
    found = violations(properties)

    assert [name for name, _ in found] == [where]
    assert words in found[0][1]


def test_two_outputs_are_refused() -> None:
    output = {"jobOutputType": "UriFile", "uri": "azureml://datastores/landing/paths/o"}

    found = violations({"inputData": {"x": FOLDER}, "outputData": {"a": output, "b": output}})

    assert "exactly 1 output; the request has 2" in found[0][1]


def test_all_violations_are_told_at_once() -> None:
    assert len(violations({"inputData": {"x": {"jobInputType": "Literal"}}, "miniBatchSize": 0})) == 2


@pytest.mark.parametrize("body", [None, [], {}, {"properties": 3}])
def test_a_body_without_properties_is_refused(body: object) -> None:
    with pytest.raises(Refusal, match="'properties' object"):
        parse(body, JobSettings(), places())
