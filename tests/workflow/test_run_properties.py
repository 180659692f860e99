"""The life of a run, with random answers to all that it asks for: it always ends, and keeps its promises on the way.

The generator that is driven is the one that the app registers; between any two of its steps it may be stopped and
taken up again from what the ledger knows, as the sweep does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase as Work
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core import steps
from shared.core.course import MISSING_LIMIT, resumed
from shared.core.finding import CannotTell, Found, MayBeThere, NotThere, SearchAnswer
from shared.core.job import STAGES, Job, Stage
from shared.core.record import Done, dump, load
from shared.core.run import LATEST_ATTEMPTS, TRANSITIONS, Run, Status
from shared.core.slots import Admitted, InLine
from shared.core.snapshot import Verdict
from shared.core.spec import RunSpec
from shared.core.submission import Accepted, Deferred, Rejected, Unclear
from shared.core.trouble import PATIENCE, Kind, Trouble
from testbed.fakes import NOON
from tests.unit.runs import PUBLICATION, a_run, a_spec
from tests.workflow.puppet import TIMER, Asked, Puppet, through_json, told
from triggers.names import Orchestrator
from triggers.orchestrators import TURNS_PER_HISTORY, score

pytestmark = pytest.mark.thorough

SECOND = timedelta(seconds=1)
MOST_STEPS = 20_000
"""No run may take as many; one that does not end is stopped there."""

WAITING = [status for status, stage in STAGES.items() if stage is Stage.WAITING]
RUNNING = [status for status, stage in STAGES.items() if stage is Stage.RUNNING]


def a_random_spec(copies: bool, may_copy: bool, first: float, more: float, start: float, rest: float) -> RunSpec:
    polling = {
        "first": timedelta(seconds=first),
        "longest": timedelta(seconds=first + more),
        "start_deadline": timedelta(seconds=start),
        "deadline": timedelta(seconds=start + rest),
    }
    polled = type(a_spec().polling)(**polling)
    return a_spec(scores_copies=copies and may_copy, may_copy=may_copy, polling=polled)


specs = st.builds(
    a_random_spec,
    st.booleans(),
    st.booleans(),
    st.floats(1, 60),
    st.floats(30, 300),  # looks every few seconds for hours would only take their time here
    st.floats(60, 7200),
    st.floats(0, 14400),
)
seeds = st.integers(0, 2**32)
odds = st.floats(0, 0.5)


@dataclass
class Life:
    """One run, carried out with random answers.

    `trouble` is how often a step fails, `unclear` an answer is lost, `missing` the endpoint does not know the job,
    `stops` everything is stopped and taken up from the ledger; `statuses` are those that a look may see.
    """

    run: Run
    chance: random.Random
    trouble: float = 0
    unclear: float = 0
    missing: float = 0
    stops: float = 0
    rejected: float = 0.1
    statuses: Sequence[str] = (*STAGES, *WAITING, *RUNNING, *RUNNING)
    now: datetime = NOON
    posted: list[int] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    doubled: set[int] = field(default_factory=set)
    looks: int = 0
    longest_history: int = 0
    canceled_at: datetime | None = None
    ended: steps.RunEnded | None = None

    def __post_init__(self) -> None:
        self.statuses_seen = [self.run.status]
        self.ledger = self.run

    def live(self) -> Iterator[Asked]:
        """All that is asked for until the run has ended, before it is answered."""
        given, number = dump(self.run), 0
        while self.ended is None:
            context = Puppet(given, self.run.run_id)
            orchestration, answer, history = score(context), None, 0
            try:
                while True:
                    context.current_utc_datetime = self.now
                    asked = orchestration.send(answer)
                    number, history = number + 1, history + 1
                    assert number < MOST_STEPS, "the run does not end"
                    yield asked
                    if self.happens(self.stops):
                        raise StopIteration(None)
                    answer = through_json(self.answer(asked))
                    self.now += self.chance.random() * SECOND
            except StopIteration as end:
                self.longest_history = max(self.longest_history, history)
                given = context.next_input
                if end.value is not None and self.ledger.has_ended:
                    self.ended = load(steps.RunEnded, end.value)
                elif given is None:  # stopped, or its end could not be recorded: taken up by the sweep
                    given = dump(resumed(self.ledger, self.now))
                    if self.ledger.has_ended:
                        self.ended = steps.RunEnded(self.ledger.run_id, self.ledger.status)

    def happens(self, often: float) -> bool:
        return self.chance.random() < often

    def answer(self, asked: Asked) -> Any:
        """What comes back: a trouble, or one of the answers that the step may have."""
        if asked.name == TIMER:
            self.now = max(self.now, asked.given)
            return None
        if self.happens(self.trouble):
            kind = Kind.PASSING if self.happens(0.95) else Kind.DENIED
            trouble = told(Trouble(kind, "503"))
            return [trouble] * len(asked.parts) if asked.parts else trouble
        if asked.parts:
            return [told(self.carried_out(part)) for part in asked.parts]
        return told(self.carried_out(asked))

    def carried_out(self, asked: Asked) -> Any:  # noqa: C901  # one case for each step
        match asked.name:
            case "record_run":
                return self.recorded(load(steps.RecordRun, asked.given))
            case "renew_spec":
                return self.renewed(load(steps.RenewSpec, asked.given))
            case "stage_input":
                return steps.Staged("0.png" if self.happens(0.1) else None)
            case "take_slot":
                return self.let_in()
            case "submit_job":
                return self.submitted(load(steps.SubmitJob, asked.given).attempt)
            case "search_job":
                return self.found(load(steps.SearchJob, asked.given).attempt)
            case "observe_job":
                self.looks += 1
                return self.seen(load(steps.ObserveJob, asked.given).job.name)
            case "cancel_job":
                self.canceled_at = self.now
                return steps.CancelAsked(self.happens(0.5))
            case "explain_failure":
                return steps.Explained("words" if self.happens(0.5) else None)
            case "check_landing":
                return steps.Checked(self.chance.choice(list(Verdict)))
            case Orchestrator.PUBLISH:
                return steps.Unpublishable("none") if self.happens(0.2) else steps.Sealed(PUBLICATION)
            case "cancel_twins" | "announce_run":
                return Done()
        raise AssertionError(asked.name)

    def let_in(self) -> Admitted | InLine:
        full = self.happens(0.3)
        return (
            InLine("slots", self.chance.randrange(100), 8, timedelta(minutes=9), "full") if full else Admitted("slots")
        )

    def recorded(self, given: steps.RecordRun) -> Done:
        assert given.progress.revision > self.ledger.revision, "the same was recorded twice"
        self.ledger = self.ledger.with_progress(given.progress, given.spec)
        self.statuses_seen.append(self.ledger.status)
        return Done()

    def renewed(self, given: steps.RenewSpec) -> steps.RenewAnswer:
        if given.attempt in self.posted:
            return steps.MayBeSent()
        if given.take:
            self.taken.add(given.attempt)
        if self.happens(0.05):
            return steps.Superseded() if self.happens(0.5) else steps.Postponed("a problem")
        spec = self.ledger.spec
        return steps.Renewed(spec if self.happens(0.5) else a_spec(polling=spec.polling, may_copy=spec.may_copy))

    def submitted(self, attempt: int) -> Any:
        assert self.ledger.attempt == attempt, "the ledger does not know of this attempt"
        assert attempt not in self.taken, "nobody sends an attempt whose note was taken"
        if attempt in self.posted:
            return Unclear("interrupted")  # as the ledger's note makes it
        self.posted.append(attempt)
        if self.happens(self.unclear):
            return Unclear("time-out")
        if self.happens(self.unclear):
            return Deferred(self.chance.uniform(1, 600), "busy")
        if self.happens(self.rejected):
            return Rejected(self.chance.choice([400, 401, 403]), "no")
        return Accepted(Job(name=f"j{attempt}"))

    def found(self, attempt: int) -> SearchAnswer:
        if self.happens(0.3):
            more = self.happens(0.2)
            if more:
                self.doubled.add(attempt)
            return Found(Job(name=f"j{attempt}"), more)
        answers: list[SearchAnswer] = [
            NotThere(),
            NotThere(),
            MayBeThere(("j1", "j2")),
            CannotTell("they are not listed"),
        ]
        return self.chance.choice(answers)

    def seen(self, name: str) -> steps.Seen:
        known = self.ledger.job
        assert known is not None, "the ledger does not know the job that is followed"
        assert name == known.name
        return steps.Seen(
            None if self.happens(self.missing) else Job(name=name, status=self.chance.choice(self.statuses))
        )


# A smaller seed is not a simpler example, so nothing is shrunk.
tried = settings(phases=[Work.explicit, Work.generate], deadline=None)


def new(spec: RunSpec, seed: int, **rates: Any) -> Life:
    return Life(a_run(spec=spec), random.Random(seed), **rates)


@tried
@given(specs, seeds, odds, odds, odds, st.floats(0, 0.05))
def test_a_run_always_ends_and_keeps_its_promises(
    spec: RunSpec, seed: int, trouble: float, unclear: float, missing: float, stops: float
) -> None:
    life = new(spec, seed, trouble=trouble, unclear=unclear, missing=missing, stops=stops)
    for asked in life.live():
        assert asked.name != "report_defect", asked.given
        if asked.name == Orchestrator.PUBLISH:
            given = load(steps.Publish, asked.given)
            assert life.ledger.status is Status.PUBLISHING
            assert given.attempt == life.ledger.attempt
            output = life.ledger.spec.output_of(given.attempt)
            assert given.source == output.place.parent
            abandoned = {sent.the_output.uri for sent in life.ledger.abandoned}
            assert output.uri not in abandoned or given.attempt in life.doubled

    run = life.ledger
    assert run.has_ended
    assert life.ended == steps.RunEnded(run.run_id, run.status)
    assert (run.error is None) == (run.status is Status.PUBLISHED)
    assert len(run.attempts) <= LATEST_ATTEMPTS


@tried
@given(specs, seeds, odds, odds, st.floats(0, 0.05))
def test_the_ledger_sees_no_way_that_the_table_does_not_have(
    spec: RunSpec, seed: int, trouble: float, unclear: float, stops: float
) -> None:
    life = new(spec, seed, trouble=trouble, unclear=unclear, stops=stops)
    for _ in life.live():
        pass

    ways = {pair for pair in zip(life.statuses_seen, life.statuses_seen[1:], strict=False) if pair[0] is not pair[1]}
    assert ways <= reachable(), ways - reachable()


def reachable() -> set[tuple[Status, Status]]:
    """Ways of the table, one after the other: a status may have passed before the ledger heard of it."""
    ways = set(TRANSITIONS)
    for _ in Status:
        ways |= {(first, last) for first, middle in ways for begin, last in TRANSITIONS if begin is middle}
    return ways


@tried
@given(specs, seeds, odds, odds, st.floats(0, 0.05))
def test_every_post_has_an_attempt_of_its_own(
    spec: RunSpec, seed: int, trouble: float, unclear: float, stops: float
) -> None:
    life = new(spec, seed, trouble=trouble, unclear=unclear, stops=stops)
    for _ in life.live():
        pass

    assert life.posted == sorted(set(life.posted))


@tried
@given(specs, seeds, odds)
def test_the_history_stays_short_however_long_it_takes(spec: RunSpec, seed: int, trouble: float) -> None:
    life = new(spec, seed, trouble=trouble, unclear=0.3, missing=0.1, statuses=RUNNING)
    for _ in life.live():
        pass

    # What may be tried eight times without being a step of its own: an announcement, or an explanation.
    assert life.longest_history <= 2 * TURNS_PER_HISTORY


@tried
@given(specs, seeds, st.sampled_from([WAITING, RUNNING]))
def test_a_job_that_gets_nowhere_is_canceled_no_later_than_one_longest_wait_after_its_deadline(
    spec: RunSpec, seed: int, statuses: Sequence[str]
) -> None:
    life = new(spec, seed, statuses=statuses)
    for _ in life.live():
        pass

    polling, submitted = spec.polling, life.ledger.timings.submitted
    limit = polling.start_deadline if statuses is WAITING else polling.deadline
    if life.canceled_at is not None:
        assert submitted is not None
        assert timedelta() <= life.canceled_at - submitted - limit <= polling.longest + 5 * SECOND
    # Waits grow to the longest within fifteen looks: 1.5 ** 15 is more than any longest wait is of its first.
    assert life.looks <= limit / polling.longest + 17


@tried
@given(specs, seeds)
def test_a_run_whose_every_step_fails_ends_at_its_deadline(spec: RunSpec, seed: int) -> None:
    life = new(spec, seed)
    for asked in life.live():
        # The ledger works, or there would be nothing to see.
        life.trouble = 0 if asked.name in ("record_run", "announce_run") else 1

    assert life.ledger.status is Status.FAILED
    assert life.now - NOON <= max(spec.polling.deadline, timedelta(hours=1)) + PATIENCE[-1] + 180 * SECOND


def test_a_missing_job_is_given_up_within_its_looks() -> None:
    life = new(a_spec(), 1, missing=1, rejected=0)
    for _ in life.live():
        pass

    assert life.looks == MISSING_LIMIT
