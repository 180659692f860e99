"""Watches that could go on for ever, or that start run after run: a file that is written to all the time, a container
that is gone, an entity's state that nobody can read, a marker that comes while the watcher waits again.

Seen before: 400 superseded runs followed each other within seconds; a watch looked for a container that was gone for
60 days and kept its landing from anybody else; and where the entity's state was of another version, each watch asked it
for ever who watches.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.core.landing import Landing
from shared.core.location import Location
from shared.core.watchers import Operation, operate
from shared.errors import Denied, Unavailable
from shared.ports import Copied
from testbed.fakes import NOON
from tests.workflow.bent import CutOff, Works, bend, cut_off, landing_state, run_records
from tests.workflow.world import World, make_world

MARKED = ("quiet: 5s", "marker: _SUCCESS")
MORE_THAN_ANYBODY_SHOULD_MAKE = 100


def changing_with_each_copy(world: World, until: timedelta) -> None:
    """One file is written to all the time: whenever it is copied, it has just changed."""
    changes = 0

    def change(source: Location) -> None:
        nonlocal changes
        if source != world.place("digits/tuesday/0.png") or world.clock() - NOON > until:
            return
        changes += 1
        world.blobs.put(source, b"pixels %d" % changes)
        if changes > MORE_THAN_ANYBODY_SHOULD_MAKE:
            raise CutOff

    world.blobs.before_copy = change


def test_a_file_that_is_written_to_all_the_time_does_not_make_run_after_run() -> None:
    world = make_world(MARKED)
    world.land("0.png", "_SUCCESS")
    changing_with_each_copy(world, timedelta(days=2))
    cut_off(world, NOON + timedelta(hours=2))

    with pytest.raises(CutOff):
        world.watch()

    assert world.clock() - NOON > timedelta(hours=1)
    assert len(run_records(world)) < 35


def test_a_landing_that_comes_to_rest_is_published_then() -> None:
    world = make_world(MARKED)
    world.land("0.png", "_SUCCESS")
    changing_with_each_copy(world, timedelta(hours=1))

    world.watch()

    newest, *older = world.runs()
    assert newest["status"] == "published"
    assert {run["status"] for run in older} == {"superseded"}
    assert world.clock() - NOON < timedelta(hours=1, minutes=15)
    assert landing_state(world) is None


def test_copies_that_are_never_made_although_nothing_changes_do_not_make_run_after_run() -> None:
    """Storage told of a source that had changed where it could only not be seen from the other account."""
    world = make_world()
    world.land("0.png", "notes.txt")
    world.blobs.copy = lambda *args, **given: Copied.SOURCE_CHANGED  # type: ignore[method-assign]  # whatever is asked
    cut_off(world, NOON + timedelta(hours=2))

    with pytest.raises(CutOff):
        world.watch()

    assert len(run_records(world)) < 35


@pytest.mark.parametrize(
    ("error", "patience"),
    [(Unavailable("ContainerNotFound"), timedelta(days=1)), (Denied("403"), timedelta(hours=1))],
    ids=["gone", "denied"],
)
def test_a_watch_whose_container_is_gone_ends_and_frees_its_landing(error: Unavailable, patience: timedelta) -> None:
    world = make_world()
    world.land("0.png")

    def gone(*_: Any, **__: Any) -> Any:
        raise error

    world.blobs.list_folder = gone  # type: ignore[method-assign]  # for good
    cut_off(world, NOON + timedelta(days=10))

    result = world.watch()

    assert result.startswith("failed (")
    assert patience <= world.clock() - NOON < patience + timedelta(minutes=15)
    assert landing_state(world) is None


def test_patience_of_a_watch_starts_again_with_every_look_that_succeeds() -> None:
    """It is trouble without a break that ends a watch, however long it watches."""
    world = make_world(MARKED, ("longest_wait: 2h", "longest_wait: 3d"))
    world.land("0.png")
    looks = world.blobs.list_folder

    def most_of_the_time(*given: Any, **more: Any) -> Any:
        if (world.clock() - NOON).total_seconds() % 86400 < 80000:
            raise Unavailable("503: Server Busy")
        return looks(*given, **more)

    world.blobs.list_folder = most_of_the_time  # type: ignore[method-assign]  # now and then
    world.at(NOON + timedelta(days=2), lambda: world.land("_SUCCESS"))

    world.watch()

    assert world.only_run()["status"] == "published"


@pytest.mark.parametrize("state", [{"version": 2}, {"version": 1, "added": 1}, "busy", [], 7])
def test_a_state_of_the_entity_that_nobody_can_read_is_forgotten(state: Any) -> None:
    world = make_world()
    world.land("0.png")
    world.driver.landings[Landing(world.route, "digits/tuesday").key] = state
    cut_off(world, NOON + timedelta(days=1))

    world.watch()

    assert world.only_run()["status"] == "published"
    assert landing_state(world) is None


def test_a_marker_replaces_a_watcher_that_waits_again_after_a_superseded_run() -> None:
    """The watcher was taken to be busy with a run for as long as it lived, so that nobody whom the marker had started
    took over."""
    world = make_world(MARKED, ("longest_wait: 2h", "longest_wait: 12h"), statuses=("Running", "Completed"))
    world.land("0.png", "_SUCCESS")
    key, told = Landing(world.route, "digits/tuesday").key, list[Any]()

    def taken_back(source: Location) -> None:
        world.blobs.before_copy = None
        world.land("0.png", content=b"other pixels")
        world.blobs.delete(world.place("digits/tuesday/_SUCCESS"))

    def marker_arrives() -> None:
        world.land("_SUCCESS")
        asking = {"who": "watch-of-the-marker", "urgent": True}
        world.driver.landings[key], watcher = operate(world.driver.landings[key], Operation.ENTER, asking)
        told.append(watcher)

    world.blobs.before_copy = taken_back
    world.at(NOON + timedelta(hours=1), marker_arrives)

    result = world.watch()

    assert [run["status"] for run in world.runs()] == ["superseded"]
    assert told == ["watch-of-the-marker"]
    assert result in ("left to watch-of-the-marker", "left to another watcher")


def test_a_marker_does_not_replace_a_watcher_that_makes_a_run() -> None:
    world = make_world(MARKED, statuses=(*("Running",) * 10, "Completed"))
    world.land("0.png", "_SUCCESS")
    key, told = Landing(world.route, "digits/tuesday").key, list[Any]()

    def marker_arrives() -> None:
        asking = {"who": "watch-of-the-marker", "urgent": True}
        world.driver.landings[key], watcher = operate(world.driver.landings[key], Operation.ENTER, asking)
        told.append(watcher)

    world.at(NOON + timedelta(minutes=2), marker_arrives)
    world.watch(instance_id="watcher")

    assert told == ["watcher"]
    assert world.only_run()["status"] == "published"


def test_an_entity_whose_landing_is_left_remembers_nothing() -> None:
    """So its state is gone with its landing: there is one entity for every landing that there ever was."""
    world = make_world()
    world.land("0.png")
    seen: list[Any] = []

    def submit(works: Works, given: Any) -> Any:
        seen.append(landing_state(world))
        return works(given)

    bend(world, "submit_job", submit)
    world.watch()

    assert [state["busy"] for state in seen] == [True]
    assert list(world.driver.landings.values()) == [None]
