"""What a deployment's script runs in: which Python, with which packages, and inputs that it cannot change."""

from __future__ import annotations

import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.local.azureml.cloud import Cloud
from tests.local.azureml.probes import deploy

IMPORTS = """
    import subprocess

    import only_here

    def init():
        pass

    def run(mini_batch):
        python = subprocess.run(["python", "-c", "import only_here; print(only_here.WORD)"], capture_output=True)
        return [f"{only_here.WORD}, {python.stdout.decode().strip()}" for path in mini_batch]
"""

WRITES = """
    import os, shutil
    from pathlib import Path

    def init():
        pass

    def attempts(path):
        yield "write", lambda: Path(path).write_text("changed")
        yield "append", lambda: open(path, "a")
        yield "add", lambda: Path(path).with_name("new.txt").touch()
        yield "remove", lambda: os.remove(path)
        yield "remove all", lambda: shutil.rmtree(Path(path).parent)
        yield "remove from", lambda: os.remove(Path(path).name, dir_fd=os.open(Path(path).parent, os.O_RDONLY))
        yield "second name", lambda: os.link(path, "second.txt")
        yield "times", lambda: os.utime(path, (0, 0))
        yield "rename", lambda: os.rename(path, "moved.txt")
        yield "truncate", lambda: os.truncate(path, 0)
        yield "mode", lambda: os.chmod(path, 0o777)
        os.symlink(path, f"{Path(path).name}.link")
        yield "link", lambda: Path(f"{Path(path).name}.link").write_text("changed")

    def run(mini_batch):
        rows = []
        for path in mini_batch:
            for name, attempt in attempts(path):
                try:
                    attempt()
                except OSError as error:
                    rows.append(f"{name}: {type(error).__name__} {error.errno}")
            shutil.copy(path, "copy.txt")  # in its own folder it may write
            rows.append(Path(path).read_text())
        return rows
"""


@pytest.fixture(scope="module")
def own_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that has nothing but one module."""
    folder = tmp_path_factory.mktemp("environments") / "own"
    venv.create(folder)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (site_packages / "only_here.py").write_text("WORD = 'of its own'")
    return folder


@pytest.fixture(scope="module")
def cloud(own_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    root = tmp_path_factory.mktemp("surroundings")
    deployments = root / "deployments"
    deploy(deployments, "echo", WRITES, mini_batch_size=1)
    change(deploy(deployments, "own", IMPORTS), **{"local.python": str(own_python)})
    change(deploy(deployments, "wrong", IMPORTS), **{"local.python": "nowhere/venv"})
    started = Cloud(root / "state", deployments)
    yield started
    started.close()


def change(deployment: Path, **properties: Any) -> None:
    file = deployment / "deployment.yml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "properties": properties}))


def test_a_deployment_runs_in_a_python_of_its_own_and_its_log_says_so(cloud: Cloud, own_python: Path) -> None:
    name = cloud.score({"a.txt": "1"}, "own")

    assert cloud.predictions(name) == ["of its own, of its own"]
    (line,) = [line for line in cloud.streamed(name).splitlines() if "asks for" in line]
    assert "The deployment asks for environments/probe-own/versions/1" in line
    assert f"runs in {own_python}/bin/python (Python {sys.version.split()[0]}), as local.python says" in line


def test_the_log_says_which_python_runs_a_script_and_which_environment_was_asked_for(cloud: Cloud) -> None:
    name = cloud.score({"a.txt": "1"}, "echo")

    (line,) = [line for line in cloud.streamed(name).splitlines() if "asks for" in line]
    assert f"runs in {sys.executable} (Python {sys.version.split()[0]})" in line


def test_a_python_that_is_none_refuses_the_deployment_by_its_name(cloud: Cloud) -> None:
    data = {"jobInputType": "UriFolder", "uri": cloud.land({"a.txt": "1"})}

    answer = cloud.post({"properties": {"inputData": {"data": data}}}, "wrong")

    assert answer.status_code == 404
    assert "properties.local.python names 'nowhere/venv', which does not exist" in answer.text


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("file.txt", "which is no Python"),
        ("/bin/ls", "which is no Python"),
        ("folder", "a folder without bin/python"),
        ("old", "which is Python 3.10.4; it has to be 3.11 or later"),
    ],
)
def test_what_is_no_python_is_told_apart(tmp_path: Path, named: str, words: str) -> None:
    from local.azureml.workspace.pythons import NoPython, find

    (tmp_path / "file.txt").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "old").write_text("#!/bin/sh\necho Python 3.10.4\n")
    (tmp_path / "old").chmod(0o755)

    with pytest.raises(NoPython, match=words):
        find(named, tmp_path)


def test_a_script_cannot_change_its_inputs(cloud: Cloud) -> None:
    name = cloud.score({"a.txt": "as it was", "b.txt": "too"}, "echo")

    acts = ["write", "append", "add", "remove", "remove all", "remove from", "second name", "times", "rename"]
    refused = [f"{act}: OSError 30" for act in (*acts, "truncate", "mode", "link")]
    assert cloud.predictions(name) == [*refused, "as it was", *refused, "too"]
