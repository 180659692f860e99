"""Submission, search, following, failure and cancel, whatever Azure answers to what is not known about it.

One stack for each profile of the local cloud; every answer to every open question is in one of them. `make test` plays
the strictest, `make prove` all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.azure import PROFILES
from testbed.eventually import eventually
from testbed.stack import Stack, running
from tests.contract.profiles import as_profile
from tests.e2e.test_landings import lengths, texts
from tests.e2e.test_trouble import ALWAYS, health, problems

POST = {"method": "POST", "path": "/endpoints/[a-z]+/jobs$"}
RATE = "20"
"""How much faster than real time the cloud's clock is: a minute of searching takes three seconds."""


@pytest.fixture(scope="module", params=[as_profile(profile) for profile in PROFILES])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    state = tmp_path_factory.mktemp(request.param)
    with running(state, "--azure", request.param, "--clock-rate", RATE) as started:
        yield started


@pytest.fixture(autouse=True)
def mended(stack: Stack) -> Iterator[None]:
    yield
    for part in ("eventgrid", "azureml"):
        stack.break_with(part)


def only(stack: Stack, landing: str) -> dict[str, Any]:
    (run,) = stack.ended(landing, within=120)
    return run


def jobs_of(stack: Stack, run: dict[str, Any]) -> list[dict[str, Any]]:
    return [job for job in stack.cloud.jobs() if run["run_id"] in (job["output_uri"] or "")]


@pytest.mark.parametrize("route", ["lengths", "marked"], ids=["the default deployment", "a pinned one"])
def test_a_landing_is_submitted_followed_and_published(stack: Stack, route: str) -> None:
    files = texts(3)

    stack.drop(f"{route}/plain", {**files, **({"_SUCCESS": b""} if route == "marked" else {})})

    run = only(stack, f"{route}/plain")
    assert run["status"] == "published"
    assert stack.lines(run) == lengths(files)
    assert run["job"]["deployment"] == "main"


@pytest.mark.parametrize(
    "folder", [*(pytest.param(odd, marks=pytest.mark.long) for odd in ("mon day", "50%25")), "größe"]
)
def test_a_landing_is_scored_whatever_its_name_has_to_be_in_a_url(stack: Stack, folder: str) -> None:
    stack.drop(f"lengths/{folder}", texts(2))

    run = only(stack, f"lengths/{folder}")
    assert run["status"] == "published"
    assert stack.lines(run) == lengths(texts(2))


def test_a_job_whose_answer_is_lost_is_found_and_is_the_only_one(stack: Stack) -> None:
    stack.break_with("azureml", {"match": POST, "action": {"after": {"status": 504}}, "times": 1})

    stack.drop("lengths/lost", texts(2))

    run = only(stack, "lengths/lost")
    assert (run["status"], run["attempt"]) == ("published", 1)
    assert [note["outcome"] for note in run["attempts"]] == ["unclear", "accepted"]
    assert len(jobs_of(stack, run)) == 1


@pytest.mark.long
def test_a_job_that_takes_its_time_and_whose_answer_is_lost_gets_no_second_one(stack: Stack) -> None:
    """Longer than the searches take after which a job that is not to be seen counts as not made."""
    stack.break_with("azureml", {"match": POST, "action": {"after": {"reset": True}}, "times": 1})

    stack.drop("patient/lost", {"a.txt": b"8"})

    run = only(stack, "patient/lost")
    assert (run["status"], run["attempt"], len(jobs_of(stack, run))) == ("published", 1, 1)


@pytest.mark.long
def test_an_attempt_that_made_no_job_is_followed_by_another(stack: Stack) -> None:
    stack.break_with("azureml", {"match": POST, "action": {"status": 502}, "times": 1})

    stack.drop("lengths/never", texts(2))

    run = only(stack, "lengths/never")
    assert (run["status"], run["attempt"], len(jobs_of(stack, run))) == ("published", 2, 1)


def test_a_failure_comes_with_the_exception_of_the_script(stack: Stack) -> None:
    stack.drop("failing/explained", texts(1))

    run = only(stack, "failing/explained")
    assert (run["status"], run["error"]["reason"]) == ("failed", "job_failed")
    assert "ValueError: the image has 9 channels, the model expects 1 (score.py, line " in run["error"]["message"]
    assert "replay the run" in run["error"]["do"]
    assert "sig=" not in run["error"]["message"]


@pytest.mark.long
def test_a_job_that_was_canceled_ends_the_run(stack: Stack) -> None:
    stack.drop("patient/canceled", {"a.txt": b"60"})

    def running_job() -> dict[str, Any] | None:
        found = (run for run in stack.runs_of("patient") if run["landing"] == "landing/patient/canceled")
        return next((run["job"] for run in found if run["job"] and run["job"]["status"] == "Running"), None)

    job = eventually(running_job, "a job that runs")
    stack.cloud.cancel_job(job["name"])

    run = only(stack, "patient/canceled")
    assert (run["status"], run["error"]["reason"]) == ("canceled", "job_canceled")


@pytest.mark.long
def test_events_come_through_a_queue_in_either_encoding(stack: Stack) -> None:
    stack.cloud.subscribe_queue(
        "landing-events", begins_with="/blobServices/default/containers/landing/blobs/lengths/queued"
    )
    stack.break_with("eventgrid", {"match": {"path": "runtime/webhooks/eventgrid"}, "action": {"drop": True}})

    stack.drop("lengths/queued", texts(3))

    assert only(stack, "lengths/queued")["status"] == "published"


def test_a_route_that_names_a_deployment_which_is_not_there_is_told_without_a_job(stack: Stack) -> None:
    told = health(stack).json()["problems"]

    assert sorted(problem for known in ALWAYS for problem in told if known in problem) == sorted(told)
    assert problems(stack) == []
