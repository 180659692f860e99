"""docs/own-model.md as a newcomer follows it: its commands, in its order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo.cloud import ROOT
from testbed.stack import running

pytestmark = pytest.mark.long
PAGE = (ROOT / "docs/own-model.md").read_text("utf-8")


def commands() -> list[list[str]]:
    """Those of the page that are typed, without `make setup` and `up`."""
    typed = [line.split() for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    return [words[3:] if words[1:2] == ["-m"] else words for words in typed]


def do(module: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A folder in which a newcomer has typed the first command."""
    written = do("local", "init", "pumps", folder=tmp_path)
    assert written.returncode == 0, written.stderr
    for path in written.stdout.splitlines():
        assert (tmp_path / path).is_file()
    return tmp_path


def test_what_init_writes_works_at_once_and_is_right(begun: Path) -> None:
    checked = do("local", "check", "pumps/routes.yaml", folder=begun)
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr

    given = ("--routes", str(begun / "pumps/routes.yaml"), "--deployments", str(begun / "pumps/deployments"))
    with running(begun / ".local", *given):
        dropped = do("local", "drop", "pumps/data/monday", "landing/pumps/monday", folder=begun)
        waited = do("local", "wait", "--timeout", "90", folder=begun)
        shown = do("landfall", "results", "pumps", folder=begun)

    assert (dropped.returncode, waited.returncode, shown.returncode) == (0, 0, 0), waited.stderr + shown.stderr
    assert sorted(shown.stdout.splitlines()) == [
        "north.csv,pump-1,False",
        "north.csv,pump-2,True",
        "south.csv,pump-3,True",
        "west.csv,pump-4,False",
        "west.csv,pump-5,True",
    ]
    assert "no run has" not in dropped.stderr


def test_init_overwrites_nothing_and_refuses_what_is_no_name(begun: Path) -> None:
    again = do("local", "init", "pumps", folder=begun)
    assert (again.returncode, "is there already; nothing was written" in again.stderr) == (2, True)

    for name in ("Pumps", "a", "../x", "pumps-", "p" * 33, ""):
        refused = do("local", "init", name, folder=begun)
        assert (refused.returncode, "Traceback" in refused.stderr) == (2, False), name


def test_a_deployment_alone_is_tried_on_a_folder(begun: Path) -> None:
    deployment = "pumps/deployments/pumps/first/deployment.yml"

    done = do("local", "score", deployment, "pumps/data/monday", "--to", "out", folder=begun)

    assert done.returncode == 0, done.stderr
    assert "north.csv,pump-2,True" in done.stdout
    assert len((begun / "out/predictions.csv").read_text("utf-8").splitlines()) == 5


def test_a_deployment_beside_its_endpoint_whose_model_is_only_named_is_tried(begun: Path) -> None:
    """As Microsoft's own examples are laid out."""
    endpoint = begun / "pumps/deployments/pumps"
    for path in list((endpoint / "first").iterdir()):
        path.rename(endpoint / path.name)
    text = (endpoint / "deployment.yml").read_text("utf-8")
    named = re.sub(r"^model:\n(?:  .*\n)+", "model: azureml:thresholds@latest\n", text, flags=re.MULTILINE)
    (endpoint / "deployment.yml").write_text(named, "utf-8")

    done = do("local", "score", "pumps/deployments/pumps/deployment.yml", "pumps/data/monday", folder=begun)

    assert done.returncode == 0, done.stderr + done.stdout
    assert "north.csv,pump-2,True" in done.stdout


def test_what_a_script_raises_is_shown_as_it_was_raised(begun: Path) -> None:
    deployment = ROOT / "testbed/deployments/failing/main/deployment.yml"

    done = do("local", "score", str(deployment), "pumps/data/monday/north.csv", folder=begun)

    assert done.returncode == 2
    assert "Traceback (most recent call last)" in done.stdout
    assert "ValueError: the image has 9 channels" in done.stdout


@pytest.mark.parametrize(
    ("deployment", "data", "told"),
    [
        ("pumps/routes.yaml", "pumps/data", "is no deployment with name and endpoint_name"),
        ("none.yml", "pumps/data", "cannot be read"),
        ("pumps/deployments/pumps/first/deployment.yml", "none", "does not exist"),
        (str(ROOT / "testbed/deployments/flow/steps/deployment.yml"), "pumps/data", "is of a pipeline"),
    ],
)
def test_what_cannot_be_tried_is_said(begun: Path, deployment: str, data: str, told: str) -> None:
    done = do("local", "score", deployment, data, folder=begun)

    assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


def test_the_page_has_these_commands() -> None:
    assert ["init", "pumps"] in commands()
    assert ["drop", "pumps/data/monday", "landing/pumps/monday"] in commands()
    assert ["results", "pumps"] in commands()
