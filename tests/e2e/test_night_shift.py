"""The night shift: somebody who has nothing but the command line and the status page finds out why six folders were not
scored, mends that, and leaves everything in order."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from demo.cloud import ROOT
from testbed.browser import chromium
from testbed.eventually import eventually
from testbed.stack import NO_SWEEP, Stack, running
from tests.e2e.test_landings import texts

WITHOUT_MARKER = "It waits for its marker _SUCCESS, which is not there"
ONE = next(iter(texts(1)))
UNHEARD = {"match": {"path": "lengths/unheard"}, "action": {"drop": True}, "times": None}
REFUSING = {"match": {"method": "POST", "path": "endpoints/lengths/jobs$"}, "action": {"status": 400}, "times": 1}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("night"), settings=NO_SWEEP) as started:
        yield started


def landfall(stack: Stack, *arguments: str) -> str:
    """What a command says."""
    command = [sys.executable, "-m", "landfall", "--state", str(stack.cloud.state), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 2), done.stderr
    return done.stdout + done.stderr


def asked(stack: Stack, *arguments: str) -> Any:
    return json.loads(landfall(stack, *arguments, "--json"))


def why(stack: Stack, path: str) -> str:
    return landfall(stack, "explain", f"landing/{path}")


def runs_of(stack: Stack, landing: str) -> list[Any]:
    return list(asked(stack, "runs", "--landing", landing))


def published(stack: Stack, landing: str, count: int = 1) -> list[Any]:
    def found() -> list[Any]:
        runs = [run for run in runs_of(stack, landing) if run["status"] == "published"]
        return runs if len(runs) == count else []

    return list(eventually(found, f"{count} publication(s) of {landing}"))


@pytest.mark.long
def test_the_night_shift(stack: Stack, tmp_path: Path) -> None:
    # In the evening somebody pauses a route; folders land.
    landfall(stack, "pause", "flattened", "--reason", "the endpoint is being rebuilt")
    stack.drop("flattened/paused", texts(2))
    stack.drop("lengths/shouted", {"A.TXT": b"loud"})
    stack.drop("marked/unmarked", texts(2))
    stack.break_with("eventgrid", UNHEARD)
    stack.drop("lengths/unheard", texts(3))
    stack.break_with("azureml", REFUSING)
    stack.drop("lengths/refused", texts(2))
    stack.ended("lengths/refused")
    stack.drop("patient/long", {"a.txt": b"600"})
    eventually(lambda: asked(stack, "landings", "--state-of", "paused"), "the landing that is paused")
    # Others wait as well, and the first look at this one may still be to come.
    eventually(
        lambda: WITHOUT_MARKER in why(stack, f"marked/unmarked/{ONE}"), "a look at what has no marker", within=120
    )
    eventually(lambda: stack.jobs_of("patient"), "the job that takes too long")

    # At night: why was none of them scored?
    assert "mind case" in why(stack, "lengths/shouted/A.TXT")
    assert "has been paused since" in why(stack, f"flattened/paused/{ONE}")
    assert WITHOUT_MARKER in why(stack, f"marked/unmarked/{ONE}")
    assert "No watch is under way" in why(stack, f"lengths/unheard/{ONE}")
    assert "rejected" in landfall(stack, "show", runs_of(stack, "lengths/refused")[0]["run_id"])
    assert "under way" in why(stack, "patient/long/a.txt")
    with chromium() as browser:
        page = browser.new_page()
        page.goto(stack.cloud.page)
        expect(page.locator("#attention")).to_contain_text("landing/lengths/refused is failed")
        expect(page.locator("#routes")).to_contain_text("the endpoint is being rebuilt")
        expect(page.locator("#waiting")).to_contain_text("the marker _SUCCESS")

    # Each is mended by its own means.
    stack.break_with("azureml")
    stack.break_with("eventgrid")
    stack.drop("lengths/shouted", {"a.txt": b"loud"})
    landfall(stack, "resume", "flattened")
    stack.drop("marked/unmarked", {"_SUCCESS": b""})
    landfall(stack, "refresh", "lengths", "lengths/unheard")
    failed = runs_of(stack, "lengths/refused")[0]["run_id"]
    landfall(stack, "replay", failed, "--reason", "the endpoint is back", "--wait")
    long = runs_of(stack, "patient/long")[0]["run_id"]
    landfall(stack, "cancel", long, "--reason", "the wrong model", "--wait")

    for landing in ("lengths/shouted", "flattened/paused", "marked/unmarked", "lengths/unheard", "lengths/refused"):
        published(stack, landing)
    assert [run["status"] for run in runs_of(stack, "patient/long")] == ["canceled"]
    assert asked(stack, "show", failed)["repeated_by"] == published(stack, "lengths/refused")[0]["run_id"]

    # A model is mended: its run is scored again. What nobody has ever told of is caught up with.
    (first,) = published(stack, "lengths/unheard")
    landfall(stack, "rescore", first["run_id"], "--reason", "model 2", "--wait")
    published(stack, "lengths/unheard", 2)
    stack.break_with("eventgrid", {"match": {"path": "lengths/before"}, "action": {"drop": True}, "times": None})
    stack.drop("lengths/before-1", texts(2))
    stack.drop("lengths/before-2", texts(2))
    plan = eventually(lambda: _planned(stack, 2), "both folders in the plan")
    assert [one["landing"] for one in plan["list"]] == ["landing/lengths/before-1", "landing/lengths/before-2"]
    assert "2 runs were begun" in landfall(stack, "backfill", "lengths", "--yes", "--reason", "they were there before")
    for landing in ("lengths/before-1", "lengths/before-2"):
        published(stack, landing)
    assert "0 runs were begun" in landfall(stack, "backfill", "lengths", "--yes")

    # In the morning all is in order: nothing waits, nothing was lost or scored twice, results are at hand.
    landfall(stack, "wait", "--timeout", "60")
    assert asked(stack, "landings", "--state-of", "waiting") == []
    assert asked(stack, "landings", "--state-of", "paused") == []
    assert stack.doubled() == []
    run_id = published(stack, "lengths/before-1")[0]["run_id"]
    landfall(stack, "results", run_id, "--to", str(tmp_path / "results"))
    assert [one["name"] for one in asked(stack, "results", run_id)["outputs"]] == ["predictions.csv"]
    rows = (tmp_path / "results" / f"run_id={run_id}" / "predictions.csv").read_text("utf-8").splitlines()
    assert {row.split()[0] for row in rows} == set(texts(2))


def _planned(stack: Stack, landings: int) -> Any:
    """The plan, once the folders are quiet."""
    plan = asked(stack, "backfill", "lengths", "--dry-run")
    return plan if plan["landings"] == landings else None
