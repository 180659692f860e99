"""The sweep finds what events missed and carries on what was left."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import Unavailable
from shared.routes import Routes
from shared.work import sweep
from tests.fakes import NOON
from tests.workflow.world import World, make_world
from triggers.names import Orchestrator


def missed(world: World) -> list[str]:
    return [found.path for found in sweep.missed(Routes((world.route,)), world.blobs, world.ledger, world.clock())]


def test_a_landing_without_a_run_is_found_once_its_events_had_their_chance() -> None:
    world = make_world()
    world.land("0.png")
    world.land("notes.txt", folder="digits/wednesday")
    world.land("0.png", folder="letters/tuesday")

    assert missed(world) == []
    world.clock.advance(minutes=3)
    assert missed(world) == ["digits/tuesday"]


def test_a_landing_whose_content_has_a_run_is_left_alone_until_it_changes() -> None:
    world = make_world()
    world.land("0.png")
    world.watch()
    world.clock.advance(minutes=3)
    assert missed(world) == []

    world.land("1.png")
    world.clock.advance(minutes=3)
    assert missed(world) == ["digits/tuesday"]


def test_what_is_older_than_the_look_back_is_not_scored_by_surprise() -> None:
    world = make_world()
    world.land("0.png")
    world.clock.advance(days=3)

    assert missed(world) == []


def test_every_file_is_looked_for_where_files_are_landings() -> None:
    world = make_world(("type: uri_folder", "type: uri_file"))
    world.land("0.png", "1.png")
    world.watch("digits/tuesday/0.png")
    world.clock.advance(minutes=3)

    assert missed(world) == ["digits/tuesday/1.png"]


def stop_at(world: World, moment: timedelta) -> None:
    """Terminate whatever runs at that moment, as an operator may."""

    class Terminated(BaseException):
        pass

    def terminate() -> None:
        raise Terminated

    world.at(NOON + moment, terminate)
    with pytest.raises(Terminated):
        world.watch()


def test_a_run_that_nobody_follows_is_carried_on_with_the_job_it_has() -> None:
    world = make_world(statuses=("Running", "Running", "Completed"))
    world.land("0.png")
    stop_at(world, timedelta(seconds=10))
    (left,) = sweep.open_runs(world.ledger, world.clock())

    world.driver.run(Orchestrator.SCORE_SNAPSHOT, left["state"], left["run_id"])

    (run,) = world.runs()
    assert run["status"] == "published"
    assert len(world.endpoint.posts) == 1
    assert sweep.open_runs(world.ledger, world.clock()) == []


def test_a_run_that_was_claimed_and_never_begun_is_begun() -> None:
    world = make_world()
    world.land("0.png")
    world.watch_until_claimed()
    (left,) = sweep.open_runs(world.ledger, world.clock())

    world.driver.run(Orchestrator.SCORE_SNAPSHOT, left["state"], left["run_id"])

    assert [run["status"] for run in world.runs()] == ["published"]


def test_a_run_that_has_ended_is_not_open_even_if_its_last_update_was_cut_short() -> None:
    world = make_world()
    world.land("0.png")
    delete = world.blobs.delete

    def cut_short(blob) -> None:
        raise Unavailable("the process was stopped")

    world.blobs.delete = cut_short  # type: ignore[method-assign]
    world.watch()
    world.blobs.delete = delete  # type: ignore[method-assign]

    assert sweep.open_runs(world.ledger, world.clock()) == []
