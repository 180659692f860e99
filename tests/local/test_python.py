"""The Python in commands that are told: one that can be copied into the shell in which it was told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local import python
from local.python import own_python


def stands_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o700)
    monkeypatch.setattr(sys, "executable", str(path))
    return str(path)


def test_below_the_current_folder_it_is_named_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stands_at(tmp_path / ".venv" / "bin" / "python", monkeypatch)

    assert own_python() == ".venv/bin/python"


def test_elsewhere_it_is_named_whole_and_as_one_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = stands_at(tmp_path / "my venv" / "python", monkeypatch)

    assert own_python() == f"'{path}'"


def test_where_it_is_the_first_on_the_path_it_is_called_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stands_at(tmp_path / "bin" / "python", monkeypatch)
    monkeypatch.setenv("PATH", str(Path(path).parent))

    assert python.own_python() == "python"
