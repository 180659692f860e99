"""What the sweep finds when times do not tell what is new, and what it asks the ledger for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.core.location import Location
from shared.core.record import to_json
from shared.core.tally import Tally
from shared.errors import Unavailable
from shared.ports import Stored
from shared.routes import Routes
from shared.work import sweeping
from testbed.examples import STATE
from testbed.fakes import NOON
from tests.workflow.world import World, make_world

TALLY = Location(STATE, "tallies/digits.json")


def sweep(world: World) -> list[str]:
    """What the sweep finds missed, a quarter of an hour after the last one."""
    world.clock.advance(minutes=15)
    return sorted(one.path for one in sweeping.missed(world.routes, world.blobs, world.ledger, world.clock))


def reads(world: World) -> list[str]:
    """The runs that the next sweep asks the ledger for."""
    asked = []
    read = world.blobs.read

    def noting(blob: Location) -> Stored | None:
        if blob.path.startswith("runs/"):
            asked.append(blob.path)
        return read(blob)

    world.blobs.read = noting  # type: ignore[method-assign]
    sweep(world)
    world.blobs.read = read  # type: ignore[method-assign]
    return asked


def swept_before(*pairs: tuple[str, str], backlog: int = 0) -> World:
    """A hierarchical account with so many landings of long ago, which the sweep has seen first three days later."""
    world = make_world(*pairs)
    world.blobs.hierarchical = True
    for number in range(backlog):
        world.land("0.png", "1.png", folder=f"digits/backlog-{number}")
    world.land("0.png", "1.png", folder="elsewhere/old")
    world.clock.advance(days=3)
    assert sweep(world) == []
    return world


def rename(world: World, source: str, target: str) -> None:
    """As clients of the Data Lake endpoint do, with the event lost."""
    world.blobs.rename(world.place(source), world.place(target))


def test_an_old_folder_that_is_renamed_into_a_landing_is_found_and_scored_once() -> None:
    """Seen before: the sweep went by the times of files, which a rename does not change."""
    world = swept_before(backlog=2)

    rename(world, "elsewhere/old", "digits/tuesday")
    assert sweep(world) == ["digits/tuesday"]
    world.watch()

    assert sweep(world) == sweep(world) == []
    assert world.only_run()["landing"].endswith("digits/tuesday")


def test_what_was_there_before_the_route_is_never_scored_however_often_the_sweep_comes_by() -> None:
    world = swept_before(backlog=3)

    assert [sweep(world) for _ in range(5)] == [[]] * 5


def test_an_old_file_that_is_renamed_into_a_landing_of_long_ago_is_found() -> None:
    world = swept_before(backlog=2)

    rename(world, "elsewhere/old/0.png", "digits/backlog-1/2.png")

    assert sweep(world) == ["digits/backlog-1"]


def test_an_old_file_that_is_renamed_over_another_is_found() -> None:
    world = swept_before(backlog=1)

    rename(world, "elsewhere/old/0.png", "digits/backlog-0/1.png")

    assert sweep(world) == ["digits/backlog-0"]


def test_a_file_that_is_taken_away_again_leaves_the_landing_as_it_was() -> None:
    world = swept_before(backlog=1)
    rename(world, "elsewhere/old/0.png", "digits/backlog-0/2.png")
    assert sweep(world) == ["digits/backlog-0"]

    rename(world, "digits/backlog-0/2.png", "elsewhere/old/0.png")

    assert sweep(world) == []


def test_tidying_up_old_landings_scores_nothing() -> None:
    """Lifecycle rules delete file by file: what is left of a landing is content without a run, but no new content."""
    world = swept_before(backlog=1)
    world.land("0.png", "1.png", "2.png")
    world.watch()
    assert sweep(world) == []
    world.clock.advance(days=3)

    for path in ("digits/backlog-0/0.png", "digits/tuesday/0.png", "digits/tuesday/1.png"):
        world.blobs.delete(world.place(path))
        assert sweep(world) == []


def test_taking_away_the_marker_of_an_old_landing_scores_nothing() -> None:
    world = make_world(("quiet: 5s", "marker: _SUCCESS"))
    world.land("0.png", "_SUCCESS")
    world.clock.advance(days=3)
    assert sweep(world) == []

    world.blobs.delete(world.place("digits/tuesday/_SUCCESS"))

    assert sweep(world) == []


def test_a_marker_that_is_renamed_into_an_old_landing_completes_it() -> None:
    world = swept_before(("quiet: 5s", "marker: _SUCCESS"), backlog=1)
    world.blobs.put(world.place("elsewhere/_SUCCESS"), b"")
    world.clock.advance(days=3)

    rename(world, "elsewhere/_SUCCESS", "digits/backlog-0/_SUCCESS")

    assert sweep(world) == ["digits/backlog-0"]


def test_the_ledger_is_asked_once_of_a_landing_whose_run_has_ended() -> None:
    world = swept_before(backlog=3)
    world.land("0.png")
    world.watch()

    assert len(reads(world)) == 1
    assert reads(world) == []


@pytest.mark.parametrize("account", ["flat", "hierarchical"])
def test_a_run_that_has_not_ended_is_asked_for_again(account: str) -> None:
    """It may be superseded, and then its content is to have another run."""
    world = make_world()
    world.blobs.hierarchical = account == "hierarchical"
    world.land("0.png")
    world.watch_until_claimed()

    assert len(reads(world)) == len(reads(world)) == 1
    world.carry_on()
    assert len(reads(world)) == 1
    assert reads(world) == []


def test_failed_content_that_is_uploaded_again_is_found_although_it_was_counted() -> None:
    world = make_world(statuses=("Failed",))
    world.land("0.png")
    world.watch()
    assert sweep(world) == sweep(world) == []

    world.land("0.png")

    assert sweep(world) == ["digits/tuesday"]


def test_a_tally_is_written_when_it_changes_and_only_then() -> None:
    world = swept_before(backlog=2)
    world.land("0.png")
    world.watch()
    sweep(world)
    writes = world.blobs.writes

    sweep(world)

    assert world.blobs.writes == writes


def test_a_landing_that_is_gone_leaves_the_tally() -> None:
    world = swept_before(backlog=2)
    before = len(the_tally(world).entries or b"")

    for name in ("0.png", "1.png"):
        world.blobs.delete(world.place(f"digits/backlog-0/{name}"))
    sweep(world)

    assert len(the_tally(world).entries or b"") == before / 2


def the_tally(world: World) -> Tally:
    tally, _ = world.ledger.tally("digits")
    assert tally is not None
    return tally


def test_a_route_with_another_folder_begins_its_tally_again() -> None:
    """What is in the new folder was there before the route looked at it."""
    world = swept_before(backlog=1)
    world.land("0.png", folder="numbers/old")
    world.clock.advance(days=3)

    world.route = replace(world.route, folder="numbers/{batch}")

    assert sweep(world) == []
    rename(world, "elsewhere/old", "numbers/tuesday")
    assert sweep(world) == ["numbers/tuesday"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 2}', b"[]"], ids=str)
def test_a_tally_that_cannot_be_read_is_begun_again(content: bytes) -> None:
    world = swept_before(backlog=1)
    world.blobs.put(TALLY, content)

    assert sweep(world) == []

    rename(world, "elsewhere/old", "digits/tuesday")
    assert sweep(world) == ["digits/tuesday"]


def test_what_is_found_is_watched_although_the_tally_cannot_be_written(caplog: pytest.LogCaptureFixture) -> None:
    world = swept_before(backlog=1)
    world.land("0.png", folder="digits/new")
    world.land("0.png")
    world.watch()

    def refused(blob: Location, content: bytes, *, etag: str | None) -> bool:
        raise Unavailable("the ledger is read-only")

    world.blobs.replace = refused  # type: ignore[method-assign]

    assert sweep(world) == ["digits/new"]
    assert "the ledger is read-only" in caplog.text


def test_of_two_sweeps_at_the_same_time_one_tally_stays_and_nothing_is_lost() -> None:
    world = swept_before(backlog=1)
    rename(world, "elsewhere/old", "digits/tuesday")
    meanwhile = to_json(Tally(route="another", entries=b""))
    world.land("0.png", folder="digits/new")
    world.watch("digits/new")
    at_the_end_of_the_listing(world, lambda: world.blobs.put(TALLY, meanwhile))

    assert sweep(world) == ["digits/tuesday"]

    stored = world.blobs.read(TALLY)
    assert stored is not None
    assert stored.content == meanwhile


def at_the_end_of_the_listing(world: World, happens: Callable[[], object]) -> None:
    listing = world.blobs.pages

    def then(*given: Any, **more: Any) -> Any:
        yield from listing(*given, **more)
        happens()

    world.blobs.pages = then  # type: ignore[method-assign]


def test_a_year_of_landings_is_swept_without_asking_the_ledger_for_one_of_them() -> None:
    world = swept_before(backlog=2000)

    assert reads(world) == []


def test_routes_have_tallies_of_their_own() -> None:
    world = swept_before(backlog=1)
    second = replace(world.route, name="second", folder="elsewhere/{batch}")
    world.broken = Routes((world.route, second))

    assert sweep(world) == []
    rename(world, "elsewhere/old", "digits/tuesday")

    assert sweep(world) == ["digits/tuesday"]
    assert world.ledger.tally("second")[0] is not None


def test_a_watch_of_what_was_renamed_in_takes_two_looks_to_prove_that_it_is_quiet() -> None:
    """With one, files that are renamed in one after the other would be scored after the first."""
    world = swept_before()
    rename(world, "elsewhere/old/0.png", "digits/tuesday/0.png")
    world.at(world.clock() + timedelta(seconds=4), lambda: rename(world, "elsewhere/old/1.png", "digits/tuesday/1.png"))

    world.watch()

    assert world.only_run()["snapshot"]["files"] == 2


def test_a_file_that_is_written_slowly_is_scored_once_with_all_that_is_in_it() -> None:
    """It is empty until its writer flushes it, whatever was appended, and then has another etag."""
    world = make_world()
    world.blobs.hierarchical = True
    world.land("0.png")
    slow = world.place("digits/tuesday/1.png")
    world.blobs.put(slow, b"")
    world.at(world.clock() + timedelta(minutes=1), lambda: world.blobs.put(slow, b"pixels"))

    world.watch()

    run = world.only_run()
    assert (run["status"], run["snapshot"]["files"]) == ("published", 2)
    assert run["snapshot"]["bytes"] > len(b"pixels0.png")
    assert world.clock() - NOON < timedelta(minutes=2)
