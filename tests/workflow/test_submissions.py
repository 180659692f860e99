"""A submission is made once, found again, followed to its end, and given up in the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.core.route import Endpoint
from shared.core.submission import Deferred, Submission, Unclear
from shared.errors import Unavailable
from shared.ports import JobListing
from testbed.fakes import NOON, FakeEndpoint
from tests.workflow.world import make_world

OWN_OUTPUT = "azureml://datastores/workspaceblobstore/paths/by-hand/predictions.csv"


def test_a_submission_that_made_a_job_but_got_no_answer_is_found_and_followed() -> None:
    world = make_world(answers=[lost])
    world.land("0.png")

    world.watch()

    run = world.only_run()
    assert run["status"] == "published"
    assert len(world.endpoint.jobs) == 1
    assert [note["outcome"] for note in run["attempts"]] == ["unclear", "accepted"]


def lost(endpoint: FakeEndpoint, body: Mapping[str, Any]) -> Submission:
    """A job is made, and nobody is told."""
    endpoint.make_job(body)
    return Unclear("The endpoint answered 500")


SLOWLY = (*("Running",) * 8, "Completed")
"""More looks than searches that a job may be missing from."""


@pytest.mark.parametrize("shown", ["at_once", "when_completed", "never"])
@pytest.mark.parametrize("listed", [True, False], ids=["listed", "not listed"])
def test_a_job_whose_answer_was_lost_is_the_only_one_whenever_it_shows_what_it_writes(shown: str, listed: bool) -> None:
    """Recorded young jobs show no output. Seen before: such a job was overlooked, and a second one submitted."""
    world = make_world(answers=[lost], statuses=SLOWLY, shows_outputs=shown, lists_jobs=listed)
    world.land("0.png")

    world.watch()

    run = world.only_run()
    assert len(world.endpoint.posts) == len(world.endpoint.jobs) == 1
    assert (run["status"], run["attempt"]) == (("published", 1) if listed else ("failed", 1))


@pytest.mark.parametrize("shown", ["at_once", "when_completed", "never"])
def test_another_s_job_on_the_same_folder_is_neither_taken_nor_canceled(shown: str) -> None:
    """Somebody scores the same folder by hand while an attempt is unclear; that it is another's is told by its output
    in the end, or by none being written."""
    world = make_world(answers=[Unclear("reset")], statuses=SLOWLY, shows_outputs=shown, is_own=None)
    world.land("0.png")

    def by_hand() -> None:
        post = json.loads(json.dumps(world.endpoint.posts[0]))
        post["properties"]["outputData"]["predictions"]["uri"] = OWN_OUTPUT
        world.endpoint.make_job(post)

    world.at(NOON + timedelta(seconds=7), by_hand)
    world.watch()

    run = world.only_run()
    assert (run["status"], run["attempt"], run["job"]["name"]) == ("published", 2, "batchjob-2")
    assert world.endpoint.canceled == []


def test_a_run_that_waits_for_a_job_to_show_itself_says_which() -> None:
    world = make_world(answers=[lost], statuses=("Running",), shows_outputs="when_completed")
    world.land("0.png")
    told: list[str] = []
    world.at(NOON + timedelta(hours=1), lambda: told.append(world.only_run()["error"]["message"]))

    world.watch()

    assert told[0].startswith(
        "It is not clear whether a job was created; batchjob-1 may be it, but shows no output yet. Next look at "
    )
    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "unclear")
    assert "a job that may be its own shows no output yet: batchjob-1" in run["error"]["message"]
    assert timedelta(hours=23) < world.clock() - NOON < timedelta(days=1, hours=1)


@pytest.mark.parametrize("shown", ["at_once", "when_completed"])
def test_one_submission_that_made_several_jobs_is_followed_in_one_and_canceled_in_the_others(shown: str) -> None:
    def doubled(endpoint: FakeEndpoint, body: Mapping[str, Any]) -> Submission:
        for _ in range(3):
            endpoint.make_job(body)
        return Unclear("The endpoint answered 500")

    world = make_world(answers=[doubled], statuses=SLOWLY, shows_outputs=shown)
    world.land("0.png")

    world.watch()

    run = world.only_run()
    assert (run["status"], run["attempt"], len(world.endpoint.posts)) == ("published", 1, 1)
    if shown == "at_once":  # else they all have completed before anybody can know
        assert sorted(world.endpoint.canceled) == sorted(set(world.endpoint.jobs) - {run["job"]["name"]})


@pytest.mark.parametrize("shown", ["when_completed", "never"])
def test_a_late_twin_that_does_not_show_its_output_is_canceled_all_the_same(shown: str) -> None:
    """It was made by this app, after that POST and on that input, and no other run is scored from there."""
    world = make_world(answers=[Unclear("reset")], statuses=SLOWLY, shows_outputs=shown)
    world.land("0.png")
    world.at(NOON + timedelta(seconds=90), lambda: world.endpoint.make_job(world.endpoint.posts[0]))

    world.watch()

    run = world.only_run()
    twin = next(name for name in world.endpoint.jobs if "/1/" in world.endpoint.output_of(name))
    assert world.endpoint.canceled == [twin]
    assert (run["status"], run["attempt"]) == ("published", 2)


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
    twin = next(name for name in world.endpoint.jobs if "/1/" in world.endpoint.output_of(name))
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
    assert "quota" in error["do"]
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
    listing = world.endpoint.jobs_since

    def breaks_later(endpoint: Endpoint, since: datetime, *, whole: bool = True) -> JobListing:
        if len(world.endpoint.jobs) > 0:
            raise Unavailable("500")
        return listing(endpoint, since, whole=whole)

    world.endpoint.jobs_since = breaks_later  # type: ignore[method-assign]
    world.watch()

    assert world.only_run()["status"] == "published"


def test_an_endpoint_that_does_not_list_its_jobs_is_not_sent_a_second_submission() -> None:
    world = make_world(answers=[lost], lists_jobs=False)
    world.land("0.png")

    world.watch()

    error = world.only_run()["error"]
    assert error["reason"] == "unclear"
    assert "azureml://datastores/workspaceblobstore/" in error["do"]
    assert len(world.endpoint.posts) == 1


def test_a_job_that_could_not_be_canceled_is_said_to_be_left() -> None:
    world = make_world(statuses=("Queued",))
    world.land("0.png")
    world.endpoint.cancel = lambda endpoint, job: False  # type: ignore[method-assign]

    world.watch()

    assert "could not be canceled" in world.only_run()["error"]["message"]
