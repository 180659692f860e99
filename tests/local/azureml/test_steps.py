"""What surrounds the steps of a pipeline: whose code they run, and in what."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from local.azureml.execution.pipelines import parse_command
from tests.local.azureml.cloud import Cloud
from tests.local.azureml.pipelines import deploy_sayer


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    root = tmp_path_factory.mktemp("steps")
    deploy_sayer(root / "deployments" / "probe" / "first", "one", in_place=True)
    deploy_sayer(root / "deployments" / "probe" / "second", "two", in_place=True)
    deploy_sayer(root / "deployments" / "probe" / "third", "three", in_place=False)
    (root / "deployments" / "probe" / "endpoint.yml").write_text("name: probe\n")
    started = Cloud(root / "state", root / "deployments", "--azure", "kind")
    yield started
    started.close()


def completed(cloud: Cloud, deployment: str, properties: dict[str, Any]) -> str:
    """The name of a job that has completed."""
    response = cloud.post({"properties": properties}, deployment)
    assert response.status_code == 201, response.text
    job = str(response.json()["name"])
    assert cloud.wait_for(job, "Completed", "Failed") == "Completed", cloud.error(job)
    return job


def test_components_of_steps_that_have_one_name_run_their_own_code(cloud: Cloud) -> None:
    """The second was refused, for what it has in common with the first is a name that nobody else can see."""
    jobs = {name: completed(cloud, name, {}) for name in ("first", "second", "third")}

    said = {name: cloud.output(f"azureml/{job}/said") for name, job in jobs.items()}
    assert said == {"first": "one\n", "second": "two\n", "third": "three\n"}


def test_the_log_of_a_step_says_which_environment_was_asked_for_and_which_python_runs_it(cloud: Cloud) -> None:
    job = completed(cloud, "first", {})

    told = (
        f"The step say asks for azureml:any@latest; here python in its command is {sys.executable} "
        f"(Python {sys.version.split()[0]}), with the packages that are there."
    )
    assert cloud.log(job, "user_logs/std_log.txt", "say") == f"{told}\n"
    assert [line for line in cloud.streamed(job).splitlines() if line.endswith(f"] say: {told}")] != []


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (None, None),
        ("azureml:trees:3", "azureml:trees:3"),
        ({"name": "trees", "image": "any"}, "trees"),
        ({"image": "mcr.microsoft.com/x", "conda_file": "conda.yml"}, "the image mcr.microsoft.com/x"),
        ({"build": {"path": "docker"}}, "the image of a build"),
    ],
)
def test_the_environment_of_a_component_is_told_in_words(environment: object, words: str | None) -> None:
    assert parse_command({"command": "echo", "environment": environment}).environment == words
