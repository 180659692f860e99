"""A run that was left anywhere goes on with what it has, through the same door as a fresh one.

Seen before: a run left while its landing was compared, its failure explained or its job canceled forgot the job. On an
endpoint that does not list its jobs, a job that had *completed* ended as "no clear answer … drop the files again".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.workflow.world import World, make_world


class Stopped(BaseException):
    """The process died for good."""


def stop_in(world: World, activity: str) -> None:
    """Watch until that activity is about to be carried out, and stop everything there."""
    works = world.driver.activities[activity]

    def stops(given: Any) -> Any:
        raise Stopped

    world.driver.activities = {**world.driver.activities, activity: stops}
    with pytest.raises(Stopped):
        world.watch()
    world.driver.activities = {**world.driver.activities, activity: works}


def carry_on(world: World) -> dict[str, Any]:
    """What the sweep does with the one run that nobody follows; the run in the end."""
    world.carry_on()
    return world.only_run()


@pytest.mark.parametrize(
    ("activity", "statuses", "status", "reason"),
    [
        ("check_landing", ("Running", "Completed"), "published", None),
        ("list_outputs", ("Running", "Completed"), "published", None),
        ("explain_failure", ("Running", "Failed"), "failed", "job_failed"),
        ("cancel_job", ("Queued",), "failed", "start_deadline"),
    ],
)
@pytest.mark.parametrize("lists_jobs", [True, False], ids=["listing", "not listing"])
def test_a_run_that_was_left_there_goes_on_with_the_job_it_has(
    activity: str, statuses: tuple[str, ...], status: str, reason: str | None, lists_jobs: bool
) -> None:
    world = make_world(statuses=statuses, lists_jobs=lists_jobs)
    world.land("0.png")
    stop_in(world, activity)

    run = carry_on(world)

    assert run["status"] == status
    assert (run["error"] or {}).get("reason") == reason
    assert run["job"]["name"] == "batchjob-1"
    assert len(world.endpoint.posts) == 1


def test_the_ledger_knows_that_a_job_is_to_be_canceled_before_it_is_asked_to_be() -> None:
    world = make_world(statuses=("Queued",))
    world.land("0.png")
    seen: list[tuple[str, str]] = []
    cancel = world.driver.activities["cancel_job"]

    def watched(given: Any) -> Any:
        run = world.only_run()
        seen.append((run["status"], run["error"]["reason"]))
        return cancel(given)

    world.driver.activities = {**world.driver.activities, "cancel_job": watched}
    world.watch()

    assert seen == [("canceling", "start_deadline")]


@pytest.mark.parametrize("activity", ["record_run", "submit_job", "observe_job", "copy_outputs", "seal_publication"])
def test_a_run_that_is_stopped_before_and_after_each_step_is_published_once(activity: str) -> None:
    """The first two times that the activity is due, everything dies: before its work, then after it."""
    world = make_world(statuses=("Running", "Completed"))
    world.land("0.png")
    world.driver.activities = {
        **world.driver.activities,
        activity: _dying(world.driver.activities[activity], [False, True]),
    }
    with pytest.raises(Stopped):
        world.watch()
    with pytest.raises(Stopped):
        carry_on(world)

    run = carry_on(world)

    assert run["status"] == "published"
    assert world.published(run) == ["_SUCCESS", "_run.json", "predictions.csv"]
    assert len(world.endpoint.posts) == 1


def _dying(works: Callable[[Any], Any], done_first: list[bool]) -> Callable[[Any], Any]:
    def activity(given: Any) -> Any:
        if not done_first:
            return works(given)
        if done_first.pop(0):
            works(given)
        raise Stopped

    return activity
