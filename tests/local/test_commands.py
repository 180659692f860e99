"""What can be dropped, and where; and what is said of the rest before anything lands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local import beginning
from local.commands import CommandFailed, files_in, is_plain, place_of
from testbed.examples import ROOT


@pytest.mark.parametrize(
    "target", ["landing/digits/tuesday", "landing/digits/tuesday/", "/landing", "landing/a b/ü#%+"]
)
def test_a_place_is_a_container_and_a_path(target: str) -> None:
    assert place_of(target)[0] == "landing"


@pytest.mark.parametrize(
    "target",
    ["", "/", "landing/../other", "landing/./x", "landing//x", "landing/a\\b", "landing/a\nb", "https://x/landing"],
)
def test_what_clients_would_take_for_another_place_is_refused(target: str) -> None:
    with pytest.raises(CommandFailed, match="CONTAINER/FOLDER"):
        place_of(target)


def test_a_name_that_is_no_text_is_not_plain() -> None:
    assert not is_plain(os.fsdecode(b"bad\xff.png"))
    assert is_plain("früh am tag #1.png")


def test_a_broken_link_is_told_of_rather_than_left_out(tmp_path: Path) -> None:
    (tmp_path / "there.txt").write_text("1")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")

    assert [blob for _, blob in files_in(tmp_path, "landing/x", broken_links=True)] == ["x/gone.txt", "x/there.txt"]
    assert [blob for _, blob in files_in(tmp_path, "landing/x")] == ["x/there.txt"]


def test_a_folder_that_is_there_is_not_begun_in(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("1")

    with pytest.raises(CommandFailed, match="is there already"):
        list(beginning.begin("mine", tmp_path / "mine"))


@pytest.mark.parametrize("command", [["up"], ["azureml", "--deployments", "demo/deployments"], ["host", "--app", "."]])
def test_a_state_directory_that_cannot_be_made_is_said(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").write_text("1")
    arguments = [sys.executable, "-m", "local", *command, "--state", str(tmp_path / "file" / "state")]

    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, "cannot be made: Not a directory" in done.stderr) == (
        1 if command[0] == "host" else 2,
        True,
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("module", ["local", "landfall"])
def test_whoever_reads_may_stop_reading(module: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = f"{sys.executable} -m {module} --help | true; exit ${{PIPESTATUS[0]}}"

    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stderr, done.returncode in (0, 1)) == ("", True)
