"""What a run becomes when something has happened to it, from its claim to its end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.core.course import (
    MISSING_LIMIT,
    UNCLEAR_LIMIT,
    answered,
    begun,
    checked,
    explained,
    observed,
    published,
    recorded,
    searched,
    staged,
    waited,
)
from shared.core.finding import CannotTell, Found, NotThere, SearchAnswer
from shared.core.hints import ONCE_MORE, hint_for
from shared.core.run import LATEST_ATTEMPTS, SEARCHES, Attempt, Error, Run, Status, Timings, Unanswered
from shared.core.snapshot import Verdict
from shared.core.steps import Sealed, Unpublishable
from shared.core.stopping import canceled
from shared.core.submission import Accepted, Deferred, Rejected, Unclear
from testbed.fakes import NOON
from tests.unit.runs import (
    PUBLICATION,
    a_job,
    a_run,
    a_spec,
    advice_of,
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

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)

NOT_THERE = NotThere()


def given_up_searching(run: Run, answer: SearchAnswer = NOT_THERE) -> Run:
    """An unanswered run whose searches are all over."""
    while run.unanswered is not None:
        run = searched(run, answer, NOON)
    return run


def test_a_run_begins_by_submitting_or_by_copying_its_input() -> None:
    assert begun(a_run(), NOON).status is Status.SUBMITTING
    assert begun(a_run(spec=over_copies()), NOON).status is Status.STAGING


def test_a_run_that_was_refused_when_it_was_claimed_has_ended() -> None:
    run = begun(a_run(spec=a_spec(refusal="too late")), NOON)

    assert (run.status, run.error, run.timings.ended) == (Status.FAILED, Error("refused", "too late"), NOON)


def test_copied_input_is_submitted() -> None:
    run = staged(staging(), None, NOON)

    assert (run.status, run.copied_to, run.needs_copies) == (Status.SUBMITTING, run.spec.copies, False)


def test_a_file_that_changed_before_it_was_copied_supersedes_the_run() -> None:
    run = staged(staging(), "0.png", NOON)

    assert (run.status, reason(run)) == (Status.SUPERSEDED, "superseded")
    assert message(run).startswith("0.png was changed or removed")


def test_an_accepted_attempt_is_followed() -> None:
    run = answered(submitting(), Accepted(a_job("NotStarted")), NOON + SECOND)

    assert (run.status, run.job) == (Status.SCORING, a_job("NotStarted"))
    assert (run.timings.submitted, run.wait_until) == (NOON + SECOND, NOON + 3 * SECOND)
    assert run.attempts == (Attempt(attempt=1, outcome="accepted", at=NOON + SECOND, job="batchjob-1"),)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "Compare the route's inputs, outputs and settings with the deployment."),
        (
            404,
            "Check the route's scoring_uri and deployment. Without deployment, the endpoint needs a default one.",
        ),
        (409, ""),
    ],
)
def test_a_rejected_attempt_ends_the_run_with_advice(status: int, advice: str) -> None:
    run = answered(submitting(), Rejected(status, "no deployment"), NOON)

    assert (run.status, reason(run), run.attempts[-1].outcome) == (Status.FAILED, f"rejected_{status}", "rejected")
    assert message(run) == f"The endpoint answered {status}: no deployment"
    assert advice_of(run) == (f"{advice} {ONCE_MORE}" if advice else hint_for("rejected"))


def test_a_deferred_attempt_is_followed_by_another_until_the_deadline() -> None:
    run = answered(submitting(), Deferred(30, "busy"), NOON)

    assert (run.status, run.attempt, run.wait_until) == (Status.SUBMITTING, 2, NOON + 30 * SECOND)
    ended = answered(run, Deferred(30, "still busy"), NOON + DAY)
    assert (ended.status, reason(ended)) == (Status.FAILED, "deferred")
    assert message(ended) == "The endpoint accepted no attempt for 1 day, 0:00:00. Its last answer: still busy"


def test_an_attempt_without_an_answer_is_searched_for_and_then_abandoned() -> None:
    run, waits = answered(submitting(), Unclear("time-out"), NOON), []
    while run.unanswered is not None:
        assert run.wait_until is not None
        waits.append(run.wait_until - NOON)
        run = searched(waited(run), NotThere(), NOON)

    assert tuple(waits) == SEARCHES
    assert (run.status, run.attempt, run.must_renew) == (Status.SUBMITTING, 2, True)
    assert [sent.output for sent in run.abandoned] == [run.spec.output_of(1)]
    assert [attempt.outcome for attempt in run.attempts] == ["unclear"]


def test_an_attempt_that_is_found_is_followed() -> None:
    run = searched(unanswered(), Found(a_job()), NOON)

    assert (run.status, run.attempt, run.job, run.unanswered) == (Status.SCORING, 1, a_job(), None)
    assert (run.abandoned, [attempt.outcome for attempt in run.attempts]) == ((), ["unclear", "accepted"])


def test_after_a_few_attempts_without_an_answer_the_run_ends() -> None:
    run = submitting()
    while not run.has_ended:
        run = given_up_searching(answered(run, Unclear("time-out"), NOON))

    assert (run.attempt, run.unclear, len(run.abandoned)) == (UNCLEAR_LIMIT, UNCLEAR_LIMIT, UNCLEAR_LIMIT)
    assert (run.status, reason(run)) == (Status.FAILED, "unclear")
    assert (
        "outcome of 3 submission(s) is unknown: the endpoint confirmed no job, and its job list shows none"
        in message(run)
    )


def test_an_endpoint_that_does_not_list_its_jobs_gets_no_second_attempt() -> None:
    """Nobody could tell whether the first one has made a job."""
    run = given_up_searching(unanswered(), CannotTell("it does not list them."))

    assert (run.attempt, len(run.abandoned), reason(run)) == (1, 1, "unclear")
    assert run.spec.output_of(1).uri in advice_of(run)


def test_only_a_search_that_gives_up_or_finds_is_told_to_the_ledger() -> None:
    run = unanswered()

    assert searched(run, NotThere(), NOON).is_recorded
    assert not given_up_searching(run).is_recorded
    assert not searched(run, Found(a_job()), NOON).is_recorded


def test_a_job_that_the_endpoint_does_not_know_is_looked_for_a_while_and_then_canceled() -> None:
    """Seen before: the run failed at once, and a job that only its endpoint had lost track of went on."""
    run = following()
    for _ in range(MISSING_LIMIT - 1):
        run = observed(run, None, NOON)
        assert run.status is Status.SCORING

    gone = observed(run, None, NOON)
    assert (gone.status, reason(gone), gone.job) == (Status.CANCELING, "job_missing", run.job)
    ended = canceled(gone, True, NOON)
    assert (ended.status, reason(ended)) == (Status.FAILED, "job_missing")
    assert observed(run, a_job(), NOON).missing == 0


def test_the_waits_between_looks_grow_to_the_longest_and_stay_there() -> None:
    run, waits = following(), []
    for _ in range(60):
        run = observed(run, a_job(), NOON)
        assert run.wait_until is not None
        waits.append((run.wait_until - NOON).total_seconds())

    assert waits[:3] == [3, 4.5, 6.75]
    assert waits == sorted(waits)
    assert waits[-1] == 60


@pytest.mark.parametrize("ending", ["Completed", "Failed"])
def test_a_job_that_is_over_is_seen_to_before_its_run_ends(ending: str) -> None:
    """A completed one is compared with the landing, a failed one is explained."""
    run = observed(following(), a_job(ending), NOON)

    assert (run.status, run.job, run.wait_until) == (Status.SCORING, a_job(ending), None)


def test_a_job_that_somebody_canceled_ends_its_run() -> None:
    run = observed(following(), a_job("Canceled", studio_url="https://ml/1"), NOON)

    assert (run.status, reason(run)) == (Status.CANCELED, "job_canceled")
    assert message(run) == "Job batchjob-1 was canceled. See https://ml/1."


def test_the_services_own_words_are_added_to_the_error() -> None:
    told, silent = (explained(seen("Failed"), words, NOON) for words in ("Out of memory.", None))

    assert told.status is silent.status is Status.FAILED
    assert reason(told) == reason(silent) == "job_failed"
    assert message(told) == "Job batchjob-1 failed. Azure ML reports: Out of memory."
    assert message(silent) == "Job batchjob-1 failed."


def test_what_an_earlier_answer_told_is_kept() -> None:
    known = observed(following(), a_job("Running", id="i", studio_url="s", deployment="d"), NOON)

    job = observed(known, a_job("Completed"), NOON).job

    assert job == a_job("Completed", id="i", studio_url="s", deployment="d")


def test_the_ledger_hears_of_a_status_once() -> None:
    first = observed(following(), a_job("Running"), NOON + SECOND)
    again = observed(first, a_job("Running"), NOON + 2 * SECOND)
    late = observed(again, a_job("Finalizing"), NOON + 3 * SECOND)

    assert first.revision == following().revision + 1
    assert again.revision == first.revision
    assert late.revision == first.revision + 1
    assert late.timings.running == NOON + SECOND


def test_the_record_says_when_the_job_completed() -> None:
    run = observed(following(), a_job("Completed"), NOON + HOUR)

    assert run.timings == Timings(claimed=NOON, submitted=NOON, completed=NOON + HOUR)


@pytest.mark.parametrize(
    ("status", "after", "why"),
    [
        ("Queued", 2 * HOUR, "start_deadline"),
        ("Queued", 2 * HOUR - SECOND, None),
        ("Running", 2 * HOUR, None),
        ("Running", DAY - SECOND, None),
        ("Running", DAY, "deadline"),
        ("Queued", DAY, "deadline"),
        (None, DAY, "deadline"),
    ],
    ids=[
        "queued too long",
        "queued nearly too long",
        "running instead",
        "running nearly too long",
        "running too long",
        "queued for a day",
        "not seen for a day",
    ],
)
def test_a_job_is_canceled_at_its_deadlines(status: str | None, after: timedelta, why: str | None) -> None:
    run = observed(following(), a_job(status) if status else None, NOON + after)

    assert (run.status, reason(run)) == (Status.CANCELING if why else Status.SCORING, why)
    if why:
        assert f"was still {status or 'NotStarted'}" in message(run)
        assert reason(canceled(run, True, NOON + after)) == why


def test_a_job_that_has_run_may_wait_for_a_node_again() -> None:
    """A job on low-priority nodes goes back to Queued when its node is taken away; it has started long ago."""
    run = observed(following(), a_job("Running"), NOON + HOUR)

    assert observed(run, a_job("Queued"), NOON + 3 * HOUR).status is Status.SCORING


@pytest.mark.parametrize(
    ("verdict", "may_copy", "status"),
    [
        (Verdict.INTACT, True, Status.PUBLISHING),
        (Verdict.MORE, True, Status.STAGING),
        (Verdict.MORE, False, Status.SUPERSEDED),
        (Verdict.CHANGED, True, Status.SUPERSEDED),
    ],
    ids=["intact", "more, and may be copied", "more, and may not be copied", "changed"],
)
def test_what_became_of_the_landing_decides_what_follows(verdict: Verdict, may_copy: bool, status: Status) -> None:
    assert checked(seen("Completed", spec=a_spec(may_copy=may_copy)), verdict, NOON).status is status


def test_a_job_that_scored_more_than_the_snapshot_is_followed_by_one_over_copies() -> None:
    run = checked(seen("Completed"), Verdict.MORE, NOON + HOUR)

    assert (run.attempt, run.job, run.attempts[-1].outcome) == (2, None, "discarded")
    assert (run.spec.scores_copies, run.needs_copies, run.must_renew) == (True, True, False)
    assert run.timings == Timings(claimed=NOON)


def test_a_publication_ends_the_run() -> None:
    run = published(publishing(), Sealed(PUBLICATION), NOON + HOUR)

    assert (run.status, run.publication, run.error) == (Status.PUBLISHED, PUBLICATION, None)
    assert run.timings.published == run.timings.ended == NOON + HOUR


def test_outputs_that_cannot_be_published_end_the_run() -> None:
    run = published(publishing(), Unpublishable("nothing there"), NOON)

    assert (run.status, run.error) == (Status.FAILED, Error("publication", "nothing there"))


def test_the_end_of_a_run_tells_whether_its_job_could_be_canceled() -> None:
    accepted, refused = (canceled(canceling(), answer, NOON) for answer in (True, False))

    assert accepted.status is refused.status is Status.FAILED
    assert reason(accepted) == reason(refused) == "deadline"
    assert message(accepted) == "It took too long. The job was canceled."
    assert message(refused) == "It took too long. The job could not be canceled."
    assert advice_of(accepted) == hint_for("deadline")
    assert advice_of(refused) == f"Cancel the job in Studio, should it still run. {hint_for('deadline')}"


def test_only_the_latest_attempts_are_remembered_while_their_number_counts_on() -> None:
    run = submitting()
    for _ in range(LATEST_ATTEMPTS + 5):
        run = answered(run, Deferred(30, "busy"), NOON)

    assert [attempt.attempt for attempt in run.attempts] == list(range(6, LATEST_ATTEMPTS + 6))
    assert run.attempt == LATEST_ATTEMPTS + 6


@pytest.mark.parametrize(
    "run",
    [
        begun(a_run(), NOON),
        staged(staging(), None, NOON),
        answered(submitting(), Deferred(30, "busy"), NOON),
        answered(submitting(), Unclear("time-out"), NOON),
        answered(submitting(), Accepted(a_job()), NOON),
        observed(following(), a_job("Completed"), NOON),
        checked(seen("Completed"), Verdict.INTACT, NOON),
        published(publishing(), Sealed(PUBLICATION), NOON),
    ],
    ids=["begun", "staged", "deferred", "unclear", "accepted", "completed", "intact", "published"],
)
def test_the_ledger_has_to_hear_of_whatever_happened(run: Run) -> None:
    assert not run.is_recorded
    assert recorded(run).is_recorded


def test_a_search_begins_anew_for_every_attempt() -> None:
    second = given_up_searching(unanswered())

    assert answered(second, Unclear("time-out"), NOON).unanswered == Unanswered(NOON, NOON)
