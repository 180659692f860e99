"""The plan of score_snapshot: from a claimed run to a published or failed one.

`next_step` says what comes next for a `Scoring`; the orchestrator carries it out and adds nothing.

Rule 1: a POST is sent at most once per attempt. After an answer that does not say whether a job exists, the endpoint's
        jobs are searched for the attempt's output, and only if none shows up does a new attempt follow, with an output
        of its own. A job that turns up late for an abandoned attempt is canceled, and never published.
Rule 2: whatever happened is in the ledger before the next thing is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.core.job import Job
from shared.core.progress import Phase, Scoring
from shared.core.run import Status

STEPS_PER_HISTORY = 40
"""Steps after which the history is cut; a look at the job with its wait is two steps and about eight events."""


@dataclass(frozen=True, slots=True)
class Record:
    """Write the run's progress to the ledger."""

    status: Status


@dataclass(frozen=True, slots=True)
class Wait:
    until: datetime


@dataclass(frozen=True, slots=True)
class StageInput:
    """Copy the snapshot's files, and nothing else, to the run's own folder."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Send the POST of that attempt, unless it may have been sent before."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Search:
    """Look through the endpoint's jobs for the one that writes that attempt's output."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Observe:
    """Read the job's status, and cancel jobs that turned up for abandoned attempts."""

    job: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ask for the job to be canceled."""

    job: Job


@dataclass(frozen=True, slots=True)
class Check:
    """Compare the landing with the snapshot: was exactly the snapshot scored?"""


@dataclass(frozen=True, slots=True)
class Publish:
    """Lay the attempt's output in the lakehouse storage."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Explain:
    """Ask the service why the job failed."""

    job: Job


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell subscribers how the run ended."""


@dataclass(frozen=True, slots=True)
class StartOver:
    """Continue with an empty history."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The run has ended."""

    status: Status


Step = (
    Record
    | Wait
    | StageInput
    | Submit
    | Search
    | Observe
    | Cancel
    | Check
    | Publish
    | Explain
    | Announce
    | StartOver
    | Finish
)


def next_step(scoring: Scoring) -> Step:
    """What to do next. Total: there is a step for every Scoring."""
    if scoring.steps >= STEPS_PER_HISTORY:
        return StartOver()
    if scoring.wait_until is not None and scoring.failures:
        return Wait(scoring.wait_until)  # also before the ledger is written again, if that is what failed
    if scoring.recorded < scoring.milestone:
        return Record(scoring.status)
    if scoring.wait_until is not None:
        return Wait(scoring.wait_until)
    match scoring.phase:
        case Phase.STAGING:
            return StageInput()
        case Phase.SUBMITTING:
            return Submit(scoring.attempt)
        case Phase.SEARCHING:
            return Search(scoring.attempt)
        case Phase.FOLLOWING:
            return Observe(scoring.job.name if scoring.job else "")
        case Phase.CHECKING:
            return Check()
        case Phase.PUBLISHING:
            return Publish(scoring.attempt)
        case Phase.CANCELING:
            return Cancel(scoring.job or Job(name=""))
        case Phase.EXPLAINING:
            return Explain(scoring.job or Job(name=""))
        case Phase.ENDED:
            must_tell = scoring.status is not Status.SUPERSEDED and not scoring.announced
            return Announce() if must_tell else Finish(scoring.status)
