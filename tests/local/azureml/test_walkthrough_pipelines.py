"""The walk-through of Azure's docs on pipeline component deployments (how-to-use-batch-pipeline-deployments)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.local.azureml.alone import end_of
from tests.local.azureml.pipelines import deploy_pipeline, deploy_sayer

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

pytestmark = [pytest.mark.timeout(120), pytest.mark.filterwarnings("ignore")]


def test_a_pipeline_component_is_deployed_invoked_and_its_output_downloaded(
    client: MLClient, compute: str, tmp_path: Path
) -> None:
    from azure.ai.ml import Input, Output, load_component
    from azure.ai.ml.entities import BatchEndpoint, Environment, PipelineComponentBatchDeployment

    folder = deploy_pipeline(tmp_path, "steps", endpoint="pipes")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("1")
    client.batch_endpoints.begin_create_or_update(BatchEndpoint(name="pipes")).result()
    client.environments.create_or_update(Environment(name="any", image="mcr.microsoft.com/x"))
    component = client.components.create_or_update(load_component(folder / "pipeline.yml"))
    made = PipelineComponentBatchDeployment(
        name="steps", endpoint_name="pipes", component=component, settings={"default_compute": compute}
    )
    client.batch_deployments.begin_create_or_update(made).result()

    job = client.batch_endpoints.invoke(
        endpoint_name="pipes",
        deployment_name="steps",
        inputs={
            "data": Input(type="uri_folder", path=str(tmp_path / "in")),
            "prefix": Input(type="string", default="sdk"),
            "times": Input(type="integer", default=3),
        },
        outputs={
            "report": Output(type="uri_file", path="azureml://datastores/workspaceblobstore/paths/pipes/report.txt")
        },
        experiment_name="my-experiment",
    )

    assert end_of(client, job) == "Completed"
    shown = client.jobs.get(job.name)
    assert shown.experiment_name == "my-experiment"
    children = {child.display_name: child.name for child in client.jobs.list(parent_job_name=job.name)}
    assert sorted(children) == ["beside_step", "prepare_step", "score_step"]
    client.jobs.download(job.name, output_name="scores", download_path=str(tmp_path / "out"))
    scores = tmp_path / "out" / "named-outputs" / "scores" / "scores.txt"
    assert scores.read_text() == "a.txt=sdk1sdk1sdk1\n"
    client.jobs.download(children["prepare_step"], output_name="prepared", download_path=str(tmp_path / "step"))
    assert (tmp_path / "step" / "named-outputs" / "prepared" / "a.txt").read_text() == "sdk1"
    client.jobs.download(job.name, download_path=str(tmp_path / "logs"))
    assert (tmp_path / "logs" / "artifacts" / "logs" / "job_result.txt").read_text() == "Completed\n"
    assert client.batch_deployments.get("steps", "pipes").name == "steps"


def test_components_of_steps_that_have_one_name_run_their_own_code_as_the_client_registers_them(
    client: MLClient, compute: str, tmp_path: Path
) -> None:
    from azure.ai.ml import load_component
    from azure.ai.ml.entities import BatchEndpoint, Environment, PipelineComponentBatchDeployment

    client.batch_endpoints.begin_create_or_update(BatchEndpoint(name="sayers")).result()
    client.environments.create_or_update(Environment(name="any", image="mcr.microsoft.com/x"))
    said = {}
    for name in ("first", "second"):
        deploy_sayer(tmp_path / name, name, in_place=False)
        component = client.components.create_or_update(load_component(tmp_path / name / "pipeline.yml"))
        made = PipelineComponentBatchDeployment(
            name=name, endpoint_name="sayers", component=component, settings={"default_compute": compute}
        )
        client.batch_deployments.begin_create_or_update(made).result()

    for name in ("first", "second"):
        job = client.batch_endpoints.invoke(endpoint_name="sayers", deployment_name=name)
        assert end_of(client, job) == "Completed"
        client.jobs.download(job.name, output_name="said", download_path=str(tmp_path / "out" / name))
        said[name] = next(path for path in (tmp_path / "out" / name).rglob("*") if path.is_file()).read_text()
    assert said == {"first": "first\n", "second": "second\n"}


def test_a_deployment_of_a_job_is_refused_in_a_sentence_and_leaves_nothing_behind(client: MLClient) -> None:
    """It was accepted, as a pipeline without steps; the client itself then failed with a KeyError."""
    from azure.ai.ml.entities import BatchEndpoint, PipelineComponentBatchDeployment

    client.batch_endpoints.begin_create_or_update(BatchEndpoint(name="of-a-job")).result()
    job: Any = "azureml:some-job"  # as its docstring and its YAML have it, and its types do not
    made = PipelineComponentBatchDeployment(name="it", endpoint_name="of-a-job", job_definition=job)

    with pytest.raises(HttpResponseError, match="job_definition is not supported: use component with a pipeline"):
        client.batch_deployments.begin_create_or_update(made).result()

    assert list(client.batch_deployments.list("of-a-job")) == []
    with pytest.raises(HttpResponseError, match="There is no components/azureml_anonymous/versions/1"):
        client.components.get("azureml_anonymous", version="1")


def test_a_pipeline_is_deployed_without_settings(client: MLClient, tmp_path: Path) -> None:
    """The client failed with a KeyError, for it reads the settings that it has not sent."""
    from azure.ai.ml import load_component
    from azure.ai.ml.entities import BatchEndpoint, Environment, PipelineComponentBatchDeployment

    client.batch_endpoints.begin_create_or_update(BatchEndpoint(name="plain")).result()
    client.environments.create_or_update(Environment(name="any", image="mcr.microsoft.com/x"))
    deploy_sayer(tmp_path / "plain", "plain", in_place=False)
    component = client.components.create_or_update(load_component(tmp_path / "plain" / "pipeline.yml"))
    made = PipelineComponentBatchDeployment(name="it", endpoint_name="plain", component=component)

    assert client.batch_deployments.begin_create_or_update(made).result().name == "it"
