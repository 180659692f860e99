"""A route with more blobs than a sweep lists at once: its cost follows what is new, and nothing is missed or scored by
surprise.

Seen before: five thousand finished landings took 130 s of each sweep, so that the net below the events would have torn
after a year.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.tally import FEW_PAGES, MOST_AT_ONCE, SWEEPS_PER_ROUND
from shared.work import sweeping
from tests.workflow.world import World, make_world

PAGE = 10


def sweep(world: World, **given: Any) -> list[str]:
    """What the sweep finds missed, a quarter of an hour after the last one."""
    world.clock.advance(minutes=15)
    found = sweeping.missed(world.routes, world.blobs, world.ledger, world.clock, **given)
    return sorted(one.path for one in found)


def listings(world: World) -> int:
    """Lists that the next sweep asks for."""
    before = world.blobs.listings
    sweep(world)
    return world.blobs.listings - before


def with_backlog(landings: int, *names: str, page: int = PAGE, hierarchical: bool = True) -> World:
    """A route with so many old landings, which the sweep has seen."""
    world = make_world()
    world.blobs.page_size, world.blobs.hierarchical = page, hierarchical
    for number in range(landings):
        world.land(*(names or ("0.png",)), folder=f"digits/backlog-{number:05}")
    world.land("0.png", folder="elsewhere/old")
    world.clock.advance(days=3)
    seen = [sweep(world) for _ in range(1 + landings * len(names or "0") // (page * MOST_AT_ONCE))]
    assert not any(seen)
    return world


def test_ten_times_as_many_old_landings_cost_a_sweep_little_more() -> None:
    small, large = with_backlog(60), with_backlog(600)

    few, many = listings(small), listings(large)

    assert few <= FEW_PAGES + 3
    assert many <= few + 2


def test_a_new_folder_is_found_by_the_next_sweep_wherever_the_survey_is() -> None:
    world = with_backlog(600)
    for number in range(5):
        world.land("0.png", folder=f"digits/new-{number}")
        assert sweep(world) == [f"digits/new-{number}"]
        world.watch(f"digits/new-{number}")

    assert sweep(world) == []


def test_an_old_folder_that_is_renamed_into_a_large_route_is_found_by_the_next_sweep() -> None:
    world = with_backlog(600)
    sweep(world)

    world.blobs.rename(world.place("elsewhere/old"), world.place("digits/backlog-00000-again"))

    assert sweep(world) == ["digits/backlog-00000-again"]


@pytest.mark.parametrize("number", [0, 123, 599])
def test_a_file_that_is_added_to_an_old_landing_is_found_within_a_round(number: int) -> None:
    world = with_backlog(600)
    world.land("1.png", folder=f"digits/backlog-{number:05}")

    found = [path for _ in range(SWEEPS_PER_ROUND) for path in sweep(world)]

    assert set(found) == {f"digits/backlog-{number:05}"}


def test_a_landing_that_is_larger_than_what_a_sweep_lists_is_seen_whole() -> None:
    world = with_backlog(60)
    world.land(*(f"{number}.png" for number in range(PAGE * FEW_PAGES * 3)), folder="digits/backlog-00030-large")
    assert sweep(world) == ["digits/backlog-00030-large"]
    world.watch("digits/backlog-00030-large")

    assert [sweep(world) for _ in range(SWEEPS_PER_ROUND)] == [[]] * SWEEPS_PER_ROUND


def test_what_was_there_before_is_not_scored_although_its_first_survey_takes_several_sweeps() -> None:
    world = with_backlog(MOST_AT_ONCE * 2 + 50, page=1)

    assert [sweep(world) for _ in range(SWEEPS_PER_ROUND * 2)] == [[]] * (SWEEPS_PER_ROUND * 2)


def test_landings_that_are_gone_are_forgotten_within_a_round_and_found_if_they_come_back() -> None:
    world = with_backlog(300)
    for number in range(100, 200):
        world.blobs.rename(world.place(f"digits/backlog-{number:05}"), world.place(f"elsewhere/{number}"))
    for _ in range(SWEEPS_PER_ROUND * 2):
        assert sweep(world) == []

    world.blobs.rename(world.place("elsewhere/150"), world.place("digits/backlog-00150"))

    assert sweep(world) == ["digits/backlog-00150"]


def test_that_the_landing_is_gone_at_which_a_survey_has_stopped_loses_and_invents_nothing() -> None:
    world, stopped_at = with_backlog(600), set[str]()
    for _ in range(SWEEPS_PER_ROUND):
        tally, _ = world.ledger.tally("digits")
        if tally is not None and tally.round is not None and (landing := tally.round.stretch.landing) is not None:
            stopped_at.add(landing)
            world.blobs.rename(world.place(landing), world.place(f"elsewhere/{landing[-5:]}"))
        assert [sweep(world) for _ in range(4)] == [[]] * 4
    assert len(stopped_at) > SWEEPS_PER_ROUND / 2


def test_a_service_that_forgets_where_a_list_was_is_asked_from_the_beginning() -> None:
    world = with_backlog(600)
    sweep(world)
    pages = world.blobs.pages
    world.blobs.pages = lambda container, prefix, at=None: pages(container, prefix)  # type: ignore[method-assign, misc]
    world.land("0.png", folder="digits/new")

    assert sweep(world) == ["digits/new"]
    world.blobs.pages = pages  # type: ignore[method-assign]
    world.watch("digits/new")

    assert [sweep(world) for _ in range(SWEEPS_PER_ROUND)] == [[]] * SWEEPS_PER_ROUND


def test_a_sweep_that_takes_long_stops_and_goes_on_the_next_time() -> None:
    """Every page takes a minute."""
    world = make_world()
    world.blobs.page_size = PAGE
    for number in range(200):
        world.land("0.png", folder=f"digits/{number:03}")
    world.clock.advance(hours=1)
    pages = world.blobs.pages

    def slow(*given: Any, **more: Any) -> Any:
        for page in pages(*given, **more):
            world.clock.advance(minutes=1)
            yield page

    world.blobs.pages = slow  # type: ignore[method-assign]

    found = [sweep(world) for _ in range(7)]

    assert max(len(some) for some in found) < 50
    assert sorted({path for some in found for path in some}) == [f"digits/{number:03}" for number in range(200)]


def test_a_route_that_is_asked_for_alone_is_surveyed_whole() -> None:
    world = with_backlog(600)
    sweep(world)
    world.land("1.png", folder="digits/backlog-00000")
    world.land("1.png", folder="digits/backlog-00599")

    assert sweep(world, only="digits") == ["digits/backlog-00000", "digits/backlog-00599"]


def test_folders_with_nothing_to_score_are_not_looked_into_again_and_again() -> None:
    world = with_backlog(60)
    for number in range(300):
        world.land("notes.txt", folder=f"digits/empty-{number:03}")
    sweep(world)

    costs = [listings(world) for _ in range(SWEEPS_PER_ROUND)]

    assert max(costs) < FEW_PAGES + 20
    world.land("0.png", folder="digits/empty-007")
    assert [path for _ in range(SWEEPS_PER_ROUND) for path in sweep(world)].count("digits/empty-007") >= 1


def test_the_tally_is_not_written_where_nothing_has_changed_and_all_was_seen() -> None:
    world = with_backlog(20)
    writes = world.blobs.writes

    sweep(world)

    assert world.blobs.writes == writes


@pytest.mark.long
@pytest.mark.thorough
@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32))
def test_whatever_happens_in_a_large_route_all_that_is_new_is_found_once_and_nothing_else(seed: int) -> None:
    """Landings come, are added to, renamed away and back, with every event lost."""
    chance = random.Random(seed)
    world = make_world()
    world.blobs.hierarchical = True
    world.blobs.page_size = chance.randint(1, 12)
    old = [f"digits/o-{number:03}" for number in range(chance.randint(0, 80))]
    for folder in old:
        world.land(*(f"{name}.png" for name in range(chance.randint(1, 3))), folder=folder)
    world.clock.advance(days=3)
    while (tally := world.ledger.tally("digits")[0]) is None or tally.entries is None:
        assert sweep(world) == []
    due = set[str]()
    for number in range(12):
        for _ in range(chance.randint(0, 4)):
            if old and chance.random() < 0.4:
                folder = chance.choice(old)
                world.land(f"{number}-more.png", folder=folder)
            else:
                folder = f"digits/{chance.choice('anz')}-{number}-{chance.randint(0, 9)}"
                world.land("0.png", folder=folder)
            due.add(folder)
        world.clock.advance(minutes=1)
        for path in sweep(world):
            assert path in due
            due.discard(path)
            world.watch(path)
    for _ in range(SWEEPS_PER_ROUND * 2 + 2):
        for path in sweep(world):
            assert path in due
            due.discard(path)
            world.watch(path)

    assert due == set()
    assert {run["status"] for run in world.runs()} <= {"published"}
