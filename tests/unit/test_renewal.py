"""A run before another attempt, and one that is taken up after a pause: what is read again, and what is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.core.course import answered, checked, explained, recorded, renewed, resumed, searched
from shared.core.finding import Found, NotThere
from shared.core.record import change
from shared.core.run import Error, Run, Status, Unanswered
from shared.core.snapshot import Verdict
from shared.core.spec import RunSpec
from shared.core.steps import MayBeSent, Postponed, Renewed, Superseded
from shared.core.stopping import canceled
from shared.core.submission import Deferred
from shared.core.trouble import PATIENCE
from testbed.fakes import NOON
from tests.unit.runs import (
    AT,
    WHY,
    a_job,
    a_spec,
    canceling,
    following,
    message,
    over_copies,
    publishing,
    reason,
    seen,
    staging,
    submitting,
    unanswered,
)

HOUR = timedelta(hours=1)


def deferred(**changes: Any) -> Run:
    """A run that is about to send its second attempt."""
    return recorded(answered(submitting(**changes), Deferred(30, "busy"), NOON))


def corrected() -> RunSpec:
    """The spec by a route that was corrected meanwhile."""
    spec = a_spec()
    return change(spec, endpoint=change(spec.endpoint, deployment="better"))


def test_every_attempt_but_the_first_reads_its_route_again() -> None:
    assert not submitting().must_renew
    assert deferred().must_renew
    assert not renewed(deferred(), Renewed(a_spec()), NOON).must_renew


def test_a_corrected_route_is_taken_and_recorded() -> None:
    run = renewed(deferred(), Renewed(corrected()), NOON)

    assert (run.status, run.spec, run.attempt) == (Status.SUBMITTING, corrected(), 2)
    assert not run.is_recorded


def test_a_route_that_says_the_same_is_nothing_to_record() -> None:
    assert renewed(deferred(), Renewed(a_spec()), NOON).is_recorded


@pytest.mark.parametrize(
    ("run", "spec", "status"),
    [
        (deferred(), over_copies(), Status.STAGING),
        (resumed(staging(), NOON), a_spec(), Status.SUBMITTING),
        (resumed(staging(), NOON), over_copies(), Status.STAGING),
        (deferred(spec=over_copies(), copied_to=over_copies().copies), over_copies(), Status.SUBMITTING),
    ],
    ids=["copies after all", "no copies after all", "still to be copied", "copied already"],
)
def test_the_renewed_spec_says_whether_copies_are_made_first(run: Run, spec: RunSpec, status: Status) -> None:
    assert renewed(run, Renewed(spec), NOON).status is status


def test_a_renewed_spec_that_refuses_the_run_ends_it() -> None:
    run = renewed(deferred(), Renewed(a_spec(refusal="Remove them.")), NOON)

    assert (run.status, run.error) == (Status.FAILED, Error("refused", "Remove them."))


@pytest.mark.parametrize("run", [deferred(), resumed(staging(), NOON)], ids=["submitting", "staging"])
def test_newer_content_before_there_is_a_job_supersedes_the_run(run: Run) -> None:
    superseded = renewed(run, Superseded(), NOON)

    assert (superseded.status, reason(superseded)) == (Status.SUPERSEDED, "superseded")
    assert message(superseded).startswith("Newer content arrived before a job was created")


def test_an_attempt_that_may_have_been_sent_is_searched_for() -> None:
    """The process was stopped between the POST and its answer; sent again, there would be two jobs."""
    run = renewed(resumed(submitting(), NOON), MayBeSent(), NOON)

    assert (run.status, run.attempt, run.unanswered, run.must_renew) == (
        Status.SUBMITTING,
        1,
        Unanswered(NOON, NOON),
        False,
    )
    assert (run.attempts[-1].outcome, reason(run)) == ("unclear", "waiting")
    found = searched(run, Found(a_job()), NOON)
    assert (found.status, found.attempt, found.job) == (Status.SCORING, 1, a_job())


@pytest.mark.parametrize("answer", [Renewed(a_spec()), Postponed("routes.yaml has problems.")], ids=["read", "not"])
def test_an_attempt_that_might_have_been_sent_late_is_followed_by_the_next_one(answer: Renewed | Postponed) -> None:
    """Its note was taken, so that nobody sends it. Seen before: it was sent again, and searched for in vain."""
    left = resumed(submitting(), NOON)
    assert left.may_be_sent_late

    run = renewed(left, answer, NOON)

    assert (run.attempt, run.may_be_sent_late, run.is_recorded) == (2, False, False)
    assert renewed(deferred(), answer, NOON).attempt == deferred().attempt  # nobody could have sent that one


def test_a_route_that_cannot_be_used_now_is_waited_for() -> None:
    run = renewed(resumed(submitting(), NOON), Postponed("routes.yaml has problems."), NOON)

    assert (run.status, run.must_renew, run.wait_until) == (Status.SUBMITTING, True, NOON + PATIENCE[0])
    assert message(run) == "routes.yaml has problems. Next try at 2026-03-01 12:00:05 UTC."
    again = renewed(run, Postponed("routes.yaml has problems."), NOON)
    assert again.wait_until == NOON + PATIENCE[1]


def test_a_run_is_taken_up_with_patience_of_its_own() -> None:
    tired = following(failures=7, denied_since=NOON)

    run = resumed(tired, NOON + HOUR)

    assert (run.since, run.failures, run.denied_since) == (NOON + HOUR, 0, None)
    assert (run.attempt, run.attempts, run.revision) == (tired.attempt, tired.attempts, tired.revision)


@pytest.mark.parametrize(
    ("run", "reads_again"),
    [
        (submitting(), True),
        (staging(), True),
        (deferred(), True),
        (AT[Status.CLAIMED], True),
        (unanswered(), False),
        (following(), False),
        (canceling(), False),
        (publishing(), False),
    ],
    ids=["submitting", "staging", "deferred", "claimed", "searching", "scoring", "canceling", "publishing"],
)
def test_a_run_that_is_taken_up_without_a_job_reads_its_route_again(run: Run, reads_again: bool) -> None:
    assert resumed(run, NOON).must_renew == reads_again


WITH_THEIR_JOBS = {
    "live": following(),
    "completed, not checked yet": seen("Completed"),
    "failed, not explained yet": seen("Failed"),
    "canceling": canceling(),
    "publishing": publishing(),
}


@pytest.mark.parametrize("run", WITH_THEIR_JOBS.values(), ids=WITH_THEIR_JOBS)
def test_a_run_that_is_taken_up_keeps_its_status_and_its_job(run: Run) -> None:
    """Runs that were left between two steps forgot their jobs, and were scored a second time."""
    again = resumed(run, NOON + HOUR)

    assert again.job is not None
    assert (again.status, again.job, again.error, again.timings) == (run.status, run.job, run.error, run.timings)


def test_what_was_left_goes_on_to_the_same_end() -> None:
    completed, failed, given_up = (resumed(run, NOON) for run in (seen("Completed"), seen("Failed"), canceling()))

    assert checked(completed, Verdict.INTACT, NOON).status is Status.PUBLISHING
    assert reason(explained(failed, None, NOON)) == "job_failed"
    assert reason(canceled(given_up, True, NOON)) == WHY.reason


def test_input_that_was_copied_is_not_copied_again() -> None:
    spec = over_copies()
    run = resumed(submitting(spec=spec, copied_to=spec.copies), NOON)

    assert (run.status, run.needs_copies) == (Status.SUBMITTING, False)


def test_a_run_that_is_taken_up_still_knows_which_attempts_were_abandoned() -> None:
    """A late job of one of them would not be canceled."""
    run = unanswered()
    while run.unanswered is not None:
        run = searched(run, NotThere(), NOON)

    assert resumed(run, NOON).abandoned == run.abandoned != ()


def test_a_run_that_is_taken_up_copies_its_input_if_it_was_about_to() -> None:
    """Files lie beside the snapshot by then: the job would score them too, and be discarded.

    The second attempt is over when its note is taken. Seen before: it was sent by whoever had been left with it.
    """
    discarded = checked(seen("Completed"), Verdict.MORE, NOON)

    run = renewed(resumed(discarded, NOON), Renewed(over_copies()), NOON)

    assert (run.status, run.needs_copies, run.attempt) == (Status.STAGING, True, 3)


def test_a_route_that_cannot_be_used_until_the_deadline_fails_the_run_with_what_is_wrong_with_it() -> None:
    waiting = renewed(submitting(), Postponed("route 'digits', polling.first: 'soon' is no duration"), NOON)

    late = NOON + waiting.spec.polling.deadline
    run = renewed(waiting, Postponed("route 'digits', polling.first: 'soon' is no duration"), late)

    assert (run.status, run.error and run.error.reason) == (Status.FAILED, "route")
    assert run.error is not None
    assert "polling.first" in run.error.message
