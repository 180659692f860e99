"""A world that is bent: activities that do something else, ledgers that refuse, and watches that are cut off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from shared.core.landing import Landing
from shared.core.record import dump
from shared.core.trouble import Kind, Trouble
from shared.errors import Unavailable
from shared.work.ledger import Ledger
from testbed.examples import STATE
from testbed.fakes import FakeBlobs
from tests.workflow.world import World

Works = Callable[[Any], Any]


class CutOff(BaseException):
    """It went on for longer than a test waits."""


class Refusing(FakeBlobs):
    """Storage that answers every call with an error."""

    error: Unavailable = Unavailable("503")

    def _answer(self, kind: str) -> None:
        raise self.error


def bend(world: World, activity: str, instead: Callable[[Works, Any], Any]) -> None:
    """Have an activity done by `instead`, which is given what does it otherwise."""
    works = world.driver.activities[activity]
    world.driver.activities = {**world.driver.activities, activity: lambda given: instead(works, given)}


def passing(message: str) -> dict[str, Any]:
    """What an activity answers when it met trouble that may pass."""
    return dump(Trouble(Kind.PASSING, message))


def cut_off(world: World, at: datetime) -> None:
    """Let nobody sleep beyond that moment."""

    def on_sleep(until: datetime) -> None:
        if until > at:
            raise CutOff
        world.slept(until)

    world.driver.on_sleep = on_sleep


def refuse_ledger(world: World, error: Unavailable) -> Callable[[], None]:
    """Have the ledger refuse every call; what is returned gives it back."""
    kept, refusing = world.ledger, Refusing(world.clock)
    refusing.error = error
    world.ledger = Ledger(refusing, STATE)

    def give_back() -> None:
        world.ledger = kept

    return give_back


def run_records(world: World) -> list[str]:
    """The paths of all records of runs."""
    return [path for path in world.blobs.paths(STATE) if path.startswith("runs/")]


def landing_state(world: World, path: str = "digits/tuesday") -> Any:
    """What the landing's entity remembers."""
    return world.driver.landings.get(Landing(world.route, path).key)


def announced(world: World) -> list[str]:
    """Ids of the events that the topic was given."""
    return [event_id for *_, event_id in world.topic.told]
