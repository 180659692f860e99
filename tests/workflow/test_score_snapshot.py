"""From a folder that landed to its published, or failed, run."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.core.location import Location
from shared.core.submission import Rejected
from shared.errors import Unavailable
from shared.ports import Copied
from shared.work.sweeping import left_over
from testbed.fakes import NOON
from tests.workflow.world import make_world


def test_a_landed_folder_is_scored_and_published() -> None:
    world = make_world()
    world.land("0.png", "1.png")

    world.watch()

    run = world.only_run()
    assert run["status"] == "published"
    assert world.published(run) == ["_SUCCESS", "_run.json", "predictions.csv"]
    assert len(world.endpoint.posts) == 1


def test_the_manifest_says_what_was_scored_by_whom_and_what_came_out() -> None:
    world = make_world()
    world.land("0.png", "1.png")

    world.watch()

    run = world.only_run()
    stored = world.blobs.read(Location(world.route.publish, f"{run['publication']['path']}/_run.json"))
    assert stored is not None
    manifest = json.loads(stored.content)
    assert [file["name"] for file in manifest["files"]] == ["0.png", "1.png"]
    assert manifest["run_id"] == run["run_id"]
    assert manifest["job"]["name"] == "batchjob-1"
    assert manifest["deployment"] == "classic"
    assert [(out["name"], out["size"]) for out in manifest["outputs"]] == [("predictions.csv", 8)]
    assert set(manifest["timings"]) >= {"claimed", "submitted", "running", "completed", "published"}


def test_success_is_written_last() -> None:
    world = make_world()
    world.land("0.png")
    world.watch()

    folder = world.only_run()["publication"]["path"]
    written = {
        blob.path.removeprefix(folder + "/"): int(file.etag, 16)
        for blob, (_, file) in world.blobs.contents.items()
        if blob.path.startswith(folder)
    }

    assert sorted(written, key=written.__getitem__) == ["predictions.csv", "_run.json", "_SUCCESS"]


def test_the_end_of_a_run_is_announced_once() -> None:
    world = make_world()
    world.land("0.png")

    world.watch()

    ((kind, subject, data, event_id),) = world.topic.told
    run = world.only_run()
    assert kind == "Landfall.RunPublished"
    assert subject == f"/routes/digits/runs/{run['run_id']}"
    assert data["publication"]["url"] == run["publication"]["url"]
    assert event_id == f"{run['run_id']}/published"


def test_an_announcement_that_fails_is_retried_and_then_does_not_fail_the_run() -> None:
    world = make_world()
    world.topic.failures = 100
    world.land("0.png")

    world.watch()

    assert world.only_run()["status"] == "published"
    assert world.driver.counts["activity announce_run"] == 8
    assert "the topic does not answer" in world.troubles[0]


def test_without_a_topic_nothing_is_announced() -> None:
    world = make_world(announcing=False)
    world.land("0.png")

    world.watch()

    assert world.only_run()["status"] == "published"
    assert world.topic.told == []


@pytest.mark.parametrize("ending", ["Failed", "Canceled"])
def test_a_job_that_fails_or_is_canceled_ends_the_run_with_the_studio_link(ending: str) -> None:
    world = make_world(statuses=("Running", ending), reason="No succeeded mini batch item returned from run().")
    world.land("0.png")

    world.watch()

    run = world.only_run()
    assert run["status"] == ending.lower()
    assert run["error"]["reason"] == f"job_{ending.lower()}"
    assert "https://ml.azure.com/runs/batchjob-1" in run["error"]["message"]
    assert ("No succeeded mini batch item" in run["error"]["message"]) == (ending == "Failed")
    assert world.topic.told[0][0] == f"Landfall.Run{ending}"
    assert world.published(run) == []


def test_a_rejected_submission_fails_the_run_in_the_services_words_with_advice() -> None:
    world = make_world(answers=[Rejected(404, "No valid deployments to route to.")])
    world.land("0.png")

    world.watch()

    error = world.only_run()["error"]
    assert error["reason"] == "rejected_404"
    assert "No valid deployments to route to." in error["message"]
    assert "scoring_uri" in error["do"]


def test_a_job_that_completes_without_output_is_a_failure_and_not_an_empty_publication() -> None:
    world = make_world(output=None)
    world.land("0.png")

    world.watch()

    run = world.only_run()
    assert run["error"]["reason"] == "publication"
    assert world.published(run) == []


def test_a_copy_that_differs_from_its_source_is_never_sealed() -> None:
    world = make_world()
    world.land("0.png")
    copy = world.blobs.copy

    def truncating(source: Location, target: Location, *, etag: str, size: int, md5: str | None) -> Copied:
        copied = copy(source, target, etag=etag, size=size, md5=md5)
        world.blobs.put(target, b"half")
        return copied

    world.blobs.copy = truncating  # type: ignore[method-assign]
    world.watch()

    run = world.only_run()
    assert run["status"] == "failed"
    assert "_SUCCESS" not in world.published(run)
    assert any("4 bytes" in trouble for trouble in world.troubles)


def test_storage_that_is_down_delays_a_publication_and_loses_nothing() -> None:
    world = make_world()
    world.land("0.png")
    seal = world.driver.activities["seal_publication"]
    outage = [Unavailable("503")] * 20

    def sealing(given: Any) -> Any:
        if outage:
            raise outage.pop()
        return seal(given)

    world.driver.activities = {**world.driver.activities, "seal_publication": sealing}
    world.watch()

    assert world.only_run()["status"] == "published"


@pytest.mark.parametrize("activity", ["record_run", "observe_job", "submit_job", "announce_run"])
def test_a_step_that_fails_for_a_week_keeps_the_history_short(activity: str) -> None:
    world = make_world()
    world.land("0.png")
    mended = NOON + timedelta(days=7)
    works = world.driver.activities[activity]

    def failing(given: Any) -> Any:
        if world.clock() < mended:
            raise Unavailable("503")
        return works(given)

    world.driver.activities = {**world.driver.activities, activity: failing}
    world.watch()
    while left_over(world.ledger, world.clock()).open:  # its end could not be recorded: it was left to the sweep
        assert activity == "record_run"
        assert world.topic.told == []
        world.clock.advance(minutes=15)
        world.carry_on()

    assert world.only_run()["status"] in ("published", "failed")
    assert len(world.topic.told) == (activity != "announce_run")  # what the ledger does not have was not announced
    assert world.driver.longest_history < 250


def test_a_failure_that_cannot_be_explained_ends_the_run_with_the_studio_link_all_the_same() -> None:
    world = make_world(statuses=("Running", "Failed"))
    world.land("0.png")

    def forbidden(given: Any) -> Any:
        raise Unavailable("403")

    world.driver.activities = {**world.driver.activities, "explain_failure": forbidden}
    world.watch()

    error = world.only_run()["error"]
    assert error["reason"] == "job_failed"
    assert "https://ml.azure.com/runs/batchjob-1" in error["message"]
    assert world.clock() - NOON < timedelta(minutes=10)
