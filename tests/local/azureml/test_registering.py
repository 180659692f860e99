"""`python -m local azureml register`: what a deployment only names, registered from a terminal without any client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from local import addresses
from local.__main__ import main
from local.addresses import ACCOUNT
from local.scoring import asked
from tests.local.azureml.alone import alone
from tests.local.azureml.probes import deploy

WEIGHS = """
    import os
    from pathlib import Path

    def init():
        pass

    def run(mini_batch):
        weights = sorted(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("*.txt"))
        return [f"{path.name}={path.read_text()}" for path in weights]
"""
STEP = {"name": "shout", "type": "command", "command": "python shout.py ${{inputs.data}} ${{outputs.said}}"}
PORTS = {"inputs": {"data": {"type": "uri_folder"}}, "outputs": {"said": {"type": "uri_file"}}}
SHOUT = """
import sys
from pathlib import Path

Path(sys.argv[2]).write_text("".join(path.read_text().upper() for path in sorted(Path(sys.argv[1]).iterdir())))
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("registering")
    change(deploy(root / "deployments", "weighs", WEIGHS), model="azureml:weights@latest")
    pipes = root / "deployments" / "pipes"
    pipes.mkdir()
    (pipes / "endpoint.yml").write_text("name: pipes\n")
    (pipes / "deployment.yml").write_text("name: shouts\ntype: pipeline\ncomponent: azureml:aloud@latest\n")
    with alone(root / "state", root / "deployments"):
        yield root / "state"


def change(deployment: Path, **members: Any) -> None:
    file = deployment / "deployment.yml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **members}))
    (deployment / "model" / "weights.txt").unlink()
    (deployment / "model").rmdir()


@dataclass(frozen=True)
class Told:
    returncode: int
    stdout: str
    stderr: str


def register(state: Path, path: Path, *flags: str) -> Told:
    """The command, in this process because there are many."""
    with redirect_stdout(StringIO()) as stdout, redirect_stderr(StringIO()) as stderr:
        code = main(["azureml", "register", str(path), *flags, "--state", str(state)])
    return Told(code, stdout.getvalue(), stderr.getvalue())


def shown(state: Path, path: str) -> dict[str, Any]:
    """The properties of a resource."""
    with asked(state, addresses.load(state)) as cloud:
        return dict(cloud.manage(path).raise_for_status().json()["properties"])


def scored(state: Path, endpoint: str, deployment: str, to: str) -> dict[str, bytes]:
    """What a job of the deployment writes."""
    with asked(state, addresses.load(state)) as cloud:
        cloud.put(f"{ACCOUNT}/landing/data/a.txt", b"hello")
        job = cloud.submit(endpoint, deployment, to)
        assert cloud.end_of(endpoint, job) == "Completed", cloud.why(job)
        return cloud.outputs(to)


def weights(folder: Path, text: str) -> Path:
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / "weights.txt").write_text(text)
    return folder / "weights"


def pipeline(folder: Path) -> Path:
    """The YAML of a pipeline of one step, with code."""
    (folder / "src").mkdir()
    (folder / "src" / "shout.py").write_text(SHOUT)
    (folder / "step.yml").write_text(yaml.safe_dump({**STEP, **PORTS, "code": "src", "environment": "azureml:any:1"}))
    inputs = {"data": "${{parent.inputs.data}}"}
    job = {
        "type": "command",
        "component": "step.yml",
        "inputs": inputs,
        "outputs": {"said": "${{parent.outputs.score}}"},
    }
    made = {"name": "aloud", "type": "pipeline", "inputs": PORTS["inputs"], "outputs": {"score": {"type": "uri_file"}}}
    (folder / "aloud.yml").write_text(yaml.safe_dump({**made, "jobs": {"shout": job}}))
    return folder / "aloud.yml"


def test_a_deployment_that_waits_for_its_model_is_served_with_it_and_then_with_the_next_version(
    state: Path, tmp_path: Path
) -> None:
    first = register(state, weights(tmp_path / "1", "one"), "--name", "weights")
    by_first = scored(state, "probe", "weighs", "first")
    second = register(state, weights(tmp_path / "2", "two"), "--name", "weights")
    by_second = scored(state, "probe", "weighs", "second")

    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "azureml:weights:1 is registered among the models, with 1 file, 3 bytes.\n"
    assert second.stdout.startswith("azureml:weights:2 ")
    assert by_first == {"predictions.csv": b"weights.txt=one\n"}
    assert by_second == {"predictions.csv": b"weights.txt=two\n"}


def test_a_version_is_what_it_was_registered_as(state: Path, tmp_path: Path) -> None:
    same, other = weights(tmp_path / "1", "same"), weights(tmp_path / "2", "other")
    flags = ("--name", "settled", "--version", "2026-11")
    assert register(state, same, *flags).returncode == 0
    before = shown(state, "models/settled/versions/2026-11")

    again, refused = register(state, same, *flags), register(state, other, *flags)

    assert (again.returncode, again.stdout.endswith("already, with this content.\n")) == (0, True)
    assert refused.returncode == 2
    assert "azureml:settled:2026-11 exists among the models with other content" in refused.stderr
    assert shown(state, "models/settled/versions/2026-11") == before


def test_a_file_is_a_model_and_a_folder_with_an_mlmodel_file_is_one_of_mlflow(state: Path, tmp_path: Path) -> None:
    (tmp_path / "flow").mkdir()
    (tmp_path / "flow" / "MLmodel").write_text("flavors: {}\n")
    (tmp_path / "settings.yml").write_text("depth: 3\n")

    for path, *flags in (
        (tmp_path / "flow", "--name", "flow"),
        (tmp_path / "settings.yml", "--name", "trees", "--type", "custom_model"),
    ):
        done = register(state, path, *flags)
        assert done.returncode == 0, done.stderr

    assert shown(state, "models/flow/versions/1")["modelType"] == "mlflow_model"
    trees = shown(state, "models/trees/versions/1")
    assert (trees["modelType"], trees["modelUri"].rpartition("/")[2]) == ("custom_model", "settings.yml")


def test_an_environment_is_registered_with_its_conda_file(state: Path, tmp_path: Path) -> None:
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.11]\n")
    described = {"name": "trees-env", "version": 5, "image": "mcr.microsoft.com/x", "conda_file": "conda.yml"}
    (tmp_path / "environment.yml").write_text(yaml.safe_dump(described))

    done = register(state, tmp_path / "environment.yml")

    assert done.stdout == "azureml:trees-env:5 is registered among the environments.\n"
    found = shown(state, "environments/trees-env/versions/5")
    assert (found["image"], found["condaFile"]) == ("mcr.microsoft.com/x", "dependencies: [python=3.11]\n")


def test_a_pipeline_component_is_registered_with_its_steps_and_their_code(state: Path, tmp_path: Path) -> None:
    file = pipeline(tmp_path)

    done = register(state, file)
    (tmp_path / "src" / "shout.py").unlink()

    assert done.stdout == "azureml:aloud:1 is registered among the components.\n", done.stderr
    assert scored(state, "pipes", "shouts", "aloud") == {"predictions.csv": b"HELLO"}


@pytest.mark.parametrize(
    ("content", "flags", "words"),
    [
        (None, ("--name", "x"), "does not exist."),
        ("image: x", (), "to be called? Add --name NAME."),
        ("image: x", ("--name", "a/b"), "The name 'a/b' must have letters, digits"),
        ("image: x", ("--name", "x", "--version", "-"), "The version '-' must have letters"),
        ("depth: 3", ("--name", "x"), "describes no environment and no component; with --type it is registered as"),
        ("name: [", (), "is no YAML: while parsing"),
        ("- 1", (), "is no YAML mapping."),
        ("{name: x, image: x, conda_file: nowhere.yml}", (), "nowhere.yml cannot be read: No such file or directory."),
        ("{name: x, command: run, code: nowhere}", (), "code names 'nowhere', which does not exist"),
        ("{name: x, type: pipeline, jobs: {a: {type: sweep}}}", (), "jobs.a is not a step with a command component"),
    ],
)
def test_what_cannot_be_registered_is_said_in_a_sentence(
    state: Path, tmp_path: Path, content: str | None, flags: tuple[str, ...], words: str
) -> None:
    file = tmp_path / "described.yml"
    if content is not None:
        file.write_text(content)

    refused = register(state, file, *flags)

    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert words in refused.stderr


def test_an_empty_folder_is_no_model(state: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert "empty has no files." in register(state, tmp_path / "empty", "--name", "x").stderr


def test_nothing_is_registered_where_nothing_runs(tmp_path: Path) -> None:
    refused = register(tmp_path / "state", weights(tmp_path, "1"), "--name", "x")

    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert f"No local cloud is running on {tmp_path / 'state'}" in refused.stderr
