"""What a deployment takes, and where data assets are: the same from the fake and from the adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local.azureml.workspace.names import WORKSPACE_ID
from local.tokens import MANAGEMENT
from shared.adapters.batch_endpoint import AzureBatchEndpoint
from shared.core.deployment import Deployment, Port
from shared.core.job import Job
from shared.core.references import Asset
from shared.core.submission import Accepted
from shared.errors import InputRefused
from shared.ports import BatchEndpoint
from testbed.eventually import eventually
from testbed.fakes import FakeEndpoint
from tests.contract.asking import asking, at, landed, output
from tests.local.azureml.cloud import Cloud

FLOW = Deployment(
    name="steps",
    is_pipeline=True,
    inputs=(
        Port(name="data", type="uri_folder", needed=True),
        Port(name="prices", type="uri_file"),
        Port(name="table", type="mltable"),
        Port(name="limit", type="integer"),
        Port(name="batch", type="string"),
        Port(name="factor", type="number"),
        Port(name="loud", type="boolean"),
    ),
    outputs=(Port(name="scores", type="uri_folder"), Port(name="summary", type="uri_file")),
)
MAIN = Deployment(name="main", is_pipeline=False, nodes=8)
"""Its cluster has as many nodes as the local Azure ML has in all."""
Find = Callable[[str], tuple[BatchEndpoint, str]]
"""A client, and the scoring URI of the endpoint of that name: `flow` has a pipeline component, `lengths` a model."""


@pytest.fixture(params=["fake", "azure"])
def find(request: pytest.FixtureRequest) -> Find:
    found: Find = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def fake() -> Find:
    def find(name: str) -> tuple[BatchEndpoint, str]:
        deployed = FLOW if name == "flow" else MAIN
        client = FakeEndpoint(deployed=deployed, assets={"prices": ("1", "2")}, statuses=("Completed",))
        return client, f"https://{name}.invalid/jobs"

    return find


@pytest.fixture
def azure(cloud: Cloud, endpoint: AzureBatchEndpoint) -> Find:
    for version in ("1", "2"):
        uri = "azureml://datastores/landing/paths/prices.txt"
        managed(cloud, f"data/prices/versions/{version}", {"properties": {"dataType": "uri_file", "dataUri": uri}})
    return lambda name: (endpoint, f"{cloud.addresses.azureml}/endpoints/{name}/jobs")


def managed(cloud: Cloud, path: str, document: dict[str, Any]) -> None:
    url = f"{cloud.addresses.azureml}{WORKSPACE_ID}/{path}?api-version=2024-10-01-preview"
    cloud.http.put(url, json=document, headers=cloud.token(MANAGEMENT)).raise_for_status()


def test_a_pipeline_component_deployment_says_what_it_takes(find: Find) -> None:
    client, uri = find("flow")

    assert client.deployment(at(uri)) == FLOW
    assert client.deployment(at(uri, "steps")) == FLOW


def test_a_model_deployment_is_known_as_one(find: Find) -> None:
    client, uri = find("lengths")

    assert client.deployment(at(uri)) == MAIN


def test_a_compute_that_cannot_be_read_is_one_whose_size_is_not_known(
    cloud: Cloud, endpoint: AzureBatchEndpoint
) -> None:
    uri = f"{cloud.addresses.azureml}/endpoints/lengths/jobs"
    rule = {"match": {"path": "/computes/"}, "action": {"status": 403}}
    cloud.http.put(f"{cloud.addresses.azureml}/_faults", json=[rule]).raise_for_status()
    try:
        assert endpoint.deployment(at(uri)) == replace(MAIN, nodes=None)
    finally:
        cloud.http.delete(f"{cloud.addresses.azureml}/_faults").raise_for_status()


@pytest.mark.parametrize(
    ("asset", "version"),
    [(Asset("prices", version="1"), "1"), (Asset("prices", label="latest"), "2")],
    ids=["version", "latest"],
)
def test_a_data_asset_by_name_has_an_id_in_the_endpoints_workspace(find: Find, asset: Asset, version: str) -> None:
    client, uri = find("flow")

    found = client.data_asset(at(uri), asset)

    assert found.startswith("/subscriptions/")
    assert found.endswith(f"/data/prices/versions/{version}")


@pytest.mark.parametrize("asset", [Asset("prices", version="9"), Asset("nobody", label="latest")])
def test_one_that_is_not_there_is_refused_by_its_name(find: Find, asset: Asset) -> None:
    client, uri = find("flow")

    with pytest.raises(InputRefused, match=asset.name):
        client.data_asset(at(uri), asset)


def test_nobody_answers_means_that_a_deployment_is_not_known(endpoint: AzureBatchEndpoint) -> None:
    assert endpoint.deployment(at("https://127.0.0.1:1/endpoints/flow/jobs")) is None


def test_a_job_shows_its_steps_only_if_it_is_a_pipelines(cloud: Cloud, endpoint: AzureBatchEndpoint) -> None:
    uri = f"{cloud.addresses.azureml}/endpoints/lengths/jobs"
    answer = endpoint.submit(at(uri), asking(landed(cloud, "steps"), output()))
    assert isinstance(answer, Accepted)

    def ended() -> Job | None:
        seen = endpoint.job(at(uri), answer.job)
        return seen if seen is not None and seen.is_final else None

    assert eventually(ended, "the end of the job").steps == ()
