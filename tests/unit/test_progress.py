"""What a run under way becomes when something has happened."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.patience import PATIENCE
from shared.core.progress import (
    CANCEL_TRIES,
    MISSING_LIMIT,
    NOTES,
    SEARCHES,
    UNCLEAR_LIMIT,
    Phase,
    Scoring,
)
from shared.core.run import Status
from tests.fakes import NOON
from tests.unit.scorings import a_job, begun, following

COMPLETED = following().observed(a_job("Completed"), NOON)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def reason(run: Scoring) -> str | None:
    return run.error.reason if run.error else None


def message(run: Scoring) -> str:
    assert run.error is not None
    return run.error.message


def test_a_run_begins_by_submitting_or_by_copying_its_input() -> None:
    assert (begun().phase, begun().status) == (Phase.SUBMITTING, Status.SUBMITTING)
    assert (begun(staged=True).phase, begun(staged=True).status) == (Phase.STAGING, Status.CLAIMED)


def test_a_run_that_was_refused_when_it_was_claimed_has_ended() -> None:
    run = begun(refusal="too late")

    assert (run.phase, run.status, reason(run), message(run)) == (Phase.ENDED, Status.FAILED, "refused", "too late")


def test_copied_input_is_submitted_and_a_file_that_changed_meanwhile_supersedes_the_run() -> None:
    run = begun(staged=True)

    assert (run.input_staged(None, NOON).phase, run.input_staged(None, NOON).staged) == (Phase.SUBMITTING, True)
    superseded = run.input_staged("0.png", NOON)
    assert superseded.status is Status.SUPERSEDED
    assert message(superseded).startswith("0.png was changed or removed")


def test_an_accepted_attempt_is_followed() -> None:
    run = begun().submitted(a_job("NotStarted"), NOON)

    assert (run.phase, run.status, run.wait_until) == (Phase.FOLLOWING, Status.SCORING, NOON + 2 * SECOND)
    assert run.attempts == ({"attempt": 1, "outcome": "accepted", "at": NOON.isoformat(), "job": "batchjob-1"},)


def test_a_rejected_attempt_ends_the_run() -> None:
    run = begun().rejected("rejected_404", "no deployment", NOON)

    assert (run.status, reason(run), message(run)) == (Status.FAILED, "rejected_404", "no deployment")


def test_a_deferred_attempt_is_followed_by_another_until_the_deadline() -> None:
    run = begun().deferred(30, "busy", NOON)

    assert (run.phase, run.attempt, run.wait_until) == (Phase.SUBMITTING, 2, NOON + 30 * SECOND)
    given_up = run.deferred(30, "still busy", NOON + DAY)
    assert (given_up.status, reason(given_up)) == (Status.FAILED, "deferred")
    assert "still busy" in message(given_up)


def test_an_attempt_without_an_answer_is_searched_for_and_then_abandoned() -> None:
    run, waits = begun().unanswered("time-out", NOON), []
    while run.phase is Phase.SEARCHING:
        assert run.wait_until is not None
        waits.append(run.wait_until - NOON)
        run = run.waited().searched(None, NOON)

    assert tuple(waits) == SEARCHES
    assert (run.phase, run.attempt, run.abandoned) == (Phase.SUBMITTING, 2, (1,))


def test_an_attempt_that_is_found_is_followed() -> None:
    run = begun().unanswered("time-out", NOON).searched(a_job(), NOON)

    assert (run.phase, run.attempt, run.abandoned) == (Phase.FOLLOWING, 1, ())


def test_after_a_few_attempts_without_an_answer_the_run_ends() -> None:
    run = begun()
    while run.phase is not Phase.ENDED:
        run = run.unanswered("time-out", NOON)
        while run.phase is Phase.SEARCHING:
            run = run.searched(None, NOON)

    assert (run.attempt, reason(run)) == (UNCLEAR_LIMIT, "unclear")


def test_a_job_that_the_endpoint_does_not_know_is_looked_for_a_while() -> None:
    run = following()
    for _ in range(MISSING_LIMIT - 1):
        run = run.observed(None, NOON)
        assert run.phase is Phase.FOLLOWING

    assert reason(run.observed(None, NOON)) == "job_missing"
    assert run.observed(a_job(), NOON).missing == 0


def test_the_waits_between_looks_grow_to_the_longest_and_stay_there() -> None:
    run, waits = following(), []
    for _ in range(60):
        run = run.observed(a_job(), NOON)
        assert run.wait_until is not None
        waits.append((run.wait_until - NOON).total_seconds())

    assert waits[:3] == [3, 4.5, 6.75]
    assert waits == sorted(waits)
    assert waits[-1] == 60


@pytest.mark.parametrize(
    ("ending", "phase", "why"),
    [
        ("Completed", Phase.CHECKING, None),
        ("Failed", Phase.EXPLAINING, "job_failed"),
        ("Canceled", Phase.ENDED, "job_canceled"),
    ],
)
def test_a_final_status_ends_the_following(ending: str, phase: Phase, why: str | None) -> None:
    run = following().observed(a_job(ending, studio_url="https://ml/1"), NOON)

    assert (run.phase, reason(run)) == (phase, why)
    assert why is None or message(run).endswith("See https://ml/1.")


def test_a_failure_without_a_link_is_told_without_one() -> None:
    assert message(following().observed(a_job("Failed"), NOON)) == "Job batchjob-1 failed."


def test_what_an_earlier_answer_told_is_kept() -> None:
    known = following().observed(a_job("Running", id="i", studio_url="s", deployment="d"), NOON)

    job = known.observed(a_job("Completed"), NOON).job

    assert job == a_job("Completed", id="i", studio_url="s", deployment="d")


def test_the_ledger_hears_of_a_status_once() -> None:
    first = following().observed(a_job("Running"), NOON + SECOND)
    again = first.observed(a_job("Running"), NOON + 2 * SECOND)
    late = again.observed(a_job("Finalizing"), NOON + 3 * SECOND)

    assert first.milestone == following().milestone + 1
    assert again.milestone == first.milestone
    assert late.timings is not None
    assert late.timings["running"] == (NOON + SECOND).isoformat()


@pytest.mark.parametrize(
    ("status", "after", "why"),
    [
        ("Queued", 2 * HOUR, "start_deadline"),
        ("Queued", 2 * HOUR - SECOND, None),
        ("Running", 2 * HOUR, None),
        ("Running", DAY - SECOND, None),
        ("Running", DAY, "deadline"),
        ("Queued", DAY, "deadline"),
    ],
)
def test_a_job_is_canceled_at_its_deadlines(status: str, after: timedelta, why: str | None) -> None:
    run = following().observed(a_job(status), NOON + after)

    assert (run.phase, reason(run)) == (Phase.CANCELING if why else Phase.FOLLOWING, why)
    if why:
        assert f"was still {status}" in message(run)
        assert reason(run.canceled(True, NOON + after)) == why


def test_a_job_that_has_run_may_wait_for_a_node_again() -> None:
    """A job on low-priority nodes goes back to Queued when its node is taken away; it has started long ago."""
    run = following().observed(a_job("Running"), NOON + HOUR)

    assert run.observed(a_job("Queued"), NOON + 3 * HOUR).phase is Phase.FOLLOWING


@pytest.mark.parametrize(
    ("verdict", "may_stage", "phase", "status"),
    [
        ("intact", True, Phase.PUBLISHING, Status.PUBLISHING),
        ("more", True, Phase.STAGING, Status.SUBMITTING),
        ("more", False, Phase.ENDED, Status.SUPERSEDED),
        ("changed", True, Phase.ENDED, Status.SUPERSEDED),
    ],
)
def test_what_became_of_the_landing_decides_what_follows(
    verdict: str, may_stage: bool, phase: Phase, status: Status
) -> None:
    run = following(may_stage=may_stage).observed(a_job("Completed"), NOON).checked(verdict, NOON)

    assert (run.phase, run.status) == (phase, status)


def test_a_job_that_scored_more_than_the_snapshot_is_followed_by_one_over_copies() -> None:
    run = following().observed(a_job("Completed"), NOON).checked("more", NOON)

    assert (run.attempt, run.job, run.attempts[-1]["outcome"]) == (2, None, "discarded")


def test_a_job_over_copies_has_scored_exactly_the_snapshot() -> None:
    run = replace(following(), staged=True).observed(a_job("Completed"), NOON)

    assert run.phase is Phase.PUBLISHING


def test_a_publication_ends_the_run_and_a_problem_with_it_does_too() -> None:
    run = following().observed(a_job("Completed"), NOON).checked("intact", NOON)

    published, problem = run.published({"url": "u"}, NOON), run.published({"problem": "nothing there"}, NOON)

    assert (published.status, published.publication, published.error) == (Status.PUBLISHED, {"url": "u"}, None)
    assert (problem.status, reason(problem), message(problem)) == (Status.FAILED, "publication", "nothing there")


def test_the_end_of_a_run_tells_whether_its_job_could_be_canceled() -> None:
    late = following().observed(a_job("Running"), NOON + DAY)

    assert message(late.canceled(True, NOON + DAY)).endswith("It was canceled.")
    assert "look after it in Studio" in message(late.canceled(False, NOON + DAY))


def test_a_cancelation_that_keeps_failing_ends_the_run_and_says_so() -> None:
    run, tries = following().observed(a_job("Running"), NOON + DAY), 0
    while run.phase is Phase.CANCELING:
        run, tries = run.stumbled(NOON + DAY, "503"), tries + 1

    assert (tries, reason(run)) == (CANCEL_TRIES, "deadline")
    assert "could not be canceled" in message(run)


def test_an_endpoint_that_does_not_list_its_jobs_gets_no_second_attempt() -> None:
    """Nobody could tell whether the first one has made a job."""
    run = begun().unanswered("time-out", NOON)
    while run.phase is Phase.SEARCHING:
        run = run.searched(None, NOON, listed=False)

    assert (run.attempt, run.abandoned, reason(run)) == (1, (1,), "unclear")
    assert run.order.output_uri_of(1) in message(run)


def test_a_job_that_cannot_be_looked_at_until_its_deadline_is_canceled() -> None:
    run = following().stumbled(NOON + DAY, "503")

    assert (run.phase, reason(run)) == (Phase.CANCELING, "trouble")


def test_a_publication_has_patience_of_its_own_however_long_the_job_took() -> None:
    run = following().observed(a_job("Completed"), NOON + DAY).checked("intact", NOON + DAY)

    assert run.stumbled(NOON + DAY + HOUR, "503").phase is Phase.PUBLISHING
    assert run.stumbled(NOON + 2 * DAY, "503").phase is Phase.ENDED


def test_the_services_own_words_are_added_to_the_error() -> None:
    run = following().observed(a_job("Failed"), NOON)

    told, silent = run.explained_by("Out of memory.", NOON), run.explained_by(None, NOON)

    assert (told.phase, told.status) == (silent.phase, silent.status) == (Phase.ENDED, Status.FAILED)
    assert message(told) == "Job batchjob-1 failed. The service says: Out of memory."
    assert silent.error == run.error


def test_failures_in_a_row_are_followed_by_longer_and_longer_rests() -> None:
    run, rests = following(), []
    for _ in range(len(PATIENCE) + 1):
        run = run.stumbled(NOON, "503")
        assert run.wait_until is not None
        rests.append(run.wait_until - NOON)

    assert rests == [*PATIENCE, PATIENCE[-1]]
    assert run.observed(a_job(), NOON).failures == 0


def test_at_the_deadline_a_step_that_fails_ends_the_run_and_an_earlier_error_is_kept() -> None:
    assert message(begun().stumbled(NOON + DAY, "503")) == "Gave up while submitting: 503"
    canceling = following().observed(a_job("Queued"), NOON + DAY)
    assert reason(canceling.stumbled(NOON + DAY, "503")) == "deadline"


def test_a_run_that_has_ended_is_patient_without_end() -> None:
    ended = following().observed(a_job("Canceled"), NOON)

    run = ended.stumbled(NOON + 9 * DAY, "503")

    assert (run.phase, run.error) == (Phase.ENDED, ended.error)
    assert run.wait_until is not None


def test_one_failure_does_not_end_a_run_whose_job_is_within_its_deadline() -> None:
    """The endpoint was busy for twenty hours; the job runs since then, and one look at it fails."""
    run = begun().deferred(30, "busy", NOON + 20 * HOUR).submitted(a_job("Running"), NOON + 20 * HOUR)

    assert run.stumbled(NOON + 25 * HOUR, "503").phase is Phase.FOLLOWING


def test_a_cancelation_that_fails_is_tried_again() -> None:
    """The job would go on, and cost, although its run has ended."""
    canceling = following().observed(a_job("Running"), NOON + DAY)

    assert canceling.stumbled(NOON + DAY, "503").phase is Phase.CANCELING


def test_only_the_latest_attempts_are_remembered() -> None:
    run = begun()
    for _ in range(NOTES + 5):
        run = run.deferred(30, "busy", NOON)

    assert [note["attempt"] for note in run.attempts] == list(range(6, NOTES + 6))


SOME = {
    "begun": begun(),
    "refused": begun(refusal="too late"),
    "staging": begun(staged=True),
    "searching": begun().unanswered("time-out", NOON),
    "following": following(),
    "canceling": following().observed(a_job("Queued"), NOON + DAY),
    "superseded": begun(staged=True).input_staged("0.png", NOON),
    "published": following().observed(a_job("Completed"), NOON).checked("intact", NOON).published({"url": "u"}, NOON),
    "abandoned": replace(begun(), abandoned=(1, 2), attempt=3),
}


@pytest.mark.parametrize("run", SOME.values(), ids=SOME)
def test_a_scoring_survives_the_way_between_functions(run: Scoring) -> None:
    assert Scoring.from_payload(json.loads(json.dumps(run.to_payload()))) == run


@pytest.mark.parametrize("run", SOME.values(), ids=SOME)
def test_what_the_ledger_is_told_is_json(run: Scoring) -> None:
    assert json.loads(json.dumps(run.to_document()))["revision"] == run.milestone
