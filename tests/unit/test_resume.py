"""Runs that were left, carried on from what the ledger knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.core.progress import Phase, Scoring, begin, resume
from shared.core.run import first_document
from tests.fakes import NOON
from tests.unit.scorings import a_job, an_order, begun, following

HOUR = timedelta(hours=1)
COMPLETED = following().observed(a_job("Completed"), NOON)


def left(run: Scoring) -> dict[str, Any]:
    """The ledger's document of a run that was left there."""
    first = first_document(run.order, claimed_by="watch", number=0, now=NOON)
    return {**first, **run.to_document()}


def test_a_run_that_was_left_submitting_is_resumed_by_its_last_attempt() -> None:
    run = begun().deferred(30, "busy", NOON)

    resumed = resume(run.order, left(run), NOON + HOUR)

    assert (resumed.phase, resumed.attempt, resumed.began) == (Phase.SUBMITTING, 2, NOON + HOUR)
    assert resumed.attempts == run.attempts
    assert resumed.milestone == run.milestone + 1 > resumed.recorded


def test_a_run_that_was_left_with_a_job_goes_on_with_it() -> None:
    followed, published = following(), COMPLETED.checked("intact", NOON)

    for run in (followed, published):
        resumed = resume(run.order, left(run), NOON + HOUR)
        assert (resumed.phase, resumed.status, resumed.job) == (run.phase, run.status, run.job)
        assert (resumed.submitted_at, resumed.wait_until) == (NOON, None)


@pytest.mark.parametrize("phase", [Phase.SEARCHING, Phase.CHECKING, Phase.CANCELING, Phase.EXPLAINING])
def test_a_run_that_was_left_in_between_finds_its_job_again(phase: Phase) -> None:
    run = replace(following(), phase=phase)

    assert resume(run.order, left(run), NOON).phase is Phase.SUBMITTING


def test_a_run_that_was_left_as_it_was_claimed_is_begun() -> None:
    order = an_order()

    resumed = resume(order, first_document(order, claimed_by="watch", number=0, now=NOON), NOON)

    assert (resumed.phase, resumed.attempt, resumed.staged) == (Phase.SUBMITTING, 1, False)


def test_input_that_was_copied_is_not_copied_again() -> None:
    run = begun(staged=True).input_staged(None, NOON)

    resumed = resume(run.order, left(run), NOON)

    assert (resumed.phase, resumed.staged) == (Phase.SUBMITTING, True)


def test_a_refused_run_is_refused_again_wherever_it_was_left() -> None:
    run = begin(an_order(refusal="too late"), NOON)
    claimed = first_document(run.order, claimed_by="watch", number=0, now=NOON)

    assert resume(run.order, claimed, NOON).phase is Phase.ENDED
    assert resume(run.order, left(run), NOON).phase is Phase.ENDED


def test_a_resumed_run_still_knows_which_attempts_were_abandoned() -> None:
    """A late job of one of them would not be canceled."""
    run = replace(begun(), abandoned=(1,), attempt=2)

    assert resume(run.order, left(run), NOON).abandoned == (1,)


def test_a_resumed_run_copies_its_input_if_it_was_about_to() -> None:
    """Files lie beside the snapshot by then: the job would score them too, and be discarded."""
    run = following().observed(a_job("Completed"), NOON).checked("more", NOON)

    assert resume(run.order, left(run), NOON).phase is Phase.STAGING
