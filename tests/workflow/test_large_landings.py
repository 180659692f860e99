"""Landings with more files than are looked through: refused with a sentence, and never listed to their end.

Seen before: a landing was held in memory whole, six hundred bytes for each file, whatever its limit was. One of ten
million files would have taken the instance down, and with it the landings of all other routes, again and again.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.core.record import Names
from shared.core.steps import LookAt
from shared.core.tally import SWEEPS_PER_ROUND
from shared.work import claiming
from tests.workflow.nested import LANDING, missed, nested
from tests.workflow.world import World, make_world

MOST, PAGE = 40, 10


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("shared.work.claiming", "shared.work.surveying", "shared.core.spec"):
        monkeypatch.setattr(f"{module}.MOST_LISTED", MOST)


def landed(count: int, name: str, world: World) -> World:
    world.blobs.page_size = PAGE
    world.land("0.png", *(name.format(number) for number in range(1, count)))
    return world


WAYS = [
    pytest.param("{:04}.png", make_world, id="files that are scored"),
    pytest.param("{:04}.txt", make_world, id="files that are left out"),
    pytest.param("part/{:04}.png", lambda: make_world(nested("flatten")), id="files in sub-folders"),
]


@pytest.mark.parametrize(("name", "make"), WAYS)
def test_a_landing_with_too_many_files_is_refused_once_and_not_again_by_the_sweep(
    name: str, make: Callable[[], World]
) -> None:
    world = landed(MOST + 2, name, make())

    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "refused")
    assert "more than 40 files, scored or not, which is more than are looked through" in run["error"]["message"]
    assert world.endpoint.posts == []
    assert missed(world) == []


def test_what_is_below_one_is_not_listed_either() -> None:
    world = landed(MOST * 10, "{:04}.png", make_world(nested("flatten")))
    world.land("part/1.png")
    names = Names(route="digits", landing=LANDING, instance_id="w")

    claiming.look(world.routes, world.blobs, world.ledger, LookAt(names, world.clock()))

    assert world.blobs.listings == MOST // PAGE + 1


@pytest.mark.parametrize(("name", "make"), WAYS)
def test_the_sweep_finds_one_that_no_event_told_of_once(name: str, make: Callable[[], World]) -> None:
    world = landed(MOST + 2, name, make())
    world.land("z.png", folder="digits/wednesday")

    assert missed(world) == [LANDING, "digits/wednesday"]
    world.watch()
    world.watch("digits/wednesday")

    assert missed(world) == []


@pytest.mark.parametrize("name", ["{:04}.png", "part/{:04}.png"])
def test_the_sweep_does_not_list_it_to_its_end_and_goes_on_with_what_comes_after_it(name: str) -> None:
    world = make_world(nested("flatten"))
    landed(MOST * 10, name, world)
    world.watch()
    for number in range(30):
        world.land("0.png", folder=f"digits/wednesday-{number:02}")
    world.clock.advance(days=3)
    assert missed(world) == []

    costs, found = [], set[str]()
    world.land("1.png", folder="digits/wednesday-17")
    for _ in range(SWEEPS_PER_ROUND * 2):
        before = world.blobs.listings
        found |= set(missed(world))
        costs.append(world.blobs.listings - before)

    assert found == {"digits/wednesday-17"}
    assert max(costs) <= MOST // PAGE + SWEEPS_PER_ROUND


@pytest.mark.parametrize(("name", "make"), WAYS)
def test_one_with_as_many_as_there_may_be_is_scored(name: str, make: Callable[[], World]) -> None:
    world = landed(MOST, name, make())

    world.watch()

    assert world.only_run()["status"] == "published"
    assert missed(world) == []
