"""What callers send and get: tokens, bodies, headers, errors, lists."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from local.azureml.workspace.names import WORKSPACE_ID
from local.tokens import AZURE_ML, MANAGEMENT
from tests.local.azureml.cloud import Cloud

FOLDER = {"jobInputType": "UriFolder", "uri": "azureml://datastores/landing/paths/requests"}


def message_of(response: httpx.Response) -> str:
    """The message in Azure ML's envelope, whose recorded members are all there."""
    body = response.json()
    assert set(body) == {"error", "correlation", "environment", "location", "time", "componentName"}
    assert set(body["error"]) == {
        "code",
        "severity",
        "message",
        "messageFormat",
        "messageParameters",
        "referenceCode",
        "detailsUri",
        "target",
        "details",
        "innerError",
        "debugInfo",
        "additionalInfo",
    }
    return str(body["error"]["message"])


def test_an_invocation_answers_as_recorded(cloud: Cloud) -> None:
    response = cloud.post({"properties": {"inputData": {"UriFolder": FOLDER}, "name": "shown"}})

    assert response.status_code == 201
    body = response.json()
    assert body["name"].startswith("batchjob-")
    assert body["id"] == f"{WORKSPACE_ID}/batchEndpoints/probe/deployments/echo/jobs/{body['name']}"
    assert body["type"] == "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/jobs"
    assert set(body["systemData"]) == {"createdAt", "createdBy", "lastModifiedAt", "lastModifiedBy"}
    properties = body["properties"]
    assert properties["status"] == "Preparing"
    assert properties["provisioningState"] == "Succeeded"
    assert properties["name"] == "shown"
    assert properties["inputData"] == {"UriFolder": {"description": None, "mode": "ReadOnlyMount", **FOLDER}}
    assert properties["output"] == {"datastoreId": None, "path": None}
    assert properties["retrySettings"] == {"maxRetries": 3, "timeout": "PT30S"}
    assert properties["tags"]["azureml.deploymentname"] == "echo"
    assert properties["tags"]["azureml.jobtype"] == "azureml.batchjob"
    assert body["name"] in properties["interactionEndpoints"]["Studio"]["endpoint"]
    assert json.loads(properties["properties"]["azureml.parameters"])["mini_batch_size"] == "2"


def test_an_invocation_names_its_deployment_in_the_headers(cloud: Cloud) -> None:
    response = cloud.post({"Properties": {"InputData": {"x": {"JobInputType": "uri_folder", "Uri": FOLDER["uri"]}}}})

    assert response.headers["azureml-model-deployment"] == "echo"
    assert "/batchEndpoints/probe/deployments/echo?" in response.headers["Location"]
    assert response.headers["X-Request-ID"]
    assert "Retry-After" not in response.headers


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (lambda cloud: {}, "NoAuthenticationInformation"),
        (lambda cloud: {"Authorization": "Bearer nonsense"}, "InvalidAuthenticationToken"),
        (lambda cloud: cloud.token(MANAGEMENT), "InvalidAuthenticationTokenAudience"),
        (lambda cloud: cloud.token(AZURE_ML, lifetime=-10), "ExpiredAuthenticationToken"),
    ],
    ids=["missing", "malformed", "wrong audience", "expired"],
)
def test_the_scoring_host_refuses_a_token_that_is(cloud: Cloud, headers: Any, code: str) -> None:
    response = cloud.http.post(f"{cloud.addresses.azureml}/endpoints/probe/jobs", json={}, headers=headers(cloud))

    assert response.status_code == 401
    assert response.json()["error"]["code"] == code
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")
    assert message_of(response)


def test_the_management_routes_refuse_a_token_for_the_scoring_host(cloud: Cloud) -> None:
    url = f"{cloud.addresses.azureml}{WORKSPACE_ID}/jobs?api-version=2024-01-01"

    assert cloud.http.get(url, headers=cloud.token(AZURE_ML)).status_code == 401
    assert cloud.http.get(url, headers=cloud.token(MANAGEMENT)).status_code == 200


def test_an_unknown_deployment_is_404_in_the_service_s_words(cloud: Cloud) -> None:
    response = cloud.post({"properties": {"inputData": {"data": FOLDER}}}, deployment="nobody")

    assert response.status_code == 404
    assert message_of(response).startswith("No valid deployments to route to.")


def test_an_unknown_endpoint_and_an_unknown_job_are_404(cloud: Cloud) -> None:
    assert cloud.post({"properties": {"inputData": {"data": FOLDER}}}, endpoint="nowhere").status_code == 404
    response = cloud.http.get(f"{cloud.addresses.azureml}/endpoints/probe/jobs/none", headers=cloud.token())
    assert response.status_code == 404
    assert message_of(response)
    assert cloud.manage("/jobs/none").status_code == 404


def test_an_output_that_is_not_a_file_is_refused_in_the_service_s_words(cloud: Cloud) -> None:
    output = {"jobOutputType": "UriFolder", "uri": "azureml://datastores/workspaceblobstore/paths/folder"}

    response = cloud.post({"properties": {"inputData": {"data": FOLDER}, "outputData": {"score": output}}})

    assert response.status_code == 400
    assert message_of(response) == (
        "The Job request provided has the following validation errors. Please resolve them and try again.\nErrors:\n"
        '[{"PropertyName":"OutputData.Values[0].JobOutputType","ErrorMessage":"Job output type must be \'uri_file\'.",'
        '"AttemptedValue":"uri_folder","ErrorCode":"PredicateValidator"}]'
    )


def test_two_inputs_are_refused(cloud: Cloud) -> None:
    response = cloud.post({"properties": {"inputData": {"one": FOLDER, "two": FOLDER}}})

    assert response.status_code == 400
    assert "exactly 1 data input; the request has 2" in message_of(response)


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff", b"[" * 100_000, b'{"a": NaN}', b'{"a": 1e999}'],
    ids=["cut", "bytes", "deep", "nan", "inf"],
)
def test_a_body_that_is_not_json_is_refused(cloud: Cloud, content: bytes) -> None:
    url = f"{cloud.addresses.azureml}/endpoints/probe/jobs"

    response = cloud.http.post(url, content=content, headers=cloud.token())

    assert response.status_code == 400
    assert "not JSON" in message_of(response)


@pytest.mark.parametrize(
    "properties",
    [
        {"inputData": {"UriFolder": {"jobInputType": "UriFolder", "uri": "https://[::1"}}},
        {"inputData": {"UriFolder": FOLDER}, "retrySettings": {"timeout": "P99999999999999999D"}},
    ],
    ids=["a url", "a duration"],
)
def test_what_cannot_be_meant_is_refused(cloud: Cloud, properties: dict[str, Any]) -> None:
    assert cloud.post({"properties": properties}).status_code == 400


def test_a_refused_job_leaves_no_trace(cloud: Cloud) -> None:
    before = len(cloud.http.get(f"{cloud.addresses.azureml}/_jobs").json())

    cloud.post({"properties": {}})

    assert len(cloud.http.get(f"{cloud.addresses.azureml}/_jobs").json()) == before


def test_jobs_are_listed_newest_first_over_pages_and_by_deployment(cloud: Cloud) -> None:
    names = [cloud.submit(FOLDER["uri"], "frame") for _ in range(12)]
    url = f"{cloud.addresses.azureml}/endpoints/probe/jobs?deployment=frame"

    seen: list[dict[str, Any]] = []
    while url:
        page = cloud.http.get(url, headers=cloud.token()).json()
        seen += page["value"]
        url = page["nextLink"]

    assert [job["name"] for job in seen[:12]] == names[::-1]
    assert {job["properties"]["tags"]["azureml.deploymentname"] for job in seen} == {"frame"}
    assert seen[0]["properties"]["inputData"]["data"]["uri"] == FOLDER["uri"]


def test_a_listed_job_carries_the_output_its_caller_chose(cloud: Cloud) -> None:
    name = cloud.submit(FOLDER["uri"], "summary", output="chosen/by/me.csv")

    page = cloud.http.get(f"{cloud.addresses.azureml}/endpoints/probe/jobs?deployment=summary", headers=cloud.token())

    listed = next(job for job in page.json()["value"] if job["name"] == name)
    assert listed["properties"]["outputData"]["score"]["uri"].endswith("/paths/chosen/by/me.csv")


def test_a_job_may_be_created_although_the_answer_is_500(cloud: Cloud) -> None:
    rule = {"match": {"method": "POST", "path": "/jobs$"}, "action": {"after": {"status": 500}}, "times": 1}
    control = f"{cloud.addresses.azureml}/_faults"
    cloud.http.put(control, json=[rule]).raise_for_status()
    uri = "azureml://datastores/landing/paths/only/here"

    response = cloud.post({"properties": {"inputData": {"data": {**FOLDER, "uri": uri}}}})
    cloud.http.delete(control).raise_for_status()

    assert response.status_code == 500
    jobs = cloud.http.get(f"{cloud.addresses.azureml}/_jobs").json()
    assert [job["endpoint"] for job in jobs if job["input_uri"] == uri] == ["probe"]


def test_resource_manager_wants_an_api_version(cloud: Cloud) -> None:
    response = cloud.http.get(f"{cloud.addresses.azureml}{WORKSPACE_ID}", headers=cloud.token(MANAGEMENT))

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "MissingApiVersionParameter"


def test_resource_ids_are_found_in_any_case(cloud: Cloud) -> None:
    url = f"{cloud.addresses.azureml}{WORKSPACE_ID.lower()}/batchendpoints/probe?api-version=1"

    found = cloud.http.get(url, headers=cloud.token(MANAGEMENT)).json()

    assert found["properties"]["scoringUri"] == f"{cloud.addresses.azureml}/endpoints/probe/jobs"
    assert found["properties"]["defaults"] == {"deploymentName": "echo"}


def test_resource_manager_shows_deployments_with_their_settings(cloud: Cloud) -> None:
    listed = [deployment["name"] for deployment in cloud.manage("/batchEndpoints/probe/deployments").json()["value"]]
    moody = cloud.manage("/batchEndpoints/probe/deployments/moody").json()["properties"]

    assert "moody" in listed
    assert moody["retrySettings"] == {"maxRetries": 3, "timeout": "PT30S"}
    assert moody["outputAction"] == "AppendRow"
    assert cloud.manage("/batchEndpoints/probe/deployments/nobody").status_code == 404


def test_datastores_lead_to_their_containers(cloud: Cloud) -> None:
    default = cloud.manage("/datastores", isDefault="true").json()["value"]
    landing = cloud.manage("/datastores/landing").json()["properties"]

    assert [store["name"] for store in default] == ["workspaceblobstore"]
    assert (landing["accountName"], landing["containerName"]) == ("devstoreaccount1", "landing")
    assert cloud.manage("/datastores/none").status_code == 404


def test_resource_manager_shows_a_job_without_its_inputs_and_outputs(cloud: Cloud) -> None:
    name = cloud.submit(FOLDER["uri"], "echo")

    job = cloud.manage(f"/jobs/{name}").json()["properties"]

    assert job["jobType"] == "Pipeline"
    assert job["experimentName"] == "probe"
    assert job["description"] == "Pipeline submission for endpoint: probe, deployment: echo."
    assert (job["inputs"], job["outputs"]) == (None, None)
    assert name in [listed["name"] for listed in cloud.manage("/jobs").json()["value"]]


def test_run_history_is_found_by_discovery_and_knows_the_child(cloud: Cloud) -> None:
    name = cloud.submit(FOLDER["uri"], "echo")
    discovery = cloud.manage("").json()["properties"]["discoveryUrl"]
    runs = f"{cloud.http.get(discovery).json()['api']}/history/v1.0{WORKSPACE_ID}/runs"

    children = cloud.http.get(f"{runs}/{name}/children", headers=cloud.token(MANAGEMENT)).json()["value"]

    assert [(child["name"], child["parentRunId"]) for child in children] == [("batchscoring", name)]
    details = cloud.http.get(f"{runs}/{children[0]['runId']}/details", headers=cloud.token(MANAGEMENT)).json()
    assert details["rootRunId"] == name


@pytest.mark.parametrize(
    "query",
    [{"properties": "x"}, {"$skip": "soon"}, {"listViewType": "Some"}],
    ids=["by properties", "with a foreign token", "in an unknown view"],
)
def test_a_list_that_is_not_supported_is_refused(cloud: Cloud, query: dict[str, str]) -> None:
    response = cloud.manage("/jobs", **query)

    assert response.status_code == 400
    assert message_of(response)


def test_what_is_not_served_says_so(cloud: Cloud) -> None:
    assert cloud.manage("/schedules").status_code == 404
    assert cloud.manage("/batchEndpoints/probe", "PATCH").status_code == 405
    assert cloud.http.get(f"{cloud.addresses.azureml}/elsewhere").status_code == 404
