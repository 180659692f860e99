"""The landing entity: one watcher per landing, without a gap between one that leaves and one that comes.

Operations on an entity are carried out one at a time, so nothing can happen between `leave` and the next `enter`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from shared.core.record import Record, change, dump, load


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
            return change(self, watcher=who), who
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


def read_watchers(state: object) -> Watchers:
    """The entity's state; nobody watches where there is none yet."""
    return Watchers() if state is None else load(Watchers, state)


def operate(state: object, operation: str, given: object) -> tuple[dict[str, object], str | bool | None]:
    """One operation on the stored state: the new state and the answer. Raises ValueError for an unknown one."""
    watchers, asking = read_watchers(state), load(Asking, given)
    match Operation(operation):
        case Operation.ENTER:
            after, answer = watchers.enter(asking.who, urgent=asking.urgent)
            return dump(after), answer
        case Operation.BEGIN:
            after, may = watchers.begin(asking.who)
            return dump(after), may
        case Operation.LEAVE:
            after, again = watchers.leave(asking.who)
            return dump(after), again
        case Operation.RELEASE:
            return dump(watchers.release(asking.who)), None
        case unknown:
            assert_never(unknown)
