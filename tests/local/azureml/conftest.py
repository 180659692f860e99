from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.azureml.alone import Alone, alone, end_of, use
from tests.local.azureml.cloud import Cloud
from tests.local.azureml.probes import deploy_all

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import BatchJob, Environment, Model

SCORE = """
    import os
    from pathlib import Path

    def init():
        global factor
        factor = int(next(Path(os.environ["AZUREML_MODEL_DIR"]).glob("*/factor.txt")).read_text())

    def run(mini_batch):
        print("multiplying", len(mini_batch))
        return [f"{Path(path).name} {factor * int(Path(path).read_text())}" for path in mini_batch]
"""
YAML = """
    $schema: https://azuremlschemas.azureedge.net/latest/batchDeployment.schema.json
    name: second
    description: The same model from a file.
    endpoint_name: {endpoint}
    model:
      path: model
    code_configuration:
      code: code
      scoring_script: score.py
    environment:
      image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest
      conda_file: conda.yaml
    compute: azureml:batch-cluster
    resources:
      instance_count: 1
    max_concurrency_per_instance: 2
    mini_batch_size: 1
    output_action: append_row
    output_file_name: predictions.csv
    retry_settings:
      max_retries: 3
      timeout: 30
"""


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Storage and Azure ML with the deployments of probes.py, shared because no test changes what another sees."""
    root = tmp_path_factory.mktemp("azureml")
    deploy_all(root / "deployments")
    started = Cloud(root / "state", root / "deployments", "--azure", "kind")
    yield started
    started.close()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    """The emulator as an outsider starts it, with nothing deployed."""
    root = tmp_path_factory.mktemp("alone")
    (root / "deployments").mkdir()
    with alone(root / "state", root / "deployments") as started:
        yield started


@pytest.fixture(scope="module")
def client(emulator: Alone) -> Iterator[MLClient]:
    """The unmodified client of Azure ML."""
    with pytest.MonkeyPatch.context() as patch:
        yield use(patch, emulator)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: model, code, environment, data."""
    root = tmp_path_factory.mktemp("user")
    for name in ("model", "code", "data"):
        (root / name).mkdir()
    (root / "model" / "factor.txt").write_text("10")
    (root / "code" / "score.py").write_text(textwrap.dedent(SCORE))
    (root / "conda.yaml").write_text("name: any\ndependencies: [python=3.11]\n")
    for number in (1, 2, 3):
        (root / "data" / f"{number}.txt").write_text(str(number))
    return root


@pytest.fixture(scope="module")
def compute(client: MLClient) -> str:
    from azure.ai.ml.entities import AmlCompute

    made = AmlCompute(name="batch-cluster", size="STANDARD_DS3_V2", min_instances=0, max_instances=5)
    return str(client.compute.begin_create_or_update(made).result().name)


@pytest.fixture(scope="module")
def environment(client: MLClient, folder: Path) -> Environment:
    from azure.ai.ml.entities import Environment

    made = Environment(name="batch-env", image="mcr.microsoft.com/x", conda_file=str(folder / "conda.yaml"))
    registered: Environment = client.environments.create_or_update(made)
    return registered


@pytest.fixture(scope="module")
def model(client: MLClient, folder: Path) -> Model:
    from azure.ai.ml.entities import Model

    registered: Model = client.models.create_or_update(
        Model(name="times", path=str(folder / "model"), type="custom_model")
    )
    return registered


@pytest.fixture(scope="module")
def endpoint(client: MLClient) -> str:
    from azure.ai.ml.entities import BatchEndpoint

    made = BatchEndpoint(name="times-batch", description="Multiplies.", tags={"kind": "sums"})
    return str(client.batch_endpoints.begin_create_or_update(made).result().name)


@pytest.fixture(scope="module")
def deployment(
    client: MLClient, endpoint: str, model: Model, environment: Environment, compute: str, folder: Path
) -> str:
    """From entities, set as default as the docs do it."""
    from azure.ai.ml import entities

    made = entities.ModelBatchDeployment(
        name="first",
        endpoint_name=endpoint,
        description="Times ten.",
        model=model,
        environment=environment,
        compute=compute,
        code_configuration=entities.CodeConfiguration(code=str(folder / "code"), scoring_script="score.py"),
        settings=entities.ModelBatchDeploymentSettings(
            instance_count=1,
            max_concurrency_per_instance=2,
            mini_batch_size=2,
            output_action="append_row",
            output_file_name="predictions.csv",
            logging_level="info",
            retry_settings=entities.BatchRetrySettings(max_retries=3, timeout=30),
        ),
    )
    client.batch_deployments.begin_create_or_update(made).result()
    shown = client.batch_endpoints.get(endpoint)
    shown.defaults.deployment_name = made.name
    client.batch_endpoints.begin_create_or_update(shown).result()
    return str(made.name)


@pytest.fixture(scope="module")
def second(client: MLClient, deployment: str, endpoint: str, folder: Path) -> str:
    """From YAML, beside the first one."""
    from azure.ai.ml import load_batch_deployment

    (folder / "deployment.yml").write_text(textwrap.dedent(YAML).format(endpoint=endpoint))
    made = client.batch_deployments.begin_create_or_update(load_batch_deployment(folder / "deployment.yml"))
    return str(made.result().name)


@pytest.fixture(scope="module")
def data(client: MLClient, folder: Path) -> Any:
    """A data asset of a local folder."""
    from azure.ai.ml.entities import Data

    return client.data.create_or_update(Data(name="numbers", path=str(folder / "data"), type="uri_folder"))


@pytest.fixture(scope="module")
def completed(client: MLClient, endpoint: str, deployment: str, data: Any) -> BatchJob:
    from azure.ai.ml import Input

    # Named although it is the default: once the client has named a deployment, it goes on naming it in silence.
    job: BatchJob = client.batch_endpoints.invoke(
        endpoint, deployment_name=deployment, inputs={"numbers": Input(type="uri_folder", path=data.id)}
    )
    assert end_of(client, job) == "Completed"
    return job
