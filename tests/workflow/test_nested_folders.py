"""Landings with sub-folders that are scored: split, or flattened. A batch job itself ignores what is in them."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared.core.location import Location
from tests.workflow.nested import LANDING, led_to, missed, nested, renamed_to
from tests.workflow.world import World, make_world

SPLIT, FLATTEN = nested("split"), nested("flatten")


def input_of(world: World) -> str:
    (post,) = world.endpoint.posts
    return str(post["properties"]["inputData"]["images"]["uri"])


def manifest_of(world: World, run: dict[str, Any]) -> dict[str, Any]:
    stored = world.blobs.read(Location(world.route.publish, f"{run['publication']['path']}/_run.json"))
    assert stored is not None
    return dict(json.loads(stored.content))


class TestSplit:
    """Each folder with files is a landing of its own."""

    def world(self) -> World:
        world = make_world(SPLIT)
        world.land("0.png", "part-a/1.png", "part-a/deep/2.png", "part-b/notes.txt")
        return world

    def test_every_folder_with_files_has_a_run_and_a_publication_of_its_own(self) -> None:
        world = self.world()
        found = missed(world)
        assert found == [LANDING, f"{LANDING}/part-a", f"{LANDING}/part-a/deep"]

        for path in found:
            world.watch(path)

        runs = {run["landing"].removeprefix("landing/"): run for run in world.runs()}
        assert sorted(runs) == found
        for path, run in runs.items():
            assert (run["status"], run["snapshot"]["files"], run["staged"]) == ("published", 1, False)
            assert run["publication"]["path"] == f"{path}/run_id={run['run_id']}"
        inputs = [post["properties"]["inputData"]["images"]["uri"] for post in world.endpoint.posts]
        assert inputs == [f"{world.route.landing.url}/{path}" for path in found]

    def test_an_event_leads_to_the_folder_that_the_file_is_in(self) -> None:
        world = self.world()

        assert led_to(world, f"{LANDING}/part-a/deep/2.png") == [f"{LANDING}/part-a/deep"]
        assert led_to(world, f"{LANDING}/0.png") == [LANDING]
        assert led_to(world, f"{LANDING}/part-b/notes.txt") == []
        assert led_to(world, "digits/0.png") == []

    @pytest.mark.parametrize("path", ["digits", LANDING])
    def test_a_renamed_folder_leads_to_every_folder_with_files_in_it(self, path: str) -> None:
        assert renamed_to(self.world(), path) == [LANDING, f"{LANDING}/part-a", f"{LANDING}/part-a/deep"]

    def test_a_renamed_sub_folder_leads_to_those_in_it(self) -> None:
        assert renamed_to(self.world(), f"{LANDING}/part-a") == [f"{LANDING}/part-a", f"{LANDING}/part-a/deep"]

    def test_every_folder_waits_for_a_marker_of_its_own(self) -> None:
        world = make_world(SPLIT, ("quiet: 5s", "marker: _SUCCESS"), ("longest_wait: 2h", "longest_wait: 1m"))
        world.land("part-a/1.png", "part-a/_SUCCESS", "part-b/2.png")

        world.watch(f"{LANDING}/part-a")
        world.watch(f"{LANDING}/part-b")

        assert [run["status"] for run in world.runs()] == ["failed", "published"]

    @pytest.mark.parametrize("name", ["run_id=digits-1", "shadow", "part-a/shadow"])
    def test_a_folder_that_is_named_like_those_of_results_is_refused(self, name: str) -> None:
        """Results of one landing would have lain in the run folder of another, whose leftovers are removed."""
        world = make_world(SPLIT)
        world.land(f"{name}/0.png")

        world.watch(f"{LANDING}/{name}")

        assert world.only_run()["error"] == {
            "reason": "refused",
            "message": f"The sub-folder {name!r} is named like the folder of a run or of shadows, and its results "
            "would be published among those of another one.",
            "do": "Rename it, then upload the files again.",
        }
        assert world.endpoint.posts == []


class TestFlattened:
    """The landing is the folder with everything below it."""

    def world(self) -> World:
        world = make_world(FLATTEN)
        world.land("0.png", "part-a__1.png", "part-a/1.png", "part-b/deep/2.png", "part-b/notes.txt")
        return world

    def test_all_files_are_scored_by_copies_with_names_of_their_own(self) -> None:
        world = self.world()

        world.watch()

        run = world.only_run()
        assert (run["status"], run["snapshot"]["files"], run["staged"]) == ("published", 4, True)
        folder = f"landfall/{run['run_id']}/input"
        assert input_of(world).endswith(folder)
        staged = [p for p in world.blobs.paths(world.route.datastores["workspaceblobstore"]) if "/input/" in p]
        told = {file["name"]: file.get("staged_as") or file["name"] for file in manifest_of(world, run)["files"]}
        assert staged == sorted(f"{folder}/{name}" for name in told.values())
        assert told["part-b/deep/2.png"] == "part-b__deep__2.png"
        assert told["part-a/1.png"].endswith("__1.png")
        assert told["part-a/1.png"] != "part-a__1.png"

    def test_the_record_and_the_manifest_say_what_each_copy_is_called_if_it_has_another_name(self) -> None:
        world = self.world()
        world.watch()
        run = world.only_run()
        record = world.ledger.run(run["run_id"])
        assert record is not None

        frozen = world.ledger.snapshot(record.run_id, record.snapshot.drop)
        told = manifest_of(world, run)["files"]

        assert [file.staged_as for file in frozen if "/" not in file.name] == [None, None]
        assert all(file.staged_as for file in frozen if "/" in file.name)
        assert [file.get("staged_as") for file in told] == [file.staged_as for file in frozen]
        assert not any("staged_as" in file for file in told if "/" not in file["name"])

    def test_without_sub_folders_the_folder_is_scored_in_place_as_ever(self) -> None:
        world = make_world(FLATTEN)
        world.land("0.png")

        world.watch()

        assert input_of(world) == f"{world.route.landing.url}/{LANDING}"

    def test_what_is_not_scored_in_sub_folders_is_no_reason_for_copies_and_told_of(self) -> None:
        world = make_world(FLATTEN)
        world.land("0.png", "part-a/notes.txt")

        world.watch()

        assert world.only_run()["staged"] is False

    @pytest.mark.parametrize("how", [SPLIT, FLATTEN], ids=["split", "flatten"])
    def test_folders_in_which_writers_keep_what_is_none_of_the_data_are_passed_over(self, how: tuple[str, str]) -> None:
        world = make_world(how)
        world.land("0.png", "_temporary/0/1.png")

        assert missed(world) == [LANDING]
        world.watch()

        assert world.only_run()["snapshot"]["files"] == 1
        assert led_to(world, f"{LANDING}/_temporary/0/1.png") == []

    def test_an_event_at_any_depth_leads_to_the_landing(self) -> None:
        world = self.world()

        for path in ("0.png", "part-a/1.png", "part-b/deep/2.png"):
            assert led_to(world, f"{LANDING}/{path}") == [LANDING]
        assert led_to(world, f"{LANDING}/part-b/notes.txt") == []
        for path in ("digits", LANDING, f"{LANDING}/part-b", f"{LANDING}/part-b/deep"):
            assert renamed_to(world, path) == [LANDING]

    def test_it_is_not_quiet_while_files_arrive_in_a_sub_folder(self) -> None:
        world = make_world(FLATTEN)
        world.land("0.png")
        for second in (3, 6, 9):
            moment = world.clock() + timedelta(seconds=second)
            world.at(moment, partial(world.land, f"part-a/{second}.png"))

        world.watch()

        assert world.only_run()["snapshot"]["files"] == 4

    def test_only_a_marker_in_the_folder_itself_counts(self) -> None:
        world = make_world(FLATTEN, ("quiet: 5s", "marker: _SUCCESS"), ("longest_wait: 2h", "longest_wait: 1m"))
        world.land("part-a/1.png", "part-a/_SUCCESS")

        world.watch()

        assert "_SUCCESS did not arrive" in world.only_run()["error"]["message"]

    def test_a_file_in_a_sub_folder_that_changes_before_it_is_copied_supersedes_the_run(self) -> None:
        world = make_world(FLATTEN)
        world.land("part-a/1.png")
        changed: list[bool] = []

        def change_once(_: object) -> None:
            if not changed:
                changed.append(True)
                world.land("part-a/1.png", content=b"newer")

        world.blobs.before_copy = change_once

        world.watch()

        assert sorted(run["status"] for run in world.runs()) == ["published", "superseded"]

    def test_a_file_that_comes_to_a_sub_folder_while_the_job_runs_gets_all_of_it_another_run(self) -> None:
        """The job has not seen it, so what it scored is published."""
        world = make_world(FLATTEN)
        world.land("0.png")
        world.watch()
        world.land("part-a/1.png")

        assert missed(world) == [LANDING]
        world.watch()

        assert [(run["status"], run["snapshot"]["files"]) for run in world.runs()] == [
            ("published", 2),
            ("published", 1),
        ]

    def test_the_sweep_sees_a_landing_as_a_look_does(self) -> None:
        world = self.world()
        assert missed(world) == [LANDING]

        world.watch()

        assert missed(world) == []

    def test_paths_that_no_request_can_name_are_refused(self) -> None:
        world = make_world(FLATTEN)
        world.land("0.png", "a//2.png")

        world.watch()

        run = world.only_run()
        assert run["error"]["reason"] == "refused"
        assert "names cannot be used: 'a//2.png'" in run["error"]["message"]
        assert missed(world) == []

    def test_two_thousand_files_in_a_thousand_sub_folders_are_one_run(self) -> None:
        world = make_world(FLATTEN)
        world.land(*(f"{i % 1000:03}/{i}.png" for i in range(2_000)))

        world.watch()

        assert (world.only_run()["status"], world.only_run()["snapshot"]["files"]) == ("published", 2_000)
