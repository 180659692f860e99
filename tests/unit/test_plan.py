"""The plan of score_snapshot: which step follows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.core.plan import (
    STEPS_PER_HISTORY,
    Announce,
    Cancel,
    Check,
    Explain,
    Finish,
    Observe,
    Publish,
    Record,
    Search,
    StageInput,
    StartOver,
    Step,
    Submit,
    Wait,
    next_step,
)
from shared.core.progress import Scoring
from shared.core.run import Status
from tests.fakes import NOON
from tests.unit.scorings import a_job, begun, following
from tests.unit.test_progress import DAY, SECOND

COMPLETED = following().observed(a_job("Completed"), NOON)
FAILED = following().observed(a_job("Failed"), NOON)
EXPLAINED = FAILED.explained_by("words", NOON)
PUBLISHED = COMPLETED.checked("intact", NOON).published({"url": "u"}, NOON)
SUPERSEDED = COMPLETED.checked("changed", NOON)
UNANSWERED = begun().unanswered("time-out", NOON)


@pytest.mark.parametrize(
    ("run", "step"),
    [
        pytest.param(begun(), Submit(1), id="begun"),
        pytest.param(begun(staged=True), StageInput(), id="to be copied"),
        pytest.param(begun().deferred(30, "busy", NOON), Wait(NOON + 30 * SECOND), id="deferred"),
        pytest.param(begun().deferred(30, "busy", NOON).waited(), Submit(2), id="deferred and waited"),
        pytest.param(UNANSWERED, Wait(NOON + 2 * SECOND), id="unanswered"),
        pytest.param(UNANSWERED.waited(), Search(1), id="unanswered and waited"),
        pytest.param(begun().submitted(a_job(), NOON), Wait(NOON + 2 * SECOND), id="accepted"),
        pytest.param(following(), Observe("batchjob-1"), id="accepted and waited"),
        pytest.param(following().observed(a_job(), NOON + DAY), Cancel(a_job()), id="too late"),
        pytest.param(COMPLETED, Check(), id="completed"),
        pytest.param(COMPLETED.checked("intact", NOON), Publish(1), id="intact"),
        pytest.param(COMPLETED.checked("more", NOON), StageInput(), id="more files"),
        pytest.param(FAILED, Explain(a_job("Failed")), id="failed"),
        pytest.param(EXPLAINED, Announce(), id="failed and explained"),
        pytest.param(EXPLAINED.was_announced(), Finish(Status.FAILED), id="failed and announced"),
        pytest.param(PUBLISHED, Announce(), id="published"),
        pytest.param(PUBLISHED.was_announced(), Finish(Status.PUBLISHED), id="published and announced"),
        pytest.param(SUPERSEDED, Finish(Status.SUPERSEDED), id="superseded"),
        pytest.param(begun(refusal="too late"), Announce(), id="refused"),
    ],
)
def test_what_follows(run: Scoring, step: Step) -> None:
    assert next_step(run.was_recorded()) == step


@pytest.mark.parametrize(
    "run",
    [begun(), begun().deferred(30, "busy", NOON), UNANSWERED, COMPLETED, FAILED, EXPLAINED, PUBLISHED, SUPERSEDED],
)
def test_whatever_happened_is_recorded_before_the_next_thing_is_done(run: Scoring) -> None:
    assert next_step(run) == Record(run.status)


def test_a_look_that_saw_nothing_new_is_not_recorded() -> None:
    run = following().observed(a_job(), NOON).was_recorded().waited().observed(a_job(), NOON)

    assert isinstance(next_step(run), Wait)


@pytest.mark.parametrize("run", [following(), begun(), COMPLETED, PUBLISHED.was_recorded()])
def test_after_many_steps_the_history_is_cut(run: Scoring) -> None:
    tired = replace(run, steps=STEPS_PER_HISTORY)

    assert next_step(tired) == StartOver()
    assert next_step(tired.started_over()) == next_step(run)


def test_a_record_that_failed_is_tried_again_after_a_rest() -> None:
    run = begun().stumbled(NOON, "503")

    assert next_step(run) == Wait(NOON + 5 * SECOND)
    assert next_step(run.waited()) == Record(Status.SUBMITTING)
