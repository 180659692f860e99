"""A submission that is carried out twice: the execution whose answer is used meets trouble, and the other one, of which
nobody knows, has not sent its POST yet.

Seen before: the route was read again meanwhile, and the slow execution then sent the POST of the request that it had
been given. So a job scored the landing in place that was published as scored from copies, and a run that had ended as
superseded left a job behind that nobody knew of, ran for as long as it liked and cost what it cost.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.core.steps import SUBMIT_JOB
from shared.core.submission import Deferred
from shared.errors import Unavailable
from shared.work import sweeping
from testbed.fakes import NOON
from tests.workflow.bent import Works, bend, passing
from tests.workflow.overlapping import Slow
from tests.workflow.world import World, make_world

Meanwhile = Callable[[World], None]

BEFORE_ITS_NOTE = 0
AFTER_ITS_NOTE = 1
AT_THE_END = 10_000


def nothing(world: World) -> None:
    pass


def a_file_beside_it(world: World) -> None:
    """From now on copies are scored."""
    world.land("notes.txt")


def newer_content(world: World) -> None:
    """From now on the run is out of date."""
    world.land("1.png")


MEANWHILE = (nothing, a_file_beside_it, newer_content)


def submit_slowly(world: World, meanwhile: Meanwhile, *, calls: int, later: int) -> Callable[[], None]:
    """Have the first submission carried out twice. The execution that is used meets trouble; the other one has made so
    many calls and goes on when so many activities have been carried out. What is returned lets it go on at once."""
    slow: list[Slow] = []
    done = 0

    def finish() -> None:
        while slow:
            slow.pop().finish()

    def counted(works: Works, given: Any) -> Any:
        nonlocal done
        if slow:
            done += 1
            if done > later:
                finish()
        return works(given)

    def submit(works: Works, given: Any) -> Any:
        if world.driver.counts["activity submit_job"] > 1:
            return works(given)
        slow.append(Slow(world, SUBMIT_JOB, given, calls))
        meanwhile(world)
        return passing("The worker was lost.")

    for activity in world.driver.activities:
        bend(world, activity, counted)
    bend(world, "submit_job", submit)
    return finish


def inputs(world: World) -> dict[str, str]:
    """What each POST asked to be scored, by the output that it asked for."""
    bodies = [post["properties"] for post in world.endpoint.posts]
    return {body["outputData"]["predictions"]["uri"]: body["inputData"]["images"]["uri"] for body in bodies}


def check(world: World) -> None:
    """No job is unknown, and what is published was scored from where its run says."""
    known: set[str] = set()
    outputs = {name: world.endpoint.output_of(name) for name in world.endpoint.jobs}
    for shown in world.runs():
        run = world.ledger.run(shown["run_id"])
        assert run is not None
        assert run.has_ended
        assert (run.error and run.error.reason) != "defect"
        known.update(sent.the_output.uri for sent in run.abandoned)
        known.update(outputs[attempt.job] for attempt in run.attempts if attempt.job is not None)
        if run.job is not None:
            assert ("/input" in inputs(world)[outputs[run.job.name]]) is run.spec.scores_copies
    assert set(outputs.values()) <= known
    assert len(inputs(world)) == len(world.endpoint.posts)
    assert world.driver.counts["activity report_defect"] == 0


def make(**endpoint: Any) -> World:
    world = make_world(statuses=("Running", "Completed"), **endpoint)
    world.land("0.png")
    return world


def test_a_job_that_would_score_the_landing_in_place_is_not_made_when_copies_are_meant() -> None:
    world = make()
    submit_slowly(world, a_file_beside_it, calls=BEFORE_ITS_NOTE, later=3)

    world.watch()

    run = world.only_run()
    assert (run["status"], bool(run["staged"])) == ("published", True)
    (scored,) = inputs(world).values()
    assert scored.endswith(f"/{run['run_id']}/input")
    check(world)


def test_a_run_that_was_superseded_leaves_no_job_that_nobody_knows() -> None:
    world = make()
    finish = submit_slowly(world, newer_content, calls=BEFORE_ITS_NOTE, later=AT_THE_END)

    world.watch()
    finish()

    assert [run["status"] for run in world.runs()] == ["published", "superseded"]
    assert list(world.endpoint.jobs) == ["batchjob-1"]
    check(world)


def test_a_late_post_does_not_make_a_transition_that_no_run_may_make() -> None:
    """It ended as a defect: the run was staging copies when a job of its own was found."""
    world = make()
    submit_slowly(world, a_file_beside_it, calls=BEFORE_ITS_NOTE, later=3)
    tried = 0

    def stage(works: Works, given: Any) -> Any:
        nonlocal tried
        tried += 1
        return passing("Storage did not answer.") if tried == 1 else works(given)

    bend(world, "stage_input", stage)
    world.watch()

    assert world.only_run()["status"] == "published"
    check(world)


@pytest.mark.parametrize("later", [*range(8), AT_THE_END])
@pytest.mark.parametrize("calls", [BEFORE_ITS_NOTE, AFTER_ITS_NOTE])
@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_whenever_a_slow_submission_goes_on_no_job_is_unknown(meanwhile: Meanwhile, calls: int, later: int) -> None:
    world = make()
    finish = submit_slowly(world, meanwhile, calls=calls, later=later)

    world.watch()
    finish()

    check(world)
    newest, *_ = world.runs()
    assert newest["status"] == "published"
    assert sweeping.left_over(world.ledger, world.clock()).open == ()


@pytest.mark.parametrize("lists_jobs", [True, False], ids=["listing", "not listing"])
def test_storage_that_is_away_before_an_attempt_is_sat_out_and_takes_no_attempt_for_sent(lists_jobs: bool) -> None:
    """Taking the note of an attempt is no sign that its POST was sent, however often the rest of the step then fails.
    In between it was: after three hiccups of the landing's storage, or after one where jobs are not listed, the run
    ended as one of whose submissions nobody knows the outcome, though none had been sent."""
    world = make(answers=[Deferred(30.0, "Too many requests")], lists_jobs=lists_jobs)
    listing = world.blobs.list_folder

    def away(*given: Any, **more: Any) -> Any:
        if NOON + timedelta(seconds=20) < world.clock() < NOON + timedelta(minutes=30):
            raise Unavailable("503: Server Busy")
        return listing(*given, **more)

    world.blobs.list_folder = away  # type: ignore[method-assign]  # away for a while
    world.watch()

    run = world.only_run()
    assert run["status"] == "published"
    assert run["abandoned"] == ()
    assert len(world.endpoint.posts) == 2
