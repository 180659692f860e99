"""The landing entity: one watcher per landing, without a gap between one watcher and the next.

Operations on an entity are carried out one at a time, so nothing can happen between `leave` and the next `enter`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from shared.core.record import Record, change, dump, load
from shared.errors import InputRefused


class Operation(StrEnum):
    """What the entity is asked. Each takes an Asking."""

    ENTER = "enter"
    """Who watches from now on: the answer is an instance id."""
    BEGIN = "begin"
    """Whether the asking watcher may make a run: true or false."""
    LEAVE = "leave"
    """Whether the watcher has to look again instead of ending: true or false."""
    RELEASE = "release"
    """Forget a watcher that has ended without leaving."""


class Asking(Record, frozen=True):
    """Which instance asks. `urgent`: a watcher that only waits is to be replaced."""

    who: str
    urgent: bool = False


class Watchers(Record, frozen=True, tag_field="version", tag=1):
    """The entity's state: who watches, whether that watcher makes a run (`busy`), and whether another watch
    arrived since it last looked (`touched`)."""

    watcher: str | None = None
    busy: bool = False
    touched: bool = False

    def enter(self, who: str, *, urgent: bool) -> tuple[Watchers, str]:
        """Who watches from now on. `who` does if nobody else does, or if it is urgent and the other only waits;
        else the landing is marked as touched."""
        if self.watcher in (None, who):
            return Watchers(who, touched=self.touched), who  # who makes a run does not enter
        if urgent and not self.busy:
            return Watchers(who, touched=self.touched), who
        return change(self, touched=True), self.watcher or who

    def begin(self, who: str) -> tuple[Watchers, bool]:
        """Whether `who` is (still) the watcher and may make a run; nobody takes over until it leaves."""
        return (change(self, busy=True), True) if self.watcher == who else (self, False)

    def leave(self, who: str) -> tuple[Watchers, bool]:
        """Whether `who` has to look again, staying the watcher; else it is free to end."""
        if self.watcher != who:
            return self, False
        return (Watchers(who), True) if self.touched else (Watchers(), False)

    def release(self, who: str) -> Watchers:
        """Forget a watcher that has ended without leaving, or that cannot go on."""
        return Watchers(touched=self.touched) if self.watcher == who else self


def is_readable(state: object) -> bool:
    """Whether this program understands the entity's state."""
    try:
        return state is None or bool(load(Watchers, state))
    except InputRefused:
        return False


def read_watchers(state: object) -> Watchers:
    """The entity's state. Nobody watches where there is none yet, and where it cannot be read: at worst two watches
    look at the landing then, and the ledger still enters the same content once."""
    return load(Watchers, state) if state is not None and is_readable(state) else Watchers()


def operate(state: object, operation: str, given: object) -> tuple[dict[str, object] | None, str | bool | None]:
    """One operation on the stored state: the new state, None if there is nothing to remember, and the answer. Raises
    ValueError for an unknown operation."""
    watchers, asking = read_watchers(state), load(Asking, given)
    answer: str | bool | None
    match Operation(operation):
        case Operation.ENTER:
            watchers, answer = watchers.enter(asking.who, urgent=asking.urgent)
        case Operation.BEGIN:
            watchers, answer = watchers.begin(asking.who)
        case Operation.LEAVE:
            watchers, answer = watchers.leave(asking.who)
        case Operation.RELEASE:
            watchers, answer = watchers.release(asking.who), None
        case unknown:
            assert_never(unknown)
    return (None if watchers == Watchers() else dump(watchers)), answer
