"""What surrounds the steps of a pipeline: whose code they run, in what, and what they cannot change."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.azureml.execution.pipelines import parse_command
from tests.local.azureml.cloud import Cloud
from tests.local.azureml.pipelines import deploy_sayer, deploy_steps

SPOIL = """
import os, subprocess, sys
from pathlib import Path

given, landed, said = map(Path, sys.argv[1:])
for file in (given / "a.txt", landed / "b.txt"):
    for act in (lambda: file.write_text("spoilt"), file.unlink, (file.parent / "new").mkdir):
        try:
            act()
        except OSError as error:
            print(file.name, error.errno, error.strerror)
done = subprocess.run([sys.executable, "-c", f"open({str(given / 'a.txt')!r}, 'w')"], capture_output=True, text=True)
print("below it", done.stderr.splitlines()[-1][:14])
Path("beside.txt").touch()
said.write_text("spoilt")
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    root = tmp_path_factory.mktemp("steps")
    deploy_sayer(root / "deployments" / "probe" / "first", "one", in_place=True)
    deploy_sayer(root / "deployments" / "probe" / "second", "two", in_place=True)
    deploy_sayer(root / "deployments" / "probe" / "third", "three", in_place=False)
    deploy_spoiler(root / "deployments" / "probe" / "spoils")
    (root / "deployments" / "probe" / "endpoint.yml").write_text("name: probe\n")
    started = Cloud(root / "state", root / "deployments", "--azure", "kind")
    yield started
    started.close()


def deploy_spoiler(folder: Path) -> None:
    """Three steps: what the first one gives, the second one tries to change in all ways, before the third one reads."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "spoil.py").write_text(SPOIL)
    (folder / "src" / "sitecustomize.py").write_text("print('its own')\n")
    deploy_steps(
        folder,
        {
            "give": step("echo whole > ${{outputs.given}}/a.txt", outputs={"given": "${{parent.outputs.given}}"}),
            "spoil": {
                **step(
                    "python spoil.py ${{inputs.given}} ${{inputs.landed}} ${{outputs.said}} && "
                    "echo spoilt > ${{inputs.given}}/a.txt",
                    inputs={"given": "${{parent.jobs.give.outputs.given}}", "landed": "${{parent.inputs.landed}}"},
                    outputs={"said": None},
                ),
                "environment_variables": {"PYTHONPATH": "."},
            },
            "read": step(
                "cat ${{inputs.given}}/a.txt ${{inputs.after}} > ${{outputs.said}}",
                inputs={"given": "${{parent.jobs.give.outputs.given}}", "after": "${{parent.jobs.spoil.outputs.said}}"},
                outputs={"said": "${{parent.outputs.said}}"},
            ),
        },
        inputs={"landed": {"type": "uri_folder"}},
        outputs={"given": {"type": "uri_folder"}, "said": {"type": "uri_file"}},
    )


def step(command: str, *, outputs: dict[str, str | None], inputs: dict[str, str] | None = None) -> dict[str, Any]:
    """A step with a component in place, whose code is in src."""
    types = {"said": "uri_file", "after": "uri_file"}
    component = {
        "type": "command",
        "environment": "azureml:any@latest",
        "code": "src",
        "command": command,
        "inputs": {name: {"type": types.get(name, "uri_folder")} for name in inputs or ()},
        "outputs": {name: {"type": types.get(name, "uri_folder")} for name in outputs},
    }
    return {"type": "command", "component": component, "inputs": inputs or {}, "outputs": outputs}


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


def test_a_step_cannot_change_what_others_take_and_python_is_told_so(cloud: Cloud) -> None:
    """All steps had the same files, so that one could spoil what the next one reads and what the pipeline gives."""
    landed = {"landed": {"jobInputType": "UriFolder", "uri": cloud.land({"b.txt": "as it was"})}}

    job = completed(cloud, "spoils", {"inputData": landed})

    assert cloud.output(f"azureml/{job}/said") == "whole\nspoilt"
    assert cloud.output(f"azureml/{job}/given/a.txt") == "whole\n"
    _, *printed = cloud.log(job, "user_logs/std_log.txt", "spoil").splitlines()
    refused = [f"{file} 30 Read-only file system" for file in ("a.txt", "b.txt") for _ in range(3)]
    assert printed == ["its own", *refused, "below it OSError: [Errn"]


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
    assert parse_command({"command": "echo", "environment": environment}).environment_in_words == words
