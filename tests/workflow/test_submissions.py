"""A submission is made once, found again, followed to its end, and given up in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.core.submission import Deferred, Submission, Unclear
from shared.errors import Unavailable
from shared.ports import JobListing
from testbed.fakes import NOON, FakeEndpoint
from tests.workflow.world import make_world


def test_a_submission_that_made_a_job_but_got_no_answer_is_found_and_followed() -> None:
    def lost(endpoint: FakeEndpoint, body: Mapping[str, Any]) -> Submission:
        endpoint.make_job(body)
        return Unclear("The endpoint answered 500")

    world = make_world(answers=[lost])
    world.land("0.png")

    world.watch()

    run = world.only_run()
    assert run["status"] == "published"
    assert len(world.endpoint.jobs) == 1
    assert [note["outcome"] for note in run["attempts"]] == ["unclear", "accepted"]


def test_a_submission_that_made_no_job_is_followed_by_a_new_attempt_with_a_path_of_its_own() -> None:
    world = make_world(answers=[Unclear("reset")])
    world.land("0.png")

    world.watch()

    outputs = [post["properties"]["outputData"]["predictions"]["uri"] for post in world.endpoint.posts]
    assert len(outputs) == len(set(outputs)) == 2
    assert world.only_run()["status"] == "published"


def test_a_twin_that_turns_up_late_is_canceled_and_never_published() -> None:
    world = make_world(answers=[Unclear("reset")], statuses=("Preparing", "Running", "Running", "Completed"))
    world.land("0.png")

    def appears() -> None:
        world.endpoint.make_job(world.endpoint.posts[0])

    world.at(NOON + timedelta(seconds=90), appears)
    world.watch()

    run = world.only_run()
    twin = next(name for name, (uri, _) in world.endpoint.jobs.items() if "/1/" in uri)
    assert twin in world.endpoint.canceled
    assert run["job"]["name"] not in world.endpoint.canceled
    assert run["publication"] is not None
    assert run["attempt"] == 2


def test_an_endpoint_that_never_answers_clearly_ends_the_run_after_three_attempts() -> None:
    world = make_world(answers=[Unclear("reset")] * 10)
    world.land("0.png")

    world.watch()

    run = world.only_run()
    assert run["error"]["reason"] == "unclear"
    assert len(world.endpoint.posts) == 3


def test_a_throttled_submission_comes_back_when_it_was_told_to() -> None:
    world = make_world(answers=[Deferred(45.0, "Too many requests")])
    world.land("0.png")
    waits: list[timedelta] = []

    def slept(until: datetime) -> None:
        world.slept(until)
        waits.append(until - world.clock())

    world.driver.on_sleep = slept
    world.watch()

    assert world.only_run()["status"] == "published"
    assert timedelta(seconds=45) in waits


def test_a_post_is_not_sent_again_when_its_activity_is_repeated() -> None:
    world = make_world()
    world.land("0.png")
    submit = world.driver.activities["submit_job"]

    def crashes_after_the_post(given: Any) -> Any:
        if not world.endpoint.posts:
            submit(given)  # the answer is lost: the process dies before the host has recorded it
        return submit(given)

    world.driver.activities = {**world.driver.activities, "submit_job": crashes_after_the_post}
    world.watch()

    assert len(world.endpoint.posts) == 1
    assert world.only_run()["status"] == "published"


def test_a_job_that_never_starts_is_canceled_at_the_start_deadline() -> None:
    world = make_world(statuses=("Queued",))
    world.land("0.png")

    world.watch()

    error = world.only_run()["error"]
    assert error["reason"] == "start_deadline"
    assert "quota" in error["message"]
    assert world.endpoint.canceled == ["batchjob-1"]


@pytest.mark.parametrize("status", ["Running", "NotResponding", "Paused", "SomethingNew"])
def test_a_job_that_never_settles_is_canceled_at_the_deadline(status: str) -> None:
    world = make_world(statuses=(status,))
    world.land("0.png")

    world.watch()

    assert world.only_run()["error"]["reason"] == "deadline"
    assert world.clock() - NOON < timedelta(days=1, minutes=10)


def test_a_day_of_polling_keeps_every_history_short() -> None:
    world = make_world(statuses=("Running",))
    world.land("0.png")

    world.watch()

    assert world.driver.counts["activity observe_job"] > 1000
    assert world.driver.longest_history < 60


def test_a_status_that_cannot_be_read_for_a_while_does_not_fail_the_run() -> None:
    world = make_world(statuses=("Running", "Running", "Running", "Completed"))
    world.land("0.png")

    def breaks() -> None:
        world.endpoint.down = "503"

    def recovers() -> None:
        world.endpoint.down = None

    world.at(NOON + timedelta(seconds=15), breaks)
    world.at(NOON + timedelta(minutes=20), recovers)
    world.watch()

    assert world.only_run()["status"] == "published"
    assert world.troubles


def test_a_job_that_the_endpoint_forgot_fails_the_run() -> None:
    world = make_world()
    world.land("0.png")
    world.at(NOON + timedelta(seconds=11), world.endpoint.jobs.clear)

    world.watch()

    assert world.only_run()["error"]["reason"] == "job_missing"


def test_a_listing_that_fails_does_not_hide_the_runs_own_job() -> None:
    world = make_world(answers=[Unclear("reset")])
    world.land("0.png")
    listing = world.endpoint.jobs_writing

    def breaks_later(scoring_uri: str, outputs: Sequence[str]) -> JobListing:
        if len(world.endpoint.jobs) > 0:
            raise Unavailable("500")
        return listing(scoring_uri, outputs)

    world.endpoint.jobs_writing = breaks_later  # type: ignore[method-assign]
    world.watch()

    assert world.only_run()["status"] == "published"


def test_an_endpoint_that_does_not_list_its_jobs_is_not_sent_a_second_submission() -> None:
    def lost(endpoint: FakeEndpoint, body: Mapping[str, Any]) -> Submission:
        endpoint.make_job(body)
        return Unclear("The endpoint answered 500")

    world = make_world(answers=[lost], lists_jobs=False)
    world.land("0.png")

    world.watch()

    error = world.only_run()["error"]
    assert error["reason"] == "unclear"
    assert "azureml://datastores/workspaceblobstore/" in error["message"]
    assert len(world.endpoint.posts) == 1


def test_a_job_that_could_not_be_canceled_is_said_to_be_left() -> None:
    world = make_world(statuses=("Queued",))
    world.land("0.png")
    world.endpoint.cancel = lambda job: False  # type: ignore[method-assign]

    world.watch()

    assert "could not be canceled" in world.only_run()["error"]["message"]
