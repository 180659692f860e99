"""Ways in which a landing can go, one for each thing that an orchestrator can meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.core.location import Location
from shared.core.submission import Deferred, Submission, Unclear
from shared.errors import Unavailable
from testbed.fakes import NOON, FakeEndpoint
from tests.workflow.hosted import Start
from tests.workflow.world import World, make_world
from triggers.names import Orchestrator

MARKED = ("      quiet: 5s", "      marker: _SUCCESS")
LATER = timedelta(hours=2.5)
"""More looks at five minutes each than one history holds."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world, made anew for each playing, the orchestrators that it is about, and the watches that events start."""

    make: Callable[[], World]
    about: tuple[Orchestrator, ...] = (Orchestrator.SCORE,)
    starts: tuple[Start, ...] = (Start(),)


def published() -> World:
    """A file that comes later is waited for; the job completes."""
    world = make_world()
    world.land("0.png", "1.png")
    world.at(NOON + timedelta(seconds=4), lambda: world.land("2.png"))
    return world


def lost_answer() -> World:
    """The job was made, but nobody knows, until it is found by its output."""

    def lost(endpoint: FakeEndpoint, body: Mapping[str, Any]) -> Submission:
        endpoint.make_job(body)
        return Unclear("The endpoint answered 500")

    return _with_a_file(answers=[lost])


def second_attempt() -> World:
    """No job was made by the first attempt; its twin turns up while the second is followed, and is canceled."""
    statuses = ("Preparing", *("Running",) * 6, "Completed")
    world = _with_a_file(answers=[Unclear("reset"), Deferred(45.0, "Too many requests")], statuses=statuses)
    world.at(NOON + timedelta(minutes=4), lambda: world.endpoint.make_job(world.endpoint.posts[0]))
    return world


def long_poll() -> World:
    """The job runs for so long that the history has to start over."""
    return _with_a_file(statuses=("Queued", *("Running",) * 24, "Completed"))


def failed() -> World:
    """The job fails, and the service says why."""
    return _with_a_file(statuses=("Running", "Failed"), reason="No succeeded mini batch item returned from run().")


def published_from_copies() -> World:
    """Other files lie beside the snapshot's, which are more than one activity copies."""
    world = make_world()
    world.land(*(f"{number}.png" for number in range(300)), "notes.txt")
    return world


def superseded() -> World:
    """The files change while the job runs."""
    world = _with_a_file(statuses=("Running", "Running", "Completed"))
    world.at(NOON + timedelta(seconds=12), lambda: world.land("0.png", content=b"other pixels"))
    return world


def trouble() -> World:
    """Storage refuses some copies, the endpoint is away for a while, the topic for good."""
    world = _with_a_file(statuses=("Running", "Running", "Running", "Completed"))
    world.topic.failures = 100
    refusals = 2

    def refuse(_: Location) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise Unavailable("503: Server Busy")

    def away(reason: str | None) -> Callable[[], None]:
        return lambda: setattr(world.endpoint, "down", reason)

    world.blobs.before_copy = refuse
    world.at(NOON + timedelta(seconds=12), away("503"))
    world.at(NOON + timedelta(minutes=2), away(None))
    return world


def marked() -> World:
    """The marker comes after hours, and with it a watch that replaces the one that waits."""
    world = make_world(MARKED, ("longest_wait: 2h", "longest_wait: 12h"))
    world.land("0.png")
    world.at(NOON + LATER, lambda: world.land("1.png", "_SUCCESS"))
    return world


def _with_a_file(**endpoint: Any) -> World:
    world = make_world(**endpoint)
    world.land("0.png")
    return world


SCENARIOS: Mapping[str, Scenario] = {
    "published": Scenario(published, tuple(Orchestrator)),
    "lost-answer": Scenario(lost_answer),
    "second-attempt": Scenario(second_attempt),
    "long-poll": Scenario(long_poll),
    "failed": Scenario(failed),
    "published-from-copies": Scenario(published_from_copies),
    "superseded": Scenario(superseded, (Orchestrator.WATCH_LANDING, Orchestrator.SCORE)),
    "trouble": Scenario(trouble, (Orchestrator.SCORE, Orchestrator.PUBLISH)),
    "marked": Scenario(marked, (Orchestrator.WATCH_LANDING,), (Start(), Start("watch-2", LATER, is_marker=True))),
}
