"""Landings with sub-folders are refused by default: a batch job ignores what is in them, and says nothing."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from shared.core.nesting import LOOKED_THROUGH
from shared.core.record import Names
from shared.core.route import Route
from shared.core.steps import LookAt
from shared.routes import Routes
from shared.work import claiming
from testbed.examples import digits_route
from tests.workflow.nested import LANDING, led_to, missed, nested, renamed_to
from tests.workflow.world import World, make_world

LABELS = (("  digits:\n", "  labels:\n"), ("folder: digits/{batch}", "folder: digits/{batch}/labels"))


def with_routes(world: World, *others: Route) -> None:
    world.broken = Routes((world.route, *others))


class TestRefused:
    """By default."""

    def test_a_landing_with_files_in_sub_folders_is_refused_before_anything_is_paid(self) -> None:
        world = make_world()
        world.land("0.png", "part-a/1.png", "part-b/deep/2.png")

        world.watch()

        run = world.only_run()
        assert (run["status"], run["error"]["reason"]) == ("failed", "refused")
        assert "'part-a', 'part-b/deep'. Nothing was scored." in run["error"]["message"]
        assert world.endpoint.posts == []

    def test_a_landing_with_nothing_but_sub_folders_is_refused_and_not_left_in_silence(self) -> None:
        world = make_world()
        world.land("part-a/1.png")

        assert led_to(world, f"{LANDING}/part-a/1.png") == [LANDING]
        assert missed(world) == [LANDING]
        world.watch()

        assert "'part-a'" in world.only_run()["error"]["message"]
        assert missed(world) == []

    def test_one_that_waits_for_its_marker_is_refused_when_that_arrives(self) -> None:
        world = make_world(("quiet: 5s", "marker: _SUCCESS"))
        world.land("part-a/1.png", "part-a/_SUCCESS")
        world.at(world.clock() + timedelta(minutes=10), lambda: world.land("_SUCCESS"))

        world.watch()

        assert world.only_run()["error"]["reason"] == "refused"

    @pytest.mark.parametrize("name", ["part-a/notes.txt", "part-a/_SUCCESS"])
    def test_sub_folders_without_files_to_score_do_not_count(self, name: str) -> None:
        world = make_world(("quiet: 5s", "marker: _SUCCESS"))
        world.land("0.png", "_SUCCESS", name)

        world.watch()

        assert world.only_run()["status"] == "published"
        assert led_to(world, f"{LANDING}/{name}") == []
        assert missed(world) == []

    @pytest.mark.parametrize("folder", ["_temporary/0", "_delta_log", ".staging", "part-a/_temporary"])
    def test_folders_in_which_writers_keep_what_is_none_of_the_data_do_not_count(self, folder: str) -> None:
        """A job of Spark that took longer than the quiet period would have had its landing refused meanwhile."""
        world = make_world()
        world.land("0.png", f"{folder}/1.png")

        world.watch()

        assert world.only_run()["status"] == "published"
        assert (led_to(world, f"{LANDING}/{folder}/1.png"), renamed_to(world, f"{LANDING}/{folder}")) == ([], [])
        assert missed(world) == []

    def test_empty_directories_do_not_count(self) -> None:
        world = make_world()
        world.blobs.hierarchical = True
        world.land("0.png")
        world.blobs.directories.add(world.place(f"{LANDING}/part-a"))

        world.watch()

        assert world.only_run()["status"] == "published"

    def test_sub_folders_that_are_another_routes_landings_do_not_count(self) -> None:
        world = make_world()
        with_routes(world, digits_route(*LABELS))
        world.land("0.png", "labels/0.png")

        world.watch()

        assert world.only_run()["status"] == "published"
        assert led_to(world, f"{LANDING}/labels/0.png") == [f"{LANDING}/labels"]
        assert missed(world) == [f"{LANDING}/labels"]

    def test_of_several_landings_the_deepest_is_refused(self) -> None:
        world = make_world()
        with_routes(world, digits_route(*LABELS))
        world.land("0.png", "labels/deeper/0.png")

        world.watch()

        assert world.only_run()["status"] == "published"
        assert led_to(world, f"{LANDING}/labels/deeper/0.png") == [f"{LANDING}/labels"]
        assert missed(world) == [f"{LANDING}/labels"]

    def test_sub_folders_that_may_be_for_a_route_with_a_problem_are_no_reason_to_refuse(self) -> None:
        """A slip in one route failed the runs of another. The landing waits until the route is mended."""
        world = make_world()
        world.land("0.png", "labels/0.png")
        world.broken = Routes((world.route,), broken_containers=frozenset({"landing"}))

        world.watch()
        assert world.runs() == []

        with_routes(world, digits_route(*LABELS))
        assert LANDING in missed(world)
        world.watch()
        assert world.only_run()["status"] == "published"

    @pytest.mark.parametrize(("name", "listings"), [("1.png", 1), ("part-a/1.png", 2)], ids=["flat", "nested"])
    def test_a_look_costs_one_more_listing_and_only_where_there_are_sub_folders(self, name: str, listings: int) -> None:
        world = make_world()
        world.land("0.png", name)
        names = Names(route="digits", landing=LANDING, instance_id="w")

        claiming.look(world.routes, world.blobs, world.ledger, LookAt(names, world.clock()))

        assert world.blobs.listings == listings

    @pytest.mark.parametrize("name", ["part-a/{:05}.txt", "_temporary/{:05}.png"], ids=["unwanted", "hidden"])
    def test_a_look_and_the_sweep_go_through_as_many_names_and_see_the_same(self, name: str) -> None:
        world = make_world()
        world.land("0.png", *(name.format(i) for i in range(LOOKED_THROUGH)), "part-b/1.png")

        world.watch()

        assert world.only_run()["status"] == "published"
        assert missed(world) == []

    def test_many_files_that_arrive_in_sub_folders_together_are_refused_together(self) -> None:
        world = make_world()
        world.land("0.png")
        for second in range(1, 20):
            name = f"part-{second % 3}/{second}.png"
            world.at(world.clock() + timedelta(seconds=second), partial(world.land, name))

        world.watch()

        assert "'part-0', 'part-1', 'part-2'" in world.only_run()["error"]["message"]


class TestAfterARefusal:
    """What an operator does, and what comes of it."""

    def refused(self) -> World:
        world = make_world()
        world.land("0.png", "part-a/1.png")
        world.watch()
        assert world.only_run()["error"]["reason"] == "refused"
        return world

    def test_with_the_sub_folder_removed_the_rest_is_found_by_the_sweep_and_scored(self) -> None:
        world = self.refused()
        world.blobs.delete(world.place(f"{LANDING}/part-a/1.png"))

        assert missed(world) == [LANDING]
        world.watch()

        assert world.runs()[0]["status"] == "published"

    def test_with_the_files_moved_up_all_of_them_are_scored(self) -> None:
        world = self.refused()
        world.blobs.delete(world.place(f"{LANDING}/part-a/1.png"))
        world.land("1.png")

        world.watch()

        assert (world.runs()[0]["status"], world.runs()[0]["snapshot"]["files"]) == ("published", 2)

    @pytest.mark.parametrize("how", ["flatten", "split"])
    def test_with_the_route_changed_the_sweep_finds_it(self, how: str) -> None:
        world = self.refused()
        world.route = digits_route(nested(how))

        found = missed(world)
        for path in found:
            world.watch(path)

        assert found == ([LANDING] if how == "flatten" else [LANDING, f"{LANDING}/part-a"])
        assert [run["status"] for run in world.runs()] == ["published"] * len(found) + ["failed"]

    @pytest.mark.parametrize("again", ["0.png", "part-a/1.png"])
    def test_uploaded_again_as_it_was_it_is_refused_again(self, again: str) -> None:
        world = self.refused()
        world.clock.advance(minutes=1)
        world.land(again)

        world.watch()

        assert [run["error"]["reason"] for run in world.runs()] == ["refused", "refused"]

    def test_looked_at_again_it_stays_the_one_failure(self) -> None:
        world = self.refused()

        world.watch(instance_id="again")

        assert len(world.runs()) == 1
        assert missed(world) == []


class TestTooLarge:
    """What a route's limits are for."""

    def limited(self, **limits: int) -> World:
        text = "".join(f"      {name}: {most}\n" for name, most in limits.items())
        return make_world(("    polling:", f"    limits:\n{text}    polling:"))

    def test_a_landing_with_more_files_than_its_route_allows_is_refused_before_anything_is_paid(self) -> None:
        world = self.limited(files=2)
        world.land("0.png", "1.png", "2.png")

        world.watch()

        run = world.only_run()
        assert (run["status"], run["error"]["reason"]) == ("failed", "refused")
        assert "3 files (limits.files is 2), more than route 'digits' allows" in run["error"]["message"]
        assert "raise the limit" in run["error"]["do"]
        assert world.endpoint.posts == []

    def test_both_limits_are_told_together(self) -> None:
        world = self.limited(files=1, bytes=10)
        world.land("0.png", "1.png")

        world.watch()

        assert "2 files (limits.files is 1) and 22 bytes (limits.bytes is 10)" in world.only_run()["error"]["message"]

    def test_a_landing_at_its_limit_is_scored(self) -> None:
        world = self.limited(files=2, bytes=22)
        world.land("0.png", "1.png", "notes.txt")

        world.watch()

        assert world.only_run()["status"] == "published"

    def test_with_some_files_removed_it_is_found_and_scored(self) -> None:
        world = self.limited(files=2)
        world.land("0.png", "1.png", "2.png")
        world.watch()
        world.blobs.delete(world.place(f"{LANDING}/2.png"))

        assert missed(world) == [LANDING]
        world.watch()

        assert world.runs()[0]["status"] == "published"
