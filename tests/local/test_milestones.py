"""What `up` tells while it runs, out of the lines of the parts' logs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from local.health import read
from local.milestones import EVENTS, LONGEST, MOST_REMEMBERED, Log, Mood, Teller, Told, problem, told_by

ROOT = Path(__file__).parents[2]
RUN = {"route": "digits", "landing": "digits/x", "instance_id": "digits-7", "run_id": "digits-7"}
WHY = {"reason": "deadline", "message": "It took too long.", "do": "Raise it."}


def line_of(event: str, fields: object, level: str = "INFO") -> str:
    return f"2026-11-26 10:06:59,581 {level:7} landfall: landfall.{event} {json.dumps(fields)}"


@pytest.mark.parametrize(
    ("event", "fields", "told"),
    [
        ("run.claimed", {"files": 2, "bytes": 1_234}, "digits/x: run digits-7 claimed, 2 file(s), 1,234 bytes"),
        ("run.recorded", {"status": "scoring", "job": "job-1"}, "digits/x: run digits-7 submitted as job job-1"),
        ("run.recorded", {"status": "submitting"}, None),
        (
            "run.recorded",
            {"status": "superseded", "error": "It changed."},
            "digits/x: run digits-7 superseded: It changed.",
        ),
        ("job.seen", {"status": "Running", "job": "job-1"}, None),
        ("job.seen", {"status": "Completed", "job": "job-1"}, "digits/x: run digits-7: job job-1 completed"),
        (
            "run.published",
            {"outputs": 1, "url": "https://lake/x"},
            "digits/x: run digits-7 published, 1 output(s) at https://lake/x",
        ),
        ("run.failed", WHY, "digits/x: run digits-7 failed (deadline): It took too long. Raise it."),
        (
            "run.failed",
            {**WHY, "shadow_of": "digits-1"},
            "digits/x: shadow digits-7 failed (deadline): It took too long. Raise it.",
        ),
        ("run.canceled", WHY, "digits/x: run digits-7 canceled: It took too long."),
        (
            "routes.invalid",
            {"field": "ready.quiet", "message": "is not valid"},
            "Problem: route 'digits', ready.quiet: is not valid",
        ),
        (
            "step.failed",
            {"step": "look", "kind": "denied", "message": "403"},
            "Problem: digits/x: look failed (denied): 403",
        ),
        (
            "step.defect",
            {"step": "look", "traceback": "Traceback\nKeyError: 1"},
            "Problem: digits/x: look met a defect: KeyError: 1",
        ),
        ("sweep.failed", {"message": "503"}, "Problem: the sweep of digits failed: 503"),
        ("landing.seen", {"files": 2}, None),
        ("run.claimed", {"files": 2}, None),
    ],
)
def test_a_line_of_the_app_is_told_in_words(event: str, fields: dict[str, Any], told: str | None) -> None:
    found = told_by(line_of(event, {**RUN, **fields}))

    assert (found and found.text) == told


def test_a_problem_of_the_whole_file_names_no_route() -> None:
    found = told_by(line_of("routes.invalid", {"field": "routes.yaml", "message": "not valid YAML"}, "ERROR"))

    assert found == problem("routes.yaml: not valid YAML")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "landfall.run.claimed {}",
        "2026-11-26 10:06:59,581 INFO    landfall: landfall.run.claimed {",
        "2026-11-26 10:06:59,581 INFO    landfall: landfall.run.claimed []",
        "2026-11-26 10:06:59,581 INFO    landfall: landfall.run.claimed {}",
        "2026-11-26 10:06:59,581 INFO    other: landfall.run.claimed {}",
        "2026-11-26 10:06:59,581 INFO    local.azureml.workspace.catalog: all is well",
    ],
)
def test_other_lines_say_nothing(line: str) -> None:
    assert told_by(line) is None


def test_a_refused_deployment_is_told_as_azure_ml_says_it() -> None:
    for module in ("catalog", "deployed"):
        line = (
            f"2026-11-26 10:06:59,581 ERROR   local.azureml.workspace.{module}: The deployment in x is not served: y."
        )

        assert told_by(line) == Told("The deployment in x is not served: y.", Mood.BAD)


def test_a_deployment_that_is_served_at_last_is_told() -> None:
    line = "2026-11-26 10:06:59,581 INFO    local.azureml.workspace.deployed: The deployment x/y is served from now on."

    assert told_by(line) == Told("The deployment x/y is served from now on.")


def test_every_event_that_is_told_of_is_one_that_operators_are_promised() -> None:
    promised = re.findall(r"^\| `landfall\.([a-z_.]+)` \|", (ROOT / "docs/monitoring.md").read_text("utf-8"), re.M)

    assert set(promised) >= EVENTS


def test_names_of_blobs_cannot_write_to_the_terminal() -> None:
    hostile = {**RUN, "landing": "a\x1b[2J\nProblem: b\r", "files": 1, "bytes": 1}

    found = told_by(line_of("run.claimed", hostile))

    assert found is not None
    assert found.shown(colours=False).isprintable()


def test_colours_are_for_terminals() -> None:
    bad = Told("It failed.", Mood.BAD)

    assert bad.shown(colours=True) == "\x1b[31mIt failed.\x1b[0m"
    assert bad.shown(colours=False) == "It failed."
    assert Told("claimed").shown(colours=True) == "claimed"


def test_a_line_without_an_end_is_cut() -> None:
    assert len(Told("x" * 1_000_000).shown(colours=False)) == LONGEST


@pytest.fixture
def said() -> list[str]:
    return []


def telling(said: list[str], *paths: Path) -> Teller:
    return Teller(tuple(Log(path) for path in paths), said.append)


CLAIMED = line_of("run.claimed", {**RUN, "files": 1, "bytes": 1}) + "\n"


def test_only_what_is_added_from_now_on_is_told_and_each_thing_once(tmp_path: Path, said: list[str]) -> None:
    """An activity may be carried out twice, and logs twice."""
    log = tmp_path / "host.log"
    log.write_text(line_of("run.canceled", {**RUN, **WHY}) + "\n")
    teller = telling(said, log, tmp_path / "missing.log")

    for _ in range(2):
        with log.open("a") as file:
            file.write(CLAIMED)
        teller.look()

    assert said == ["digits/x: run digits-7 claimed, 1 file(s), 1 bytes"]


def test_a_log_that_is_made_later_is_read_from_its_beginning(tmp_path: Path, said: list[str]) -> None:
    teller = telling(said, tmp_path / "host.log")
    (tmp_path / "host.log").write_text(CLAIMED)

    teller.look()

    assert len(said) == 1


def test_a_line_that_is_half_written_is_told_once_it_is_whole(tmp_path: Path, said: list[str]) -> None:
    log = tmp_path / "host.log"
    teller = telling(said, log)
    for part in (CLAIMED[:50], CLAIMED[50:90], CLAIMED[90:]):
        assert said == []
        with log.open("a") as file:
            file.write(part)
        teller.look()

    assert len(said) == 1


def test_what_was_said_is_not_remembered_for_ever(said: list[str]) -> None:
    teller = telling(said)
    for number in range(MOST_REMEMBERED + 5):
        teller.tell(Told(str(number)))

    assert len(teller.told) == MOST_REMEMBERED


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, {"problems": []}, []),
        (503, {"problems": ["a", "b"]}, ["a", "b"]),
        (404, None, []),
        (503, None, []),
        (503, {"error": "busy"}, []),
        (503, ["a"], []),
        (500, {"problems": ["a"]}, []),
    ],
)
def test_only_an_app_that_says_so_has_problems(status: int, body: object, found: list[str]) -> None:
    assert read(status, body) == found
