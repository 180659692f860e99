"""A route's settings: they have Azure's names, and all of them arrive."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

from shared.adapters.batch_endpoint import AzureBatchEndpoint
from shared.core.record import change
from shared.core.submission import Accepted, invoke_body
from testbed.examples import tuesday
from tests.contract.asking import at, landed, output
from tests.local.azureml.cloud import Cloud
from tests.unit.routes_files import Change, edited, parsed
from tests.unit.runs import spec_of
from tests.unit.test_routes_schema import ROUTE

SETTINGS: dict[str, Any] = {
    "mini_batch_size": 3,
    "instance_count": 2,
    "max_concurrency_per_instance": 4,
    "error_threshold": 5,
    "retry_settings": {"max_retries": 2, "timeout": 90},
    "output_file_name": "predictions.csv",
    "logging_level": "debug",
}
AS_DEPLOYED = {
    "mini_batch_size": "10",
    "NodeCount": "1",
    "process_count_per_node": "1",
    "error_threshold": "0",
    "run_max_try": "3",
    "run_invocation_timeout": "30",
    "append_row_file_name": "predictions.csv",
    "logging_level": "INFO",
}
AS_SET = {
    "mini_batch_size": "3",
    "NodeCount": "2",
    "process_count_per_node": "4",
    "error_threshold": "5",
    "run_max_try": "2",
    "run_invocation_timeout": "90",
    "append_row_file_name": "predictions.csv",
    "logging_level": "DEBUG",
}
"""What the job's own parameters say then."""


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [([], AS_DEPLOYED), ([("settings", SETTINGS)], AS_SET)],
    ids=["nothing is set", "everything is set"],
)
def test_a_job_does_what_its_route_sets_and_else_what_its_deployment_does(
    endpoint: AzureBatchEndpoint, cloud: Cloud, changes: list[Change], parameters: dict[str, str]
) -> None:
    (route,) = parsed(edited(*changes)).usable
    asked = spec_of(tuesday(route)).request(1)
    where = at(f"{cloud.addresses.azureml}/endpoints/lengths/jobs", "main")
    asked = change(asked, input=change(asked.input, uri=landed(cloud)), output=change(asked.the_output, uri=output()))

    answer = endpoint.submit(where, invoke_body(asked))

    assert isinstance(answer, Accepted), answer
    told = cloud.job(answer.job.name)["properties"]["azureml.parameters"]
    assert json.loads(told).items() >= parameters.items()


@pytest.mark.filterwarnings("ignore")  # of the client and of what it imports
def test_every_setting_of_a_deployment_is_known_by_its_own_name() -> None:
    """What an invocation does not take is known, too: to be refused with the reason."""
    from azure.ai.ml.entities import BatchRetrySettings, ModelBatchDeploymentSettings

    known = ROUTE["properties"]["settings"]["properties"]

    assert _parameters(ModelBatchDeploymentSettings) <= set(known)
    assert _parameters(BatchRetrySettings) == set(known["retry_settings"]["properties"])
    assert {name for name, schema in known.items() if "not" not in schema} == {*SETTINGS, "experiment_name"}


def _parameters(kind: type) -> set[str]:
    return set(inspect.signature(kind).parameters) - {"kwargs"}
