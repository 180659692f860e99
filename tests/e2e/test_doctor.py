"""The doctor in the unmodified app: everything is tried, what is missing is named, and nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from azure.storage.blob import BlobServiceClient

from demo.cloud import ROOT
from local import addresses
from local.addresses import ACCOUNTS
from local.azure import PROFILES
from testbed.eventually import eventually
from testbed.roles import Assignment, granted, without
from testbed.stack import Stack, running
from tests.e2e.test_landings import texts

pytestmark = pytest.mark.long

ARTIFACTS = "azureml"
"""The container in which Azure ML itself keeps the logs of jobs."""
READER, CONTRIBUTOR = "Storage Blob Data Reader", "Storage Blob Data Contributor"
DATA_SCIENTIST = "AzureML Data Scientist"
ON_WORKSPACE = {
    "endpoint read",
    "jobs listed by Resource Manager",
    "jobs listed by the management front end",
    "jobs listed by the scoring host",
    "run history read",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With a run that was published, so that there are files everywhere."""
    with running(tmp_path_factory.mktemp("doctor"), "--azure", "strict") as started:
        started.drop("lengths/one", texts(4))
        started.ended("lengths/one")
        started.drop("patient/one", {"a.txt": b"600"})
        eventually(lambda: started.jobs_of("patient"), "the job of patient/one")
        yield started


def asked(stack: Stack, **body: Any) -> httpx.Response:
    host = stack.cloud.stack["host"]
    headers = {"x-functions-key": host["master_key"]}
    return stack.cloud.http.post(f"{host['base_url']}/api/doctor", json=body, headers=headers, timeout=170)


def report(stack: Stack, **body: Any) -> dict[str, Any]:
    return dict(asked(stack, **body).raise_for_status().json())


def failed(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in told["checks"] if check["verdict"] == "failed"}


def everything(stack: Stack) -> set[str]:
    """Every blob and directory of every account, but for the logs of jobs. Read with keys, whatever roles there are."""
    found = set()
    for account in ACCOUNTS:
        connection = addresses.load(stack.cloud.state).connection_string(account)
        with BlobServiceClient.from_connection_string(connection) as client:
            for container in client.list_containers():
                if container.name != ARTIFACTS:
                    listed = client.get_container_client(container.name).list_blobs()
                    found |= {f"{account}/{container.name}/{blob.name}" for blob in listed}
    return found


def still(names: set[str]) -> set[str]:
    """Without what others may write meanwhile: the run that is under way, and the sweep."""
    return {name for name in names if "patient" not in name and "/tallies" not in name}


def of_the_doctor(names: set[str]) -> set[str]:
    return {name for name in names if "doctor" in name}


def commanded(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local", "doctor", "--state", str(stack.cloud.state), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=170)


def test_the_command_checks_a_route_sends_a_job_and_leaves_nothing_behind(stack: Stack) -> None:
    before = still(everything(stack))

    done = commanded(stack, "--route", "lengths", "--submit", "--urls", "--json")

    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {check["verdict"] for check in told["checks"]} == {"ok"}
    assert (told["probe"]["ended"], told["probe"]["status"]) == (True, "Completed")
    assert still(everything(stack)) == before
    assert any(told["probe"]["job"] == job["name"] for job in stack.jobs_of("lengths"))
    answers = PROFILES["strict"].answers()
    seen = {name: finding["answer"] for name, finding in told["open_questions"].items()}
    for name in ("scoring_host_lists", "front_end_lists", "outputs_shown", "unknown_job", "input_urls"):
        assert seen[name] == answers[name]
    assert seen["deployment_header"] == "unknown", "the endpoint has a default deployment"


def test_people_are_shown_one_line_for_each_check_and_what_to_do(stack: Stack) -> None:
    done = commanded(stack)

    assert done.returncode == 1, "two routes of these tests do not go with their deployments"
    lines = done.stdout.splitlines()
    assert "ok       lengths: lakehouse written: It worked." in lines
    wrong = {line.split()[1]: line for line in lines if line.startswith("failed")}
    assert sorted(wrong) == ["nowhere:", "unfit:"]
    assert "endpoint read" in wrong["nowhere:"]
    assert "has no deployment 'gone'" in wrong["nowhere:"]
    assert "takes no values, but the route gives it limit" in wrong["unfit:"]


def role(name: str, scope: str) -> Assignment:
    return {"identity": "landfall-app", "role": name, "scope": scope}


@pytest.mark.parametrize(
    ("name", "scope", "checks"),
    [
        (CONTRIBUTOR, "container landfallstate/landfall", {"ledger written"}),
        (READER, "container devstoreaccount1/landing", {"landing listed"}),
        (CONTRIBUTOR, "container azuremlstore/azureml-blobstore-local", {"output datastore written"}),
        (CONTRIBUTOR, "container lakehouse/lakehouse", {"lakehouse written"}),
        (DATA_SCIENTIST, "workspace", ON_WORKSPACE),
        ("Storage Queue Data Contributor", "queue devstoreaccount1/landing-events", {"queue read"}),
    ],
    ids=["ledger", "landing", "outputs", "lakehouse", "workspace", "queue"],
)
def test_without_a_role_exactly_the_checks_that_need_it_fail_and_name_it(
    stack: Stack, name: str, scope: str, checks: set[str]
) -> None:
    before = of_the_doctor(everything(stack))
    with without(stack.cloud.state, role(name, scope)):
        wrong = failed(report(stack, route="lengths"))

    assert set(wrong) == checks
    for check in wrong.values():
        assert f"Give the app's identity {name}" in check["advice"]
        assert "403" in check["came_back"]
    if scope.startswith(("container", "queue")):
        account, _, last = scope.partition(" ")[2].partition("/")
        assert all(last in check["tried"] and account in check["tried"] for check in wrong.values())
    assert failed(report(stack, route="lengths")) == {}
    assert of_the_doctor(everything(stack)) == before


@pytest.mark.parametrize("scope", ["container landfallstate/landfall", "container lakehouse/lakehouse"])
def test_what_can_be_read_but_not_written_is_told(stack: Stack, scope: str) -> None:
    """Listing alone does not show it."""
    with without(stack.cloud.state, role(CONTRIBUTOR, scope)), granted(stack.cloud.state, role(READER, scope)):
        wrong = failed(report(stack, route="lengths"))

    ((name, check),) = wrong.items()
    assert name in ("ledger written", "lakehouse written")
    assert f"Give the app's identity {CONTRIBUTOR}" in check["advice"]


def test_a_role_that_the_compute_lacks_is_named_by_the_probe_job(stack: Stack) -> None:
    before = of_the_doctor(everything(stack))
    compute = {**role(CONTRIBUTOR, "container azuremlstore/azureml-blobstore-local"), "identity": "compute"}
    with without(stack.cloud.state, compute):
        told = report(stack, route="lengths", submit=True)

    assert set(failed(told)) == {"probe job"}
    assert f"compute cluster's identity {CONTRIBUTOR}" in failed(told)["probe job"]["advice"]
    assert told["probe"]["ended"]
    assert of_the_doctor(everything(stack)) == before


def test_a_job_that_takes_long_is_canceled_on_request_and_nothing_of_it_stays(stack: Stack) -> None:
    """By another request than the one that sent it and still follows it."""
    before = of_the_doctor(everything(stack))
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(asked, stack, route="patient", submit=True)
        probe = eventually(lambda: _under_way(stack), "the probe")

        stopped = report(stack, probe=probe, stop=True)
        sent = sending.result().raise_for_status().json()
    # Whichever of the two comes to the end first removes it; who asks once more is told so. A request that stops a
    # probe whose submission is being answered just then may not know its job yet.
    names = {told["probe"]["job"] for told in (stopped, sent)} - {None}
    gone = eventually(lambda: _gone(asked(stack, probe=probe, stop=True)), "the end of the probe")

    assert "There is no probe" in gone
    (job,) = [job for job in stack.cloud.jobs() if job["name"] in names]
    assert job["status"] == "Canceled"
    assert of_the_doctor(everything(stack)) == before


def _gone(answer: httpx.Response) -> str | None:
    """What is said of a probe that has ended and was removed."""
    return str(answer.json()["error"]) if answer.status_code == 400 else None


def _under_way(stack: Stack) -> str | None:
    """The id of a probe whose job is there."""
    names = {name.rpartition("/")[2] for name in everything(stack) if "/landfall/doctor/" in name}
    probes = [name.removesuffix(".json") for name in names if name.endswith(".json")]
    return probes[0] if probes and len(stack.jobs_of("patient")) > 1 else None


@pytest.mark.parametrize("key", [None, "wrong", "function"])
def test_nobody_else_may_ask(stack: Stack, key: str | None) -> None:
    if key == "function":
        key = str(json.loads((stack.cloud.state / "host" / "keys.json").read_text("utf-8"))["function"])
    headers = {"x-functions-key": key} if key else {}

    answer = stack.cloud.http.post(f"{stack.cloud.stack['host']['base_url']}/api/doctor", json={}, headers=headers)

    assert answer.status_code == 401
