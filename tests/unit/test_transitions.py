"""Every way in the tables of runs and watches is one that something leads to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.core import course, run, stopping, watch
from shared.core.acts import Cancel
from shared.core.patience import stumbled
from shared.core.record import change
from shared.core.run import Run, Status
from shared.core.snapshot import Verdict
from shared.core.steps import Claimed, ContentChanged, Known, Renewed, RunEnded, Sealed, Superseded, Unpublishable
from shared.core.submission import Accepted, Rejected
from shared.core.trouble import Kind, Trouble
from shared.core.watch import Watch
from testbed.fakes import NOON
from tests.unit import test_watch as watches
from tests.unit.runs import (
    AT,
    PUBLICATION,
    RUN_ID,
    WHY,
    a_job,
    a_run,
    a_spec,
    canceling,
    following,
    over_copies,
    publishing,
    seen,
    staging,
    submitting,
)

DAY = timedelta(days=1)
REFUSED = Trouble(Kind.REFUSED, "routes.yaml has problems")

WANTED = course.recorded(stopping.stopped(following(), Cancel(at=NOON), NOON))
"""A run whose job is to be canceled, because somebody wants that."""

RUNS: list[tuple[Run, Run]] = [
    (a_run(spec=over_copies()), course.begun(a_run(spec=over_copies()), NOON)),
    (a_run(), course.begun(a_run(), NOON)),
    (a_run(), course.begun(a_run(spec=a_spec(refusal="no")), NOON)),
    (staging(), course.staged(staging(), None, NOON)),
    (staging(), stumbled(staging(), "stage_input", REFUSED, NOON)),
    (staging(), course.staged(staging(), "0.png", NOON)),
    (staging(), stopping.stopped(staging(), Cancel(at=NOON), NOON)),
    (submitting(), course.renewed(submitting(), Renewed(over_copies()), NOON)),
    (submitting(), course.answered(submitting(), Accepted(a_job()), NOON)),
    (submitting(), course.answered(submitting(), Rejected(400, "no"), NOON)),
    (submitting(), course.renewed(submitting(), Superseded(), NOON)),
    (submitting(), stopping.withdrawn(submitting(), Cancel(at=NOON), NOON)),
    (following(), course.checked(seen("Completed"), Verdict.MORE, NOON)),
    (following(), course.observed(following(), a_job(), NOON + DAY)),
    (following(), course.checked(seen("Completed"), Verdict.INTACT, NOON)),
    (following(), course.explained(seen("Failed"), None, NOON)),
    (following(), course.checked(seen("Completed"), Verdict.CHANGED, NOON)),
    (following(), course.observed(following(), a_job("Canceled"), NOON)),
    (canceling(), stopping.canceled(canceling(), True, NOON)),
    (WANTED, stopping.canceled(WANTED, True, NOON)),
    (publishing(), course.published(publishing(), Sealed(PUBLICATION), NOON)),
    (publishing(), course.published(publishing(), Unpublishable("nothing there"), NOON)),
    (publishing(), stopping.stopped(publishing(), Cancel(at=NOON), NOON)),
]

LOOKING, MARKED = watches.looking(), watches.looking(watches.MARKED)
WAITING, WAITING_FOR_MARKER = watches.saw(LOOKING), watches.saw(MARKED)
ENTERING = watch.settled(watches.a_watch())
READY, CLAIMING, SCORING, LEAVING = watches.ready(), watches.claiming(), watches.scoring(), watches.leaving()
SCORING_AGAIN = change(SCORING, superseded=1)
GIVING_UP = watch.given_up(LOOKING, REFUSED)

WATCHES: list[tuple[Watch, Watch]] = [
    (watches.a_watch(), ENTERING),
    (watches.a_watch(), watch.given_up(watches.a_watch(), REFUSED)),
    (ENTERING, LOOKING),
    (ENTERING, watch.entered(ENTERING, "another", "me", NOON)),
    (LOOKING, WAITING),
    (LOOKING, READY),
    (LOOKING, watches.saw(LOOKING, files=0)),
    (WAITING, watch.waited(WAITING)),
    (WAITING_FOR_MARKER, watch.waited(WAITING_FOR_MARKER)),
    (READY, CLAIMING),
    (READY, watch.begun(READY, False)),
    (CLAIMING, watch.claimed(CLAIMING, Claimed(a_run()))),
    (CLAIMING, watch.claimed(CLAIMING, ContentChanged())),
    (CLAIMING, watch.claimed(CLAIMING, Known("digits-1"))),
    (SCORING, watch.scored(SCORING, RunEnded(RUN_ID, Status.SUPERSEDED), NOON)),
    (SCORING_AGAIN, watch.scored(SCORING_AGAIN, RunEnded(RUN_ID, Status.SUPERSEDED), NOON)),
    (SCORING, watch.scored(SCORING, RunEnded(RUN_ID, Status.PUBLISHED), NOON)),
    (LEAVING, watch.left(LEAVING, True)),
    (LEAVING, watch.left(LEAVING, False)),
    *((state, watch.stumbled(state, REFUSED, NOON)) for state in (ENTERING, LOOKING, READY, CLAIMING, LEAVING)),
    (WAITING, watch.given_up(WAITING, REFUSED)),
    (GIVING_UP, watch.released(GIVING_UP)),
]


def test_something_leads_to_every_transition_of_a_run() -> None:
    assert sorted((before.status, after.status) for before, after in RUNS) == sorted(run.TRANSITIONS)


def test_something_leads_to_every_transition_of_a_watch() -> None:
    assert sorted((before.phase, after.phase) for before, after in WATCHES) == sorted(watch.TRANSITIONS)


UNDER_WAY = [status for status in Status if status not in run.ENDED]


@pytest.mark.parametrize("status", UNDER_WAY, ids=str)
def test_a_run_can_be_given_up_wherever_it_is(status: Status) -> None:
    """A defect is answered by giving up; there is nobody left to answer a defect of that."""
    given_up = course.given_up(AT[status], WHY, NOON)

    assert given_up.status is (Status.CANCELING if status is Status.SCORING else Status.FAILED)
