"""Several watches of one landing in every order: one makes a run at a time, and nothing that landed is left unseen.

The entity, the plan and the sweep's release are the real ones. A schedule says who takes the next step: it is drawn,
and when it is over everybody goes on until all have ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core import watch
from shared.core.landing import Watchers, coalesce
from shared.core.watch import Phase, Watch, new_watch
from tests.examples import digits_route, tuesday
from tests.fakes import NOON
from tests.unit.test_watch import saw

QUIET = tuesday()
MARKED = tuesday(digits_route(("quiet: 5s", "marker: _SUCCESS")))
MOST_STEPS = 2000


@dataclass
class Scene:
    """One landing: `content` counts what was dropped, `known` is what the ledger has a run of."""

    marker: bool
    entity: Watchers = field(default_factory=Watchers)
    content: int = 0
    marked: bool = False
    now: datetime = NOON
    watches: dict[str, Watch] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)

    def event(self, *, is_marker: bool = False) -> None:
        """A file or the marker was dropped; its event starts or joins a watch."""
        self.content += 1
        self.marked = self.marked or is_marker
        self.start(is_marker=is_marker)

    def start(self, *, is_marker: bool = False) -> None:
        landing = MARKED if self.marker else QUIET
        start = coalesce(landing, landing.route.ready, is_marker=is_marker, now=self.now)
        if start.instance_id not in self.watches:
            self.watches[start.instance_id] = new_watch(landing, start, is_marker=is_marker)

    def terminate(self, me: str) -> None:
        """An operator stops a watch; a run that it had started goes on by itself."""
        if self.watches.pop(me).phase is Phase.SCORING:
            self.under_way.discard(me)

    def sweep(self) -> None:
        """What triggers/sweep.py does for a landing with content that the ledger does not know."""
        if str(self.content) in self.known or self.entity.watcher in self.watches:
            return
        if self.entity.watcher is not None:
            self.entity = self.entity.release(self.entity.watcher)
        self.start()

    def advance(self, me: str) -> None:
        """The watch takes its next step."""
        state, self.now = self.watches[me], self.now + timedelta(milliseconds=10)
        step = watch.next_step(state, self.now)
        if isinstance(step, watch.Done):
            del self.watches[me]
        else:
            self.watches[me] = self.carried_out(me, state, step)

    def carried_out(self, me: str, state: Watch, step: watch.Step) -> Watch:
        match step:
            case watch.Sleep(until):
                self.now = max(self.now, until)
                return state.arrived() if state.phase is Phase.ARRIVING else state.rested()
            case watch.Enter(urgent):
                self.entity, watcher = self.entity.enter(me, urgent=urgent)
                return state.entered(watcher, me, self.now)
            case watch.LookAt():
                return saw(state, self.now, content=str(self.content), marked=self.marked)
            case watch.Begin():
                self.entity, allowed = self.entity.begin(me)
                return state.begun(allowed)
            case watch.Claim(fingerprint):
                if fingerprint != str(self.content):
                    return state.claimed({})
                answer = {"known": "a run"} if fingerprint in self.known else {"order": {"run_id": fingerprint}}
                self.known.add(fingerprint)
                return state.claimed(answer)
            case watch.Score(order):
                return self.scored(me, state, str(order["run_id"]))
            case watch.Leave():
                self.entity, again = self.entity.leave(me)
                return state.left(again)
            case watch.StartOver():
                return state.started_over()
        raise AssertionError(step)

    def scored(self, me: str, state: Watch, content: str) -> Watch:
        """A run takes two steps, so that something can happen meanwhile."""
        if me not in self.under_way:
            self.under_way.add(me)
            return state
        self.under_way.discard(me)
        status = "superseded" if content != str(self.content) and self.content % 2 else "published"
        return state.scored({"run_id": content, "status": status})

    def take(self, what: str, number: int) -> None:
        """One entry of a schedule; whose turn it is has to be one of those that are there."""
        chosen = list(self.watches)[number % len(self.watches)] if self.watches else None
        match what:
            case "drop" | "mark":
                self.now += timedelta(seconds=number)
                self.event(is_marker=what == "mark" and self.marker)
            case "sweep":
                self.sweep()
            case "step" if chosen is not None:
                self.advance(chosen)
            case "terminate" if chosen is not None:
                self.terminate(chosen)

    def finish(self) -> None:
        for _ in range(MOST_STEPS):
            if not self.watches:
                return
            self.advance(next(iter(self.watches)))
            # The next one's turn: what was first goes to the end.
            first = next(iter(self.watches), None)
            if first is not None:
                self.watches[first] = self.watches.pop(first)
        raise AssertionError("a watch does not end")

    def check(self) -> None:
        """What holds at every moment."""
        making_a_run = [me for me, state in self.watches.items() if state.phase in (Phase.CLAIMING, Phase.SCORING)]
        assert len(making_a_run) <= 1
        assert all(self.entity == replace(self.entity, watcher=me, busy=True) for me in making_a_run)


turns = st.tuples(st.just("step"), st.integers(0, 2), st.integers(1, 9))
drops = st.tuples(st.just("drop"), st.integers(0, 5), st.just(1))
"""The first number is whose turn it is, or how many seconds pass before; the second how often."""


def played(schedule: Iterable[tuple[str, int, int]], *, marker: bool) -> Scene:
    """What the schedule leads to, with the promises checked at every step."""
    scene = Scene(marker)
    for what, number, times in schedule:
        for _ in range(times):
            scene.take(what, number)
            scene.check()
    return scene


@settings(max_examples=300)
@given(st.lists(turns | drops | st.just(("mark", 0, 1)), max_size=30), st.booleans())
def test_whatever_landed_has_its_run_in_the_end(schedule: list[tuple[str, int, int]], marker: bool) -> None:
    scene = played([*schedule, ("mark", 0, 1)], marker=marker)

    scene.finish()

    assert str(scene.content) in scene.known
    assert scene.entity == Watchers()


@settings(max_examples=200)
@given(st.lists(turns | drops | st.just(("sweep", 0, 1)) | st.just(("terminate", 0, 1)), max_size=30))
def test_whatever_is_terminated_the_next_sweep_sees_to_it(schedule: list[tuple[str, int, int]]) -> None:
    scene = played([("drop", 0, 1), *schedule], marker=False)

    scene.finish()
    scene.sweep()
    scene.finish()

    assert str(scene.content) in scene.known
