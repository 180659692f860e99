"""What nobody can tell about Azure, seen from outside under every profile, and so with every answer: `make test`
plays the strictest, `make prove` all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from local.azure import PROFILES, Azure
from local.azureml.api.scoring_routes import FRONT_END
from tests.contract.profiles import as_profile
from tests.local.azureml.cloud import Cloud
from tests.local.azureml.gates import Gate
from tests.local.azureml.pipelines import deploy_pipeline
from tests.local.azureml.probes import ECHO, WAITS, deploy

FILES = {"a.txt": "1"}


class Played(Cloud):
    """A cloud with a single node that plays one profile."""

    def __init__(self, root: Path, profile: str) -> None:
        super().__init__(root / "state", root / "deployments", "--azure", profile, "--nodes", "1")
        self.azure: Azure = PROFILES[profile]
        self.gate = Gate(root / "gate")

    def ask(self, path: str, **headers: str) -> httpx.Response:
        return self.http.get(f"{self.addresses.azureml}{path}", headers={**self.token(), **headers})

    def views(self, name: str) -> list[dict[str, Any]]:
        """Every view of a job on the endpoint `probe` that shows its outputs, lists included where there are any."""
        alone = [
            self.ask(f"{door}/probe/jobs/{name}", **{"azureml-model-deployment": "echo"}).json()["properties"]
            for door in ("/endpoints", FRONT_END)
        ]
        pages = [self.ask(f"{door}/probe/jobs") for door in ("/endpoints", FRONT_END)]
        lists = [page.json()["value"] for page in pages if page.status_code == 200]
        return alone + [one["properties"] for jobs in lists for one in jobs if one["name"] == name]


@pytest.fixture(scope="module", params=[as_profile(profile) for profile in PROFILES])
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    root: Path = tmp_path_factory.mktemp(request.param)
    deploy(root / "deployments", "echo", ECHO)
    deploy(root / "deployments", "waits", WAITS, environment_variables={"PROBE_GATE": str(root / "gate")})
    deploy_pipeline(root / "deployments", "steps")
    for name in ("one", "two"):
        deploy(root / "deployments", name, ECHO, endpoint="undecided")
    (root / "deployments" / "undecided" / "endpoint.yml").write_text("name: undecided\n")
    started = Played(root, request.param)
    yield started
    started.close()


@pytest.fixture
def gate(cloud: Played) -> Iterator[Gate]:
    """Shut at the start of each test, open after it."""
    cloud.gate.close()
    yield cloud.gate
    cloud.gate.open()


def test_the_scoring_host_lists_jobs_or_does_not(cloud: Played) -> None:
    name = cloud.submit(cloud.land(FILES), "echo")

    answers = [cloud.ask(f"/endpoints/probe{below}/jobs") for below in ("", "/deployments/echo")]

    expected = {"lists": 200, "404": 404, "405": 405}[cloud.azure.scoring_host_lists]
    assert [answer.status_code for answer in answers] == [expected, expected]
    for answer in answers:
        if answer.status_code == 200:
            assert answer.json()["value"][0]["name"] == name
        else:
            assert answer.json()["error"]["message"]


def test_the_front_end_lists_jobs_or_calls_the_request_invalid(cloud: Played) -> None:
    name = cloud.submit(cloud.land(FILES), "echo")

    answers = [cloud.ask(f"{FRONT_END}/probe{below}/jobs") for below in ("", "/deployments/echo")]

    expected = {"lists": 200, "400": 400}[cloud.azure.front_end_lists]
    assert [answer.status_code for answer in answers] == [expected, expected]
    for answer in answers:
        if answer.status_code == 200:
            assert answer.json()["value"][0]["name"] == name
        else:
            assert "invalid" in answer.json()["error"]["message"]


def test_named_outputs_are_shown_at_once_or_in_the_end_or_never(cloud: Played, gate: Gate) -> None:
    target = "azureml://datastores/workspaceblobstore/paths/named.csv"
    given = {"data": {"jobInputType": "UriFolder", "uri": cloud.land(FILES)}}
    wanted = {"score": {"jobOutputType": "UriFile", "uri": target}}

    made = cloud.post({"properties": {"inputData": given, "outputData": wanted}}, "waits").json()
    gate.pid_of_entered()
    young = [made["properties"], *cloud.views(made["name"])]
    gate.open()
    assert cloud.end(made["name"]) == "Completed"
    ended = cloud.views(made["name"])

    shown = cloud.azure.outputs_shown
    assert {"outputData" in view for view in young} == {shown == "at_once"}
    assert {"outputData" in view for view in ended} == {shown != "never"}
    if shown == "at_once":
        assert {view["outputData"]["score"]["uri"] for view in young} == {target}
    assert cloud.output("named.csv") == "a.txt\n"


def test_a_job_that_failed_shows_its_outputs_only_if_they_are_shown_at_once(cloud: Played) -> None:
    name = cloud.submit("azureml://datastores/landing/paths/no/such/folder", "echo", output="failed.csv")
    assert cloud.end(name) == "Failed"

    assert {"outputData" in view for view in cloud.views(name)} == {cloud.azure.outputs_shown == "at_once"}


NOWHERE = "No valid deployments to route to."


def test_a_question_without_a_deployment_is_routed_nowhere_or_answered(cloud: Played) -> None:
    name = cloud.post(_asking(cloud), "one", "undecided").json()["name"]
    path, is_needed = f"/endpoints/undecided/jobs/{name}", cloud.azure.deployment_header == "needed"

    answers = {
        "unnamed": cloud.ask(path),
        "unknown": cloud.ask(path, **{"azureml-model-deployment": "nobody"}),
        "named": cloud.ask(path, **{"azureml-model-deployment": "one"}),
        "by path": cloud.ask(f"/endpoints/undecided/deployments/one/jobs/{name}"),
    }

    refused = 404 if is_needed else 200
    statuses = {how: answer.status_code for how, answer in answers.items()}
    assert statuses == {"unnamed": refused, "unknown": refused, "named": 200, "by path": 200}
    if is_needed:
        assert answers["unnamed"].json()["error"]["message"].startswith(NOWHERE)
        assert answers["unknown"].json()["error"]["message"].startswith(NOWHERE)


def test_a_list_without_a_deployment_is_routed_as_any_other_question(cloud: Played) -> None:
    answer = cloud.ask("/endpoints/undecided/jobs")

    lists = {"lists": 200, "404": 404, "405": 405}[cloud.azure.scoring_host_lists]
    assert answer.status_code == (404 if cloud.azure.deployment_header == "needed" else lists)
    assert (NOWHERE in answer.text) is (cloud.azure.deployment_header == "needed")


def test_with_a_default_deployment_no_question_needs_to_name_one(cloud: Played) -> None:
    name = cloud.submit(cloud.land(FILES), "waits")
    cloud.gate.open()

    assert cloud.ask(f"/endpoints/probe/jobs/{name}").status_code == 200
    assert cloud.end(name) == "Completed"


def test_the_front_end_routes_no_question(cloud: Played) -> None:
    name = cloud.post(_asking(cloud), "one", "undecided").json()["name"]

    assert cloud.ask(f"{FRONT_END}/undecided/jobs/{name}").status_code == 200


def test_a_job_that_is_not_there_is_told_in_one_of_three_ways(cloud: Played) -> None:
    answer = cloud.ask("/endpoints/probe/jobs/batchjob-nobody-s")

    assert answer.status_code == {"404": 404, "400": 400, "500": 500}[cloud.azure.unknown_job]
    assert answer.json()["error"]["message"]
    assert cloud.ask(f"{FRONT_END}/probe/jobs/batchjob-nobody-s").status_code == 404
    assert cloud.manage("/jobs/batchjob-nobody-s").status_code == 404


def test_a_job_of_another_endpoint_is_not_there(cloud: Played) -> None:
    name = cloud.post(_asking(cloud), "one", "undecided").json()["name"]

    assert cloud.ask(f"/endpoints/probe/jobs/{name}").status_code == int(cloud.azure.unknown_job)


def seen_waiting(cloud: Played, name: str) -> set[str]:
    """What a job is in all views of its own."""
    listed = [job for job in cloud.manage("/jobs").json()["value"] if job["name"] == name]
    own = [view["status"] for view in cloud.views(name)]
    managed = [job["properties"]["status"] for job in (cloud.manage(f"/jobs/{name}").json(), *listed)]
    return {*own, *managed, cloud.details(name)["status"], cloud.history(name)["status"]}


def test_a_job_that_waits_for_nodes_is_shown_running_or_queued_and_its_child_queued(cloud: Played, gate: Gate) -> None:
    running = cloud.submit(cloud.land(FILES), "waits")
    gate.pid_of_entered()
    shown = {"as_running": "Running", "as_queued": "Queued"}[cloud.azure.waiting_shown]

    waiting = cloud.submit(cloud.land(FILES), "echo")
    cloud.wait_for(waiting, shown)

    assert seen_waiting(cloud, waiting) == {shown}
    assert cloud.below(waiting)["batchscoring"]["status"] == "Queued"
    assert (cloud.details(waiting)["startTimeUtc"] is not None) is (shown == "Running")
    assert seen_waiting(cloud, running) == {"Running"}
    assert cloud.below(running)["batchscoring"]["status"] == "Running"
    gate.open()
    assert cloud.end(waiting) == cloud.end(running) == "Completed"
    assert cloud.below(waiting)["batchscoring"]["status"] == "Completed"


def test_a_pipeline_whose_steps_wait_for_nodes_is_shown_as_any_other_job(cloud: Played, gate: Gate) -> None:
    cloud.submit(cloud.land(FILES), "waits")
    gate.pid_of_entered()
    shown = {"as_running": "Running", "as_queued": "Queued"}[cloud.azure.waiting_shown]

    name = str(cloud.post(_asking(cloud), "steps").json()["name"])
    cloud.wait_for_step(name, "prepare_step", "Queued")

    assert seen_waiting(cloud, name) == {shown}
    gate.open()
    assert cloud.end(name) == "Completed", cloud.error(name)


def test_escapes_in_the_url_of_an_input_are_read_or_are_part_of_the_name(cloud: Played) -> None:
    for folder, content in (("a b", "decoded"), ("a%20b", "literal")):
        cloud.put(f"devstoreaccount1/landing/escapes/{folder}/x.txt", content.encode())

    name = cloud.submit(f"{cloud.addresses.account_url()}/landing/{quote('escapes/a b')}", "echo", output="escapes.csv")

    assert cloud.end(name) == "Completed", cloud.error(name)
    assert cloud.output("escapes.csv") == f"x.txt={cloud.azure.input_urls}\n"


def _asking(cloud: Cloud) -> dict[str, Any]:
    return {"properties": {"inputData": {"data": {"jobInputType": "UriFolder", "uri": cloud.land(FILES)}}}}
