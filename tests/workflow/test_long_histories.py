"""However long trouble lasts and however much a run has to copy, its histories stay short.

Seen before: copying 20 000 files is 80 activities, which counted as one turn; a day of trouble put more than three
thousand of them into one history. What cured it first counted them, and then started the history over for ever, before
the first file was copied.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.core.course import LONGEST_NOTE
from shared.core.submission import Deferred
from shared.core.trouble import LONGEST_MESSAGE
from tests.workflow.bent import Works, bend, passing
from tests.workflow.world import World, make_world
from triggers.orchestrators import TURNS_PER_HISTORY

pytestmark = pytest.mark.thorough

FILES = 20_000
PARTS = 80
"""Activities that copy so many files."""
LONGEST_INPUT = 64 * 1024
"""Bytes of an activity's input, which the host stores as UTF-16; what is longer it has to lay elsewhere."""


@pytest.fixture(scope="module")
def landed() -> World:
    """A landing with so many files and one beside them, so that copies are scored."""
    world = make_world()
    world.land(*(f"{number}.png" for number in range(FILES)), "notes.txt")
    return world


def with_many_files(landed: World, *pairs: tuple[str, str]) -> World:
    world = make_world(*pairs)
    world.blobs.contents.update(landed.blobs.contents)
    world.clock.advance(minutes=1)
    return world


def test_a_run_of_many_files_is_published(landed: World) -> None:
    world = with_many_files(landed)

    world.watch()

    run = world.only_run()
    assert (run["status"], run["snapshot"]["files"]) == ("published", FILES)
    assert world.driver.counts["activity stage_input"] == PARTS


@pytest.mark.long
def test_hours_of_trouble_while_many_files_are_copied_makes_no_long_history(landed: World) -> None:
    world = with_many_files(landed, ("      longest: 1m", "      longest: 1m\n      deadline: 4h"))
    bend(world, "stage_input", lambda works, given: passing("503: Server Busy"))

    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "trouble")
    assert world.driver.counts["activity stage_input"] > 45 * PARTS
    assert world.driver.longest_history <= TURNS_PER_HISTORY + PARTS


def sizes_of_inputs(world: World, activity: str) -> list[int]:
    """Filled while the world lives: what the host stores for each call of that activity."""
    sizes: list[int] = []

    def measured(works: Works, given: Any) -> Any:
        sizes.append(len(json.dumps(given, ensure_ascii=False).encode("utf-16-le")))
        return works(given)

    bend(world, activity, measured)
    return sizes


def test_long_messages_of_the_endpoint_are_cut_where_they_are_kept_with_attempts() -> None:
    """Twenty attempts travel with the record; with the whole message of each it was over 2 MB, once for every change of
    the run."""
    world = make_world(answers=[Deferred(30.0, "w" * LONGEST_MESSAGE)] * 25)
    world.land("0.png")
    sizes = sizes_of_inputs(world, "record_run")

    world.watch()

    run = world.only_run()
    assert (run["status"], run["attempt"]) == ("published", 26)
    assert len(sizes) > 25
    assert max(sizes) < LONGEST_INPUT
    assert {len(note["message"]) for note in run["attempts"] if "message" in note} == {LONGEST_NOTE}
