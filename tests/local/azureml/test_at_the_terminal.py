"""`python -m local azureml jobs` and `… logs JOB`: what people see of jobs without any client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import addresses
from local.addresses import ACCOUNT
from local.scoring import asked
from tests.local.azureml.alone import alone
from tests.local.azureml.probes import ECHO, deploy
from tests.local.stack.stacks import local

FAILS = """
    def init():
        print("ready to fail")

    def run(mini_batch):
        raise KeyError("column 'price'")
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("terminal")
    deploy(root / "deployments", "echo", ECHO)
    deploy(root / "deployments", "fails", FAILS, error_threshold=0)
    with alone(root / "state", root / "deployments"):
        yield root / "state"


def submitted(state: Path, deployment: str) -> str:
    with asked(state, addresses.load(state)) as cloud:
        cloud.put(f"{ACCOUNT}/landing/data/a.txt", b"1")
        return cloud.submit("probe", deployment, deployment)


def test_the_log_of_a_job_is_followed_to_its_end(state: Path) -> None:
    job = submitted(state, "echo")

    shown = local("azureml", "logs", job, "--follow", "--state", str(state))

    assert shown.returncode == 0, shown.stderr
    lines = [line.partition("] ")[2] for line in shown.stdout.splitlines()]
    assert (lines[0], lines[-1]) == ("Preparing", "Completed")


def test_a_failed_job_is_listed_with_its_error_and_its_log_has_what_was_raised(state: Path) -> None:
    job = submitted(state, "fails")

    shown = local("azureml", "logs", job, "--follow", "--state", str(state))
    listed = local("azureml", "jobs", "--state", str(state))
    plain = json.loads(local("azureml", "jobs", "--json", "--state", str(state)).stdout)

    assert shown.returncode == 2
    assert "process000.stdout: ready to fail" in shown.stdout
    assert "KeyError: \"column 'price'\"" in shown.stdout
    (row,) = [line for line in listed.stdout.splitlines() if line.startswith(job)]
    assert row.split()[:4] == [job, "Failed", "probe", "fails"]
    assert plain[0]["name"] == job


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("logs",), "Which job?"),
        (("logs", "nobody"), "There is no job 'nobody'"),
        ((), "--deployments is missing"),
    ],
)
def test_what_cannot_be_shown_is_said(state: Path, arguments: tuple[str, ...], words: str) -> None:
    refused = local("azureml", *arguments, "--state", str(state))

    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert words in refused.stderr
