"""One bad document of the ledger stops nothing: not the API, not the sweep, not what lands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.core.location import Location
from shared.work import admitting, indexing, inquiry, overview, standing, sweeping
from shared.work.inquiry import read_query
from testbed.examples import STATE
from tests.workflow.world import World, make_world

BAD = {
    "empty": b"",
    "no JSON": b"{",
    "no UTF-8": b'{"a": "\xff"}',
    "half a character": b'"\\ud800"',
    "deep": b"[" * 100_000,
    "another kind": b'{"format": 99}',
    "a list": b"[]",
    "null": b"null",
    "huge": b'{"updated": 1' + b"0" * 400 + b"}",
}
STRANGERS = [
    "runs/readme.txt",
    "open/readme.txt",
    "open/a\\b",
    "days/readme.txt",
    "days/2026-03-01/readme.txt",
    "days/not-a-day/000000.000000_digits-00000000000000000000",
    "ended/failed/2026-03-01/readme.txt",
    "ended/other/2026-03-01/readme.txt",
    "landings/readme.txt",
    "landings/digits/readme.txt",
    "landings/digits/a\\b.json",
    "standings/readme.txt",
    "standings/a\\b.json",
    "tallies/readme.txt",
    "slots/readme.txt",
    "slots/a\\b.json",
    "line/readme.txt",
    "line/somewhere/2026-03-01/000000000000_digits-00000000000000000000",
    "line/a\\b/2026-03-01/000000000000_digits-00000000000000000000",
]


def a_used_world() -> World:
    """With a published run, a failed one, a landing that nobody has looked at, and all kinds of documents."""
    world = make_world()
    world.land("0.png")
    world.watch()
    world.endpoint.statuses = ("Failed",)
    world.land("0.png", folder="digits/wednesday")
    world.watch("digits/wednesday")
    world.endpoint.statuses = ("Completed",)
    world.land("0.png", folder="digits/thursday")
    world.clock.advance(minutes=3)
    sweeping.missed(world.routes, world.blobs, world.ledger, world.clock)
    indexing.catch_up(world.ledger, world.clock())
    return world


def documents() -> list[str]:
    world = a_used_world()
    return sorted(place.path for place in world.blobs.contents if place.container == STATE)


def everything_goes_on(world: World) -> None:
    """Whatever asks, answers; and what lands is scored and published."""
    asks: list[Callable[[], object]] = [
        lambda: inquiry.runs(world.ledger, read_query({})),
        lambda: inquiry.runs(world.ledger, read_query({"status": "failed"})),
        lambda: inquiry.runs(world.ledger, read_query({"landing": "digits/tuesday"})),
        lambda: overview.landings(world.ledger, overview.read_page({})),
        lambda: standing.gather(lambda: world.routes, world.ledger, world.clock()),
        lambda: sweeping.left_over(world.ledger, world.clock()),
        lambda: sweeping.missed(world.routes, world.blobs, world.ledger, world.clock),
        lambda: indexing.catch_up(world.ledger, world.clock()),
        lambda: admitting.clear(world.ledger, set(), world.clock()),
    ]
    for ask in asks:
        ask()
    world.land("0.png", folder="digits/friday")
    world.watch("digits/friday")
    assert [run["status"] for run in world.runs() if run.get("landing") == "landing/digits/friday"] == ["published"]
    world.clock.advance(days=1)
    indexing.catch_up(world.ledger, world.clock())
    assert indexing.catch_up(world.ledger, world.clock()) == 0


@pytest.mark.parametrize(("number", "path"), list(enumerate(documents())))
def test_a_document_that_cannot_be_read_stops_nothing(number: int, path: str) -> None:
    """Each with a third of the contents, in turn: what reads one kind of document reads it in one way."""
    for content in list(BAD.values())[number % 3 :: 3]:
        world = a_used_world()
        world.blobs.put(Location(STATE, path), content)

        everything_goes_on(world)


@pytest.mark.parametrize("path", STRANGERS)
def test_a_strangers_file_in_the_ledger_stops_nothing(path: str) -> None:
    world = a_used_world()
    world.blobs.put(Location(STATE, path), b"words")

    everything_goes_on(world)
