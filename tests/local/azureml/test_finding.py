"""How a workspace is found from a scoring URI, and a job among its jobs, by Resource Manager alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from local.addresses import SUBSCRIPTION
from local.azureml.workspace.names import WORKSPACE_ID
from local.roles.identities import APP, USER
from local.tokens import AZURE_ML, MANAGEMENT
from tests.local.azureml.cloud import Cloud

ENDPOINTS = "Microsoft.MachineLearningServices/workspaces/batchEndpoints"
FOLDER = {"jobInputType": "UriFolder", "uri": "azureml://datastores/landing/paths/finding"}
BODY = {"properties": {"inputData": {"data": FOLDER}}}


def above(cloud: Cloud, path: str, audience: str = MANAGEMENT, **query: str) -> httpx.Response:
    """A request to Resource Manager, above the workspace."""
    url = f"{cloud.addresses.azureml}{path}"
    return cloud.http.get(url, params={"api-version": "2021-04-01", **query}, headers=cloud.token(audience))


def resources(cloud: Cloud, text: str) -> list[dict[str, Any]]:
    """All resources that a filter lets through, over all pages."""
    answer = above(cloud, f"/subscriptions/{SUBSCRIPTION}/resources", **{"$filter": text})
    found: list[dict[str, Any]] = answer.raise_for_status().json()["value"]
    while link := answer.json().get("nextLink"):
        answer = cloud.http.get(link, headers=cloud.token(MANAGEMENT)).raise_for_status()
        found += answer.json()["value"]
    return found


def newest(cloud: Cloud, **query: str) -> dict[str, Any]:
    return dict(cloud.manage("/jobs", **query).json()["value"][0])


def test_the_subscription_is_listed(cloud: Cloud) -> None:
    (listed,) = above(cloud, "/subscriptions").json()["value"]

    assert (listed["subscriptionId"], listed["state"]) == (SUBSCRIPTION, "Enabled")
    assert above(cloud, listed["id"]).json() == listed


@pytest.mark.parametrize("path", ["/subscriptions", f"/subscriptions/{SUBSCRIPTION}/resources"])
def test_above_the_workspace_the_same_tokens_and_versions_are_wanted(cloud: Cloud, path: str) -> None:
    url = f"{cloud.addresses.azureml}{path}"

    assert above(cloud, path, AZURE_ML).status_code == 401
    unversioned = cloud.http.get(url, headers=cloud.token(MANAGEMENT))
    assert unversioned.json()["error"]["code"] == "MissingApiVersionParameter"


def test_a_workspace_is_found_from_a_scoring_uri(cloud: Cloud) -> None:
    wanted = f"{cloud.addresses.azureml}/endpoints/probe/jobs"

    found = resources(cloud, f"resourceType eq '{ENDPOINTS}'")
    shown = [above(cloud, one["id"], **{"api-version": "2024-01-01-preview"}).json() for one in found]

    (owner,) = [one for one in shown if one["properties"]["scoringUri"] == wanted]
    assert owner["id"] == f"{WORKSPACE_ID}/batchEndpoints/probe"
    assert owner["properties"]["defaults"]["deploymentName"] == "echo"


def test_a_listed_resource_has_its_id_name_type_and_location(cloud: Cloud) -> None:
    (endpoint,) = resources(cloud, f"resourceType eq '{ENDPOINTS.lower()}' and name eq 'local/probe'")

    assert endpoint["id"] == f"{WORKSPACE_ID}/batchEndpoints/probe"
    assert (endpoint["name"], endpoint["type"], endpoint["location"]) == ("local/probe", ENDPOINTS, "local")
    assert "properties" not in endpoint


def test_resources_are_listed_by_type_over_pages_and_the_last_page_has_no_link(cloud: Cloud) -> None:
    made = [f"paged-{number:02}" for number in range(12)]
    for name in made:
        cloud.manage(f"/batchEndpoints/{name}", "PUT", {"location": "x", "properties": {"authMode": "aadToken"}})

    first = above(cloud, f"/subscriptions/{SUBSCRIPTION}/resources", **{"$filter": f"resourceType eq '{ENDPOINTS}'"})
    found = [one["id"].rpartition("/")[2] for one in resources(cloud, f"resourceType eq '{ENDPOINTS}'")]
    for name in made:
        cloud.manage(f"/batchEndpoints/{name}", "DELETE")

    assert len(first.json()["value"]) < len(found)
    assert [name for name in found if name.startswith("paged-")] == made
    assert len(found) == len(set(found))


def test_other_types_are_listed_too_or_there_are_none(cloud: Cloud) -> None:
    assert [one["id"] for one in resources(cloud, f"resourceType eq '{ENDPOINTS[: -len('/batchEndpoints')]}'")] == [
        WORKSPACE_ID
    ]
    assert "local/probe/echo" in [one["name"] for one in resources(cloud, f"resourceType eq '{ENDPOINTS}/deployments'")]
    assert resources(cloud, "resourceType eq 'Microsoft.Storage/storageAccounts'") == []
    assert {one["type"] for one in resources(cloud, "")} >= {ENDPOINTS}


@pytest.mark.parametrize(
    "text", ["resourceType", "tagName eq 'x'", "resourceType ne 'x'", "name eq 'x' or name eq 'y'"]
)
def test_a_filter_that_is_not_understood_is_refused(cloud: Cloud, text: str) -> None:
    answer = above(cloud, f"/subscriptions/{SUBSCRIPTION}/resources", **{"$filter": text})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "InvalidFilterInQueryString"


def test_a_listed_job_has_what_tells_whose_it_is_and_neither_inputs_nor_outputs(cloud: Cloud) -> None:
    before = cloud.addresses.clock.now()
    name = str(cloud.post(BODY, "frame").json()["name"])

    job = newest(cloud)

    assert job["name"] == name
    properties, system = job["properties"], job["systemData"]
    assert properties["experimentName"] == "probe"
    assert properties["tags"]["azureml.deploymentname"] == "frame"
    assert properties["status"]
    assert (properties["inputs"], properties["outputs"]) == (None, None)
    assert (system["createdBy"], system["createdByType"]) == (USER.object_id, "Application")
    assert before <= datetime.fromisoformat(system["createdAt"]) <= before + timedelta(minutes=10)


def test_the_creator_of_a_job_is_the_object_in_its_token_and_may_be_a_person(cloud: Cloud) -> None:
    token = cloud.token(identity=APP, idtyp="user")
    url = f"{cloud.addresses.azureml}/endpoints/probe/jobs"
    name = cloud.http.post(url, json=BODY, headers=token).json()["name"]

    system = cloud.manage(f"/jobs/{name}").json()["systemData"]

    assert (system["createdBy"], system["createdByType"]) == (APP.object_id, "User")


def test_jobs_of_all_endpoints_are_listed_newest_first_over_pages(cloud: Cloud) -> None:
    names = [str(cloud.post(BODY, "echo").json()["name"]) for _ in range(12)]

    page = cloud.manage("/jobs").json()
    seen = list(page["value"])
    while page["nextLink"]:
        page = cloud.http.get(page["nextLink"], headers=cloud.token(MANAGEMENT)).json()
        seen += page["value"]

    assert [job["name"] for job in seen[:12]] == names[::-1]
    assert [job["name"] for job in cloud.manage("/jobs", **{"$skip": "2"}).json()["value"]][:3] == names[9:6:-1]
    assert len({job["name"] for job in seen}) == len(seen)


@pytest.mark.parametrize(
    ("query", "is_listed"),
    [
        ({"jobType": "Pipeline"}, True),
        ({"jobType": "Command"}, False),
        ({"tag": "azureml.deploymentname"}, True),
        ({"tag": "outputType"}, True),
        ({"tag": "nobody-s"}, False),
        ({"listViewType": "ActiveOnly"}, True),
        ({"listViewType": "All"}, True),
        ({"listViewType": "ArchivedOnly"}, False),
        ({"jobType": "Pipeline", "tag": "azureml.batchrun", "listViewType": "all"}, True),
    ],
    ids=str,
)
def test_a_filter_of_the_list_of_jobs_is_followed(cloud: Cloud, query: dict[str, str], is_listed: bool) -> None:
    name = cloud.post(BODY, "echo").json()["name"]

    listed = [job["name"] for job in cloud.manage("/jobs", **query).json()["value"]]

    assert (name in listed) is is_listed
    assert is_listed or listed == []


@pytest.mark.parametrize(
    "query",
    [{"scheduleId": "x"}, {"scheduled": "true"}, {"assetName": "x"}, {"properties": "a=b"}, {"listViewType": "Odd"}],
    ids=str,
)
def test_a_filter_that_cannot_be_followed_is_refused(cloud: Cloud, query: dict[str, str]) -> None:
    assert cloud.manage("/jobs", **query).status_code == 400


def test_a_job_that_is_not_there_is_not_found(cloud: Cloud) -> None:
    assert cloud.manage("/jobs/batchjob-nobody-s").status_code == 404


@pytest.mark.parametrize(
    "path", ["/subscriptions$", "/resources$", "/workspaces/local/jobs$", "/children$"], ids=lambda path: path[1:-1]
)
def test_faults_reach_every_way_of_finding(cloud: Cloud, path: str) -> None:
    control = f"{cloud.addresses.azureml}/_faults"
    name = cloud.post(BODY, "echo").json()["name"]
    ask: Callable[[], httpx.Response] = {
        "/subscriptions$": lambda: above(cloud, "/subscriptions"),
        "/resources$": lambda: above(cloud, f"/subscriptions/{SUBSCRIPTION}/resources"),
        "/workspaces/local/jobs$": lambda: cloud.manage("/jobs"),
        "/children$": lambda: above(cloud, f"/history/v1.0{WORKSPACE_ID}/runs/{name}/children"),
    }[path]
    rule = {"match": {"method": "GET", "path": path}, "action": {"status": 503}, "times": 1}

    cloud.http.put(control, json=[rule]).raise_for_status()
    statuses = [ask().status_code, ask().status_code]
    cloud.http.delete(control).raise_for_status()

    assert statuses == [503, 200]
