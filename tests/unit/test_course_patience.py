"""How patient a run is when something is in its way, and what it says while it waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.core.course import answered, checked, given_up, observed, published, recorded, staged, waited
from shared.core.hints import ONCE_MORE
from shared.core.patience import CANCEL_TRIES, is_left_to_the_sweep, must_be_recorded, stumbled
from shared.core.run import Error, Run, Status
from shared.core.snapshot import Verdict
from shared.core.steps import RECORD_RUN, Sealed
from shared.core.submission import Accepted, Deferred, Rejected, Unclear
from shared.core.trouble import DENIED_PATIENCE, PATIENCE, Kind, Trouble
from testbed.fakes import NOON
from tests.unit.runs import (
    AT,
    PUBLICATION,
    WHY,
    a_job,
    canceling,
    failed,
    following,
    message,
    publishing,
    reason,
    seen,
    staging,
    submitting,
    unanswered,
)

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AWAY = Trouble(Kind.PASSING, "503")
DENIED = Trouble(Kind.DENIED, "403: no role")
REFUSED = Trouble(Kind.REFUSED, "No route takes it any more.")
DEFECT = Trouble(Kind.DEFECT, "ValueError: negative")
FORBIDDEN = Rejected(403, "no role.")

UNDER_WAY = {status: run for status, run in AT.items() if not run.has_ended}
WITHOUT_A_JOB = {
    "claimed": AT[Status.CLAIMED],
    "staging": staging(),
    "submitting": submitting(),
    "searching": unanswered(),
}
WITH_A_DEAD_JOB = {"completed": seen("Completed"), "failed": seen("Failed"), "publishing": publishing()}


@pytest.mark.parametrize("status", [401, 403])
def test_an_endpoint_that_does_not_let_the_app_in_is_asked_again_for_an_hour(status: int) -> None:
    """A role that was given lately takes up to half an hour to be felt."""
    answer = Rejected(status, "no role.")
    run = answered(submitting(), answer, NOON)

    assert (run.status, run.attempt, run.attempts[-1].outcome) == (Status.SUBMITTING, 2, "denied")
    assert answered(run, answer, NOON + DENIED_PATIENCE - SECOND).status is Status.SUBMITTING
    ended = answered(run, answer, NOON + DENIED_PATIENCE)
    assert (ended.status, reason(ended)) == (Status.FAILED, f"rejected_{status}")


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "Check that the app's identity belongs to the endpoint's tenant."),
        (403, "Give the app's identity AzureML Data Scientist, or Batch Endpoint Invoker, on the workspace."),
    ],
    ids=str,
)
def test_after_that_hour_the_run_ends_with_advice(status: int, advice: str) -> None:
    run = answered(submitting(denied_since=NOON), Rejected(status, "no role."), NOON + HOUR)

    assert run.error == Error(
        f"rejected_{status}", f"The endpoint answered {status}: no role.", f"{advice} {ONCE_MORE}"
    )


def test_an_endpoint_that_is_busy_in_between_does_not_make_the_hour_longer() -> None:
    busy = answered(answered(submitting(), FORBIDDEN, NOON), Deferred(30, "busy"), NOON + HOUR / 2)

    again = answered(busy, FORBIDDEN, NOON + HOUR)

    assert (busy.denied_since, again.status) == (NOON, Status.FAILED)


def test_waits_between_attempts_grow_with_every_one_that_was_not_taken() -> None:
    run, waits = submitting(), []
    for _ in range(len(PATIENCE) + 1):
        run = answered(run, FORBIDDEN, NOON)
        assert run.wait_until is not None
        waits.append(run.wait_until - NOON)

    assert waits == [*PATIENCE, PATIENCE[-1]]


@pytest.mark.parametrize(
    ("failures", "retry_after", "wait"),
    [(0, 1, PATIENCE[0]), (0, 30, 30 * SECOND), (3, 30, PATIENCE[3]), (3, 3600, HOUR)],
    ids=["at least our own", "what the service asks for", "at least our own, grown", "what the service asks for, long"],
)
def test_an_attempt_is_not_sent_before_the_service_wants_it(failures: int, retry_after: int, wait: timedelta) -> None:
    run = answered(submitting(failures=failures), Deferred(retry_after, "busy"), NOON)

    assert run.wait_until == NOON + wait


def test_who_waits_says_what_for_and_until_when() -> None:
    deferred = answered(submitting(), Deferred(90, "The workspace is busy."), NOON)
    denied = answered(submitting(), FORBIDDEN, NOON)
    unclear = answered(submitting(), Unclear("The connection was lost."), NOON)
    away = stumbled(following(), "observe_job", AWAY, NOON)

    assert {reason(run) for run in (deferred, denied, unclear, away)} == {"waiting"}
    assert message(deferred) == "The workspace is busy. Next try at 2026-03-01 12:01:30 UTC."
    assert denied.error == Error(
        "waiting",
        "The endpoint answered 403: no role. Next try at 2026-03-01 12:00:05 UTC.",
        "Give the app's identity AzureML Data Scientist, or Batch Endpoint Invoker, on the workspace.",
    )
    assert message(away) == "observe_job: 503. Next try at 2026-03-01 12:00:05 UTC."
    assert message(unclear) == (
        "It is not clear whether a job was created (The connection was lost). Searching the endpoint's jobs for it."
    )
    assert not any(run.is_recorded for run in (deferred, denied, unclear, away))


WAITING_AND_AHEAD = {
    "copied": staged(stumbled(staging(), "stage_input", AWAY, NOON), None, NOON),
    "accepted": answered(answered(submitting(), Deferred(30, "busy"), NOON), Accepted(a_job()), NOON),
    "seen": observed(stumbled(following(), "observe_job", AWAY, NOON), a_job("NotStarted"), NOON),
    "completed": observed(stumbled(following(), "observe_job", AWAY, NOON), a_job("Completed"), NOON),
    "checked": checked(stumbled(seen("Completed"), "check_landing", AWAY, NOON), Verdict.INTACT, NOON),
    "discarded": checked(stumbled(seen("Completed"), "check_landing", AWAY, NOON), Verdict.MORE, NOON),
    "published": published(stumbled(publishing(), "publish", AWAY, NOON), Sealed(PUBLICATION), NOON),
}


@pytest.mark.parametrize("run", WAITING_AND_AHEAD.values(), ids=WAITING_AND_AHEAD)
def test_a_run_that_got_ahead_waits_for_nothing_any_more(run: Run) -> None:
    assert (run.error, run.failures, run.denied_since) == (None, 0, None)
    assert not run.is_recorded


def test_the_ledger_hears_that_a_job_was_seen_again_although_its_status_is_the_same() -> None:
    away = recorded(stumbled(following(), "observe_job", AWAY, NOON))

    back = observed(waited(away), a_job("NotStarted"), NOON)

    assert (back.error, back.revision) == (None, away.revision + 1)


@pytest.mark.parametrize("run", UNDER_WAY.values(), ids=UNDER_WAY)
def test_failures_in_a_row_are_followed_by_longer_and_longer_rests(run: Run) -> None:
    rests = []
    for _ in range(len(PATIENCE) + 1):
        run = stumbled(run, "some_step", AWAY, NOON)
        assert run.wait_until is not None
        rests.append(run.wait_until - NOON)

    assert rests == [*PATIENCE, PATIENCE[-1]]


def test_at_the_deadline_a_step_that_fails_ends_the_run() -> None:
    run = stumbled(submitting(), "submit_job", AWAY, NOON + DAY)

    assert (run.status, run.error) == (Status.FAILED, Error("trouble", "Gave up on submit_job: 503"))


def test_a_job_that_cannot_be_looked_at_until_its_deadline_is_canceled() -> None:
    run = stumbled(following(), "observe_job", AWAY, NOON + DAY)

    assert (run.status, reason(run)) == (Status.CANCELING, "trouble")


def test_a_publication_has_patience_of_its_own_however_long_the_job_took() -> None:
    completed = observed(following(), a_job("Completed"), NOON + DAY)
    run = checked(completed, Verdict.INTACT, NOON + DAY)

    assert stumbled(run, "publish", AWAY, NOON + DAY + HOUR).status is Status.PUBLISHING
    assert stumbled(run, "publish", AWAY, NOON + 2 * DAY).status is Status.FAILED


def test_one_failure_does_not_end_a_run_whose_job_is_within_its_deadline() -> None:
    """The endpoint was busy for twenty hours; the job runs since then, and one look at it fails."""
    busy = answered(submitting(), Deferred(30, "busy"), NOON + 20 * HOUR)
    run = answered(busy, Accepted(a_job()), NOON + 20 * HOUR)

    assert stumbled(run, "observe_job", AWAY, NOON + 25 * HOUR).status is Status.SCORING


@pytest.mark.parametrize("run", WITHOUT_A_JOB.values(), ids=WITHOUT_A_JOB)
def test_storage_that_does_not_let_the_app_in_is_asked_again_for_an_hour(run: Run) -> None:
    denied = stumbled(run, "some_step", DENIED, NOON)

    assert (denied.status, reason(denied), denied.denied_since) == (run.status, "waiting", NOON)
    assert stumbled(denied, "some_step", DENIED, NOON + HOUR - SECOND).status is run.status
    ended = stumbled(denied, "some_step", DENIED, NOON + HOUR)
    assert (ended.status, ended.error) == (
        Status.FAILED,
        Error("denied", "some_step was denied for 1:00:00: 403: no role"),
    )


def test_a_live_job_is_canceled_when_access_was_denied_for_an_hour() -> None:
    run = stumbled(following(), "observe_job", DENIED, NOON)

    ended = stumbled(run, "observe_job", DENIED, NOON + HOUR)

    assert (ended.status, reason(ended)) == (Status.CANCELING, "denied")


def test_other_trouble_in_between_does_not_make_the_hour_longer() -> None:
    """Seen before: 403s were sat out for more than a day, because every hiccup began the hour anew."""
    run = stumbled(stumbled(submitting(), "submit_job", DENIED, NOON), "submit_job", AWAY, NOON + 30 * MINUTE)

    again = stumbled(run, "submit_job", DENIED, NOON + HOUR)

    assert (run.denied_since, again.status) == (NOON, Status.FAILED)


ENDING_AT_ONCE = [(DEFECT, "defect"), (REFUSED, "refused")]


@pytest.mark.parametrize(("trouble", "why"), ENDING_AT_ONCE, ids=["defect", "refused"])
@pytest.mark.parametrize(
    "run", [*WITHOUT_A_JOB.values(), *WITH_A_DEAD_JOB.values()], ids=[*WITHOUT_A_JOB, *WITH_A_DEAD_JOB]
)
def test_what_does_not_pass_ends_the_run_at_once_with_a_sentence(run: Run, trouble: Trouble, why: str) -> None:
    ended = stumbled(run, "some_step", trouble, NOON)

    assert (ended.status, ended.error) == (Status.FAILED, Error(why, f"some_step: {trouble.message}"))


@pytest.mark.parametrize(("trouble", "why"), ENDING_AT_ONCE, ids=["defect", "refused"])
def test_what_does_not_pass_has_a_live_job_canceled_first(trouble: Trouble, why: str) -> None:
    run = stumbled(following(), "observe_job", trouble, NOON)

    assert (run.status, reason(run), run.job, run.timings.ended) == (Status.CANCELING, why, following().job, None)


def test_who_is_given_up_rests_no_longer() -> None:
    tired = stumbled(following(), "observe_job", AWAY, NOON)

    run = given_up(tired, WHY, NOON)

    assert (run.status, run.failures, run.wait_until, run.error) == (Status.CANCELING, 0, None, WHY)


def test_a_cancelation_that_fails_is_tried_again() -> None:
    """The job would go on, and cost, although its run has ended."""
    run = stumbled(canceling(), "cancel_job", AWAY, NOON + DAY)

    assert (run.status, run.error) == (Status.CANCELING, WHY)


def test_a_cancelation_that_keeps_failing_ends_the_run_and_says_so() -> None:
    run, tries = canceling(), 0
    while run.status is Status.CANCELING:
        run, tries = stumbled(run, "cancel_job", AWAY, NOON + DAY), tries + 1

    assert (tries, reason(run)) == (CANCEL_TRIES, "deadline")
    assert message(run) == "It took too long. The job could not be canceled."


def test_a_ledger_that_is_away_takes_no_tries_from_the_cancelation() -> None:
    """After half an hour without storage a run ended whose job nobody had asked to be canceled."""
    run = given_up(following(), WHY, NOON)
    assert must_be_recorded(run)
    for _ in range(3 * CANCEL_TRIES):
        run = stumbled(run, RECORD_RUN.name, AWAY, NOON)
        assert run.status is Status.CANCELING
        assert (must_be_recorded(run), run.wait_until) == (False, None)  # the job is canceled now

    back, tries = recorded(run), 0
    while back.status is Status.CANCELING:
        back, tries = stumbled(back, "cancel_job", AWAY, NOON), tries + 1
    assert tries == CANCEL_TRIES


@pytest.mark.parametrize("trouble", [DEFECT, REFUSED], ids=["defect", "refused"])
def test_a_cancelation_that_cannot_succeed_is_tried_once(trouble: Trouble) -> None:
    run = stumbled(canceling(), "cancel_job", trouble, NOON)

    assert (run.status, reason(run)) == (Status.FAILED, "deadline")
    assert "could not be canceled" in message(run)


@pytest.mark.parametrize("trouble", [AWAY, DENIED], ids=["passing", "denied"])
def test_a_run_that_has_ended_tries_to_record_its_end_until_the_deadline_and_leaves_it_to_the_sweep(
    trouble: Trouble,
) -> None:
    """Seen before: patience without end, in an orchestration that only an operator could end."""
    late = NOON + 9 * DAY
    run = stumbled(failed(), RECORD_RUN.name, trouble, late)

    assert (run.status, run.error, run.revision) == (Status.FAILED, WHY, failed().revision)
    assert (run.wait_until, run.unrecorded_since) == (late + PATIENCE[0], late)
    assert not is_left_to_the_sweep(run, RECORD_RUN.name, trouble, late + DAY - SECOND)
    assert is_left_to_the_sweep(run, RECORD_RUN.name, trouble, late + DAY)


@pytest.mark.parametrize("trouble", [DEFECT, REFUSED], ids=["defect", "refused"])
def test_an_end_that_the_ledger_will_never_take_is_left_to_the_sweep_at_once(trouble: Trouble) -> None:
    run = stumbled(failed(), RECORD_RUN.name, trouble, NOON)

    assert (run.status, run.error) == (Status.FAILED, WHY)
    assert is_left_to_the_sweep(run, RECORD_RUN.name, trouble, NOON)


@pytest.mark.parametrize("run", UNDER_WAY.values(), ids=UNDER_WAY)
def test_a_run_that_has_not_ended_is_never_left_to_the_sweep(run: Run) -> None:
    assert not is_left_to_the_sweep(run, RECORD_RUN.name, REFUSED, NOON + 9 * DAY)


def test_a_run_that_stumbled_without_a_job_reads_its_route_again() -> None:
    """Whoever has corrected the route waits for the next try, not for the next attempt."""
    assert stumbled(submitting(), "submit_job", AWAY, NOON).must_renew
    assert not stumbled(unanswered(), "search_job", AWAY, NOON).must_renew
    assert not stumbled(following(), "observe_job", AWAY, NOON).must_renew


@pytest.mark.parametrize(
    ("run", "step"), [(submitting(), "submit_job"), (unanswered(), "search_job")], ids=["submitting", "searching"]
)
@pytest.mark.parametrize("trouble", [AWAY, DEFECT, REFUSED], ids=["passing", "defect", "refused"])
def test_the_job_of_an_attempt_that_was_given_up_without_an_answer_is_looked_for(
    run: Run, step: str, trouble: Trouble
) -> None:
    """Nobody knew of the job that such an attempt had made: it went on, and cost, after its run had failed."""
    ended = stumbled(run, step, trouble, NOON + DAY)

    assert ended.status is Status.FAILED
    assert [sent.output for sent in ended.abandoned] == [run.spec.output_of(1)]


def test_an_attempt_that_was_not_sent_for_certain_is_not_looked_for() -> None:
    assert stumbled(staging(), "stage_input", REFUSED, NOON).abandoned == ()
    assert answered(submitting(), Rejected(400, "no"), NOON).abandoned == ()
