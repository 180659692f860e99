"""The endpoint reads whatever lies in the folder, so Landfall makes sure that it is the snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from shared.core.location import Location
from shared.core.submission import Accepted, Submission
from testbed.fakes import NOON, FakeEndpoint
from tests.workflow.world import make_world


def test_a_folder_of_nothing_but_the_snapshot_is_scored_in_place() -> None:
    world = make_world()
    world.land("0.png")

    world.watch()

    (post,) = world.endpoint.posts
    assert post["properties"]["inputData"]["images"]["uri"] == f"{world.route.landing.url}/digits/tuesday"


def test_other_files_beside_them_are_left_out_by_scoring_copies() -> None:
    world = make_world()
    world.land("0.png", "1.png", "notes.txt")

    world.watch()

    run = world.only_run()
    (post,) = world.endpoint.posts
    folder = f"landfall/{run['run_id']}/input"
    assert post["properties"]["inputData"]["images"]["uri"].endswith(folder)
    staged = [p for p in world.blobs.paths(world.route.datastores["workspaceblobstore"]) if "/input/" in p]
    assert staged == [f"{folder}/0.png", f"{folder}/1.png"]
    assert run["staged"] is True


def test_excluded_files_are_left_out_by_scoring_copies_too() -> None:
    world = make_world(("files:", 'exclude: ["~*"]\n      files:'))
    world.land("0.png", "~1.png")

    world.watch()

    run = world.only_run()
    assert (run["status"], run["snapshot"]["files"], run["staged"]) == ("published", 1, True)


def test_staging_never_refuses_a_folder_with_other_files() -> None:
    world = make_world(("    polling:", "    staging: never\n    polling:"))
    world.land("0.png", "notes.txt")

    world.watch()

    run = world.only_run()
    assert run["error"]["reason"] == "refused"
    assert "staging" in run["error"]["do"]
    assert world.endpoint.posts == []


def test_a_file_that_arrives_while_the_job_runs_leads_to_exact_runs_of_both_contents() -> None:
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


def test_a_file_that_changes_while_the_job_runs_supersedes_the_run() -> None:
    world = make_world(statuses=("Running", "Running", "Completed"))
    world.land("0.png")
    world.at(NOON + timedelta(seconds=12), lambda: world.land("0.png", content=b"other"))

    world.watch()

    second, first = world.runs()
    assert first["status"] == "superseded"
    assert second["status"] == "published"
    assert world.published(first) == []


def test_a_file_that_changes_before_it_is_copied_supersedes_the_run() -> None:
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


def test_the_same_bytes_dropped_again_while_the_job_runs_change_nothing() -> None:
    world = make_world(statuses=("Running", "Running", "Completed"))
    world.land("0.png")
    world.at(NOON + timedelta(seconds=12), lambda: world.land("0.png"))

    world.watch()

    assert world.only_run()["status"] == "published"
    assert len(world.endpoint.posts) == 1


def test_the_same_bytes_dropped_again_while_they_are_copied_change_nothing() -> None:
    world = make_world()
    world.land("0.png", "notes.txt")

    def again(source: Location) -> None:
        world.blobs.before_copy = None
        world.land("0.png")

    world.blobs.before_copy = again
    world.watch()

    assert world.only_run()["status"] == "published"


def test_content_that_was_superseded_is_scored_from_copies_so_that_it_cannot_be_again() -> None:
    world = make_world(statuses=("Running", "Running", "Completed"))
    world.land("0.png")
    for second in range(10, 200, 5):
        world.at(NOON + timedelta(seconds=second), partial(world.land, "0.png", content=str(second).encode()))

    world.watch()

    runs = world.runs()
    assert [run["status"] for run in runs if run["status"] != "published"] == ["superseded"]
    assert all(run["staged"] for run in runs[:-1])


def test_the_deadlines_of_a_discarded_attempt_are_not_those_of_the_next() -> None:
    def first(endpoint: FakeEndpoint, body: Mapping[str, Any]) -> Submission:
        return Accepted(endpoint.make_job(body))

    def second(endpoint: FakeEndpoint, body: Mapping[str, Any]) -> Submission:
        endpoint.statuses = ("Queued",)  # from now on jobs never start
        return Accepted(endpoint.make_job(body))

    world = make_world(statuses=("Running", "Running", "Completed"), answers=[first, second])
    world.land("0.png")
    world.at(NOON + timedelta(seconds=12), lambda: world.land("1.png"))

    world.watch()

    run = world.runs()[-1]
    assert run["error"]["reason"] == "start_deadline"
    assert "running" not in run["timings"]
