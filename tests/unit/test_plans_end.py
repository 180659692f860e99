"""Both plans, driven through random outcomes: they always end, and keep their promises on the way."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import Phase as Work
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core import plan, watch
from shared.core.job import STAGES, Job, Stage
from shared.core.landing import WatchStart
from shared.core.patience import PATIENCE
from shared.core.progress import MISSING_LIMIT, Phase, Scoring, begin
from shared.core.route import Ready
from shared.core.run import ENDED, Order, Status
from shared.core.watch import Watch, new_watch
from tests.examples import digits_route, tuesday
from tests.fakes import NOON
from tests.unit.scorings import an_order
from tests.unit.test_watch import saw

SECOND = timedelta(seconds=1)
MOST_STEPS = 20_000
"""No plan may take as many; one that does not end is stopped there."""

WAITING = [status for status, stage in STAGES.items() if stage is Stage.WAITING]
RUNNING = [status for status, stage in STAGES.items() if stage is Stage.RUNNING]

orders = st.builds(
    lambda staged, may_stage, first, longest, start, more: an_order(
        staged=staged and may_stage,
        may_stage=may_stage,
        poll_first=first,
        poll_longest=first + longest,
        start_deadline=start,
        deadline=start + more,
    ),
    st.booleans(),
    st.booleans(),
    st.floats(1, 60),
    st.floats(0, 300),
    st.floats(60, 7200),
    st.floats(0, 14400),
)
seeds = st.integers(0, 2**32)
odds = st.floats(0, 0.5)


@dataclass
class Drive:
    """One run, carried out with random outcomes. `trouble` is how often a step fails, `unclear` an answer is lost,
    `missing` the endpoint does not know the job; `statuses` are those that a look may see."""

    run: Scoring
    chance: random.Random
    trouble: float = 0
    unclear: float = 0
    missing: float = 0
    statuses: Sequence[str] = (*STAGES, *WAITING, *RUNNING, *RUNNING)
    now: datetime = NOON
    answered: list[int] = field(default_factory=list)
    revisions: list[int] = field(default_factory=list)
    looks: int = 0
    history: int = 0
    longest_history: int = 0

    def steps(self) -> Iterator[plan.Step]:
        """Every step, before it is carried out."""
        for _ in range(MOST_STEPS):
            step = plan.next_step(self.run)
            yield step
            if isinstance(step, plan.Finish):
                return
            self.history = 0 if isinstance(step, plan.StartOver) else self.history + 1
            self.longest_history = max(self.longest_history, self.history)
            if isinstance(step, plan.StartOver):
                self.run = self.run.started_over()
            elif isinstance(step, plan.Wait):
                self.now, self.run = max(self.now, step.until), self.run.waited()
            elif self.happens(self.trouble):
                self.run = self.run.stumbled(self.now, "503")
            else:
                self.run = self.carried_out(step).stepped()
            self.now += self.chance.random() * SECOND
        raise AssertionError("the plan does not end")

    def happens(self, odds: float) -> bool:
        return self.chance.random() < odds

    def carried_out(self, step: plan.Step) -> Scoring:
        run, now = self.run, self.now
        match step:
            case plan.Record():
                self.revisions.append(run.milestone)
                return run.was_recorded()
            case plan.StageInput():
                return run.input_staged("0.png" if self.happens(0.1) else None, now)
            case plan.Submit(attempt):
                self.answered.append(attempt)
                return self.submitted()
            case plan.Search():
                return run.searched(
                    Job(name=f"j{run.attempt}") if self.happens(0.3) else None, now, listed=self.happens(0.9)
                )
            case plan.Observe(name):
                self.looks += 1
                return run.observed(None if self.happens(self.missing) else self.seen(name), now)
            case plan.Cancel():
                return run.canceled(self.happens(0.5), now)
            case plan.Explain():
                return run.explained_by("words" if self.happens(0.5) else None, now)
            case plan.Check():
                return run.checked(self.chance.choice(["intact", "more", "changed"]), now)
            case plan.Publish():
                return run.published({"problem": "none"} if self.happens(0.2) else {"url": "u"}, now)
            case plan.Announce():
                return run.was_announced()
        raise AssertionError(step)

    def submitted(self) -> Scoring:
        if self.happens(self.unclear):
            return self.run.unanswered("time-out", self.now)
        if self.happens(self.unclear):
            return self.run.deferred(self.chance.uniform(1, 600), "busy", self.now)
        if self.happens(0.1):
            return self.run.rejected("rejected_400", "no", self.now)
        return self.run.submitted(Job(name=f"j{self.run.attempt}"), self.now)

    def seen(self, name: str) -> Job:
        return Job(name=name, status=self.chance.choice(self.statuses))


# A smaller seed is not a simpler example, so nothing is shrunk.
tried = settings(phases=[Work.explicit, Work.generate])


@tried
@given(orders, seeds, odds, odds, odds)
def test_a_run_always_ends_and_keeps_its_promises(
    order: Order, seed: int, trouble: float, unclear: float, missing: float
) -> None:
    drive = Drive(begin(order, NOON), random.Random(seed), trouble, unclear, missing)
    for step in drive.steps():
        run = drive.run
        assert plan.next_step(run) == step
        assert Scoring.from_payload(json.loads(json.dumps(run.to_payload()))) == run
        if isinstance(step, plan.Publish):
            assert step.attempt == run.attempt
            assert step.attempt not in run.abandoned
        if isinstance(step, plan.Observe):
            assert run.job is not None

    assert drive.run.status in ENDED
    assert (drive.run.publication is not None) == (drive.run.status is Status.PUBLISHED)
    assert (drive.run.error is None) == (drive.run.status is Status.PUBLISHED)
    assert drive.run.recorded == drive.run.milestone


@tried
@given(orders, seeds, odds, odds)
def test_an_attempt_is_answered_once_and_the_ledgers_revisions_only_grow(
    order: Order, seed: int, trouble: float, unclear: float
) -> None:
    drive = Drive(begin(order, NOON), random.Random(seed), trouble, unclear)
    for _ in drive.steps():
        pass

    assert drive.answered == sorted(set(drive.answered))
    assert len({order.output_uri_of(attempt) for attempt in drive.answered}) == len(drive.answered)
    assert drive.revisions == sorted(set(drive.revisions))


@tried
@given(orders, seeds, odds)
def test_the_history_stays_short_however_long_it_takes(order: Order, seed: int, trouble: float) -> None:
    drive = Drive(begin(order, NOON), random.Random(seed), trouble, unclear=0.3, missing=0.1, statuses=RUNNING)
    for _ in drive.steps():
        pass

    assert drive.longest_history <= plan.STEPS_PER_HISTORY + 1


@tried
@given(orders, seeds, st.sampled_from([WAITING, RUNNING]))
def test_a_job_that_gets_nowhere_is_canceled_no_later_than_one_longest_wait_after_its_deadline(
    order: Order, seed: int, statuses: Sequence[str]
) -> None:
    drive = Drive(begin(order, NOON), random.Random(seed), statuses=statuses)
    limit = order.start_deadline if statuses is WAITING else order.deadline
    for step in drive.steps():
        if isinstance(step, plan.Cancel):
            assert drive.run.submitted_at is not None
            late = (drive.now - drive.run.submitted_at).total_seconds() - limit
            assert 0 <= late <= order.poll_longest + 5

    # Waits grow to the longest within fifteen looks: 1.5 ** 15 is more than any longest wait is of its first.
    assert drive.looks <= limit / order.poll_longest + 17


@tried
@given(orders, seeds)
def test_a_run_whose_every_step_fails_ends_at_its_deadline(order: Order, seed: int) -> None:
    drive = Drive(begin(order, NOON), random.Random(seed), trouble=1)
    for _ in drive.steps():
        if drive.run.phase is Phase.ENDED:
            break

    assert drive.run.status is Status.FAILED
    assert drive.now - NOON <= timedelta(seconds=order.deadline) + PATIENCE[-1] + 60 * SECOND


def test_a_missing_job_is_given_up_within_its_looks() -> None:
    drive = Drive(begin(an_order(), NOON), random.Random(1), missing=1)
    for step in drive.steps():
        if isinstance(step, plan.Submit):
            drive.chance.seed(4)  # an accepted submission

    assert drive.looks == MISSING_LIMIT


readies = st.builds(
    lambda quiet, marker, longest, scores: Ready(
        quiet=None if marker else timedelta(seconds=quiet),
        marker="_OK" if marker else None,
        longest_wait=timedelta(seconds=longest),
        scores_after_longest_wait=scores,
    ),
    st.integers(1, 600),
    st.booleans(),
    st.integers(1, 7200),
    st.booleans(),
)


def new(ready: Ready, *, is_marker: bool) -> Watch:
    route = replace(digits_route(), ready=ready)
    return new_watch(tuesday(route), WatchStart("watch-1", NOON + 2 * SECOND), is_marker=is_marker)


@dataclass
class Vigil:
    """One watch, carried out with random outcomes that calm down after a while."""

    state: Watch
    chance: random.Random
    trouble: float
    restless: int
    now: datetime = NOON
    history: int = 0
    longest_history: int = 0

    def steps(self) -> Iterator[watch.Step]:
        """Every step, before it is carried out."""
        for number in range(MOST_STEPS):
            step = watch.next_step(self.state, self.now)
            yield step
            if isinstance(step, watch.Done):
                return
            restless = number < self.restless
            self.history = 0 if isinstance(step, watch.StartOver) else self.history + 1
            self.longest_history = max(self.longest_history, self.history)
            if not isinstance(step, (watch.Sleep, watch.StartOver)) and restless and self.happens(self.trouble):
                self.state = self.state.stumbled(self.now)
                self.now = max(self.now, self.state.rest_until or self.now)
            else:
                self.state = self.carried_out(step, restless)
            self.now += self.chance.random() * SECOND
        raise AssertionError("the watch does not end")

    def happens(self, odds: float) -> bool:
        return self.chance.random() < odds

    def carried_out(self, step: watch.Step, restless: bool) -> Watch:
        state, now, rarely = self.state, self.now, restless and self.happens(0.2)
        match step:
            case watch.Sleep(until):
                self.now = max(now, until)
                return state.arrived() if state.phase is watch.Phase.ARRIVING else state.rested()
            case watch.Enter():
                return state.entered("another" if rarely else "me", "me", now)
            case watch.LookAt():
                content = str(self.chance.random()) if restless else "calm"
                return saw(state, now, files=0 if rarely else 1, content=content, marked=not restless)
            case watch.Begin():
                return state.begun(not rarely)
            case watch.Claim(fingerprint):
                assert fingerprint == state.fingerprint
                return state.claimed({} if rarely else {"order": {"run_id": "digits-1"}})
            case watch.Score():
                return state.scored({"run_id": "digits-1", "status": "superseded" if rarely else "published"})
            case watch.Leave():
                return state.left(restless and self.happens(0.5))
            case watch.StartOver():
                return state.started_over()
        raise AssertionError(step)


@tried
@given(readies, st.booleans(), seeds, odds, st.integers(0, 300))
def test_a_watch_ends_once_its_landing_is_calm_and_keeps_its_promises(
    ready: Ready, is_marker: bool, seed: int, trouble: float, restless: int
) -> None:
    vigil = Vigil(new(ready, is_marker=is_marker), random.Random(seed), trouble, restless)
    allowed = False
    for step in vigil.steps():
        state = vigil.state
        assert watch.next_step(state, vigil.now) == step
        assert Watch.from_payload(json.loads(json.dumps(state.to_payload()))) == state
        if isinstance(step, watch.Sleep) and state.phase is watch.Phase.RESTING and state.watched_since is not None:
            assert step.until <= state.watched_since + ready.longest_wait
        if isinstance(step, watch.Claim):
            assert allowed
        if not isinstance(step, (watch.Claim, watch.StartOver)):
            allowed = isinstance(step, watch.Begin)

    assert vigil.longest_history <= 4 * watch.STEPS_PER_HISTORY
