"""Every kind of input and output in every notation that routes take: the local Azure ML reads what was meant."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from local.addresses import ACCOUNT, CONTAINERS, WORKSPACE_ACCOUNT
from local.azureml.workspace.names import LOCATION, WORKSPACE_ID
from local.tokens import MANAGEMENT
from shared.adapters.batch_endpoint import AzureBatchEndpoint
from shared.core.inputs import fill_input, read_inputs
from shared.core.location import Container
from shared.core.outputs import fill_output, read_outputs
from shared.core.references import Notation
from shared.core.route import Endpoint, JobSettings
from shared.core.spec import JobRequest
from shared.core.submission import Accepted, Unfit, invoke_body
from shared.work.submitting import fit
from testbed.eventually import eventually
from tests.contract.asking import at
from tests.local.azureml.cloud import Cloud

LONG = WORKSPACE_ID.replace("resourceGroups", "resourcegroups").replace(
    "/providers/Microsoft.MachineLearningServices", ""
)
ON_LANDING = "datastores/landing/paths/notations/price.txt"
WRITTEN: dict[Notation, list[str]] = {
    Notation.URL: ["{landing_url}/notations/price.txt"],
    Notation.DATASTORE: [f"azureml://{ON_LANDING}"],
    Notation.LONG_DATASTORE: [f"azureml:/{LONG}/{ON_LANDING}"],
    Notation.ARM_DATASTORE: [f"{WORKSPACE_ID}/{ON_LANDING}", f"azureml:{WORKSPACE_ID}/{ON_LANDING}"],
    Notation.ASSET: ["azureml:notations:1"],
    Notation.LABELED_ASSET: ["azureml:notations@latest"],
    Notation.ARM_ASSET: [
        f"{WORKSPACE_ID}/data/notations/versions/1",
        f"azureml:{WORKSPACE_ID}/data/notations/versions/1",
    ],
    Notation.LONG_ASSET: [f"azureml://locations/{LOCATION}/workspaces/local/data/notations/versions/1"],
    Notation.ABFSS: [f"abfss://landing@{ACCOUNT}.dfs.core.windows.net/notations/price.txt"],
    Notation.WASBS: [f"wasbs://landing@{ACCOUNT}.blob.core.windows.net/notations/price.txt"],
}
_numbers = itertools.count()


@pytest.fixture(scope="module", autouse=True)
def there(cloud: Cloud) -> None:
    """Two files to score, a price, a table, and the price as a data asset."""
    cloud.put(f"{ACCOUNT}/landing/notations/data/a.txt", b"12")
    cloud.put(f"{ACCOUNT}/landing/notations/data/b.txt", b"123")
    cloud.put(f"{ACCOUNT}/landing/notations/price.txt", b"7")
    cloud.put(f"{ACCOUNT}/landing/notations/table/MLTable", b"3")
    asset = {"properties": {"dataType": "uri_file", "dataUri": f"azureml://{ON_LANDING}"}}
    url = f"{cloud.addresses.azureml}{WORKSPACE_ID}/data/notations/versions/1?api-version=2024-10-01-preview"
    cloud.http.put(url, json=asset, headers=cloud.token(MANAGEMENT)).raise_for_status()


def a_request(cloud: Cloud, endpoint: Endpoint, output: str, **inputs: Any) -> JobRequest:
    """What a route with these inputs, beside the data, and that output would ask for."""
    data = {"type": "uri_folder", "path": f"{cloud.addresses.account_url()}/landing/notations/data"}
    landing, *others = (fill_input(one, {"batch": "tuesday"}) for one in read_inputs({"data": data, **inputs}))
    (template,) = read_outputs({"summary": {"type": "uri_file", "path": output}})
    store = Container(cloud.addresses.account_url(WORKSPACE_ACCOUNT), CONTAINERS[WORKSPACE_ACCOUNT])
    summary = fill_output(template, {}, {"workspaceblobstore": store})
    return JobRequest(endpoint=endpoint, settings=JobSettings(), input=landing, inputs=tuple(others), output=summary)


def summary(cloud: Cloud, client: AzureBatchEndpoint, root: str = "azureml://", **inputs: Any) -> str | None:
    """What the pipeline says when it is given these inputs."""
    endpoint = at(f"{cloud.addresses.azureml}/endpoints/flow/jobs")
    path = f"notations/{next(_numbers)}/summary.txt"
    request = a_request(cloud, endpoint, f"{root}datastores/workspaceblobstore/paths/{path}", **inputs)
    fitted = fit(client, request)
    assert not isinstance(fitted, Unfit), fitted
    answer = client.submit(endpoint, invoke_body(fitted))
    assert isinstance(answer, Accepted), answer

    def ended() -> str | None:
        seen = client.job(endpoint, answer.job)
        return seen.status if seen is not None and seen.is_final else None

    assert eventually(ended, "the end of the job") == "Completed"
    return cloud.output(path)


@pytest.mark.long
@pytest.mark.parametrize(
    "written", [text for texts in WRITTEN.values() for text in texts], ids=lambda text: text.replace("/", "|")[:60]
)
def test_data_is_found_by_every_notation(cloud: Cloud, endpoint: AzureBatchEndpoint, written: str) -> None:
    path = written.format(landing_url=f"{cloud.addresses.account_url()}/landing")

    assert summary(cloud, endpoint, prices={"type": "uri_file", "path": path}) == "unnamed 2 35\n"


def test_no_notation_was_forgotten() -> None:
    assert set(WRITTEN) == set(Notation)


def test_values_of_every_type_and_a_table_arrive(cloud: Cloud, endpoint: AzureBatchEndpoint) -> None:
    told = summary(
        cloud,
        endpoint,
        batch={"type": "string", "default": "{batch}"},
        limit={"type": "integer", "default": 2},
        factor={"type": "number", "default": 0.5},
        loud={"type": "boolean", "default": True},
        table={"type": "mltable", "path": "azureml://datastores/landing/paths/notations/table"},
    )

    assert told == "TUESDAY 2 6\n"


def test_what_the_component_has_a_default_for_may_be_left_out(cloud: Cloud, endpoint: AzureBatchEndpoint) -> None:
    assert summary(cloud, endpoint) == "unnamed 2 5\n"


@pytest.mark.parametrize("root", [f"{WORKSPACE_ID}/", f"azureml:{WORKSPACE_ID}/", f"azureml:/{LONG}/"])
def test_an_output_is_written_where_its_notation_says(cloud: Cloud, endpoint: AzureBatchEndpoint, root: str) -> None:
    assert summary(cloud, endpoint, root) == "unnamed 2 5\n"
