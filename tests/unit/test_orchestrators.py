"""Where orchestrators go on, from what their records say, and what they do about trouble on the way.

Whole lives of runs and watches are in tests/workflow.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import pytest

from shared.core import steps
from shared.core.course import answered, checked, observed, recorded, resumed
from shared.core.record import Done, change, dump, load
from shared.core.run import Error, Run, Status
from shared.core.snapshot import Verdict
from shared.core.steps import CancelAsked, Overtaken, RecordRun, RunEnded, Seen
from shared.core.submission import Deferred, Unclear
from shared.core.trouble import Kind, Trouble
from shared.core.watch import TURNS_PER_HISTORY as LOOKS_PER_HISTORY
from shared.core.watch import Watch
from shared.errors import Unavailable
from testbed.fakes import NOON
from tests.unit.runs import (
    AT,
    a_job,
    a_run,
    a_spec,
    canceling,
    failed,
    following,
    over_copies,
    published,
    publishing,
    seen,
    staging,
    submitting,
    superseded,
    unanswered,
)
from tests.unit.test_watch import looking
from tests.workflow.puppet import TIMER, Asked, Puppet, told
from tests.workflow.world import make_world
from triggers import orchestrators
from triggers.names import Orchestrator
from triggers.orchestrators import TURNS_PER_HISTORY

AWAY = Trouble(Kind.PASSING, "503")
REFUSED = Trouble(Kind.REFUSED, "version 2")


def scored(run: Run) -> Generator[Asked, Any, dict[str, Any]]:
    """The life of that run from now on, to be driven by hand."""
    orchestration: Generator[Asked, Any, dict[str, Any]] = orchestrators.score(Puppet(dump(run)))
    return orchestration


def first_asked(run: Run) -> str:
    return next(scored(run)).name


DEFERRED = recorded(answered(submitting(), Deferred(30, "busy"), NOON))
ACCEPTED = change(following(), wait_until=NOON + timedelta(seconds=2))
DISCARDED = recorded(checked(seen("Completed"), Verdict.MORE, NOON))

WAYS = {
    "claimed": (a_run(), steps.RECORD_RUN.name),
    "to be copied": (staging(), steps.STAGE_INPUT.name),
    "to be submitted": (submitting(), steps.TAKE_SLOT.name),
    "to be submitted over copies": (
        submitting(spec=over_copies(), copied_to=over_copies().copies),
        steps.TAKE_SLOT.name,
    ),
    "admitted": (submitting(admitted=True), steps.SUBMIT_JOB.name),
    "of before there were slots": (submitting(spec=change(a_spec(), takes_slot=False)), steps.SUBMIT_JOB.name),
    "deferred": (DEFERRED, TIMER),
    "deferred and waited": (change(DEFERRED, wait_until=None), steps.RENEW_SPEC.name),
    "unanswered": (recorded(answered(submitting(), Unclear("time-out"), NOON)), TIMER),
    "unanswered and waited": (unanswered(), steps.SEARCH_JOB.name),
    "accepted": (ACCEPTED, TIMER),
    "accepted and waited": (following(), steps.OBSERVE_JOB.name),
    "too late": (canceling(), steps.CANCEL_JOB.name),
    "completed": (seen("Completed"), steps.CHECK_LANDING.name),
    "intact": (publishing(), Orchestrator.PUBLISH.value),
    "more files": (DISCARDED, steps.STAGE_INPUT.name),
    "failed": (seen("Failed"), steps.EXPLAIN_FAILURE.name),
    "ended as failed": (failed(), steps.ANNOUNCE_RUN.name),
    "published": (published(), steps.ANNOUNCE_RUN.name),
    "refused": (a_run(spec=a_spec(refusal="too late")), steps.RECORD_RUN.name),
}


@pytest.mark.parametrize(("run", "step"), WAYS.values(), ids=WAYS)
def test_a_run_goes_on_where_its_record_says(run: Run, step: str) -> None:
    assert first_asked(run) == step


RESUMED = {
    "submitting": (submitting(), steps.RENEW_SPEC.name),
    "staging": (staging(), steps.RENEW_SPEC.name),
    "searching": (unanswered(), steps.SEARCH_JOB.name),
    "scoring": (following(), steps.OBSERVE_JOB.name),
    "completed, not checked yet": (seen("Completed"), steps.CHECK_LANDING.name),
    "failed, not explained yet": (seen("Failed"), steps.EXPLAIN_FAILURE.name),
    "canceling": (canceling(), steps.CANCEL_JOB.name),
    "publishing": (publishing(), Orchestrator.PUBLISH.value),
}


@pytest.mark.parametrize(("run", "step"), RESUMED.values(), ids=RESUMED)
def test_a_run_that_the_sweep_takes_up_goes_on_with_the_job_that_it_has(run: Run, step: str) -> None:
    """Runs that were left between two steps of theirs were submitted a second time."""
    assert first_asked(resumed(run, NOON)) == step


def recorded_first(run: Run) -> Run:
    """The run as it is in the ledger when the first thing that happens to it is recorded."""
    asked = next(scored(run))
    assert asked.name == steps.RECORD_RUN.name
    given = load(RecordRun, asked.given)
    return run.with_progress(given.progress, given.spec)


def test_a_job_over_copies_has_scored_exactly_the_snapshot_whatever_became_of_the_landing() -> None:
    spec = over_copies()

    run = recorded_first(seen("Completed", spec=spec, copied_to=spec.copies))

    assert run.status is Status.PUBLISHING


@pytest.mark.parametrize("taken_up", [recorded, lambda run: resumed(run, NOON)], ids=["at once", "by the sweep"])
def test_a_claimed_run_is_begun_and_a_refused_one_is_refused_whoever_carries_it_out(
    taken_up: Callable[[Run], Run],
) -> None:
    begun, refused = (recorded_first(taken_up(a_run(spec=a_spec(refusal=refusal)))) for refusal in (None, "too late"))

    assert (begun.status, begun.attempt) == (Status.SUBMITTING, 1)
    assert (refused.status, refused.error) == (Status.FAILED, Error("refused", "too late"))


def test_a_superseded_run_is_over_without_an_announcement() -> None:
    with pytest.raises(StopIteration) as end:
        next(scored(superseded()))

    assert load(RunEnded, end.value.value) == RunEnded(superseded().run_id, Status.SUPERSEDED)


@pytest.mark.parametrize("run", AT.values(), ids=AT)
def test_whatever_happened_is_recorded_before_the_next_thing_is_done(run: Run) -> None:
    asked = next(scored(run.noted(wait_until=NOON)))

    assert asked.name == steps.RECORD_RUN.name


@pytest.mark.parametrize("run", AT.values(), ids=AT)
def test_the_ledger_is_told_the_spec_only_as_long_as_there_is_no_job(run: Run) -> None:
    """From then on it is fixed, and every record in a history is smaller without it."""
    given = load(RecordRun, next(scored(run.noted())).given)

    assert given.spec == (run.spec if run.job is None else None)
    assert (given.progress.revision, given.progress.recorded) == (run.revision + 1, run.revision + 1)
    assert "spec" not in dump(given.progress)


def test_a_look_that_saw_nothing_new_is_not_recorded() -> None:
    assert first_asked(observed(following(), a_job("NotStarted"), NOON)) == TIMER


def test_a_record_that_could_not_be_written_is_tried_again_after_a_rest() -> None:
    life = scored(submitting().noted())
    assert next(life).name == steps.RECORD_RUN.name

    assert life.send(told(AWAY)) == Asked(TIMER, NOON + timedelta(seconds=5))
    assert life.send(None).name == steps.RECORD_RUN.name
    assert life.send(told(Done())).name == steps.RENEW_SPEC.name


def test_a_run_that_waits_says_so_in_the_ledger_first() -> None:
    life = scored(following())
    assert next(life).name == steps.OBSERVE_JOB.name

    asked = life.send(told(AWAY))

    assert asked.name == steps.RECORD_RUN.name
    error = load(RecordRun, asked.given).progress.error
    assert error is not None
    assert error.reason == "waiting"
    assert life.send(told(Done())) == Asked(TIMER, NOON + timedelta(seconds=5))


def test_an_end_that_the_ledger_will_not_take_is_not_announced_and_is_left_to_the_sweep() -> None:
    """Seen before: it was announced, and what the sweep made of the run was another end, announced as well."""
    life = scored(failed().noted())
    assert next(life).name == steps.RECORD_RUN.name

    with pytest.raises(StopIteration) as end:
        life.send(told(REFUSED))

    assert load(RunEnded, end.value.value) == RunEnded(failed().run_id, Status.FAILED)


def test_an_end_that_the_ledger_cannot_take_now_is_tried_until_the_deadline_and_never_announced() -> None:
    context = Puppet(dump(failed().noted()))
    life = orchestrators.score(context)
    assert next(life).name == steps.RECORD_RUN.name
    assert life.send(told(AWAY)) == Asked(TIMER, NOON + timedelta(seconds=5))
    assert life.send(None).name == steps.RECORD_RUN.name
    context.current_utc_datetime = NOON + failed().spec.polling.deadline

    with pytest.raises(StopIteration) as end:
        life.send(told(AWAY))

    assert load(RunEnded, end.value.value) == RunEnded(failed().run_id, Status.FAILED)


@pytest.mark.parametrize("run", [submitting().noted(), failed().noted()], ids=["under way", "ended"])
def test_a_run_that_somebody_else_has_carried_on_ends_with_what_the_ledger_has(run: Run) -> None:
    """Without another step, and without an announcement: both are up to whoever carries it on."""
    life = scored(run)
    assert next(life).name == steps.RECORD_RUN.name

    with pytest.raises(StopIteration) as end:
        life.send(told(Overtaken(Status.PUBLISHED)))

    assert load(RunEnded, end.value.value) == RunEnded(run.run_id, Status.PUBLISHED)


def test_a_job_is_canceled_while_the_ledger_is_away() -> None:
    """Seen before: it ran on, and cost, for as long as the storage of the ledger did not answer."""
    life = scored(canceling().noted())
    assert next(life).name == steps.RECORD_RUN.name

    assert life.send(told(AWAY)).name == steps.CANCEL_JOB.name
    ended = life.send(told(CancelAsked(True)))

    assert load(RecordRun, ended.given).progress.status is Status.FAILED


def test_an_answer_that_cannot_be_read_is_asked_for_again() -> None:
    """Seen before: while a version was deployed whose answers are others, runs ended and their jobs were canceled."""
    life = scored(following())
    assert next(life).name == steps.OBSERVE_JOB.name

    asked = life.send({"type": "Seen", "job": 7})

    progress = load(RecordRun, asked.given).progress
    assert (progress.status, progress.error and progress.error.reason) == (Status.SCORING, "waiting")
    assert life.send(told(Done())) == Asked(TIMER, NOON + timedelta(seconds=5))
    assert life.send(None).name == steps.OBSERVE_JOB.name


def looking_in_a_thousand_years() -> Run:
    """A run whose job is followed by a calendar that ends before the next look: a defect."""
    spec, ages = a_spec(), timedelta(days=10**7)
    return change(following(), spec=change(spec, polling=change(spec.polling, first=ages, longest=ages)))


def test_a_defect_is_reported_and_has_the_live_job_canceled() -> None:
    life = scored(looking_in_a_thousand_years())
    assert next(life).name == steps.OBSERVE_JOB.name

    report = life.send(told(Seen(a_job("NotStarted"))))
    assert report.name == steps.REPORT_DEFECT.name
    assert "OverflowError" in report.given["traceback"]
    asked = life.send(told(Done()))
    assert load(RecordRun, asked.given).progress.status is Status.CANCELING
    assert life.send(told(Done())).name == steps.CANCEL_JOB.name
    ended = life.send(told(CancelAsked(True)))
    error = load(RecordRun, ended.given).progress.error
    assert error is not None
    assert error.reason == "defect"


def test_a_defect_that_cannot_be_reported_ends_the_run_all_the_same() -> None:
    life = scored(submitting(admitted=True))
    next(life)

    assert life.send(told(Deferred(1e18, "busy"))).name == steps.REPORT_DEFECT.name
    ended = life.send(told(AWAY))

    assert load(RecordRun, ended.given).progress.status is Status.FAILED


@pytest.mark.parametrize("answer", [Seen(a_job("NotStarted")), AWAY], ids=["followed", "not seen"])
def test_after_many_steps_the_history_is_cut_and_the_run_goes_on_where_it_was(answer: Seen | Trouble) -> None:
    context = Puppet(dump(following()))
    asked: list[str] = []
    answers = {TIMER: None, steps.OBSERVE_JOB.name: told(answer), steps.RECORD_RUN.name: told(Done())}
    life, given = orchestrators.score(context), None
    with pytest.raises(StopIteration):
        while True:
            asked.append(life.send(given).name)
            given = answers[asked[-1]]

    assert len(asked) <= TURNS_PER_HISTORY
    run = load(Run, context.next_input)
    assert (run.status, run.job) == (Status.SCORING, following().job)


def test_a_watch_whose_history_is_long_starts_over_where_it_was() -> None:
    context = Puppet(dump(looking(turns=LOOKS_PER_HISTORY)))

    with pytest.raises(StopIteration):
        next(orchestrators.watch_landing(context))

    assert load(Watch, context.next_input) == looking(turns=0)


def fails(given: Any) -> Any:
    raise Unavailable("403: no role on the workspace")


def test_a_failure_that_cannot_be_explained_ends_the_run_all_the_same() -> None:
    """An identity that may score but not read the run history is refused an explanation each time."""
    world = make_world(statuses=("Failed",))
    world.land("0.png")
    world.driver.activities = {**world.driver.activities, steps.EXPLAIN_FAILURE.name: fails}

    world.watch()

    assert world.only_run()["error"]["message"].startswith("Job batchjob-1 failed.")
    assert world.clock() < NOON + timedelta(minutes=10)
