"""Jobs over time: they wait for nodes, are canceled, and survive the end of the process that ran them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.eventually import eventually
from tests.local.azureml.cloud import Cloud
from tests.local.azureml.gates import Gate
from tests.local.azureml.pipelines import deploy_pipeline
from tests.local.azureml.probes import ECHO, WAITS, deploy

FILES = {"a.txt": "1", "b.txt": "2"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A compute with a single node."""
    root = tmp_path_factory.mktemp("small")
    deploy(root / "deployments", "echo", ECHO)
    deploy(root / "deployments", "waits", WAITS, environment_variables={"PROBE_GATE": str(root / "gate")})
    deploy(root / "deployments", "wide", ECHO, instance_count=2)
    deploy_pipeline(root / "deployments", "steps")
    started = Cloud(root / "state", root / "deployments", "--nodes", "1", "--azure", "kind")
    yield started
    started.close()


@pytest.fixture(scope="module")
def one_gate(small: Cloud) -> Gate:
    return Gate(small.state.parent / "gate")


@pytest.fixture
def gate(one_gate: Gate) -> Iterator[Gate]:
    """Shut at the start of each test, open after it."""
    one_gate.close()
    yield one_gate
    one_gate.open()


def cancel(cloud: Cloud, name: str) -> Any:
    return cloud.manage(f"/jobs/{name}/cancel", "POST")


def statuses(cloud: Cloud, name: str) -> list[str]:
    jobs = cloud.http.get(f"{cloud.addresses.azureml}/_jobs").json()
    return next(list(job["statuses"]) for job in jobs if job["name"] == name)


def is_alive(pid: int) -> bool:
    """Whether there is such a process; one that has ended and was not yet waited for does not count."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def test_a_job_goes_through_its_states_in_order(small: Cloud, gate: Gate) -> None:
    gate.open()

    job = small.score(FILES, "waits")

    assert statuses(small, job) == ["Preparing", "Running", "Finalizing", "Completed"]


def test_the_output_appears_only_when_the_job_has_run(small: Cloud, gate: Gate) -> None:
    job = small.submit(small.land(FILES), "waits", output="late.csv")
    gate.pid_of_entered()

    assert small.status(job) == "Running"
    assert small.output("late.csv") is None
    gate.open()
    assert small.end(job) == "Completed"
    assert small.output("late.csv") == "a.txt\nb.txt\n"


def test_what_a_running_script_has_printed_and_how_far_it_is_can_be_read_while_it_runs(
    small: Cloud, gate: Gate
) -> None:
    job = small.submit(small.land({"a.txt": "1", "b.txt": "2", "c.txt": "3"}), "waits")

    eventually(lambda: "seen a.txt b.txt" in small.streamed(job), "what the script has printed, in the stream")
    eventually(lambda: small.log(job, "logs/user/stdout/0/process000") == "seen a.txt b.txt\n", "its own log")
    eventually(
        lambda: "2 mini-batches scheduled, 0 processed" in small.log(job, "logs/job_progress_overview"), "how far"
    )
    assert small.status(job) == "Running"
    before = small.streamed(job)
    gate.open()
    assert small.end(job) == "Completed"
    assert small.streamed(job).startswith(before), "clients print what is behind the lines that they know"
    lines = [line.partition("] ")[2] for line in small.streamed(job).splitlines()]
    assert [line for line in lines if "asks for" not in line] == [
        "Preparing",
        "Running",
        "0/process000.stdout: seen a.txt b.txt",
        "0/process000.stdout: seen c.txt",
        "Finalizing",
        "Completed",
    ]


def test_no_log_is_linked_before_storage_has_it(small: Cloud, gate: Gate) -> None:
    gate.open()
    control = f"{small.addresses.storage}/_faults"
    away = {"match": {"method": "PUT", "path": "executionlogs"}, "action": {"status": 503}, "times": None}
    small.http.put(control, json=[away]).raise_for_status()

    job = small.submit(small.land(FILES), "waits")
    linked = small.details(job)["logFiles"]
    small.http.put(control, json=[]).raise_for_status()

    assert linked == {}
    assert small.end(job) == "Completed"
    assert "Completed" in small.streamed(job)


def test_what_a_running_step_of_a_pipeline_has_printed_can_be_read(small: Cloud, gate: Gate) -> None:
    given = {"data": {"jobInputType": "UriFolder", "uri": small.land({"a": f"wait {gate.folder}"})}}
    job = str(small.post({"properties": {"inputData": given}}, "steps").json()["name"])

    eventually(lambda: "prepare_step: preparing p None seen" in small.streamed(job), "what the step has printed")
    told, *printed = small.log(job, "user_logs/std_log.txt", "prepare_step").splitlines()
    assert (told.startswith("The step prepare_step asks for"), printed) == (True, ["preparing p None seen"])
    gate.open()
    assert small.end(job) == "Completed"


def test_a_job_waits_queued_until_a_node_is_free(small: Cloud, gate: Gate) -> None:
    first = small.submit(small.land(FILES), "waits")
    small.wait_for(first, "Running")

    second = small.submit(small.land(FILES), "echo")

    small.wait_for(second, "Queued")
    gate.open()
    assert small.end(first) == small.end(second) == "Completed"
    assert statuses(small, second) == ["Preparing", "Queued", "Running", "Finalizing", "Completed"]


def test_a_job_for_more_nodes_than_there_are_fails(small: Cloud) -> None:
    job = small.submit(small.land(FILES), "wide")

    assert small.end(job) == "Failed"
    assert small.error(job) == "The job asks for 2 nodes, but the compute has 1."


def test_a_running_job_that_is_canceled_ends_with_its_processes(small: Cloud, gate: Gate) -> None:
    job = small.submit(small.land(FILES), "waits", output="canceled.csv")
    pid = gate.pid_of_entered()

    answer = cancel(small, job)

    assert answer.status_code == 202
    assert answer.json() is None
    assert small.end(job) == "Canceled"
    assert statuses(small, job)[-2:] == ["CancelRequested", "Canceled"]
    assert (
        small.http.get(answer.headers["Location"], headers=small.token("https://management.azure.com")).content == b""
    )
    assert not is_alive(pid)
    assert small.output("canceled.csv") is None
    assert small.log(job, "logs/job_result.txt") == "Canceled\n"


def test_a_queued_job_that_is_canceled_gives_its_place_away(small: Cloud, gate: Gate) -> None:
    running = small.submit(small.land(FILES), "waits")
    small.wait_for(running, "Running")
    queued, last = (small.submit(small.land(FILES), "echo") for _ in range(2))
    small.wait_for(queued, "Queued")

    cancel(small, queued)

    assert small.end(queued) == "Canceled"
    gate.open()
    assert small.end(last) == "Completed"


def test_a_job_that_is_canceled_while_it_ends_is_canceled(small: Cloud) -> None:
    rule = {"match": {"method": "PUT", "path": "/logs/job_result.txt$"}, "action": {"delay_ms": 1000}, "times": 1}
    control = f"{small.addresses.storage}/_faults"
    small.http.put(control, json=[rule]).raise_for_status()
    job = small.submit(small.land(FILES), "echo", output="ending.csv")
    eventually(lambda: small.http.get(control).json()[0]["fired"], "the upload of the logs")

    answer = cancel(small, job)
    small.http.delete(control).raise_for_status()

    assert answer.status_code == 202
    assert small.end(job) == "Canceled"


def test_a_job_that_has_ended_cannot_be_canceled(small: Cloud) -> None:
    job = small.score(FILES, "echo")

    answer = cancel(small, job)

    assert answer.status_code == 400
    assert small.status(job) == "Completed"


def test_a_job_outlives_the_process_that_ran_it(small: Cloud, gate: Gate) -> None:
    done = small.score(FILES, "echo")
    running = small.submit(small.land(FILES), "waits", output="survivor.csv")
    pid = gate.pid_of_entered()

    small.kill_azureml()
    eventually(lambda: not is_alive(pid), "the end of the worker process")
    small.restart_azureml()
    gate.open()

    assert small.end(running) == "Completed"
    assert small.output("survivor.csv") == "a.txt\nb.txt\n"
    assert small.status(done) == "Completed"
    assert statuses(small, running) == ["Preparing", "Running", "Preparing", "Running", "Finalizing", "Completed"]


def test_a_pipeline_outlives_the_process_that_ran_it(small: Cloud, gate: Gate) -> None:
    data = {"jobInputType": "UriFolder", "uri": small.land({"a": f"wait {gate.folder}"})}
    running = str(small.post({"properties": {"inputData": {"data": data}}}, "steps").json()["name"])
    pid = gate.pid_of_entered()

    small.kill_azureml()
    eventually(lambda: not is_alive(pid), "the end of the step's process")
    small.restart_azureml()
    gate.open()

    assert small.end(running) == "Completed", small.error(running)
    assert small.output(f"azureml/{running}/report") == "1 files"


def test_a_cancellation_is_not_forgotten_by_a_restart(small: Cloud, gate: Gate) -> None:
    job = small.submit(small.land(FILES), "waits")
    gate.pid_of_entered()

    cancel(small, job)
    small.kill_azureml()
    small.restart_azureml()

    assert small.end(job) == "Canceled"
