"""The sweep finds what events missed and carries on what was left."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.core.location import Container, Location
from shared.core.run import Run
from shared.core.submission import Unclear
from shared.errors import Unavailable
from shared.ports import Page
from shared.routes import Routes
from shared.work import sweeping
from shared.work.surveying import survey
from testbed.examples import STATE
from testbed.fakes import NOON
from tests.workflow.world import World, make_world


def missed(world: World) -> list[str]:
    return [found.path for found in sweeping.missed(Routes((world.route,)), world.blobs, world.ledger, world.clock)]


def test_a_landing_without_a_run_is_found_once_its_events_had_their_chance() -> None:
    world = make_world()
    world.land("0.png")
    world.land("notes.txt", folder="digits/wednesday")
    world.land("0.png", folder="letters/tuesday")

    assert missed(world) == []
    world.clock.advance(minutes=3)
    assert missed(world) == ["digits/tuesday"]


def test_a_landing_is_found_by_the_names_that_its_route_takes() -> None:
    world = make_world(("files:", 'case: ignore\n      exclude: ["~*"]\n      files:'))
    world.land("0.PNG")
    world.land("~0.png", folder="digits/wednesday")
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


class Stopped(BaseException):
    """The orchestration was terminated, or its process died for good."""


def stop_at(world: World, moment: timedelta) -> None:
    """Terminate whatever runs at that moment, as an operator may."""

    def terminate() -> None:
        raise Stopped

    world.at(NOON + moment, terminate)
    with pytest.raises(Stopped):
        world.watch()


def open_runs(world: World) -> tuple[Run, ...]:
    """What the ledger says is not over."""
    return sweeping.left_over(world.ledger, world.clock()).open


def carry_on(world: World) -> dict[str, Any]:
    """What the sweep does with the one run that nobody follows; the run in the end."""
    assert len(open_runs(world)) == 1
    world.carry_on()
    return world.runs()[0]


@pytest.mark.parametrize("lists_jobs", [True, False], ids=["listing", "not listing"])
def test_a_run_that_nobody_follows_is_carried_on_with_the_job_it_has(lists_jobs: bool) -> None:
    world = make_world(statuses=("Running", "Running", "Completed"), lists_jobs=lists_jobs)
    world.land("0.png")
    stop_at(world, timedelta(seconds=10))

    run = carry_on(world)

    assert run["status"] == "published"
    assert run["job"]["name"] == "batchjob-1"
    assert len(world.endpoint.posts) == 1
    assert open_runs(world) == ()


def test_a_publication_that_was_cut_short_is_not_mixed_with_what_follows() -> None:
    world = make_world()
    world.land("0.png")
    seal = world.driver.activities["seal_publication"]

    def stopping(given: Any) -> Any:
        raise Stopped

    world.driver.activities = {**world.driver.activities, "seal_publication": stopping}
    with pytest.raises(Stopped):
        world.watch()
    (left,) = open_runs(world)
    world.blobs.put(left.spec.publish.at("part-of-another-attempt.parquet"), b"old")
    world.driver.activities = {**world.driver.activities, "seal_publication": seal}

    run = carry_on(world)

    assert world.published(run) == ["_SUCCESS", "_run.json", "predictions.csv"]


def test_a_publication_that_was_sealed_before_anybody_knew_stays_published_whatever_the_landing_does() -> None:
    world = make_world()
    world.land("0.png")
    seal = world.driver.activities["seal_publication"]

    def sealing(given: Any) -> Any:
        seal(given)
        raise Stopped

    world.driver.activities = {**world.driver.activities, "seal_publication": sealing}
    with pytest.raises(Stopped):
        world.watch()
    world.land("0.png", content=b"other")

    run = carry_on(world)

    assert run["status"] == "published"
    assert run["publication"]["outputs"] == 1
    assert len(world.endpoint.posts) == 1


def test_failed_content_that_was_dropped_anew_and_not_heard_of_is_found() -> None:
    world = make_world(statuses=("Failed",))
    world.land("0.png")
    world.watch()
    world.clock.advance(minutes=3)
    assert missed(world) == []

    world.land("0.png")
    world.clock.advance(minutes=3)

    assert missed(world) == ["digits/tuesday"]


def test_a_job_that_turns_up_after_its_run_has_ended_is_canceled() -> None:
    world = make_world(answers=[Unclear("reset")] * 3)
    world.land("0.png")
    world.watch()
    assert world.runs()[0]["error"]["reason"] == "unclear"
    for post in world.endpoint.posts:
        world.endpoint.make_job(post)

    world.cancel_late_jobs()

    assert sorted(world.endpoint.canceled) == sorted(world.endpoint.jobs)
    world.clock.advance(days=2)
    assert open_runs(world) == ()
    assert not [path for path in world.blobs.paths(STATE) if path.startswith("open/")]


def test_a_document_that_cannot_be_read_keeps_no_other_run_from_being_carried_on() -> None:
    world = make_world(statuses=("Running", "Running", "Completed"))
    world.land("0.png")
    stop_at(world, timedelta(seconds=10))
    odd = {"run_id": "digits-odd", "status": "scoring", "revision": 3, "updated": NOON.isoformat(), "order": {"new": 1}}
    world.blobs.put(Location(STATE, "open/digits-odd"), b"")
    world.blobs.put(Location(STATE, "runs/digits-odd.json"), json.dumps(odd).encode())

    assert len(open_runs(world)) == 1


def test_a_route_whose_storage_does_not_answer_keeps_no_other_from_being_swept() -> None:
    world = make_world()
    world.land("0.png")
    world.clock.advance(minutes=3)
    dark = replace(world.route, name="dark", landing=Container("https://dark.blob.core.windows.net", "landing"))
    listing = world.blobs.pages

    def partly(container: Container, prefix: str, *, at: str | None = None) -> Iterable[Page]:
        if container == dark.landing:
            raise Unavailable("403")
        return listing(container, prefix, at=at)

    world.blobs.pages = partly  # type: ignore[method-assign]
    found = sweeping.missed(Routes((dark, world.route)), world.blobs, world.ledger, world.clock)

    assert [landing.path for landing in found] == ["digits/tuesday"]


def test_a_record_that_cannot_be_read_keeps_no_other_landing_of_its_route_from_being_swept() -> None:
    """After a rollback the whole route was passed over, for as long as the record lay there."""
    world = make_world()
    world.land("0.png", folder="digits/monday")
    world.watch("digits/monday")
    unreadable = Location(STATE, f"runs/{world.only_run()['run_id']}.json")
    world.blobs.put(unreadable, b'{"version": 2}')
    world.land("0.png", folder="digits/tuesday")
    world.clock.advance(minutes=3)

    found = sweeping.missed(world.routes, world.blobs, world.ledger, world.clock)

    assert [landing.path for landing in found] == ["digits/tuesday"]


def test_a_run_that_was_claimed_and_never_begun_is_begun() -> None:
    world = make_world()
    world.land("0.png")
    world.watch_until_claimed()

    assert carry_on(world)["status"] == "published"


def test_a_run_that_has_ended_is_not_open_even_if_its_last_update_was_cut_short() -> None:
    world = make_world()
    world.land("0.png")
    delete = world.blobs.delete

    def cut_short(blob: Location, *, etag: str | None = None) -> None:
        raise Unavailable("the process was stopped")

    world.blobs.delete = cut_short  # type: ignore[method-assign]
    world.watch()
    world.blobs.delete = delete  # type: ignore[method-assign]

    assert open_runs(world) == ()


def test_a_landing_is_known_as_soon_as_it_is_listed_whatever_comes_after_it() -> None:
    """All files of all landings were kept until the listing had ended: a gigabyte after a year."""
    world = make_world()
    for number in range(100):
        world.land(*(f"{name}.png" for name in range(10)), folder=f"digits/{number:03}")
    world.blobs.page_size = 11
    found = survey(world.route, (world.route,), world.blobs)

    assert next(found).landing.path == "digits/000"
    assert world.blobs.listings == 1
    assert [one.landing.path for one in found] == [f"digits/{number:03}" for number in range(1, 100)]
