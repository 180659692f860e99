"""Runs that somebody has canceled: whatever they were at, they end, their jobs end, and nothing is published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.acts import Cancel
from shared.core.request import Refused
from shared.core.route import Endpoint
from shared.core.run import Run
from shared.core.steps import CLAIM_RUN, RECORD_RUN, STAGE_INPUT, SUBMIT_JOB
from shared.core.submission import Deferred, Submission, Unclear
from shared.errors import Unavailable
from shared.work import acting
from testbed.fakes import FakeEndpoint
from tests.workflow.world import World, make_world


def cancel(world: World, *, reason: str = "wrong files") -> Run | Refused | None:
    """Of the run that there is, as somebody at the API."""
    (run,) = world.runs()
    asked = Cancel(at=world.clock(), by="kim", reason=reason)
    return acting.cancel(world.endpoint, world.ledger, run["run_id"], asked)


def canceling_after(world: World, step: str) -> None:
    """Have the run canceled right after a step was carried out for the first time."""
    work, done = world.driver.activities[step], [False]

    def activity(given: Any) -> Any:
        answer = work(given)
        if not done[0] and world.runs():
            done[0] = True
            cancel(world)
        return answer

    world.driver.activities = {**world.driver.activities, step: activity}


def ended_as_canceled(world: World) -> dict[str, Any]:
    run = world.only_run()
    assert run["status"] == "canceled"
    assert run["cancel"]["by"] == "kim"
    assert run["publication"] is None
    live = [name for name in world.endpoint.jobs if name not in world.endpoint.canceled]
    assert live == [], "a job goes on that nobody follows"
    return run


@pytest.mark.parametrize("step", [CLAIM_RUN.name, RECORD_RUN.name, STAGE_INPUT.name])
def test_a_run_without_a_job_ends_before_one_is_made(step: str) -> None:
    world = make_world()
    canceling_after(world, step)
    world.land("0.png", "notes.txt")
    world.watch()

    run = ended_as_canceled(world)
    assert run["error"] == {
        "reason": "canceled",
        "message": "The run was canceled by kim: wrong files.",
        "do": "If that was not meant, replay the run or upload the files again.",
    }
    assert world.endpoint.posts == []


def test_a_job_that_is_made_just_then_is_canceled() -> None:
    world = make_world(statuses=("Running",))
    canceling_after(world, SUBMIT_JOB.name)
    world.land("0.png")
    world.watch()

    ended_as_canceled(world)
    assert world.endpoint.canceled == ["batchjob-1"]


def test_a_job_that_is_under_way_is_canceled_at_once() -> None:
    world = make_world(statuses=("Running",))
    world.at(world.clock() + timedelta(minutes=10), lambda: cancel(world))
    world.land("0.png")
    world.watch()

    run = ended_as_canceled(world)
    assert run["error"]["reason"] == "canceled"
    assert run["error"]["message"].startswith("The run was canceled by kim: wrong files. Job batchjob-1 was canceled.")
    assert run["timings"]["ended"] < (world.clock() + timedelta(minutes=6)).isoformat()


def test_a_run_that_waits_for_a_busy_endpoint_sends_nothing_more() -> None:
    world = make_world(answers=[Deferred(30, "busy")] * 100)
    world.at(world.clock() + timedelta(minutes=10), lambda: cancel(world))
    world.land("0.png")
    world.watch()

    run = ended_as_canceled(world)
    assert run["error"]["reason"] == "canceled"
    assert world.endpoint.jobs == {}


def lost(endpoint: FakeEndpoint, body: Mapping[str, Any]) -> Submission:
    endpoint.make_job(body)
    return Unclear("time-out")


def test_a_job_whose_answer_was_lost_is_canceled_when_it_turns_up() -> None:
    world = make_world(statuses=("Running",), answers=[lost], shows_outputs="when_completed")
    world.at(world.clock() + timedelta(minutes=3), lambda: cancel(world))
    world.land("0.png")
    world.watch()
    world.cancel_late_jobs()

    ended_as_canceled(world)


def test_who_asks_first_counts_and_asking_again_does_no_harm() -> None:
    world = make_world(statuses=("Running",))
    world.at(world.clock() + timedelta(minutes=10), lambda: (cancel(world), cancel(world, reason="later")))
    world.land("0.png")
    world.watch()

    assert ended_as_canceled(world)["cancel"]["reason"] == "wrong files"
    assert isinstance(cancel(world), Run), "it is canceled, as was asked for"


def test_a_run_that_has_ended_cannot_be_canceled() -> None:
    world = make_world()
    world.land("0.png")
    world.watch()

    refused = cancel(world)

    assert isinstance(refused, Refused)
    assert refused.message == "The run has ended as published; there is nothing to cancel."
    assert world.only_run()["status"] == "published"


def test_trouble_while_the_job_is_canceled_is_told_and_the_run_still_ends() -> None:
    world = make_world(statuses=("Running",))

    def asked() -> None:
        world.endpoint.down = "503"
        with pytest.raises(Unavailable):
            cancel(world)
        world.endpoint.down = None
        cancel(world)

    world.at(world.clock() + timedelta(minutes=10), asked)
    world.land("0.png")
    world.watch()

    ended_as_canceled(world)


def test_a_canceled_run_that_nobody_carries_out_is_taken_up_and_ends() -> None:
    world = make_world()
    world.land("0.png")
    world.watch_until_claimed()
    cancel(world)

    world.carry_on()

    assert ended_as_canceled(world)["error"]["reason"] == "canceled"


@given(
    minutes=st.floats(0, 30),
    statuses=st.lists(st.sampled_from(["Preparing", "Queued", "Running"]), max_size=6),
    answers=st.lists(st.sampled_from(["deferred", "lost", "unclear"]), max_size=3),
)
@settings(deadline=None)
def test_whenever_it_is_canceled_a_run_ends_and_no_job_is_left(
    minutes: float, statuses: list[str], answers: list[str]
) -> None:
    """Unless it was published before."""
    kinds: dict[str, Any] = {"deferred": Deferred(30, "busy"), "lost": lost, "unclear": Unclear("reset")}
    world = make_world(statuses=(*statuses, "Completed"), answers=[kinds[kind] for kind in answers])
    world.at(world.clock() + timedelta(minutes=minutes), lambda: cancel(world) if world.runs() else None)
    world.land("0.png")
    world.watch()
    world.cancel_late_jobs()

    run = world.only_run()
    assert run["status"] in ("published", "canceled", "failed")  # that nobody knows of a job may be found out first
    if run["status"] != "published":
        endpoint = Endpoint(scoring_uri=run["endpoint"])
        jobs = [world.endpoint.job(endpoint, found) for found in _jobs(world)]
        assert all(job is None or job.is_final for job in jobs)
        assert run["publication"] is None
    else:
        assert world.published(run) == ["_SUCCESS", "_run.json", "predictions.csv"]


def _jobs(world: World) -> list[Any]:
    return [world.endpoint._described(name, "Running") for name in world.endpoint.jobs]
