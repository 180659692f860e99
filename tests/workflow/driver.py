"""Drives orchestrators by hand: their yields are carried out at once, with a clock that jumps to the next timer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import azure.durable_functions as df

from shared.core.watchers import operate
from testbed.fakes import FakeClock
from triggers import orchestrators
from triggers.names import Orchestrator

ORCHESTRATORS: Mapping[str, Callable[[Any], Generator[Any, Any, Any]]] = {
    Orchestrator.WATCH_LANDING: orchestrators.watch_landing,
    Orchestrator.SCORE: orchestrators.score,
    Orchestrator.PUBLISH: orchestrators.publish,
}


@dataclass(frozen=True)
class Work:
    """Something that an orchestrator asked for; carried out when it is yielded."""

    do: Callable[[], Any]


def once(do: Callable[[], Any]) -> Callable[[], Any]:
    """What can be waited for more than once, and is done when it is waited for first."""
    kept: list[Callable[[], Any]] = []

    def again() -> Any:
        if not kept:
            kept.append(_settled(do))
        return kept[0]()

    return again


def _settled(do: Callable[[], Any]) -> Callable[[], Any]:
    try:
        answer = do()
    except Exception as error:
        failure = error

        def fail() -> Any:
            raise failure

        return fail
    return lambda: answer


def outcome(work: Work) -> Any:
    """Its answer; None if it fails."""
    with suppress(Exception):
        return work.do()
    return None


@dataclass
class Driver:
    """Carries out what orchestrators ask for with `activities`, and counts it.

    `on_sleep` is called with each moment that somebody waits for, before the clock jumps there.
    """

    clock: FakeClock
    activities: Mapping[str, Callable[[Any], Any]]
    on_sleep: Callable[[datetime], None] | None = None
    orchestrators: Mapping[str, Callable[[Any], Generator[Any, Any, Any]]] = field(
        default_factory=lambda: ORCHESTRATORS
    )
    landings: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    longest_history: int = 0

    def run(self, name: str, given: Any, instance_id: str = "instance") -> Any:
        """Run an orchestration to its end, through as many histories as it takes."""
        while True:
            context = Context(self, given, instance_id)
            result = self._one_history(self.orchestrators[name](context))
            self.longest_history = max(self.longest_history, context.steps)
            if context.next_input is None:
                return result
            given = context.next_input
            self.counts["continued"] += 1

    def _one_history(self, orchestration: Generator[Any, Any, Any]) -> Any:
        try:
            asked = next(orchestration)
            while True:
                try:
                    answer = asked.do()
                except Exception as error:
                    # As the SDK does: the type is lost, only text arrives.
                    asked = orchestration.throw(Exception(str(error)))
                else:
                    asked = orchestration.send(answer)
        except StopIteration as end:
            return end.value


@dataclass
class Context:
    """The part of DurableOrchestrationContext that the orchestrators use."""

    driver: Driver
    given: Any
    instance_id: str
    next_input: Any = None
    steps: int = 0

    @property
    def current_utc_datetime(self) -> datetime:
        return self.driver.clock()

    def get_input(self) -> Any:
        return self.given

    def continue_as_new(self, given: Any) -> None:
        self.next_input = given

    def create_timer(self, until: datetime) -> Work:
        return Work(lambda: self._sleep(until))

    def call_activity(self, name: str, given: Any = None) -> Work:
        return Work(lambda: self._activity(name, given))

    def call_entity(self, entity: df.EntityId, operation: str, given: Any) -> Work:
        return Work(lambda: self._entity(entity.key, operation, given))

    def call_sub_orchestrator(self, name: str, given: Any, instance_id: str | None = None) -> Work:
        self.driver.counts[f"orchestration {name}"] += 1
        return Work(once(lambda: self.driver.run(name, given, instance_id or f"{self.instance_id}:sub")))

    def task_any(self, works: list[Work]) -> Work:
        """All are started, and end one after the other; who asked goes on after the first in any case."""
        return Work(lambda: [outcome(work) for work in works])

    def task_all(self, works: list[Work]) -> Work:
        return Work(lambda: [work.do() for work in works])

    def _sleep(self, until: datetime) -> None:
        self.steps += 1
        self.driver.counts["timer"] += 1
        if self.driver.on_sleep is not None:
            self.driver.on_sleep(until)
        self.driver.clock.moment = max(until, self.driver.clock.moment)

    def _activity(self, name: str, given: Any) -> Any:
        self.steps += 1
        self.driver.counts["activity"] += 1
        self.driver.counts[f"activity {name}"] += 1
        return self.driver.activities[name](given)

    def _entity(self, key: str, operation: str, given: Mapping[str, Any]) -> Any:
        self.steps += 1
        self.driver.counts["entity"] += 1
        self.driver.landings[key], answer = operate(self.driver.landings.get(key), operation, given)
        return answer
