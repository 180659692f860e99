"""Bodies compared with recorded ones, member by member: more members are allowed, fewer are not.

The shapes are those of the recordings of the Azure SDK's own tests (batch_services/e2etests) and of the RETURN samples
of azure.azcollection. A type stands for any value of it, None for a member that is there whatever its value.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.azureml.workspace.names import WORKSPACE_ID
from local.tokens import MANAGEMENT
from tests.local.azureml.cloud import Cloud

FOLDER = {"jobInputType": "UriFolder", "uri": "azureml://datastores/landing/paths/contract"}
ENDPOINT_LINK = {"jobEndpointType": str, "port": None, "endpoint": str, "properties": None}
SERVICE = {
    "jobServiceType": str,
    "port": None,
    "endpoint": str,
    "status": None,
    "errorMessage": None,
    "properties": None,
    "nodes": None,
}
TAGS = {
    "outputType": "output_data",
    "inputType": "input_data",
    "azureml.batchrun": "true",
    "azureml.deploymentname": "echo",
    "azureml.jobtype": "azureml.batchjob",
}
SYSTEM_DATA = {"createdAt": str, "createdBy": str, "lastModifiedAt": str, "lastModifiedBy": str}
INVOKED = {
    "id": str,
    "name": str,
    "type": "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/jobs",
    "properties": {
        "provisioningState": "Succeeded",
        "inputData": {
            "UriFolder": {"description": None, "uri": str, "mode": "ReadOnlyMount", "jobInputType": "UriFolder"}
        },
        "compute": {
            "target": str,
            "instanceCount": None,
            "isLocal": False,
            "location": None,
            "instanceType": None,
            "properties": None,
        },
        "output": {"datastoreId": None, "path": None},
        "retrySettings": {"maxRetries": 3, "timeout": "PT30S"},
        "status": "Preparing",
        "interactionEndpoints": {"Tracking": ENDPOINT_LINK, "Studio": ENDPOINT_LINK},
        "tags": TAGS,
        "properties": {
            "azureml.pipelineid": str,
            "azureml.runsource": "azureml.PipelineRun",
            "runSource": "Unavailable",
            "runType": "HTTP",
            "azureml.parameters": str,
            "azureml.continue_on_step_failure": "False",
            "azureml.continue_on_failed_optional_input": "False",
            "azureml.pipelineComponent": "pipelinerun",
        },
        "name": str,
    },
    "systemData": SYSTEM_DATA,
}
COMPLETED = {
    "properties": {
        "status": "Completed",
        "output": {"datastoreId": f"{WORKSPACE_ID}/datastores/workspaceartifactstore", "path": str},
        "outputData": {"score": {"description": None, "uri": str, "mode": str, "jobOutputType": "UriFile"}},
    }
}
ARM_JOB = {
    "id": str,
    "name": str,
    "type": "Microsoft.MachineLearningServices/workspaces/jobs",
    "properties": {
        "description": "Pipeline submission for endpoint: probe, deployment: echo.",
        "tags": TAGS,
        "properties": {"azureml.pipelineid": str, "azureml.parameters": str, "azureml.pipelines.stages": str},
        "displayName": str,
        "status": str,
        "experimentName": "probe",
        "services": {"Tracking": SERVICE, "Studio": SERVICE},
        "computeId": None,
        "isArchived": False,
        "identity": None,
        "componentId": None,
        "jobType": "Pipeline",
        "settings": None,
        "jobs": None,
        "inputs": None,
        "outputs": None,
        "sourceJobId": None,
    },
    "systemData": {**SYSTEM_DATA, "createdByType": "Application"},
}
CHILD = {
    "runId": str,
    "parentRunId": str,
    "rootRunId": str,
    "status": str,
    "name": "batchscoring",
    "displayName": str,
    "runType": "azureml.StepRun",
    "properties": {
        "azureml.moduleName": "batchscoring",
        "StepType": "PythonScriptStep",
        "azureml.parallelrunstep": "true",
        "azureml.nodeid": str,
        "azureml.pipelinerunid": str,
    },
    "scriptName": "driver/amlbi_main.py",
    "target": str,
    "inputs": None,
    "outputs": None,
}
ENDPOINT = {
    "id": str,
    "name": "probe",
    "type": "Microsoft.MachineLearningServices/workspaces/batchEndpoints",
    "location": str,
    "tags": dict,
    "kind": None,
    "identity": None,
    "systemData": dict,
    "properties": {
        "description": None,
        "properties": dict,
        "authMode": "AADToken",
        "scoringUri": str,
        "swaggerUri": None,
        "provisioningState": "Succeeded",
        "defaults": {"deploymentName": "echo"},
    },
}
DEPLOYMENT = {
    "id": str,
    "name": "echo",
    "location": str,
    "tags": dict,
    "kind": None,
    "identity": None,
    "systemData": dict,
    "type": "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments",
    "properties": {
        "codeConfiguration": {"codeId": str, "scoringScript": "score.py"},
        "environmentId": str,
        "environmentVariables": dict,
        "compute": str,
        "errorThreshold": -1,
        "retrySettings": {"maxRetries": 3, "timeout": "PT30S"},
        "miniBatchSize": 2,
        "loggingLevel": "Info",
        "model": {"referenceType": "Id", "assetId": str},
        "maxConcurrencyPerInstance": 1,
        "outputAction": "AppendRow",
        "outputFileName": "predictions.csv",
        "provisioningState": "Succeeded",
        "description": None,
        "properties": dict,
        "resources": {"instanceCount": 1, "instanceType": None, "properties": None},
    },
}
DATASTORE = {
    "properties": {
        "datastoreType": "AzureBlob",
        "accountName": str,
        "containerName": str,
        "endpoint": str,
        "protocol": "https",
        "isDefault": True,
        "credentials": {"credentialsType": str},
        "serviceDataAccessAuthIdentity": str,
    }
}


def missing(shape: Any, body: Any, where: str = "") -> list[str]:
    """Where `body` lacks what `shape` has."""
    if shape is None:
        return []
    if isinstance(shape, type):
        return [] if isinstance(body, shape) else [f"{where} is {body!r}"]
    if not isinstance(shape, dict):
        return [] if body == shape else [f"{where} is {body!r}, not {shape!r}"]
    if not isinstance(body, dict):
        return [f"{where} is {body!r}"]
    absent = [f"{where}.{name} is missing" for name in shape if name not in body]
    inner = (missing(part, body[name], f"{where}.{name}") for name, part in shape.items() if name in body)
    return [*absent, *(found for each in inner for found in each)]


@pytest.fixture(scope="module")
def job(cloud: Cloud) -> str:
    cloud.put("devstoreaccount1/landing/contract/a.txt", b"1")
    name = str(cloud.post({"properties": {"inputData": {"UriFolder": FOLDER}}}, "echo").json()["name"])
    assert cloud.end(name) == "Completed"
    return name


def history(cloud: Cloud, path: str) -> Any:
    url = f"{cloud.addresses.azureml}/history/v1.0{WORKSPACE_ID}/runs/{path}"
    return cloud.http.get(url, headers=cloud.token(MANAGEMENT)).json()


def test_an_invocation_has_every_recorded_member_and_header(cloud: Cloud) -> None:
    answer = cloud.post({"properties": {"inputData": {"UriFolder": FOLDER}}}, "echo")

    assert answer.status_code == 201
    assert missing(INVOKED, answer.json()) == []
    assert answer.headers["azureml-model-deployment"] == "echo"
    assert answer.headers["Location"].endswith(
        f"/mferp/managementfrontend{WORKSPACE_ID}/batchEndpoints/probe/deployments/echo"
        "?api-version=2020-09-01-dataplanepreview"
    )
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    for name in ("X-Request-ID", "x-request-time", "x-ms-response-type", "X-Content-Type-Options"):
        assert name in answer.headers
    assert "Retry-After" not in answer.headers


def test_a_completed_job_has_every_recorded_member(cloud: Cloud, job: str) -> None:
    headers = cloud.token()
    shown = cloud.http.get(f"{cloud.addresses.azureml}/endpoints/probe/jobs/{job}", headers=headers).json()
    listed = cloud.http.get(f"{cloud.addresses.azureml}/endpoints/probe/jobs?deployment=echo", headers=headers).json()

    assert missing(COMPLETED, shown) == []
    assert missing(COMPLETED, next(one for one in listed["value"] if one["name"] == job)) == []
    assert "nextLink" in listed


def test_resource_manager_s_job_has_every_recorded_member(cloud: Cloud, job: str) -> None:
    assert missing(ARM_JOB, cloud.manage(f"/jobs/{job}").json()) == []


def test_the_run_below_has_every_recorded_member_and_no_properties_in_resource_manager(cloud: Cloud, job: str) -> None:
    (child,) = history(cloud, f"{job}/children")["value"]

    assert missing(CHILD, child) == []
    assert cloud.manage(f"/jobs/{child['runId']}").json()["properties"] is None
    data = cloud.http.post(
        f"{cloud.addresses.azureml}/history/v1.0{WORKSPACE_ID}/rundata",
        json={"runId": child["runId"]},
        headers=cloud.token(MANAGEMENT),
    ).json()
    assert data["runMetadata"]["outputs"] is None


def test_the_default_output_is_below_the_child_run(cloud: Cloud, job: str) -> None:
    (child,) = history(cloud, f"{job}/children")["value"]

    assert cloud.output(f"azureml/{child['runId']}/score/predictions.csv") == "a.txt=1\n"


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/batchEndpoints/probe", ENDPOINT),
        ("/batchEndpoints/probe/deployments/echo", DEPLOYMENT),
        ("/datastores/workspaceblobstore", DATASTORE),
    ],
    ids=["endpoint", "deployment", "datastore"],
)
def test_a_resource_has_every_recorded_member(cloud: Cloud, path: str, shape: dict[str, Any]) -> None:
    assert missing(shape, cloud.manage(path).json()) == []


def test_creating_an_endpoint_is_a_long_running_operation(cloud: Cloud) -> None:
    made = cloud.manage("/batchEndpoints/recorded", "PUT", {"location": "x", "properties": {"authMode": "aadToken"}})
    operation = cloud.http.get(made.headers["Azure-AsyncOperation"], headers=cloud.token(MANAGEMENT)).json()
    gone = cloud.manage("/batchEndpoints/recorded", "DELETE")

    assert made.status_code == 201
    assert made.headers["x-ms-async-operation-timeout"] == "PT30M"
    assert (
        made.json()["properties"] | {"scoringUri": None, "provisioningState": "Creating"} == made.json()["properties"]
    )
    assert (operation["status"], set(operation)) == ("Succeeded", {"id", "name", "status"})
    assert (gone.status_code, gone.json()) == (202, None)
    assert cloud.http.get(gone.headers["Location"], headers=cloud.token(MANAGEMENT)).status_code == 200
    assert cloud.manage("/batchEndpoints/recorded").status_code == 404


def test_secrets_of_a_datastore_are_a_signature_and_never_shown_with_it(cloud: Cloud) -> None:
    secrets = cloud.manage("/datastores/landing/listSecrets", "POST", {"expirableSecret": True, "expireAfterHours": 1})
    cloud.create(
        "/datastores/keyed",
        {
            "datastoreType": "AzureBlob",
            "accountName": "devstoreaccount1",
            "containerName": "landing",
            "credentials": {"credentialsType": "AccountKey", "secrets": {"key": "hidden"}},
        },
    )

    assert secrets.json()["secretsType"] == "Sas"
    url = f"{cloud.addresses.account_url()}/landing?restype=container&comp=list&{secrets.json()['sasToken']}"
    assert cloud.http.get(url).status_code == 200
    assert "hidden" not in cloud.manage("/datastores/keyed").text
