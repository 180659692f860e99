"""Runs at the places that tests start from. Each was claimed at noon, and everything happened at noon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.core import course, stopping
from shared.core.acts import Cancel
from shared.core.job import Job
from shared.core.landing import Landing
from shared.core.location import Container, Location
from shared.core.record import change
from shared.core.run import Content, Error, Published, Run, Status, Timings
from shared.core.snapshot import Verdict
from shared.core.spec import RunSpec, write_spec
from shared.core.steps import Sealed
from shared.core.submission import Accepted, Unclear
from testbed.examples import LAKEHOUSE, SETTINGS, tuesday
from testbed.fakes import NOON
from tests.unit.test_snapshot import a_file, snapshot

RUN_ID = f"digits-{1:020x}"
STORE = Container(SETTINGS["WORKSPACE_ACCOUNT_URL"], "azureml-blobstore")
PUBLICATION = Published(url="https://lake/run", container=LAKEHOUSE.name, path="digits/tuesday", outputs=1, bytes=8)
WHY = Error("deadline", "It took too long.")


def spec_of(landing: Landing, *names: str, refusal: str | None = None, copies: bool = False) -> RunSpec:
    """The spec for scoring files of those names, or of one file."""
    frozen = snapshot(*map(a_file, names or ("0.png",)))
    return write_spec(landing, frozen, RUN_ID, refusal=refusal, copies=copies)


def a_spec(**changes: Any) -> RunSpec:
    """Looks after 2 s and at most every minute; two hours to start, a day in all."""
    return change(spec_of(tuesday()), **changes)


def over_copies() -> RunSpec:
    return a_spec(scores_copies=True)


def a_job(status: str = "Running", **facts: Any) -> Job:
    return Job(name="batchjob-1", status=status, **facts)


def a_run(**changes: Any) -> Run:
    """A run that was only claimed."""
    claimed = Run(
        run_id=RUN_ID,
        route="digits",
        landing="digits/tuesday",
        number=0,
        claimed_by="watch-1",
        snapshot=Content(files=1, bytes=1, fingerprint="f", drop="d"),
        spec=a_spec(),
        timings=Timings(claimed=NOON),
        updated=NOON,
        since=NOON,
    )
    return change(claimed, **changes)


def submitting(**changes: Any) -> Run:
    """A run that is about to send its first attempt."""
    return course.recorded(course.begun(a_run(**changes), NOON))


def staging(**changes: Any) -> Run:
    """A run that is about to copy its input."""
    return submitting(**{"spec": over_copies(), **changes})


def unanswered(**changes: Any) -> Run:
    """A run whose first attempt got no clear answer, and whose first wait is over."""
    return course.waited(course.recorded(course.answered(submitting(**changes), Unclear("time-out"), NOON)))


def following(**changes: Any) -> Run:
    """A run whose job was accepted, and whose first wait is over."""
    accepted = course.answered(submitting(**changes), Accepted(a_job("NotStarted")), NOON)
    return course.waited(course.recorded(accepted))


def seen(status: str, **changes: Any) -> Run:
    """A run whose job was seen with that status."""
    return course.recorded(course.observed(following(**changes), a_job(status), NOON))


def canceling(**changes: Any) -> Run:
    """A run whose job was given up."""
    return course.recorded(course.given_up(following(**changes), WHY, NOON))


def publishing(**changes: Any) -> Run:
    """A run whose job has scored exactly the snapshot."""
    return course.recorded(course.checked(seen("Completed", **changes), Verdict.INTACT, NOON))


def published() -> Run:
    return course.recorded(course.published(publishing(), Sealed(PUBLICATION), NOON))


def failed() -> Run:
    return course.recorded(course.failed(submitting(), WHY, NOON))


def canceled() -> Run:
    """A run that somebody has canceled before there was a job."""
    return course.recorded(stopping.withdrawn(submitting(), Cancel(at=NOON), NOON))


def superseded() -> Run:
    return course.recorded(course.checked(seen("Completed"), Verdict.CHANGED, NOON))


AT: Mapping[Status, Run] = {
    Status.CLAIMED: a_run(),
    Status.STAGING: staging(),
    Status.SUBMITTING: submitting(),
    Status.SCORING: following(),
    Status.CANCELING: canceling(),
    Status.PUBLISHING: publishing(),
    Status.PUBLISHED: published(),
    Status.FAILED: failed(),
    Status.CANCELED: canceled(),
    Status.SUPERSEDED: superseded(),
}
"""A run in every status."""


def reason(run: Run) -> str | None:
    return run.error.reason if run.error else None


def message(run: Run) -> str:
    assert run.error is not None, "the run has no error"
    return run.error.message


def advice_of(run: Run) -> str:
    """What the run's error says to do."""
    assert run.error is not None, "the run has no error"
    return run.error.advice


def copies_of(name: str = "") -> Location:
    return Location(STORE, f"landfall/{RUN_ID}/input{name and '/'}{name}")
