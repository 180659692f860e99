"""Where the files of jobs are laid: in the job's own folder, whatever they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.azureml.workspace.data import file_below
from local.azureml.workspace.jobs import JobFailed


@pytest.mark.parametrize("name", ["..", ".", "../x", "a/../../x", "a//b", "/etc/passwd", "a/", "", "a\0b"])
def test_a_name_that_could_be_anywhere_else_fails_the_job(tmp_path: Path, name: str) -> None:
    """A staged file `..` was copied outside its folder."""
    with pytest.raises(JobFailed, match="is no name of a file"):
        file_below(tmp_path, name)


@pytest.mark.parametrize("name", ["a", "a/b.csv", "...", "..a", "a b/\u00fc"])
def test_any_other_is_below_its_folder(tmp_path: Path, name: str) -> None:
    assert file_below(tmp_path, name).resolve().is_relative_to(tmp_path)
