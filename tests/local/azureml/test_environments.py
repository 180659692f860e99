"""`--build-environments`: what conda files ask of pip is there for the scripts and steps that ask for it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from local.azureml.workspace.conda import NoCondaFile, content, requirements
from local.azureml.workspace.names import WORKSPACE_ID
from tests.local.azureml.cloud import Cloud
from tests.local.azureml.pipelines import deploy_steps
from tests.local.azureml.probes import deploy

IMPORTS = """
    import aiohttp, only_here  # the first one is what this process has

    def init():
        pass

    def run(mini_batch):
        return [only_here.WORD for path in mini_batch]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a package that is nowhere else."""
    path = tmp_path_factory.mktemp("wheels") / "only_here-1.0-py3-none-any.whl"
    described = {
        "METADATA": "Metadata-Version: 2.1\nName: only-here\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with ZipFile(path, "w") as file:
        file.writestr("only_here.py", "WORD = 'from the wheel'\n")
        for name, text in described.items():
            file.writestr(f"only_here-1.0.dist-info/{name}", text)
    return path.as_uri()


@pytest.fixture(scope="module")
def cloud(wheel: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    root = tmp_path_factory.mktemp("environments")
    deployments = root / "deployments"
    for name, lines in (
        ("builds", [f"only-here @ {wheel}"]),
        ("fails", ["file:///nowhere/at_all-1.0-py3-none-any.whl"]),
    ):
        write_conda(deploy(deployments, name, IMPORTS), lines)
    deploy(deployments, "lost", IMPORTS)
    folder = deployments / "probe" / "steps"
    write_conda(folder, [f"only-here @ {wheel}"])
    environment = {"image": "any", "conda_file": "environment/conda.yaml"}
    command = {"command": "python -c 'import only_here; print(only_here.WORD)' > ${{outputs.said}}"}
    said = {"said": {"type": "uri_file"}}
    component = {"type": "command", "environment": environment, "outputs": said, **command}
    step = {"type": "command", "component": component, "outputs": {"said": "${{parent.outputs.said}}"}}
    deploy_steps(folder, {"say": step}, outputs=said)
    started = Cloud(root / "state", deployments, "--azure", "kind", "--build-environments")
    yield started
    started.close()


def conda(lines: list[str]) -> dict[str, Any]:
    return {"name": "any", "channels": ["conda-forge"], "dependencies": ["python=3.11", "pip", {"pip": lines}]}


def write_conda(deployment: Path, lines: list[str]) -> None:
    (deployment / "environment").mkdir(parents=True)
    (deployment / "environment" / "conda.yaml").write_text(yaml.safe_dump(conda(lines)))


@pytest.mark.long
def test_scripts_and_steps_import_what_their_conda_files_ask_of_pip_and_it_is_built_once(
    cloud: Cloud, wheel: str
) -> None:
    text = yaml.safe_dump(conda([f"only-here @ {wheel}"]))
    cloud.create("/environments/registered/versions/1", {"condaFile": text, "image": "any"})
    reference = f"{WORKSPACE_ID}/environments/registered/versions/1"
    cloud.create("/batchEndpoints/later", {})
    script = textwrap.dedent(IMPORTS)
    cloud.deploy("later", "later", model="probe-builds", script=script, environmentId=reference)

    scored = cloud.score({"a.txt": "1"}, "builds")
    again = cloud.score({"a.txt": "1"}, "later", endpoint="later")
    steps = str(cloud.post({"properties": {}}, "steps").json()["name"])

    assert cloud.end(steps) == "Completed", cloud.error(steps)
    assert cloud.predictions(scored) == cloud.predictions(again) == ["from the wheel"]
    assert cloud.output(f"azureml/{steps}/said") == "from the wheel\n"
    (python,) = (cloud.state / "azureml" / "environments").glob("*/bin/python")
    for job, asked in ((scored, "environments/probe-builds/versions/1"), (steps, "the image any")):
        (line,) = [line for line in cloud.streamed(job).splitlines() if "asks for" in line]
        assert f"asks for {asked}; here " in line
        assert str(python) in line
        assert line.endswith("with what pip has installed of its conda file.")


@pytest.mark.long
@pytest.mark.parametrize(
    ("deployment", "words"),
    [
        ("fails", "The environment environments/probe-fails/versions/1 could not be built"),
        ("fails", "nowhere/at_all-1.0-py3-none-any.whl"),
        ("lost", "cannot be built from its conda file: 'environment/conda.yaml' is neither a file that is there nor"),
    ],
)
def test_a_job_whose_environment_cannot_be_built_fails_with_the_words_of_pip(
    cloud: Cloud, deployment: str, words: str
) -> None:
    job = cloud.submit(cloud.land({"a.txt": "1"}), deployment)

    assert cloud.end(job) == "Failed"
    assert words in cloud.error(job)


def test_what_pip_is_to_install_is_read_from_the_pip_section_alone(tmp_path: Path) -> None:
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.8, {pip: [a==1, '-r more.txt']}, numpy]\n")

    assert requirements(content("conda.yml", tmp_path)) == ("a==1", "-r more.txt")
    assert requirements(content({"dependencies": ["numpy"]}, tmp_path)) == requirements(None) == ()
    for broken in ("nowhere.yml", "dependencies: [", "dependencies: 3", "dependencies: [{pip: numpy}]"):
        with pytest.raises(NoCondaFile):
            requirements(content(broken, tmp_path))
