"""One POST per attempt, whatever happens to its answer, to the app that waits for it and to the note of it."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.eventually import eventually
from testbed.stack import Stack, running
from tests.e2e.test_landings import texts

pytestmark = pytest.mark.long

POST = {"method": "POST", "path": "/endpoints/lengths/jobs$"}
LIST = {"method": "GET", "path": "/workspaces/[^/]+/jobs$"}
NOTE = {"method": "PUT", "path": "/posts/"}

LATE = 3000
"""Milliseconds that an answer is held back: an app that was killed meanwhile is there again before or after it."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("submissions")) as started:
        yield started


@pytest.fixture(autouse=True)
def mended(stack: Stack) -> Iterator[None]:
    yield
    for part in ("azureml", "storage"):
        stack.break_with(part)
    stack.cloud.set_hazards()
    assert stack.doubled() == []


def jobs_by_attempt(stack: Stack, run: dict[str, Any]) -> dict[str, int]:
    """How many jobs there are on the output of each attempt of a run."""
    outputs = [job["output_uri"].split("/") for job in stack.cloud.jobs() if run["run_id"] in job["output_uri"]]
    return dict(Counter(parts[parts.index(run["run_id"]) + 1] for parts in outputs))


def outcomes(run: dict[str, Any]) -> list[str]:
    return [note["outcome"] for note in run["attempts"]]


def outlast_the_answers(stack: Stack, name: str) -> None:
    """Have one more landing scored: its answer is held back like those before it, and comes after them."""
    stack.drop(f"lengths/{name}", texts(1))
    stack.ended(f"lengths/{name}")


def test_a_late_answer_is_awaited_and_its_job_is_the_only_one(stack: Stack) -> None:
    stack.break_with("azureml", {"match": POST, "action": {"after": {"delay_ms": LATE}}})

    stack.drop("lengths/late", texts(2))

    (run,) = stack.ended("lengths/late")
    assert (run["status"], outcomes(run)) == ("published", ["accepted"])
    assert jobs_by_attempt(stack, run) == {"1": 1}


@pytest.mark.parametrize("answer", [{}, {"status": 504}], ids=["the true answer", "504"])
def test_an_app_that_is_killed_before_the_answer_comes_finds_its_job_and_posts_nothing(
    stack: Stack, answer: dict[str, Any]
) -> None:
    name = f"killed-{len(answer)}"
    stack.break_with("azureml", {"match": POST, "action": {"after": {"delay_ms": LATE, **answer}}})
    before = len(stack.jobs_of("lengths"))
    stack.drop(f"lengths/{name}", texts(2))
    eventually(lambda: len(stack.jobs_of("lengths")) > before, "the job", every=0.02)

    os.kill(stack.cloud.fresh_stack()["host"]["pid"], signal.SIGKILL)

    (run,) = stack.ended(f"lengths/{name}", within=90)
    outlast_the_answers(stack, f"{name}-later")
    assert (run["status"], outcomes(run)) == ("published", ["unclear", "accepted"])
    assert jobs_by_attempt(stack, run) == {"1": 1}


def test_activities_that_are_all_carried_out_twice_at_once_post_once(stack: Stack) -> None:
    stack.cloud.set_hazards(duplicate_activities=1.0)
    stack.break_with("azureml", {"match": POST, "action": {"after": {"delay_ms": LATE, "status": 504}}})

    for number in range(6):
        stack.drop(f"lengths/doubled-{number}", texts(2, start=number))
    runs = [run for number in range(6) for run in stack.ended(f"lengths/doubled-{number}")]

    stack.cloud.set_hazards()
    outlast_the_answers(stack, "doubled-later")
    assert [run["status"] for run in runs] == ["published"] * 6
    assert [jobs_by_attempt(stack, run) for run in runs] == [{"1": 1}] * 6


def test_a_note_whose_answer_is_lost_is_recognised_and_lets_one_of_two_calls_post(stack: Stack) -> None:
    stack.cloud.set_hazards(duplicate_activities=1.0)
    stack.break_with("storage", {"match": NOTE, "action": {"after": {"reset": True}}, "times": 2})
    stack.break_with("azureml", {"match": POST, "action": {"after": {"status": 504}}})

    stack.drop("lengths/noted", texts(2))

    (run,) = stack.ended("lengths/noted", within=120)
    assert run["status"] == "published"
    assert set(jobs_by_attempt(stack, run).values()) == {1}


def test_an_attempt_that_is_given_up_and_the_next_one_have_one_job_each(tmp_path: Path) -> None:
    with running(tmp_path / "state", "--clock-rate", "20") as quick:
        hidden = {"match": LIST, "action": {"status": 200, "body": {"value": []}}, "times": 5}
        late = {"match": POST, "action": {"after": {"delay_ms": LATE, "status": 504}}, "times": 1}
        quick.break_with("azureml", hidden, late)

        quick.drop("lengths/given-up", texts(2))

        (run,) = quick.ended("lengths/given-up", within=90)
        assert (run["status"], run["attempt"]) == ("published", 2)
        assert outcomes(run) == ["unclear", "accepted"]
        assert jobs_by_attempt(quick, run) == {"1": 1, "2": 1}
