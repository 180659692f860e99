"""What docs/results.md has to paste is run here, and what docs/runbook.md tells of is complete."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from shared.core.hints import HINTS
from testbed.examples import ROOT

CODE = re.findall(r"```python\n(.*?)```", (ROOT / "docs/results.md").read_text("utf-8"), re.DOTALL)
RUNBOOK = (ROOT / "docs/runbook.md").read_text("utf-8")


def published(
    root: Path,
    run_id: str,
    *,
    landing: str = "digits/monday",
    at: int = 1,
    repeats: str | None = None,
    sealed: bool = True,
) -> Path:
    """A run folder as the app publishes it."""
    folder = root / "digits" / f"run_id={run_id}"
    folder.mkdir(parents=True)
    (folder / "predictions.csv").write_text(f"0.png {at}\n", "utf-8")
    request = {"request": {"repeats": {"run_id": repeats, "act": "rescore"}}} if repeats else {}
    manifest = {
        "run_id": run_id,
        "landing": {"path": landing},
        "timings": {"published": f"2026-03-01T12:00:0{at}Z"},
        **request,
    }
    (folder / "_run.json").write_text(json.dumps(manifest), "utf-8")
    if sealed:
        (folder / "_SUCCESS").write_text("", "utf-8")
    return folder


def current(root: Path) -> dict[str, str]:
    names: dict[str, Any] = {}
    exec(CODE[0], names)
    return {landing: folder.name for landing, folder in names["current_runs"](root).items()}


def test_of_several_publications_of_a_landing_the_last_one_counts(tmp_path: Path) -> None:
    published(tmp_path, "new", at=2)
    published(tmp_path, "old", at=1)
    published(tmp_path, "other", landing="digits/tuesday")

    assert current(tmp_path) == {"digits/monday": "run_id=new", "digits/tuesday": "run_id=other"}


def test_a_rescored_run_gives_way_to_the_one_that_repeats_it_once_that_is_complete(tmp_path: Path) -> None:
    published(tmp_path, "old", at=2)
    again = published(tmp_path, "again", at=1, repeats="old", sealed=False)
    assert current(tmp_path) == {"digits/monday": "run_id=old"}

    (again / "_SUCCESS").write_text("", "utf-8")
    assert current(tmp_path) == {"digits/monday": "run_id=again"}


def test_a_shadow_never_counts(tmp_path: Path) -> None:
    published(tmp_path, "own", at=1)
    published(tmp_path / "digits" / "shadow", "beside", at=2).rename(tmp_path / "digits" / "shadow" / "run_id=beside")

    assert current(tmp_path) == {"digits/monday": "run_id=own"}


def test_the_code_for_files_and_pandas_reads_what_was_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published(tmp_path, "one")
    names: dict[str, Any] = {"publications": tmp_path}
    for code in CODE[:3]:
        exec(code, names)

    assert capsys.readouterr().out == "digits/monday ['predictions.csv']\n"
    assert names["predictions"].values.tolist() == [["0.png", 1, "digits/monday", "one"]]


def test_the_runbook_has_one_row_for_each_reason_that_a_run_can_end_with() -> None:
    section = RUNBOOK.partition("## Runs do not end well")[2].partition("\n## ")[0]

    assert sorted(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == sorted(HINTS)


@pytest.mark.parametrize("name", ["runbook.md", "results.md", "operating.md"])
def test_every_heading_that_a_page_points_to_is_there(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    for page, anchor in re.findall(r"\]\(([\w-]*\.md)#([\w-]+)\)", text):
        headings = re.findall(r"^#+ (.*)$", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in anchors, (page, anchor)
