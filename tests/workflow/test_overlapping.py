"""Whatever is carried out twice at the same time, each thing happens once, and what is sealed stays as it is.

Seen before: a slow second `list_outputs` cleared a run folder that had been sealed meanwhile, so that `_SUCCESS` was
taken away again, or stood there without `_run.json`; in 15 of 160 histories with overlapping activities.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase as Work
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.location import Location
from shared.core.submission import Unclear
from shared.work import sweeping
from testbed.fakes import NOON
from tests.workflow.overlapping import Overlapping
from tests.workflow.world import World, make_world

pytestmark = pytest.mark.thorough

NEVER = 10_000
AFTER_THE_NOTE = 3
"""Calls that a submission makes before its POST: for the deployment, whether the run is canceled, and the note that it
may be sent."""
MOST_CALLS = 12
"""Calls to ports that an activity makes here, and a few more."""


def in_place() -> World:
    world = make_world()
    world.land("0.png", "1.png")
    return world


def over_copies() -> World:
    world = make_world()
    world.land("0.png", "1.png", "notes.txt")
    return world


def discarded() -> World:
    """A file comes in while the job runs: its output is discarded, and copies are scored."""
    world = make_world(statuses=("Running", "Running", "Completed"))
    world.land("0.png")

    def late() -> None:
        world.land("1.png")
        world.watch(instance_id="late")

    world.at(NOON + timedelta(seconds=12), late)
    return world


def answer_lost() -> World:
    def lost(endpoint: Any, body: Any) -> Unclear:
        endpoint.make_job(body)
        return Unclear("The endpoint answered 500")

    world = make_world(answers=[lost])
    world.land("0.png")
    return world


def attempt_without_a_job() -> World:
    world = make_world(answers=[Unclear("reset")])
    world.land("0.png")
    return world


def failing() -> World:
    world = make_world(statuses=("Running", "Failed"))
    world.land("0.png")
    return world


def too_late() -> World:
    world = make_world(statuses=("Queued",))
    world.land("0.png")
    return world


WORLDS = (in_place, over_copies, discarded, answer_lost, attempt_without_a_job, failing, too_late)


def sealed(world: World) -> dict[Location, str]:
    """Every blob of a run folder that has its `_SUCCESS`, with its etag."""
    folders = {blob.parent for blob in world.blobs.contents if blob.name == "_SUCCESS" and _is_published(world, blob)}
    return {blob: file.etag for blob, (_, file) in world.blobs.contents.items() if blob.parent in folders}


def _is_published(world: World, blob: Location) -> bool:
    return blob.container == world.route.publish


def check(world: World, seen: dict[Location, str]) -> None:
    """What holds at every moment: nothing that is sealed has been touched since, and no output has two jobs."""
    now = sealed(world)
    assert {blob: now.get(blob) for blob in seen} == seen
    for success in (blob for blob in now if blob.name == "_SUCCESS"):
        assert success.parent.at("_run.json") in now
    seen.update(now)
    outputs = Counter(map(world.endpoint.output_of, world.endpoint.jobs))
    assert all(count == 1 for count in outputs.values()), outputs


def whole(world: World) -> None:
    """Watch the landing, and let happen what was to happen later if the run was faster than that."""
    world.watch()
    world.slept(world.clock() + timedelta(hours=1))


def lived(world: World, plan: Callable[[int], tuple[int, int] | None]) -> Overlapping:
    """The world's landing with activities doubled, and everything that was slow at its end."""
    overlapping, seen = Overlapping(world, plan), dict[Location, str]()
    world.driver.activities = {name: _checked(works, world, seen) for name, works in world.driver.activities.items()}
    whole(world)
    check(world, seen)
    overlapping.finish()
    check(world, seen)
    # A slow claim may claim content that has been superseded since; the sweep carries that run to its end.
    world.carry_on()
    check(world, seen)
    return overlapping


def _checked(works: Callable[[Any], Any], world: World, seen: dict[Location, str]) -> Callable[[Any], Any]:
    def activity(given: Any) -> Any:
        answer = works(given)
        check(world, seen)
        return answer

    return activity


def outcome(world: World) -> list[tuple[str, str | None, int]]:
    """How the runs have ended: status, reason and number of files."""
    return [(run["status"], run["error"] and run["error"]["reason"], run["snapshot"]["files"]) for run in world.runs()]


@pytest.mark.parametrize("make", WORLDS)
@settings(phases=[Work.explicit, Work.generate], deadline=None)
@given(seed=st.integers(0, 2**32), often=st.sampled_from([0.1, 0.5, 1.0]))
def test_what_is_carried_out_twice_at_the_same_time_changes_nothing(
    make: Callable[[], World], seed: int, often: float
) -> None:
    chance = random.Random(seed)

    def plan(number: int) -> tuple[int, int] | None:
        if chance.random() >= often:
            return None
        return chance.randrange(MOST_CALLS), chance.choice([0, 1, 2, 5, 20, NEVER])

    world, alone = make(), make()
    whole(alone)

    overlapping = lived(world, plan)

    assert world.runs()
    assert all(run["status"] in ("published", "failed", "superseded") for run in world.runs())
    if not overlapping.doubled:
        return
    # Where nobody could tell for three attempts whether there is a job, the run may fail. Else the newest content ends
    # as it does alone; older content may be superseded sooner, before another attempt.
    (*_, expected) = sorted(outcome(alone), key=lambda ended: ended[2])
    assert expected in outcome(world) or any(reason == "unclear" for _, reason, _ in outcome(world))
    assert len(world.endpoint.posts) == len({str(post["properties"]["outputData"]) for post in world.endpoint.posts})
    assert sweeping.left_over(world.ledger, world.clock() + timedelta(days=2)).open == ()


@pytest.mark.parametrize("calls", range(MOST_CALLS))
@pytest.mark.parametrize("make", [in_place, over_copies], ids=["in place", "over copies"])
def test_whichever_call_a_second_execution_has_got_to_it_does_no_harm_when_the_run_is_over(
    make: Callable[[], World], calls: int
) -> None:
    """Every activity of the run at once, each stopped there and finished at the very end."""
    world = make()

    overlapping = lived(world, lambda _: (calls, NEVER))

    run = world.only_run()
    assert overlapping.doubled > 10
    if calls == AFTER_THE_NOTE:
        # Whoever may send the POST stands still, three times over: nobody can tell, and late jobs are canceled.
        assert run["error"]["reason"] == "unclear"
        world.cancel_late_jobs()
        assert sorted(world.endpoint.canceled) == sorted(world.endpoint.jobs)
        return
    assert run["status"] == "published"
    assert world.published(run) == ["_SUCCESS", "_run.json", "predictions.csv"]
