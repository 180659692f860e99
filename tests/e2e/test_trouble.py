"""Trouble with the app itself: broken routes, a foreign token, everything killed. Landings wait and are not lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import joblib
import pytest

from demo.cloud import ROOT
from demo.digits import from_png, write_held_back
from demo.train import MODEL, train
from local.addresses import ACCOUNTS
from local.tokens import Issuer
from testbed.eventually import eventually
from testbed.stack import HERE, Stack, running
from tests.e2e.test_landings import texts

pytestmark = pytest.mark.long

ROUTES = (HERE / "routes.yaml").read_text("utf-8")


def host_is_back(stack: Stack) -> bool:
    return bool(stack.cloud.http.get(f"{stack.cloud.stack['host']['base_url']}/").status_code < 300)


def restart_host(stack: Stack) -> None:
    before = stack.cloud.fresh_stack()["host"]["pid"]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: stack.cloud.fresh_stack()["host"]["pid"] not in (0, before), "a new host")
    eventually(lambda: host_is_back(stack), "the host's answer")


ALWAYS = ("has no deployment 'gone'", "route 'unfit'")
"""What is always wrong with the routes of these tests: two of them are there to be rejected."""


def problems(stack: Stack) -> list[str]:
    """What the app says is wrong with it, apart from that."""
    return [problem for problem in health(stack).json()["problems"] if not any(known in problem for known in ALWAYS)]


def health(stack: Stack) -> httpx.Response:
    host = stack.cloud.stack["host"]
    return stack.cloud.http.get(f"{host['base_url']}/api/health", headers={"x-functions-key": host["master_key"]})


def test_a_broken_routes_file_says_what_is_wrong_keeps_the_events_and_is_cured_by_mending_it(tmp_path: Path) -> None:
    routes = tmp_path / "routes.yaml"
    broken = ROUTES.replace("{quiet: 1s}", "{quiet: soon}", 1)
    routes.write_text(broken, "utf-8")
    with running(tmp_path / "state", "--routes", str(routes)) as stack:
        answer = health(stack)
        assert answer.status_code == 503
        assert any(
            "route 'lengths', ready.quiet: 'soon' is not valid" in problem for problem in answer.json()["problems"]
        )

        waited = stack.local("wait", "--timeout", "60")
        assert (waited.returncode, "route 'lengths', ready.quiet" in waited.stderr) == (2, True)
        log = (stack.cloud.state / "logs" / "host.log").read_text("utf-8")
        assert "ERROR   landfall: landfall.routes.invalid" in log

        stack.drop("lengths/early", texts(2))
        stack.drop("marked/fine", {**texts(2), "_SUCCESS": b""})
        (fine,) = stack.ended("marked/fine")
        assert fine["status"] == "published"  # a route without a problem is not held up by one with
        assert stack.runs_of("lengths") == []

        routes.write_text(ROUTES, "utf-8")
        restart_host(stack)

        (run,) = stack.ended("lengths/early")
        assert run["status"] == "published"


def test_a_routes_file_that_is_no_yaml_is_a_clear_error_and_not_an_app_without_functions(tmp_path: Path) -> None:
    routes = tmp_path / "routes.yaml"
    routes.write_text("routes: [", "utf-8")
    with running(tmp_path / "state", "--routes", str(routes)) as stack:
        answer = health(stack)

        assert answer.status_code == 503
        assert "not valid YAML" in answer.json()["problems"][-1]


def test_a_token_that_is_refused_is_waited_for_and_then_fails_the_run_in_plain_words(tmp_path: Path) -> None:
    """For an hour, which passes in half a minute here: a role that was given lately takes its time to be felt."""
    with running(tmp_path / "state", "--clock-rate", "120") as stack:
        foreign = Issuer.of(stack.cloud.state).issue("https://management.azure.com")
        token = {
            "access_token": foreign,
            "expires_on": "4102444800",
            "resource": "https://ml.azure.com",
            "token_type": "Bearer",
        }
        stack.break_with("identity", {"match": {"path": "ml.azure.com"}, "action": {"status": 200, "body": token}})

        stack.drop("lengths/foreign", texts(2))

        def waiting() -> list[str]:
            runs = [run for run in stack.cloud.runs() if run["error"]]
            return [run["error"]["message"] for run in runs if run["error"]["reason"] == "waiting"]

        (told,) = eventually(waiting, "a run that says what it waits for")
        assert "audience" in told
        assert "Next try at" in told
        (run,) = stack.ended("lengths/foreign", within=120)
        assert run["error"]["reason"] == "rejected_401"
        assert "audience" in run["error"]["message"]
        assert run["attempt"] > 3
        assert stack.cloud.jobs() == []


def test_a_run_is_published_although_firewalls_keep_storage_from_copying(tmp_path: Path) -> None:
    """Its files go through the function then, and the run says so."""
    walls = [part for account in ACCOUNTS for part in ("--firewall", account)]
    with running(tmp_path / "state", *walls) as stack:
        stack.drop("lengths/walled", {**texts(2), "notes.md": b"not for scoring, so that copies are scored"})

        (run,) = stack.ended("lengths/walled")
        assert (run["status"], run["staged"]) == ("published", True)
        assert (run["streamed"], run["publication"]["streamed"]) == (2, 1)
        assert len(stack.lines(run)) == 2


def test_the_whole_cloud_killed_at_once_goes_on_where_it_was(tmp_path: Path) -> None:
    with running(tmp_path / "state") as stack:
        stack.drop("patient/killed", {"a.txt": b"3"})
        eventually(lambda: stack.jobs_of("patient"), "a job")
        before = stack.cloud.fresh_stack()
        for pid in (stack.process.pid, *before["pids"].values()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # it ended with the one before
        stack.process.wait()

    with running(tmp_path / "state") as stack:
        assert stack.cloud.stack["storage"]["account_url"] == before["storage"]["account_url"]
        (run,) = stack.ended("patient/killed", within=90)
        assert run["status"] == "published"
        assert len(stack.jobs_of("patient")) == 1


def test_the_demos_digits_are_published_as_the_model_itself_sees_them(tmp_path: Path) -> None:
    if not MODEL.exists():
        train()
    images, state = tmp_path / "images", tmp_path / "state"
    write_held_back(images, 60)
    demo = ("--routes", str(ROOT / "routes.yaml"), "--deployments", str(ROOT / "demo" / "deployments"))
    with running(state, *demo) as stack:
        drop = [sys.executable, "-m", "local", "drop", str(images), "landing/digits/tuesday", "--state", str(state)]
        subprocess.run(drop, cwd=ROOT, check=True, capture_output=True)

        (run,) = stack.ended("digits/tuesday")

        model = joblib.load(MODEL)
        expected = sorted((path.name, str(model.predict([from_png(path)])[0])) for path in images.iterdir())
        assert stack.lines(run) == expected
