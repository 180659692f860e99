"""Activities that are carried out twice at the same time: a second execution that stops between any two of its calls
to a port, and goes on when the run is long past it.

Durable Functions promises that an activity is carried out at least once. After a time-out or a lost worker the first
execution may still be going on while the second one's answer is used. Which of two threads goes is never left to
chance: the slow execution only moves while everything else stands still.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.core.steps import Step
from shared.work.ledger import Ledger
from shared.work.table import WORK
from testbed.examples import STATE
from tests.workflow.world import World
from triggers.activities import carry_out

LIMIT = 30.0
"""Seconds after which a test is told that something hangs."""


class Gate:
    """Lets so many calls through; whoever comes next waits until more are let through."""

    def __init__(self, allowed: int) -> None:
        self._changed = threading.Condition()
        self._allowed: float = allowed
        self._waiting = 0
        self._over = False

    def pass_through(self) -> None:
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._allowed > 0, LIMIT)
            self._waiting -= 1
            self._allowed -= 1

    def open(self) -> None:
        """Let everything through from now on."""
        with self._changed:
            self._allowed = float("inf")
            self._changed.notify_all()

    def ended(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def until_still(self) -> None:
        """Return when whoever is behind the gate waits, or has ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._over or (self._waiting > 0 and self._allowed <= 0), LIMIT)


class Gated:
    """A port, each of whose calls has to pass the gate first."""

    def __init__(self, port: Any, gate: Gate) -> None:
        self._port, self._gate = port, gate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def called(*args: Any, **given: Any) -> Any:
            self._gate.pass_through()
            return found(*args, **given)

        return called


class Slow:
    """A second execution of an activity, which has made so many calls and now waits."""

    def __init__(self, world: World, step: Step[Any, Any], given: Any, calls: int) -> None:
        self._gate = Gate(calls)
        means = SlowMeans(world, self._gate)
        self._thread = threading.Thread(target=self._carry_out, args=(step, means, given), daemon=True)
        self._thread.start()
        self._gate.until_still()

    def _carry_out(self, step: Step[Any, Any], means: Any, given: Any) -> None:
        try:
            carry_out(step, means, given)
        finally:
            self._gate.ended()

    def finish(self) -> None:
        """Go on to the end."""
        self._gate.open()
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()


class SlowMeans:
    """The world's means, with gated ports."""

    def __init__(self, world: World, gate: Gate) -> None:
        self.routes = world.routes
        self.blobs = Gated(world.blobs, gate)
        self.endpoint = Gated(world.endpoint, gate)
        self.announcer = Gated(world.topic, gate)
        self.ledger = Ledger(self.blobs, STATE)
        self.now, self.new_id = world.now, world.new_id


@dataclass
class Overlapping:
    """Has activities of a world carried out twice.

    `plan(number)` says of the activity that is the so manieth whether it is doubled: after how many calls the second
    execution stops, and how many activities later it goes on; None: it is not doubled.
    """

    world: World
    plan: Callable[[int], tuple[int, int] | None]
    number: int = 0
    waiting: list[tuple[int, Slow]] = field(default_factory=list)
    doubled: int = 0

    def __post_init__(self) -> None:
        by_name = {step.name: step for step in WORK}
        self.world.driver.activities = {
            name: self._doubling(by_name[name], works) for name, works in self.world.driver.activities.items()
        }

    def _doubling(self, step: Step[Any, Any], works: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def activity(given: Any) -> Any:
            self.number += 1
            due = [slow for when, slow in self.waiting if when <= self.number]
            self.waiting = [(when, slow) for when, slow in self.waiting if when > self.number]
            planned = self.plan(self.number)
            if planned is not None:
                calls, later = planned
                self.doubled += 1
                self.waiting.append((self.number + later, Slow(self.world, step, given, calls)))
            answer = works(given)
            for slow in due:
                slow.finish()
            return answer

        return activity

    def finish(self) -> None:
        """Let all that still waits go on to its end."""
        for _, slow in self.waiting:
            slow.finish()
        self.waiting = []
