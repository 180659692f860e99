"""Six files are not scored, each for another reason, and each is told why, on the whole local cloud."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.cloud import ROOT
from testbed.eventually import eventually
from testbed.stack import NO_SWEEP, Stack, running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("explain"), settings=NO_SWEEP) as started:
        yield started


def local(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m local …`, as a person types it."""
    command = [sys.executable, "-m", "local", *arguments, "--state", str(stack.cloud.state)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def explained(stack: Stack, path: str) -> dict[str, Any]:
    return dict(stack.cloud.api("explain", path=path))


def once(stack: Stack, path: str, state: str) -> dict[str, Any]:
    """What is told of a path once it is in that state."""

    def found() -> dict[str, Any] | None:
        told = explained(stack, path)
        return told if told["state"] == state else None

    return eventually(found, f"{path} to be {state}")


def test_a_name_in_another_case_is_warned_of_when_it_is_dropped(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "A.TXT").write_bytes(b"x")
    (tmp_path / "b.txt").write_bytes(b"xx")

    dropped = local(stack, "drop", str(tmp_path), "landing/lengths/shouted")

    assert (dropped.returncode, dropped.stdout.split(",")[0]) == (0, "2 files")
    (warning,) = dropped.stderr.splitlines()
    assert warning == (
        "Warning: no route takes landing/lengths/shouted/A.TXT: 'A.TXT' does not match *.txt of route 'lengths'; "
        "patterns mind case. Rename it, or set landing.case: ignore."
    )
    told = explained(stack, "landing/lengths/shouted/A.TXT")
    assert (told["state"], told["miss"]["reason"], told["blob"]["bytes"]) == ("not_taken", "case", 1)
    (run,) = stack.ended("lengths/shouted")
    assert run["snapshot"]["files"] == 1


def test_a_folder_that_is_a_level_too_high_is_told(stack: Stack) -> None:
    stack.drop("lengths", {"stray.txt": b"x"})

    told = local(stack, "explain", "landing/lengths/stray.txt")

    assert told.returncode == 0
    assert told.stdout.startswith(
        "No route takes landing/lengths/stray.txt: folder lengths is one level above lengths/{batch} of route"
    )


@pytest.mark.long
def test_a_landing_that_waits_for_its_marker_says_so_and_is_listed(stack: Stack) -> None:
    stack.drop("marked/waiting", {"a.txt": b"x"})

    told = once(stack, "marked/waiting/a.txt", "waiting")
    eventually(lambda: explained(stack, "marked/waiting/a.txt")["seen"], "the first look", within=90.0)
    told = explained(stack, "marked/waiting/a.txt")

    assert (told["waits"]["for"], told["waits"]["marker"]) == ("marker", "_SUCCESS")
    assert "It waits for its marker _SUCCESS, which is not there; after" in told["text"]
    (listed,) = stack.cloud.api("landings", route="marked", state="waiting")["landings"]
    assert (listed["landing"], listed["watched"], listed["seen"]["files"]) == ("landing/marked/waiting", True, 1)


def test_files_in_a_sub_folder_have_their_landing_refused(stack: Stack) -> None:
    stack.drop("lengths/nested/part", {"a.txt": b"x"})
    stack.ended("lengths/nested")

    told = explained(stack, "landing/lengths/nested/part/a.txt")

    assert (told["role"], told["state"], told["landing"]) == ("stray", "refused", "landing/lengths/nested")
    assert "Set landing.nested of route 'lengths' to flatten" in told["text"]


@pytest.mark.long
def test_a_script_that_fails_is_told_with_what_it_raised(stack: Stack) -> None:
    stack.drop("failing/broken", {"a.txt": b"x"})
    (run,) = stack.ended("failing/broken")

    told = once(stack, "landing/failing/broken/a.txt", "failed")

    assert (told["run"]["run_id"], told["run"]["version"]) == (run["run_id"], "exact")
    assert run["error"]["message"].splitlines()[0] in told["text"]


@pytest.mark.long
def test_events_that_never_came_leave_it_to_the_sweep(stack: Stack) -> None:
    stack.break_with(
        "eventgrid", {"match": {"path": "lengths/unheard"}, "action": {"drop": True}, "times": None, "skip": 0}
    )
    stack.drop("lengths/unheard", {"a.txt": b"x"})

    told = explained(stack, "landing/lengths/unheard/a.txt")

    assert told["state"] == "unseen"
    assert "No watch is under way. If no event starts one, the sweep of" in told["text"]
    stack.break_with("eventgrid")


@pytest.mark.long
def test_what_was_scored_is_told_with_its_publication_and_its_older_version(stack: Stack) -> None:
    stack.drop("lengths/scored", {"a.txt": b"x"})
    (run,) = stack.ended("lengths/scored")

    told = once(stack, f"{stack.cloud.stack['storage']['account_url']}/landing/lengths/scored/a.txt", "scored")

    assert told["run"]["publication"] == run["publication"]["url"]
    assert local(stack, "explain", "lengths/scored").stdout.startswith(
        "landing/lengths/scored is a landing of route 'lengths'."
    )


@pytest.mark.parametrize("path", ["landing/../x", "landing/a%00b", "landing/" + "x" * 5000])
def test_a_hostile_path_is_a_bad_request(stack: Stack, path: str) -> None:
    host = stack.cloud.stack["host"]
    url = f"{host['base_url']}/api/explain?path={path}"

    answer = stack.cloud.http.get(url, headers={"x-functions-key": host["master_key"]})

    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
    assert stack.cloud.http.get(f"{host['base_url']}/api/explain?path=landing/a").status_code == 401


def test_a_path_that_is_none_is_said_by_the_command(stack: Stack) -> None:
    told = local(stack, "explain", "landing/../x")

    assert told.returncode == 2
    assert "no empty, . or .. segment" in told.stderr
