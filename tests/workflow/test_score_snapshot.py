"""From a folder that landed to its published, or failed, run."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from shared.errors import Unavailable
from shared.ports import Deferred, Rejected, Unclear
from shared.scoring.location import Location
from tests.fakes import NOON
from tests.workflow.world import World, make_world


def only_run(world: World) -> dict:
    (run,) = world.runs()
    return run


def test_a_landed_folder_is_scored_and_published() -> None:
    world = make_world()
    world.land("0.png", "1.png")

    world.watch()

    run = only_run(world)
    assert run["status"] == "published"
    assert world.published(run) == ["_SUCCESS", "_run.json", "predictions.csv"]
    assert len(world.endpoint.posts) == 1


def test_the_manifest_says_what_was_scored_by_whom_and_what_came_out() -> None:
    world = make_world()
    world.land("0.png", "1.png")

    world.watch()

    run = only_run(world)
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

    folder = only_run(world)["publication"]["path"]
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

    ((kind, subject, data, event_id),) = world.announcer.told
    run = only_run(world)
    assert kind == "Landfall.RunPublished"
    assert subject == f"/routes/digits/runs/{run['run_id']}"
    assert data["publication"]["url"] == run["publication"]["url"]
    assert event_id == f"{run['run_id']}/published"


def test_an_announcement_that_fails_is_retried_and_then_does_not_fail_the_run() -> None:
    world = make_world()
    world.announcer.failures = 100
    world.land("0.png")

    world.watch()

    assert only_run(world)["status"] == "published"
    assert world.driver.counts["activity announce_run"] == 8
    assert "the topic does not answer" in world.troubles[0]


def test_without_a_topic_nothing_is_announced() -> None:
    world = make_world(announcing=False)
    world.land("0.png")

    world.watch()

    assert only_run(world)["status"] == "published"
    assert world.announcer.told == []


@pytest.mark.parametrize("ending", ["Failed", "Canceled"])
def test_a_job_that_fails_or_is_canceled_fails_the_run_with_the_studio_link(ending: str) -> None:
    world = make_world(statuses=("Running", ending), reason="No succeeded mini batch item returned from run().")
    world.land("0.png")

    world.watch()

    run = only_run(world)
    assert run["status"] == "failed"
    assert run["error"]["reason"] == f"job_{ending.lower()}"
    assert "https://ml.azure.com/runs/batchjob-1" in run["error"]["message"]
    assert ("No succeeded mini batch item" in run["error"]["message"]) == (ending == "Failed")
    assert world.announcer.told[0][0] == "Landfall.RunFailed"
    assert world.published(run) == []


def test_a_rejected_submission_fails_the_run_in_the_services_words_with_advice() -> None:
    world = make_world(answers=[Rejected(404, "No valid deployments to route to.")])
    world.land("0.png")

    world.watch()

    error = only_run(world)["error"]
    assert error["reason"] == "rejected_404"
    assert "No valid deployments to route to." in error["message"]
    assert "scoring_uri" in error["message"]


def test_a_submission_that_made_a_job_but_got_no_answer_is_found_and_followed() -> None:
    def lost(endpoint, body):
        endpoint.make_job(body)
        return Unclear("The endpoint answered 500")

    world = make_world(answers=[lost])
    world.land("0.png")

    world.watch()

    run = only_run(world)
    assert run["status"] == "published"
    assert len(world.endpoint.jobs) == 1
    assert [note["outcome"] for note in run["attempts"]] == ["unclear", "accepted"]


def test_a_submission_that_made_no_job_is_followed_by_a_new_attempt_with_a_path_of_its_own() -> None:
    world = make_world(answers=[Unclear("reset")])
    world.land("0.png")

    world.watch()

    outputs = [post["properties"]["outputData"]["predictions"]["uri"] for post in world.endpoint.posts]
    assert len(outputs) == len(set(outputs)) == 2
    assert only_run(world)["status"] == "published"


def test_a_twin_that_turns_up_late_is_canceled_and_never_published() -> None:
    world = make_world(answers=[Unclear("reset")], statuses=("Preparing", "Running", "Running", "Completed"))
    world.land("0.png")

    def appears() -> None:
        world.endpoint.make_job(world.endpoint.posts[0])

    world.at(NOON + timedelta(seconds=90), appears)
    world.watch()

    run = only_run(world)
    twin = next(name for name, (uri, _) in world.endpoint.jobs.items() if "/1/" in uri)
    assert twin in world.endpoint.canceled
    assert run["job"]["name"] not in world.endpoint.canceled
    assert run["publication"] is not None
    assert run["attempt"] == 2


def test_an_endpoint_that_never_answers_clearly_ends_the_run_after_three_attempts() -> None:
    world = make_world(answers=[Unclear("reset")] * 10)
    world.land("0.png")

    world.watch()

    run = only_run(world)
    assert run["error"]["reason"] == "unclear"
    assert len(world.endpoint.posts) == 3


def test_a_throttled_submission_comes_back_when_it_was_told_to() -> None:
    world = make_world(answers=[Deferred(45.0, "Too many requests")])
    world.land("0.png")
    moments: list = []
    world.driver.on_sleep = lambda until: (world.slept(until), moments.append(until - world.clock()))

    world.watch()

    assert only_run(world)["status"] == "published"
    assert timedelta(seconds=45) in moments


def test_a_post_is_not_sent_again_when_its_activity_is_repeated() -> None:
    world = make_world()
    world.land("0.png")
    submit = world.driver.activities["submit_job"]

    def crashes_after_the_post(given):
        if not world.endpoint.posts:
            submit(given)  # the answer is lost: the process dies before the host has recorded it
        return submit(given)

    world.driver.activities = {**world.driver.activities, "submit_job": crashes_after_the_post}
    world.watch()

    assert len(world.endpoint.posts) == 1
    assert only_run(world)["status"] == "published"


def test_a_job_that_never_starts_is_canceled_at_the_start_deadline() -> None:
    world = make_world(statuses=("Queued",))
    world.land("0.png")

    world.watch()

    error = only_run(world)["error"]
    assert error["reason"] == "start_deadline"
    assert "quota" in error["message"]
    assert world.endpoint.canceled == ["batchjob-1"]


@pytest.mark.parametrize("status", ["Running", "NotResponding", "Paused", "SomethingNew"])
def test_a_job_that_never_settles_is_canceled_at_the_deadline(status: str) -> None:
    world = make_world(statuses=(status,))
    world.land("0.png")

    world.watch()

    assert only_run(world)["error"]["reason"] == "deadline"
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

    assert only_run(world)["status"] == "published"
    assert world.troubles


def test_a_job_that_the_endpoint_forgot_fails_the_run() -> None:
    world = make_world()
    world.land("0.png")
    world.at(NOON + timedelta(seconds=11), world.endpoint.jobs.clear)

    world.watch()

    assert only_run(world)["error"]["reason"] == "job_missing"


def test_a_job_that_completes_without_output_is_a_failure_and_not_an_empty_publication() -> None:
    world = make_world(output=None)
    world.land("0.png")

    world.watch()

    run = only_run(world)
    assert run["error"]["reason"] == "publication"
    assert world.published(run) == []


def test_a_copy_that_differs_from_its_source_is_never_sealed() -> None:
    world = make_world()
    world.land("0.png")
    copy = world.blobs.copy

    def truncating(source: Location, target: Location, **given) -> bool:
        copied = copy(source, target, **given)
        world.blobs.put(target, b"half")
        return copied

    world.blobs.copy = truncating  # type: ignore[method-assign]
    world.watch()

    run = only_run(world)
    assert run["status"] == "failed"
    assert "_SUCCESS" not in world.published(run)
    assert any("4 bytes" in trouble for trouble in world.troubles)


class TestExactlyTheSnapshot:
    """The endpoint reads whatever lies in the folder, so Landfall makes sure that it is the snapshot."""

    def test_a_folder_of_nothing_but_the_snapshot_is_scored_in_place(self) -> None:
        world = make_world()
        world.land("0.png")

        world.watch()

        (post,) = world.endpoint.posts
        assert post["properties"]["inputData"]["images"]["uri"] == f"{world.route.landing.url}/digits/tuesday"

    def test_other_files_beside_them_are_left_out_by_scoring_copies(self) -> None:
        world = make_world()
        world.land("0.png", "1.png", "notes.txt")

        world.watch()

        run = only_run(world)
        (post,) = world.endpoint.posts
        folder = f"landfall/{run['run_id']}/input"
        assert post["properties"]["inputData"]["images"]["uri"].endswith(folder)
        staged = [p for p in world.blobs.paths(world.route.datastores["workspaceblobstore"]) if "/input/" in p]
        assert staged == [f"{folder}/0.png", f"{folder}/1.png"]
        assert run["staged"] is True

    def test_staging_never_refuses_a_folder_with_other_files(self) -> None:
        world = make_world(("    polling:", "    staging: never\n    polling:"))
        world.land("0.png", "notes.txt")

        world.watch()

        run = only_run(world)
        assert run["error"]["reason"] == "refused"
        assert "staging" in run["error"]["message"]
        assert world.endpoint.posts == []

    def test_a_file_that_arrives_while_the_job_runs_leads_to_exact_runs_of_both_contents(self) -> None:
        world = make_world(statuses=("Running", "Running", "Completed"))
        world.land("0.png")

        def late() -> None:
            world.land("1.png")
            world.watch()

        world.at(NOON + timedelta(seconds=12), late)
        world.watch(instance_id="first")

        second, first = world.runs()
        assert (first["status"], first["snapshot"]["files"], first["staged"]) == ("published", 1, True)
        assert (second["status"], second["snapshot"]["files"]) == ("published", 2)

    def test_a_file_that_changes_while_the_job_runs_supersedes_the_run(self) -> None:
        world = make_world(statuses=("Running", "Running", "Completed"))
        world.land("0.png")
        world.at(NOON + timedelta(seconds=12), lambda: world.land("0.png", content=b"other"))

        world.watch()

        second, first = world.runs()
        assert first["status"] == "superseded"
        assert second["status"] == "published"
        assert world.published(first) == []

    def test_a_file_that_changes_before_it_is_copied_supersedes_the_run(self) -> None:
        world = make_world()
        world.land("0.png", "notes.txt")

        def change(source: Location) -> None:
            world.blobs.before_copy = None
            world.land("0.png", content=b"other")

        world.blobs.before_copy = change
        world.watch()

        second, first = world.runs()
        assert first["status"] == "superseded"
        assert second["status"] == "published"


def test_storage_that_is_down_delays_a_publication_and_loses_nothing() -> None:
    world = make_world()
    world.land("0.png")
    seal = world.driver.activities["seal_publication"]
    outage = [Unavailable("503")] * 20

    def sealing(given):
        if outage:
            raise outage.pop()
        return seal(given)

    world.driver.activities = {**world.driver.activities, "seal_publication": sealing}
    world.watch()

    assert only_run(world)["status"] == "published"


def test_the_same_bytes_dropped_again_while_the_job_runs_change_nothing() -> None:
    world = make_world(statuses=("Running", "Running", "Completed"))
    world.land("0.png")
    world.at(NOON + timedelta(seconds=12), lambda: world.land("0.png"))

    world.watch()

    assert only_run(world)["status"] == "published"
    assert len(world.endpoint.posts) == 1


def test_the_same_bytes_dropped_again_while_they_are_copied_change_nothing() -> None:
    world = make_world()
    world.land("0.png", "notes.txt")

    def again(source: Location) -> None:
        world.blobs.before_copy = None
        world.land("0.png")

    world.blobs.before_copy = again
    world.watch()

    assert only_run(world)["status"] == "published"


@pytest.mark.parametrize("activity", ["record_run", "observe_job", "submit_job", "announce_run"])
def test_a_step_that_fails_for_a_week_keeps_the_history_short(activity: str) -> None:
    world = make_world()
    world.land("0.png")
    mended = NOON + timedelta(days=7)
    works = world.driver.activities[activity]

    def failing(given):
        if world.clock() < mended:
            raise Unavailable("503")
        return works(given)

    world.driver.activities = {**world.driver.activities, activity: failing}
    world.watch()

    assert only_run(world)["status"] in ("published", "failed")
    assert world.driver.longest_history < 250


def test_a_failure_that_cannot_be_explained_ends_the_run_with_the_studio_link_all_the_same() -> None:
    world = make_world(statuses=("Running", "Failed"))
    world.land("0.png")

    def forbidden(given):
        raise Unavailable("403")

    world.driver.activities = {**world.driver.activities, "explain_failure": forbidden}
    world.watch()

    error = only_run(world)["error"]
    assert error["reason"] == "job_failed"
    assert "https://ml.azure.com/runs/batchjob-1" in error["message"]
    assert world.clock() - NOON < timedelta(minutes=10)


def test_a_listing_that_fails_does_not_hide_the_runs_own_job() -> None:
    world = make_world(answers=[Unclear("reset")])
    world.land("0.png")
    listing = world.endpoint.jobs_writing

    def breaks_later(uri, outputs):
        if len(world.endpoint.jobs) > 0:
            raise Unavailable("500")
        return listing(uri, outputs)

    world.endpoint.jobs_writing = breaks_later  # type: ignore[method-assign]
    world.watch()

    assert only_run(world)["status"] == "published"


def test_an_endpoint_that_does_not_list_its_jobs_is_not_sent_a_second_submission() -> None:
    def lost(endpoint, body):
        endpoint.make_job(body)
        return Unclear("The endpoint answered 500")

    world = make_world(answers=[lost], lists_jobs=False)
    world.land("0.png")

    world.watch()

    error = only_run(world)["error"]
    assert error["reason"] == "unclear"
    assert "azureml://datastores/workspaceblobstore/" in error["message"]
    assert len(world.endpoint.posts) == 1


def test_content_that_was_superseded_is_scored_from_copies_so_that_it_cannot_be_again() -> None:
    world = make_world(statuses=("Running", "Running", "Completed"))
    world.land("0.png")
    for second in range(10, 200, 5):
        content = str(second).encode()
        world.at(NOON + timedelta(seconds=second), lambda content=content: world.land("0.png", content=content))

    world.watch()

    runs = world.runs()
    assert [run["status"] for run in runs if run["status"] != "published"] == ["superseded"]
    assert all(run["staged"] for run in runs[:-1])


def test_a_job_that_could_not_be_canceled_is_said_to_be_left() -> None:
    world = make_world(statuses=("Queued",))
    world.land("0.png")
    world.endpoint.cancel = lambda job: False  # type: ignore[method-assign]

    world.watch()

    assert "could not be canceled" in only_run(world)["error"]["message"]
