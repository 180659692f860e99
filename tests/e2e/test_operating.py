"""An operator's means to act on runs, through the whole local cloud and the unmodified app."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from demo.cloud import ROOT
from testbed.eventually import eventually
from testbed.stack import ENDED, Stack, running
from tests.e2e.test_landings import lengths, texts


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("operating")) as started:
        yield started


def act(stack: Stack, run_id: str, name: str, **body: Any) -> httpx.Response:
    host = stack.cloud.stack["host"]
    url = f"{host['base_url']}/api/runs/{run_id}/{name}"
    return stack.cloud.http.post(url, json=body, headers={"x-functions-key": host["master_key"]}, timeout=60)


def ended(stack: Stack, run_id: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        run = stack.cloud.api(f"runs/{run_id}")
        return run if run["status"] in ENDED else None

    return dict(eventually(found, f"the end of {run_id}"))


def test_a_run_whose_job_takes_too_long_is_canceled_and_so_is_its_job(stack: Stack) -> None:
    stack.drop("patient/stopped", {"a.txt": b"60"})
    (run,) = eventually(
        lambda: [run for run in stack.runs_of("patient") if run["status"] == "scoring"], "a run that scores"
    )

    answer = act(stack, run["run_id"], "cancel", reason="the wrong model")

    assert answer.status_code == 202
    stopped = ended(stack, run["run_id"])
    assert (stopped["status"], stopped["cancel"]["reason"]) == ("canceled", "the wrong model")
    assert [job["status"] for job in stack.jobs_of("patient")] == ["Canceled"]
    assert act(stack, run["run_id"], "cancel").status_code == 202, "asking again does no harm"


def test_a_failed_run_is_replayed_once_its_cause_is_mended(stack: Stack) -> None:
    """Nothing is uploaded again."""
    stack.break_with("azureml", {"match": {"method": "POST", "path": "/jobs$"}, "action": {"status": 400}, "times": 1})
    files = texts(3)
    stack.drop("lengths/replayed", files)
    (failed,) = stack.ended("lengths/replayed")
    assert failed["error"]["reason"] == "rejected_400"
    stack.break_with("azureml")

    first, second = (act(stack, failed["run_id"], "replay", reason="mended") for _ in range(2))

    assert first.json()["run_id"] == second.json()["run_id"]
    run = ended(stack, first.json()["run_id"])
    assert stack.lines(run) == lengths(files)
    assert run["request"]["repeats"] == {"run_id": failed["run_id"], "act": "replay", "reason": "mended"}
    assert ended(stack, failed["run_id"])["repeated_by"] == run["run_id"]


@pytest.mark.long
def test_a_published_run_is_rescored_beside_its_publication(stack: Stack) -> None:
    files = texts(2)
    stack.drop("lengths/rescored", files)
    (run,) = stack.ended("lengths/rescored")
    stack.quiet()

    answer = act(stack, run["run_id"], "rescore", reason="a new model")

    again = ended(stack, answer.json()["run_id"])
    assert stack.lines(again) == stack.lines(run) == lengths(files)
    assert again["publication"]["path"] != run["publication"]["path"]
    assert act(stack, run["run_id"], "replay").status_code == 409


@pytest.mark.long
def test_what_a_script_has_raised_is_read_with_the_command_line(stack: Stack) -> None:
    stack.drop("failing/logged", texts(1))
    (failed,) = stack.ended("failing/logged")

    command = [sys.executable, "-m", "landfall", "--state", str(stack.cloud.state), "logs", failed["run_id"]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)

    assert "Traceback (most recent call last)" in done.stdout
    assert "ValueError: the image has 9 channels" in done.stdout
    assert "user/error/" in done.stderr.splitlines()[0], "what went wrong comes first"
    assert "sig=" not in done.stdout + done.stderr
