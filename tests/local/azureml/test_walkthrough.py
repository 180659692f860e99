"""The walk-through of Azure's docs, with the unmodified azure-ai-ml client.

In the order of how-to-use-batch-model-deployments and how-to-access-data-batch-endpoints-jobs. Each stage (compute,
model, endpoint, deployment and so on) is a fixture of conftest.py that the next one builds upon.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from local import tls
from local.addresses import RESOURCE_GROUP, SUBSCRIPTION, WORKSPACE
from tests.local.azureml.alone import Alone, end_of

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import BatchJob, Environment, Model

pytestmark = [
    pytest.mark.timeout(120),
    # Of the client and of what it imports; nothing of ours warns.
    pytest.mark.filterwarnings("ignore"),
]

PREDICTIONS = ["1.txt 10", "2.txt 20", "3.txt 30"]
_numbers = count(1)


def scored(client: MLClient, job: BatchJob, target: Path) -> list[str]:
    """What a completed job has written, downloaded as the docs do it."""
    assert end_of(client, job) == "Completed"
    client.jobs.download(name=job.name, output_name="score", download_path=str(target))
    return sorted((target / "predictions.csv").read_text().splitlines())


def test_the_workspace_is_shown(client: MLClient) -> None:
    shown = client.workspaces.get(WORKSPACE)

    assert shown.name == WORKSPACE
    assert shown.storage_account
    assert [one.name for one in client.workspaces.list()] == [WORKSPACE]


def test_a_compute_is_created_and_got(client: MLClient, compute: str) -> None:
    assert client.compute.get(compute).max_instances == 5
    assert compute in [one.name for one in client.compute.list()]


def test_an_environment_is_registered(client: MLClient, environment: Environment) -> None:
    assert client.environments.get("batch-env", version="1").image == "mcr.microsoft.com/x"
    assert client.environments.get("batch-env", label="latest").version == environment.version


def test_a_model_is_registered_from_a_local_folder(client: MLClient, model: Model, tmp_path: Path) -> None:
    client.models.download("times", version=model.version, download_path=str(tmp_path))

    assert str(model.path).startswith("azureml://")
    assert client.models.get("times", label="latest").id == model.id
    assert [found.read_text() for found in tmp_path.rglob("factor.txt")] == ["10"]


def test_a_second_version_of_a_model_gets_the_next_number(client: MLClient, model: Model, tmp_path: Path) -> None:
    from azure.ai.ml.entities import Model

    name = f"versions-{next(_numbers)}"
    for number in ("1", "2"):
        (tmp_path / number).write_text(number)
        client.models.create_or_update(Model(name=name, path=str(tmp_path / number)))

    assert [one.version for one in client.models.list(name=name)] == ["2", "1"]
    assert client.models.get(name, label="latest").version == "2"


def test_an_endpoint_is_created_shown_and_listed(client: MLClient, endpoint: str) -> None:
    shown = client.batch_endpoints.get(endpoint)

    assert (shown.description, shown.tags) == ("Multiplies.", {"kind": "sums"})
    assert shown.scoring_uri.endswith("/jobs")
    assert endpoint in [one.name for one in client.batch_endpoints.list()]


def test_an_endpoint_is_updated_and_deleted(client: MLClient) -> None:
    from azure.ai.ml.entities import BatchEndpoint
    from azure.core.exceptions import ResourceNotFoundError

    made = client.batch_endpoints.begin_create_or_update(BatchEndpoint(name="passing-by")).result()
    made.description = "Changed."
    client.batch_endpoints.begin_create_or_update(made).result()
    assert client.batch_endpoints.get("passing-by").description == "Changed."

    client.batch_endpoints.begin_delete("passing-by").result()
    with pytest.raises(ResourceNotFoundError):
        client.batch_endpoints.get("passing-by")


def test_a_deployment_from_entities_is_shown(client: MLClient, endpoint: str, deployment: str, model: Model) -> None:
    shown = client.batch_deployments.get(name=deployment, endpoint_name=endpoint)

    assert shown.model == model.id
    assert (shown.mini_batch_size, shown.max_concurrency_per_instance) == (2, 2)
    assert shown.retry_settings.timeout == 30
    assert shown.code_configuration.scoring_script == "score.py"
    assert client.batch_endpoints.get(endpoint).defaults.deployment_name == deployment


def test_a_second_deployment_from_yaml_is_listed_and_deleted(client: MLClient, endpoint: str, second: str) -> None:
    assert {"first", second} <= {one.name for one in client.batch_deployments.list(endpoint)}
    shown = client.batch_deployments.get(second, endpoint)
    shown.name = "third"
    client.batch_deployments.begin_create_or_update(shown, skip_script_validation=True).result()
    client.batch_deployments.begin_delete("third", endpoint).result()

    assert "third" not in [one.name for one in client.batch_deployments.list(endpoint)]


REGISTERED = "azureml://registries/azureml/environments/sklearn-1.5"


@pytest.mark.parametrize(
    "named", [f"{REGISTERED}/versions/17", f"{REGISTERED}/labels/latest", "azureml:nobody-has-made-it:3"]
)
def test_an_environment_of_a_registry_or_one_that_nobody_has_made_is_recorded(
    client: MLClient, endpoint: str, second: str, named: str
) -> None:
    """Environments are only recorded, so they are not looked for, as in a deployments folder and in components."""
    shown = client.batch_deployments.get(second, endpoint)
    shown.name, shown.environment = "elsewhere", named

    client.batch_deployments.begin_create_or_update(shown, skip_script_validation=True).result()
    told = str(client.batch_deployments.get("elsewhere", endpoint).environment)
    client.batch_deployments.begin_delete("elsewhere", endpoint).result()

    assert told == named or told.endswith("/environments/nobody-has-made-it/versions/3")


def test_a_named_deployment_scores(client: MLClient, endpoint: str, second: str, data: Any, tmp_path: Path) -> None:
    from azure.ai.ml import Input

    job = client.batch_endpoints.invoke(
        endpoint_name=endpoint, deployment_name=second, inputs={"any": Input(type="uri_folder", path=data.id)}
    )

    assert scored(client, job, tmp_path) == PREDICTIONS
    assert client.jobs.get(job.name).tags["azureml.deploymentname"] == second


def test_datastores_are_got_created_and_listed(client: MLClient) -> None:
    from azure.ai.ml.entities import AzureBlobDatastore

    made = AzureBlobDatastore(name="mine", account_name="devstoreaccount1", container_name="landing")
    client.datastores.create_or_update(made)

    assert client.datastores.get_default().name == "workspaceblobstore"
    assert client.datastores.get("mine").container_name == "landing"
    assert {"mine", "workspaceblobstore"} <= {one.name for one in client.datastores.list()}


def test_data_assets_are_got_by_version_and_label(client: MLClient, data: Any) -> None:
    assert client.data.get("numbers", version=data.version).path == data.path
    assert client.data.get("numbers", label="latest").id == data.id
    assert "numbers" in [one.name for one in client.data.list()]


def below(path: str, name: str) -> str:
    """The datastore path `path` in one of the documented forms."""
    relative = path.partition("/paths/")[2].rstrip("/")
    account = "azuremlstore.blob.core.windows.net/azureml-blobstore-local"
    return {
        "short": f"azureml://datastores/workspaceblobstore/paths/{relative}",
        "long": f"azureml://subscriptions/{SUBSCRIPTION}/resourcegroups/{RESOURCE_GROUP}/workspaces/{WORKSPACE}"
        f"/datastores/workspaceblobstore/paths/{relative}/",
        "https": f"https://{account}/{relative}",
    }[name]


@pytest.mark.parametrize("form", ["short", "long", "https", "asset", "label", "id", "local"])
def test_every_form_of_a_folder_is_scored(
    client: MLClient, endpoint: str, deployment: str, data: Any, folder: Path, tmp_path: Path, form: str
) -> None:
    from azure.ai.ml import Input

    named = {
        "asset": f"azureml:numbers:{data.version}",
        "label": "azureml:numbers@latest",
        "id": data.id,
        "local": str(folder / "data"),
    }
    path = named.get(form) or below(data.path, form)

    job = client.batch_endpoints.invoke(endpoint, inputs={"x": Input(type="uri_folder", path=path)})

    assert scored(client, job, tmp_path) == PREDICTIONS


def test_a_file_is_scored_with_the_deprecated_argument(
    client: MLClient, endpoint: str, deployment: str, data: Any, tmp_path: Path
) -> None:
    from azure.ai.ml import Input

    file = Input(type="uri_file", path=f"{below(data.path, 'short')}/2.txt")

    assert scored(client, client.batch_endpoints.invoke(endpoint, input=file), tmp_path) == ["2.txt 20"]


def test_the_output_goes_where_the_docs_say_and_settings_are_overridden(
    client: MLClient, endpoint: str, deployment: str, data: Any, tmp_path: Path
) -> None:
    from azure.ai.ml import Input, Output

    number = next(_numbers)
    target = f"azureml://datastores/workspaceblobstore/paths/chosen-{number}/mine.csv"
    job = client.batch_endpoints.invoke(
        endpoint,
        inputs={"x": Input(type="uri_folder", path=data.id)},
        outputs={"score": Output(type="uri_file", path=target)},
        params_override=[
            {"mini_batch_size": "1"},
            {"compute.instance_count": "2"},
            {"error_threshold": "0"},
            {"retry_settings.max_retries": "1"},
        ],
    )

    assert end_of(client, job) == "Completed"
    listed = next(one for one in client.batch_endpoints.list_jobs(endpoint) if one.name == job.name)
    assert listed.name == job.name
    assert download(client, f"chosen-{number}/", tmp_path) == {"mine.csv": PREDICTIONS}


@pytest.mark.parametrize("store", ["id", "name"])
def test_the_output_dataset_of_the_docs_python_sample_is_taken(
    client: MLClient, endpoint: str, deployment: str, data: Any, tmp_path: Path, store: str
) -> None:
    from azure.ai.ml import Input

    number = next(_numbers)
    default = client.datastores.get_default()
    job = client.batch_endpoints.invoke(
        endpoint,
        inputs={"x": Input(type="uri_folder", path=data.id)},
        params_override=[
            {"output_dataset.datastore_id": f"azureml:{default.id if store == 'id' else default.name}"},
            {"output_dataset.path": f"/sample-{number}/"},
            {"output_file_name": "predictions-1.csv"},
        ],
    )

    assert end_of(client, job) == "Completed"
    assert download(client, f"sample-{number}/", tmp_path) == {"predictions-1.csv": PREDICTIONS}


def download(client: MLClient, prefix: str, target: Path) -> dict[str, list[str]]:
    """The files below a path of the default datastore, with their lines in order."""
    from azure.ai.ml._artifacts._artifact_utilities import download_artifact_from_aml_uri

    # What `client.data.download` would do; that is not public either.
    uri = f"azureml://datastores/workspaceblobstore/paths/{prefix}"
    download_artifact_from_aml_uri(uri, str(target), client.datastores)
    return {file.name: sorted(file.read_text().splitlines()) for file in target.iterdir()}


def test_a_job_is_listed_and_downloaded(
    client: MLClient, endpoint: str, deployment: str, completed: BatchJob, tmp_path: Path
) -> None:
    assert completed.name in [one.name for one in client.batch_endpoints.list_jobs(endpoint)]
    assert completed.name in [one.name for one in client.batch_deployments.list_jobs(endpoint, name=deployment)]
    assert completed.name in [one.name for one in client.jobs.list()]
    assert [child.display_name for child in client.jobs.list(parent_job_name=completed.name)] == ["batchscoring"]
    assert scored(client, completed, tmp_path) == PREDICTIONS


def test_a_job_is_streamed_to_its_end(
    client: MLClient, endpoint: str, deployment: str, data: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from azure.ai.ml import Input

    job = client.batch_endpoints.invoke(endpoint, inputs={"x": Input(type="uri_folder", path=data.id)})
    client.jobs.stream(job.name)

    printed = capsys.readouterr().out
    assert f"RunId: {job.name}" in printed
    assert "Streaming logs/azureml/executionlogs.txt" in printed
    assert "process000.stdout: multiplying 2" in printed
    assert client.jobs.get(job.name).status == "Completed"


def test_streaming_a_job_that_failed_raises_and_leaves_the_reason_to_the_run_below(
    client: MLClient, endpoint: str, deployment: str, data: Any
) -> None:
    from azure.ai.ml import Input
    from azure.ai.ml.exceptions import JobException

    nothing = Input(type="uri_folder", path="azureml://datastores/workspaceblobstore/paths/nothing/there")
    job = client.batch_endpoints.invoke(endpoint, inputs={"x": nothing})

    with pytest.raises(JobException, match="PipelineHasStepJobFailed") as raised:
        client.jobs.stream(job.name)
    assert "there is no file" not in str(raised.value)


def test_a_job_is_canceled(client: MLClient, endpoint: str, deployment: str, data: Any) -> None:
    from azure.ai.ml import Input

    job = client.batch_endpoints.invoke(endpoint, inputs={"x": Input(type="uri_folder", path=data.id)})
    client.jobs.begin_cancel(job.name).result()

    assert client.jobs.get(job.name).status == "Canceled"


@pytest.mark.parametrize(
    ("action", "jobs"),
    [({"status": 429, "headers": {"Retry-After": "1"}}, 1), ({"after": {"status": 500}}, 2)],
    ids=["throttled", "500 although the job was created"],
)
def test_the_client_posts_again_after_some_answers(
    client: MLClient, emulator: Alone, endpoint: str, deployment: str, data: Any, action: dict[str, Any], jobs: int
) -> None:
    from azure.ai.ml import Input

    before = len(client.batch_endpoints.list_jobs(endpoint))
    rule = {"match": {"method": "POST", "path": "/jobs$"}, "action": action, "times": 1}
    with httpx.Client(verify=tls.client_context(emulator.state), trust_env=False) as http:
        control = f"{emulator.told['azureml']['management_url']}/_faults"
        http.put(control, json=[rule]).raise_for_status()
        client.batch_endpoints.invoke(endpoint, inputs={"x": Input(type="uri_folder", path=data.id)})
        http.delete(control).raise_for_status()

    assert len(client.batch_endpoints.list_jobs(endpoint)) == before + jobs


def test_two_inputs_and_an_output_folder_are_refused_by_the_service(
    client: MLClient, endpoint: str, deployment: str, data: Any
) -> None:
    from azure.ai.ml import Input, Output
    from azure.core.exceptions import HttpResponseError

    one = Input(type="uri_folder", path=data.id)
    with pytest.raises(HttpResponseError, match="exactly 1 data input; the request has 2"):
        client.batch_endpoints.invoke(endpoint, inputs={"a": one, "b": one})
    with pytest.raises(HttpResponseError, match="Job output type must be 'uri_file'"):
        client.batch_endpoints.invoke(
            endpoint,
            inputs={"a": one},
            outputs={"s": Output(type="uri_folder", path="azureml://datastores/workspaceblobstore/paths/x")},
        )


def test_an_unknown_deployment_is_refused(client: MLClient, endpoint: str, deployment: str, data: Any) -> None:
    from azure.ai.ml import Input
    from azure.ai.ml.exceptions import ValidationException

    with pytest.raises(ValidationException, match="Deployment name nobody not found"):
        client.batch_endpoints.invoke(
            endpoint, deployment_name="nobody", inputs={"a": Input(type="uri_folder", path=data.id)}
        )


def test_deleting_an_endpoint_deletes_its_deployments_and_keeps_its_jobs(
    client: MLClient, model: Model, compute: str, folder: Path, data: Any
) -> None:
    from azure.ai.ml import Input, entities
    from azure.core.exceptions import ResourceNotFoundError

    client.batch_endpoints.begin_create_or_update(entities.BatchEndpoint(name="short-lived")).result()
    made = entities.BatchDeployment(
        name="only",
        endpoint_name="short-lived",
        model=model,
        compute=compute,
        code_configuration=entities.CodeConfiguration(code=str(folder / "code"), scoring_script="score.py"),
    )
    client.batch_deployments.begin_create_or_update(made).result()
    job = client.batch_endpoints.invoke(
        "short-lived", deployment_name="only", inputs={"a": Input(type="uri_folder", path=data.id)}
    )
    assert end_of(client, job) == "Completed"

    client.batch_endpoints.begin_delete("short-lived").result()

    with pytest.raises(ResourceNotFoundError):
        client.batch_deployments.get("only", "short-lived")
    assert client.jobs.get(job.name).status == "Completed"
