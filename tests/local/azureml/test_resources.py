"""Resources over Resource Manager: what is refused, and how the deployments folder and the API go together."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.azureml.errors import Refusal
from local.azureml.workspace.catalog import read
from local.azureml.workspace.deployed import Deployed
from local.azureml.workspace.names import WORKSPACE_ID
from tests.local.azureml.cloud import Cloud
from tests.local.azureml.pipelines import deploy_pipeline
from tests.local.azureml.probes import ECHO, deploy
from tests.local.azureml.workspaces import deployed, registry

MODEL = {"referenceType": "Id", "assetId": f"{WORKSPACE_ID}/models/probe-echo/versions/1"}
COMPUTE = f"{WORKSPACE_ID}/computes/batch-cluster"


def refused(cloud: Cloud, path: str, properties: dict[str, Any], status: int = 400) -> str:
    response = cloud.manage(path, "PUT", {"properties": properties})
    assert response.status_code == status, response.text
    assert cloud.manage(path).status_code == 404
    return str(response.json()["error"]["message"])


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"compute": COMPUTE}, "model.assetId is required"),
        ({"model": MODEL, "compute": COMPUTE}, "only an MLflow model can do without a scoring script"),
        ({"model": {"assetId": "azureml:none:1"}, "compute": COMPUTE}, "models/none/versions/1 does not exist"),
        ({"model": MODEL, "compute": "azureml:none"}, "The compute azureml:none does not exist"),
        ({"model": MODEL, "compute": COMPUTE, "miniBatchSize": 0}, "must be a whole number of at least 1"),
        ({"model": MODEL, "compute": COMPUTE, "outputAction": "Print"}, "must be AppendRow or SummaryOnly"),
        ({"model": MODEL, "compute": COMPUTE, "retrySettings": {"timeout": "30"}}, "not an ISO 8601 duration"),
        ({"deploymentConfiguration": {"componentId": {"referenceType": "Id"}}}, "componentId is required: the id of a"),
        (
            {"model": {"assetId": "/subscriptions/x/resourceGroups/y/workspaces/z/models/a/versions/1"}},
            "names another workspace",
        ),
    ],
)
def test_a_deployment_that_cannot_be_served_is_refused(cloud: Cloud, properties: dict[str, Any], words: str) -> None:
    assert words in refused(cloud, "/batchEndpoints/probe/deployments/never", properties)


@pytest.mark.parametrize(
    ("path", "properties", "status", "words"),
    [
        ("/batchEndpoints/1x", {}, 400, "3 to 32 letters"),
        ("/batchEndpoints/keyed", {"authMode": "Key"}, 400, "batch endpoints have no keys"),
        ("/batchEndpoints/lost", {"defaults": {"deploymentName": "x"}}, 400, "default deployment 'x' does not exist"),
        ("/batchEndpoints/nowhere/deployments/x", {"model": MODEL}, 404, "The endpoint 'nowhere' does not exist"),
        ("/models/m/versions/1", {"modelUri": "runs:/x/model"}, 400, "modelUri: 'runs:/x/model' is neither"),
        ("/data/d/versions/1", {"dataType": "table"}, 400, "dataType must be one of uri_file"),
        ("/datastores/d", {"datastoreType": "AzureBlob", "accountName": "x"}, 400, "'x' does not exist here"),
        ("/components/c/versions/1", {"componentSpec": {"type": "sweep"}}, 400, "only those run here"),
        ("/computes/c", {}, 400, "computeType is required"),
    ],
)
def test_a_resource_that_makes_no_sense_is_refused(
    cloud: Cloud, path: str, properties: dict[str, Any], status: int, words: str
) -> None:
    assert words in refused(cloud, path, properties, status)


def test_the_path_of_an_asset_cannot_be_changed(cloud: Cloud) -> None:
    cloud.create("/models/fixed/versions/1", {"modelUri": "azureml://datastores/landing/paths/a"})

    changed = {"properties": {"modelUri": "azureml://datastores/landing/paths/b"}}
    response = cloud.manage("/models/fixed/versions/1", "PUT", changed)

    assert (response.status_code, response.json()["error"]["message"]) == (409, "Asset paths cannot be updated.")


def test_a_component_is_called_what_its_url_says(cloud: Cloud) -> None:
    """One without `version:` had none inside, so that `azureml:name@latest` led to nothing."""
    command = {"type": "command", "command": "echo", "environment": "azureml:e:1"}
    cloud.create("/components/called/versions/7", {"componentSpec": command})

    shown = cloud.manage("/components/called/versions/7").json()["properties"]["componentSpec"]

    assert (shown["name"], shown["version"], shown["command"]) == ("called", "7", "echo")
    assert cloud.manage("/components/called").json()["properties"]["latestVersion"] == "7"


@pytest.mark.parametrize(
    ("specification", "words"),
    [
        ({"sourceJobId": "azureml:some-job", "jobs": {}}, "cannot be made of the job 'azureml:some-job' here"),
        ({"sourceJobId": None, "jobs": {}}, "The pipeline component has no jobs."),
    ],
)
def test_a_pipeline_component_without_steps_is_refused_and_not_there_afterwards(
    cloud: Cloud, specification: dict[str, Any], words: str
) -> None:
    """With `job_definition` azure-ai-ml makes such a component of a job, and then a deployment of it."""
    path = "/components/azureml_anonymous/versions/of-a-job"

    assert words in refused(cloud, path, {"componentSpec": {"type": "pipeline", **specification}})
    assert cloud.manage(path).status_code == 404


def test_a_body_without_properties_is_refused(cloud: Cloud) -> None:
    assert cloud.manage("/computes/c", "PUT", {"tags": {}}).status_code == 400
    assert cloud.manage("/computes/c", "PUT", []).status_code == 400


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("def init():\n    pass\n", "has no function run()"),
        ("def init(:\n", "SyntaxError"),
        ("import nothing_of_this_name\n", "No module named 'nothing_of_this_name'"),
    ],
    ids=["without run", "with an error", "with a missing module"],
)
def test_a_script_that_cannot_be_loaded_fails_the_job(cloud: Cloud, script: str, words: str) -> None:
    name = f"bad-{len(script)}"
    cloud.create("/batchEndpoints/bad-scripts", {})
    cloud.deploy("bad-scripts", name, model="probe-echo", script=textwrap.dedent(script))

    job = cloud.submit(cloud.land({"a": "1"}), name, endpoint="bad-scripts")

    assert cloud.end(job) == "Failed"
    assert words in cloud.error(job)


def test_a_missing_script_fails_the_job(cloud: Cloud) -> None:
    cloud.create("/batchEndpoints/no-script", {})
    cloud.deploy("no-script", "here", model="probe-echo", script="x = 1")
    shown = cloud.manage("/batchEndpoints/no-script/deployments/here").json()
    shown["properties"]["codeConfiguration"]["scoringScript"] = "gone.py"
    assert cloud.manage("/batchEndpoints/no-script/deployments/here", "PUT", shown).status_code == 200

    job = cloud.submit(cloud.land({"a": "1"}), "here", endpoint="no-script")

    assert cloud.end(job) == "Failed"
    assert cloud.error(job) == "The scoring script 'gone.py' does not exist in the code folder."


def test_an_unknown_data_asset_is_refused_at_the_invocation(cloud: Cloud) -> None:
    response = cloud.post(
        {"properties": {"inputData": {"x": {"jobInputType": "UriFolder", "uri": "azureml:nobody:1"}}}}, "echo"
    )

    assert response.status_code == 400
    assert "The data asset 'azureml:nobody:1' does not exist" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "form",
    [
        "azureml:rest-data:1",
        "azureml:rest-data@latest",
        f"{WORKSPACE_ID}/data/rest-data/versions/1",
        "azureml://locations/local/workspaces/local/data/rest-data/versions/1",
        "azureml://locations/local/workspaces/local/data/rest-data/labels/latest",
        f"{WORKSPACE_ID}/datastores/landing/paths/rest",
    ],
)
def test_every_form_of_a_data_asset_and_the_arm_form_of_a_datastore_are_scored(cloud: Cloud, form: str) -> None:
    cloud.put("devstoreaccount1/landing/rest/a.txt", b"1")
    uri = "azureml://datastores/landing/paths/rest"
    cloud.create("/data/rest-data/versions/1", {"dataType": "uri_folder", "dataUri": uri})

    job = cloud.submit(form, "echo")

    assert cloud.end(job) == "Completed", cloud.error(job)


def test_outputs_do_not_go_to_a_data_lake(cloud: Cloud) -> None:
    lake = {"datastoreType": "AzureDataLakeGen2", "accountName": "lakehouse", "filesystem": "lakehouse"}
    cloud.create("/datastores/lake", lake)
    output = {"jobOutputType": "UriFile", "uri": "azureml://datastores/lake/paths/x.csv"}
    data = {"x": {"jobInputType": "UriFolder", "uri": "azureml://datastores/landing/paths/rest"}}

    response = cloud.post({"properties": {"inputData": data, "outputData": {"score": output}}}, "echo")

    assert (response.status_code, response.json()["error"]["code"]) == (400, "DatastoreTypeNotSupported")


def change(folder: Path, **keys: Any) -> None:
    path = folder / "deployment.yml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **keys}))


def test_what_the_api_changed_stays_until_the_file_changes(tmp_path: Path) -> None:
    folder, kept = deploy(tmp_path, "echo", ECHO), registry()
    Deployed(kept, read(tmp_path))
    path = "batchEndpoints/probe/deployments/echo"
    known = kept.get(path)
    assert known is not None
    kept.put(path, {**known.document, "properties": {**known.properties, "miniBatchSize": 99}})

    assert Deployed(kept, read(tmp_path)).deployment("probe", "echo").settings.mini_batch_size == 99
    change(folder, description="written anew")
    assert Deployed(kept, read(tmp_path)).deployment("probe", "echo").settings.mini_batch_size == 2


def test_what_the_api_deleted_stays_deleted_and_what_leaves_the_folder_is_gone(tmp_path: Path) -> None:
    deploy(tmp_path, "echo", ECHO)
    deploy(tmp_path, "other", ECHO)
    kept = registry()
    Deployed(kept, read(tmp_path))
    kept.delete("batchEndpoints/probe/deployments/echo")

    with pytest.raises(Refusal, match="no deployment 'echo'"):
        Deployed(kept, read(tmp_path)).deployment("probe", "echo")
    (tmp_path / "probe" / "other" / "deployment.yml").unlink()
    with pytest.raises(Refusal, match="no deployment 'other'"):
        Deployed(kept, read(tmp_path)).deployment("probe", "other")


def test_two_models_of_one_name_are_two_versions(tmp_path: Path) -> None:
    for name in ("one", "two"):
        change(deploy(tmp_path, name, ECHO), model={"name": "shared", "path": "model"})

    kept = registry()
    for _restart in range(3):
        found = Deployed(kept, read(tmp_path))

        assert found.deployment("probe", "one").model == "models/shared/versions/1"
        assert found.deployment("probe", "two").model == "models/shared/versions/2"
        assert kept.get("computes/batch-cluster") is not None


def test_two_components_of_one_name_that_differ_are_refused(tmp_path: Path) -> None:
    deploy_pipeline(tmp_path, "one")
    other = deploy_pipeline(tmp_path, "two")
    (tmp_path / "probe" / "endpoint.yml").write_text("name: probe\n")
    path = other / "pipeline.yml"
    path.write_text(path.read_text().replace("name: two_pipeline", "name: one_pipeline").replace("data:", "other:"))

    found = deployed(tmp_path)

    assert found.deployment("probe", "one").component == "components/one_pipeline/versions/1"
    with pytest.raises(Refusal, match="is defined twice with different content"):
        found.deployment("probe", "two")


def test_a_file_may_name_a_registered_model_and_is_refused_when_there_is_none(tmp_path: Path) -> None:
    folder = deploy(tmp_path, "echo", ECHO)
    change(folder, model="azureml:heart:1")
    (folder / "model").rename(folder / "elsewhere")
    kept = registry()

    with pytest.raises(Refusal, match="models/heart/versions/1 is not registered in this workspace"):
        Deployed(kept, read(tmp_path)).route("probe", "echo")
    kept.put("models/heart/versions/1", {"properties": {"modelUri": "azureml://datastores/landing/paths/m"}})
    assert Deployed(kept, read(tmp_path)).route("probe", "echo").model == "models/heart/versions/1"
