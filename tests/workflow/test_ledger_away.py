"""The ledger is away, denied, damaged or of another version: a job is canceled all the same, waits are kept, and
nothing goes on for ever.

Seen before: that the job was to be canceled had to be in the ledger first. Where the ledger had lost the record, or
denied access, nobody asked for the cancellation, and the run tried to enter it every five minutes without an end.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.core.course import MISSING_LIMIT
from shared.core.location import Location
from shared.core.record import dump
from shared.core.submission import Deferred, Rejected
from shared.core.trouble import DENIED_PATIENCE
from shared.errors import Denied, Unavailable
from shared.work import sweeping
from testbed.examples import STATE
from testbed.fakes import NOON
from tests.workflow.bent import Works, bend, cut_off, landing_state, passing, refuse_ledger, run_records
from tests.workflow.world import World, make_world
from triggers.names import Orchestrator

WHILE_THE_JOB_RUNS = NOON + timedelta(minutes=5)
AFTER_THE_DEADLINE = NOON + timedelta(hours=27)
ENDLESS = ("Running",) * 10**6


def _record_of(world: World) -> Location:
    (path,) = run_records(world)
    return Location(STATE, path)


def away(world: World) -> None:
    refuse_ledger(world, Unavailable("503: Server Busy"))


def denied(world: World) -> None:
    refuse_ledger(world, Denied("403: AuthorizationPermissionMismatch"))


def lost(world: World) -> None:
    world.blobs.delete(_record_of(world))


def of_another_version(world: World) -> None:
    world.blobs.put(_record_of(world), b'{"version": 2}')


@pytest.mark.parametrize("damage", [away, denied, lost, of_another_version])
def test_a_job_is_canceled_whatever_has_become_of_the_ledger(damage: Callable[[World], None]) -> None:
    world = make_world(statuses=ENDLESS)
    world.land("0.png")
    world.at(WHILE_THE_JOB_RUNS, lambda: damage(world))
    cut_off(world, NOON + timedelta(days=4))

    world.watch()

    assert world.endpoint.canceled == ["batchjob-1"]
    assert len(world.endpoint.posts) == 1
    assert world.topic.told == []
    assert landing_state(world) is None


def test_a_job_that_was_canceled_without_the_ledger_is_told_of_when_the_ledger_is_back() -> None:
    world = make_world(statuses=ENDLESS)
    world.land("0.png")

    def deny() -> None:
        give_back = refuse_ledger(world, Denied("403: AuthorizationPermissionMismatch"))
        world.at(AFTER_THE_DEADLINE, give_back)

    world.at(WHILE_THE_JOB_RUNS, deny)
    cut_off(world, NOON + timedelta(days=4))
    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "deadline")
    assert run["error"]["message"].endswith("The job was canceled.")
    assert world.endpoint.canceled == ["batchjob-1"]
    assert [data["status"] for _, _, data, _ in world.topic.told] == ["failed"]


def test_an_end_that_the_ledger_never_took_is_left_to_the_sweep_which_finds_the_job_canceled() -> None:
    world = make_world(statuses=ENDLESS)
    world.land("0.png")
    given_back: list[Callable[[], None]] = []
    world.at(WHILE_THE_JOB_RUNS, lambda: given_back.append(refuse_ledger(world, Denied("403"))))
    cut_off(world, NOON + timedelta(days=4))
    world.watch()

    given_back.pop()()
    (open_run,) = sweeping.left_over(world.ledger, world.clock()).open
    left = sweeping.as_it_is_now(world.ledger, open_run.run_id, world.clock())
    assert left is not None
    world.driver.run(Orchestrator.SCORE, dump(left), left.run_id)

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("canceled", "job_canceled")
    assert len(world.topic.told) == 1


def times_of_posts(world: World) -> list[timedelta]:
    """Filled while the world lives: when each submission was asked for."""
    times: list[timedelta] = []

    def submit(works: Works, given: Any) -> Any:
        times.append(world.clock() - NOON)
        return works(given)

    bend(world, "submit_job", submit)
    return times


@pytest.mark.parametrize("hiccups", [0, 1, 3])
def test_a_wait_that_the_endpoint_has_asked_for_outlasts_trouble_with_the_ledger(hiccups: int) -> None:
    """Five seconds after a hiccup of the ledger an endpoint was asked again that had asked for half an hour."""
    world = make_world(answers=[Deferred(1800.0, "Too many requests")])
    world.land("0.png")
    times, left = times_of_posts(world), [None] * hiccups

    def record(works: Works, given: Any) -> Any:
        if given["progress"].get("attempt") == 2 and left:
            left.pop()
            return passing("The ledger did not answer.")
        return works(given)

    bend(world, "record_run", record)
    world.watch()

    first, second = times
    assert timedelta(minutes=30) <= second - first < timedelta(minutes=40)
    assert left == []
    assert world.only_run()["status"] == "published"


def test_a_role_that_is_missing_ends_the_run_after_an_hour_whatever_else_happens_meanwhile() -> None:
    """A single hiccup of the ledger in every hour made the patience start again, and the run went on for ever."""
    world = make_world(answers=[Rejected(403, "No role here.")] * 10_000)
    world.land("0.png")
    last = NOON

    def record(works: Works, given: Any) -> Any:
        nonlocal last
        if world.clock() - last < timedelta(minutes=50):
            return works(given)
        last = world.clock()
        return passing("The ledger did not answer.")

    bend(world, "record_run", record)
    cut_off(world, NOON + timedelta(days=2))
    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "rejected_403")
    assert DENIED_PATIENCE <= world.clock() - NOON < DENIED_PATIENCE + timedelta(minutes=15)


def test_a_job_that_the_endpoint_no_longer_finds_is_asked_to_be_canceled() -> None:
    """It may only not be listed, and it would have run on."""
    world = make_world(statuses=("Running",) * 1000)
    world.land("0.png")
    world.at(NOON + timedelta(seconds=30), lambda: setattr(world.endpoint, "job", lambda *_, has_run: None))

    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "job_missing")
    assert run["error"]["message"].endswith("The job was canceled.")
    assert world.endpoint.canceled == ["batchjob-1"]
    assert world.driver.counts["activity observe_job"] >= MISSING_LIMIT
