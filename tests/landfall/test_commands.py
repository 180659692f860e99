"""The command line, from outside, with an app that answers as apps may: badly, too."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.examples import ROOT
from tests.landfall.apps import KEY, Answers, app_that_answers, landfall

EVIL = "digits/\x1b[2J\u202eevil"
COMMANDS = (
    *("runs", "show", "logs", "landings", "explain", "wait", "cancel", "replay", "rescore", "routes"),
    *("pause", "resume", "refresh", "backfill", "doctor", "check", "results"),
)


@pytest.fixture
def app() -> Iterator[Answers]:
    with app_that_answers() as answers:
        yield answers


def a_run(number: int = 1, status: str = "published", landing: str = "landing/digits/monday") -> dict[str, Any]:
    failed = {"reason": "job_failed", "message": "KeyError", "do": "Mend it."} if status == "failed" else None
    return {
        "run_id": f"digits-{number:020x}",
        "status": status,
        "route": "digits",
        "landing": landing,
        "snapshot": {"files": 3},
        "attempt": 1,
        "job": {"name": "batchjob-1", "status": "Completed"},
        "studio_url": None,
        "timings": {"claimed": "2026-03-01T12:00:00Z"},
        "publication": None,
        "error": failed,
    }


def test_runs_are_a_line_each_in_a_pipe_and_all_pages_are_read(app: Answers) -> None:
    app.add("GET runs?limit=50", [a_run(1)], Link='<?limit=50&continuation=next>; rel="next"')
    app.add("GET runs?limit=50&continuation=next", [a_run(2)])

    done = landfall(app, "runs")

    assert [line.split("\t")[:2] for line in done.stdout.splitlines()] == [
        [f"digits-{1:020x}", "published"],
        [f"digits-{2:020x}", "published"],
    ]
    assert app.keys == {KEY}


def test_json_is_what_the_app_has_answered(app: Answers) -> None:
    app.add(f"GET runs/digits-{1:020x}", a_run())

    assert json.loads(landfall(app, "show", f"digits-{1:020x}", "--json").stdout) == a_run()


def test_what_a_blob_is_called_commands_no_terminal(app: Answers) -> None:
    app.add("GET runs?limit=50", [a_run(landing=EVIL)])

    shown = landfall(app, "runs").stdout

    assert "\\u001b[2J\\u202eevil" in shown
    assert not set(shown) & {"\x1b", "\u202e"}


def test_a_run_may_be_called_by_its_beginning_if_that_is_the_only_one(app: Answers) -> None:
    app.add("GET runs?limit=1000", [a_run(1), a_run(0xABC << 68)])
    app.add(f"GET runs/digits-{0xABC << 68:020x}", a_run(0xABC << 68))

    assert f"digits-{0xABC << 68:020x}" in landfall(app, "show", "digits-abc").stdout
    ambiguous = landfall(app, "show", "digits")
    assert ambiguous.returncode == 2
    assert f"begins the ids of 2 runs; name one: digits-{1:020x}, digits-{0xABC << 68:020x}." in ambiguous.stderr


def test_a_probe_job_is_one_of_a_route(app: Answers) -> None:
    done = landfall(app, "doctor", "--submit")

    assert (done.returncode, done.stderr) == (2, "A probe job is one of a route: landfall doctor ROUTE --submit.\n")


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, b"", "does not take this key"),
        (404, {"error": "There is no run with this id."}, "404: There is no run with this id."),
        (409, {"error": "Paused."}, "409: Paused."),
        (200, b"<html>", None),
        (500, b"<html>oh</html>", "Is http://127.0.0.1"),
    ],
)
def test_what_goes_wrong_is_one_sentence(app: Answers, status: int, body: Any, told: str | None) -> None:
    app.add("POST routes/digits/pause", body, status)

    done = landfall(app, "pause", "digits")

    assert done.returncode == 2
    assert told is None or told in done.stderr
    assert KEY not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_an_app_that_is_busy_is_asked_again(app: Answers) -> None:
    app.add("POST routes/digits/resume", {"error": "busy"}, 503, Retry_After="0")
    app.add("POST routes/digits/resume", {"route": "digits", "paused": None, "begun": 4})

    done = landfall(app, "resume", "digits", "--reason", "mended")

    assert done.stdout == "digits goes on; 4 landings are looked at.\n"
    assert app.asked == [("POST routes/digits/resume", {"reason": "mended"})] * 2


@pytest.mark.parametrize("name", ["../runs", "a/b", "", "é"])
def test_a_name_is_never_more_than_one_segment_of_a_path(app: Answers, name: str) -> None:
    assert landfall(app, "pause", name).returncode == 2
    assert app.asked == []


def test_a_key_is_sent_to_no_address_without_encryption_but_this_machine() -> None:
    done = landfall(Answers(url="http://app.example.com"), "runs")

    assert (done.returncode, "is no https address" in done.stderr, KEY in done.stderr) == (2, True, False)


def test_without_an_app_it_says_how_to_name_one() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LANDFALL_")}
    done = subprocess.run(
        [sys.executable, "-m", "landfall", "--state", "/nowhere", "runs"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert "LANDFALL_URL" in done.stderr


def test_a_backfill_is_planned_first_and_asks_nobody_where_there_is_nobody(app: Answers) -> None:
    plan = {
        "route": "digits",
        "landings": 2,
        "files": 4,
        "bytes": 9,
        "jobs": 2,
        "left": 0,
        "skipped": {"known": 1},
        "list": [{"landing": "landing/digits/a", "files": 2, "bytes": 4}],
    }
    app.add("POST backfill", plan)

    refused = landfall(app, "backfill", "digits", stdin=subprocess.DEVNULL)
    assert (refused.returncode, "say --yes" in refused.stderr) == (2, True)
    assert [asked["dry_run"] for _, asked in app.asked] == [True]

    app.given["POST backfill"] = [(200, plan, {}), (202, {**plan, "landings": 1, "left": 1}, {}), (202, plan, {})]
    done = landfall(app, "backfill", "digits", "--yes")
    assert done.stdout.splitlines() == ["landing/digits/a\t2\t4", "3 runs were begun."]


def test_waiting_tells_of_each_change_and_ends_with_the_verdict(app: Answers) -> None:
    run_id = f"digits-{1:020x}"
    for status in ("claimed", "scoring", "failed"):
        app.add(f"GET runs/{run_id}", a_run(status=status))

    done = landfall(app, "wait", run_id)

    assert [line.split("  ")[3].split(",")[0] for line in done.stdout.splitlines()] == ["scoring", "failed"]
    assert (done.returncode, "KeyError Mend it." in done.stderr) == (2, True)


def test_waiting_for_a_program_prints_nothing_but_the_runs_in_the_end(app: Answers) -> None:
    run_id = f"digits-{1:020x}"
    for status in ("claimed", "scoring", "failed"):
        app.add(f"GET runs/{run_id}", a_run(status=status))

    done = landfall(app, "wait", run_id, "--json")

    assert json.loads(done.stdout) == [a_run(status="failed")]
    assert done.returncode == 2


def test_waiting_ends_with_one_when_it_takes_too_long(app: Answers) -> None:
    app.add(f"GET runs/digits-{1:020x}", a_run(status="scoring"))

    assert landfall(app, "wait", f"digits-{1:020x}", "--timeout", "0").returncode == 1


def test_a_terminal_gets_a_table_and_colours(app: Answers) -> None:
    app.add("GET runs?limit=50", [a_run()])
    ours, theirs = pty.openpty()
    environment = {**os.environ, "LANDFALL_URL": app.url, "LANDFALL_KEY": KEY, "TERM": "xterm", "COLUMNS": "200"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        [sys.executable, "-m", "landfall", "runs"], cwd=ROOT, env=environment, stdout=theirs, stderr=theirs
    ) as asking:
        asking.wait(timeout=60)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)

    assert "run_id" in shown, "a heading"
    assert "\x1b[32mpublished" in shown


def test_a_pipe_that_is_closed_is_no_trouble(app: Answers) -> None:
    app.add("GET runs?limit=50", [a_run(number) for number in range(50)])
    environment = {**os.environ, "LANDFALL_URL": app.url, "LANDFALL_KEY": KEY}
    done = subprocess.run(
        f"{sys.executable} -m landfall runs | head -1",
        shell=True,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_is_on_its_page(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "landfall", command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    page = (ROOT / "docs/client.md").read_text("utf-8")

    assert re.search(rf"Example: landfall {command}\b", done.stdout)
    assert f"| `{command}" in page
    assert "--json" in done.stdout


def test_these_are_all_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "landfall", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    listed = done.stdout.partition("Commands:")[2].partition("\n\n")[0]

    assert {line.split()[0] for line in listed.splitlines() if line.strip()} == set(COMMANDS)
