"""A line of a run that has ended already: the sweep read an open run, which then ended before it was started again.

Seen before: it began anew from what the sweep had read. Where the landing had changed since, a run that was published
ended as superseded, a second job was made, subscribers were told twice and of different ends, and the same content was
scored once more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.core.course import resumed
from shared.core.location import Location
from shared.core.record import dump
from shared.core.run import Run
from shared.core.submission import Deferred, Unclear
from testbed.examples import STATE
from testbed.fakes import NOON
from tests.workflow.bent import Works, announced, bend, passing, run_records
from tests.workflow.world import World, make_world
from triggers.names import Orchestrator

BUSY = Deferred(30.0, "Too many requests")


def published() -> World:
    return _with_a_file(answers=[BUSY], statuses=("Running", "Completed"))


def published_from_copies() -> World:
    world = _with_a_file(answers=[BUSY], statuses=("Running", "Completed"))
    world.land("notes.txt")
    return world


def published_at_the_second_attempt() -> World:
    return _with_a_file(answers=[Unclear("reset")], statuses=("Running", "Completed"))


def failed() -> World:
    return _with_a_file(answers=[BUSY], statuses=("Running", "Failed"))


def canceled() -> World:
    return _with_a_file(answers=[BUSY], statuses=("Queued",))


def superseded() -> World:
    world = _with_a_file(answers=[BUSY], statuses=("Running", "Completed"))
    world.at(NOON + timedelta(seconds=30), lambda: world.land("0.png", content=b"other pixels"))
    return world


def _with_a_file(**endpoint: Any) -> World:
    world = make_world(**endpoint)
    world.land("0.png")
    return world


ENDS = (published, published_from_copies, published_at_the_second_attempt, failed, canceled, superseded)


def as_it_was(world: World) -> None:
    pass


def another_file(world: World) -> None:
    world.land("1.png")


def other_content(world: World) -> None:
    world.land("0.png", content=b"new pixels")


def cleared(world: World) -> None:
    world.blobs.delete(world.place("digits/tuesday/0.png"))


SINCE = (as_it_was, another_file, other_content, cleared)


def lived_through(world: World) -> list[Run]:
    """The landing's first run to its end; what the ledger had of it at each moment before."""
    seen: dict[int, Run] = {}

    def record(works: Works, given: Any) -> Any:
        run = world.ledger.run(given["names"]["run_id"])
        answer = works(given)
        if run is not None and (not seen or run.run_id == next(iter(seen.values())).run_id):
            seen.setdefault(run.revision, run)
        return answer

    bend(world, "record_run", record)
    world.watch()
    assert len(seen) >= 3
    return list(seen.values())


def everything(world: World) -> dict[str, bytes]:
    """All that readers and the ledger have."""
    lake = {path: Location(world.route.publish, path) for path in world.blobs.paths(world.route.publish)}
    runs = {path: Location(STATE, path) for path in run_records(world)}
    return {path: world.blobs.contents[place][0] for path, place in (lake | runs).items()}


@pytest.mark.parametrize("since", SINCE)
@pytest.mark.parametrize("make", ENDS)
def test_a_line_of_the_past_ends_without_a_trace(make: Callable[[], World], since: Callable[[World], None]) -> None:
    """From whatever revision it starts. (At first one that was left while its job was canceled told subscribers once
    more, and that the job could not be canceled; and one that was superseded had its record written anew.)"""
    world = make()
    earlier = lived_through(world)
    since(world)
    world.clock.advance(minutes=15)
    posts, told, before = len(world.endpoint.posts), announced(world), everything(world)
    jobs, canceled = dict(world.endpoint.made_for), list(world.endpoint.canceled)

    for stale in earlier:
        left = resumed(stale, world.clock())
        ended = world.driver.run(Orchestrator.SCORE, dump(left), left.run_id)

        assert ended["status"] == world.ledger.run(left.run_id).status  # type: ignore[union-attr]  # it is there
        assert len(world.endpoint.posts) == posts
        assert everything(world) == before
        assert (world.endpoint.made_for, world.endpoint.canceled) == (jobs, canceled)
        assert announced(world) == told


def test_content_that_was_published_is_not_scored_again_because_of_a_line_of_the_past() -> None:
    world = published()
    earlier = lived_through(world)
    cleared(world)
    for stale in earlier:
        world.driver.run(Orchestrator.SCORE, dump(resumed(stale, world.clock())), stale.run_id)

    world.land("0.png")
    result = world.watch(instance_id="again")

    assert result == f"already known as {world.only_run()['run_id']}"


def test_a_line_of_the_past_says_so_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    world = published()
    (first, *_) = lived_through(world)

    world.driver.run(Orchestrator.SCORE, dump(resumed(first, world.clock())), first.run_id)

    assert [record for record in caplog.messages if record.startswith("landfall.run.overtaken")]


@pytest.mark.parametrize("make", ENDS)
def test_an_end_whose_entry_got_no_answer_is_announced_all_the_same(make: Callable[[], World]) -> None:
    """It is entered again, and that is no line of the past."""
    world = make()
    lost: list[str] = []

    def record(works: Works, given: Any) -> Any:
        answer = works(given)
        run_id = given["names"]["run_id"]
        if given["progress"]["timings"].get("ended") and run_id not in lost:
            lost.append(run_id)
            return passing("The worker was lost.")
        return answer

    bend(world, "record_run", record)
    world.watch()

    told = [run for run in world.runs() if run["status"] != "superseded"]
    assert announced(world) == [f"{run['run_id']}/{run['status']}" for run in told]
    assert len(lost) == len(world.runs())
