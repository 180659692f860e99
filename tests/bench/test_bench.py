"""That the bench works, and what of it is the same in every run: how much durable work a landed folder is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from testbed.examples import ROOT

Rows = Sequence[Mapping[str, Any]]
FIELDS = {"name", "value", "unit", "ratio", "against", "n", "aim"}


def measured(folder: Path, *what: str) -> tuple[dict[str, Rows], str]:
    """The rows of a quick run by what was measured, and what it has printed."""
    results = folder / "results.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", *what, "--quick", "--results", str(results)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(results.read_text("utf-8"))
    assert told["quick"] is True
    assert told["machine"]["cpus"] > 0
    return told["figures"], done.stdout


@pytest.fixture(scope="module")
def durable_work(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    figures, _ = measured(tmp_path_factory.mktemp("durable"), "durable_work")
    return figures["durable_work"]


def test_the_durable_work_of_a_folder_does_not_grow_with_its_files(durable_work: Rows) -> None:
    """Files that arrive in the same time, ten and a hundred of them, share their watches and their one run."""
    few, many = (row for row in durable_work if row["aim"] is not None)

    assert few["value"] == many["value"] > 0
    assert few["name"].partition(": ")[2] == many["name"].partition(": ")[2]


def test_the_durable_work_for_each_file_falls_with_their_number(durable_work: Rows) -> None:
    few, many = (row for row in durable_work if row["name"].endswith("for each file"))

    assert few["ratio"] == 1
    assert many["ratio"] == pytest.approx(0.1)


@pytest.mark.long
def test_every_figure_is_a_ratio_and_is_shown(tmp_path: Path) -> None:
    figures, shown = measured(tmp_path, "cold_start", "event_cost", "growth", "host")

    assert list(figures) == ["cold_start", "event_cost", "growth", "host"]
    for row in (row for rows in figures.values() for row in rows):
        assert set(row) == FIELDS
        assert row["name"] in shown
        assert row["ratio"] >= 0
        assert row["against"]


@pytest.mark.long
def test_the_latency_of_a_folder_is_told_by_stages(tmp_path: Path) -> None:
    figures, _ = measured(tmp_path, "latency")

    whole, *stages, operations = figures["latency"][:5]
    assert whole["value"] == pytest.approx(sum(stage["value"] for stage in stages))
    assert operations["value"] > 0


@pytest.mark.long
def test_the_front_of_the_storage_is_measured_against_azurite_itself(tmp_path: Path) -> None:
    figures, _ = measured(tmp_path, "storage")

    assert [row["name"].split()[0] for row in figures["storage"]] == ["PUT", "GET", "list"]
    assert all(row["ratio"] > 0 and row["aim"] == 1.3 for row in figures["storage"])


def test_what_cannot_be_measured_is_said_and_fails_nothing() -> None:
    """Without azure-ai-ml, what it would cost is not known."""
    from bench.cold_start import Start, rows
    from bench.figures import table

    found = rows({name: [Start(0.4, 0.3, 40_000, 26)] for name in ("alone", "landfall")})

    assert "not measured: azure-ai-ml is not installed" in table("Cold start", list(found))


def test_an_unknown_measurement_is_refused_with_those_that_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "speed"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert "unknown: speed; use cold_start" in done.stderr


@pytest.mark.long
def test_the_requests_of_a_landing_and_of_an_idle_day_do_not_grow_with_what_is_there(tmp_path: Path) -> None:
    figures, _ = measured(tmp_path, "usage")

    few, many, nothing_there, much_there = figures["usage"]
    assert few["value"] == many["value"] > 0
    assert nothing_there["value"] == much_there["value"] > 0
