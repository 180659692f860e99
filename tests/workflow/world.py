"""A small world for workflow tests: fakes for the ports, the real work functions, the real orchestrators."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.core.landing import Landing
from shared.core.location import Location
from shared.core.record import dump
from shared.core.route import Route
from shared.core.steps import CLAIM_RUN, Step
from shared.core.watch import watch_for
from shared.routes import Routes
from shared.work import inquiry, sweeping
from shared.work.inquiry import read_query
from shared.work.ledger import Ledger
from shared.work.table import WORK
from testbed.examples import STATE, digits_route, endpoint_over
from testbed.fakes import FakeAnnouncer, FakeBlobs, FakeClock, FakeEndpoint
from tests.workflow.driver import Driver
from triggers.activities import carry_out
from triggers.names import Orchestrator


@dataclass
class World:
    """Everything a workflow touches. `at` schedules what happens while somebody sleeps."""

    route: Route
    clock: FakeClock
    blobs: FakeBlobs
    endpoint: FakeEndpoint
    topic: FakeAnnouncer
    ledger: Ledger
    driver: Driver
    troubles: list[str] = field(default_factory=list)
    agenda: list[tuple[datetime, Callable[[], Any]]] = field(default_factory=list)
    nonces: int = 0
    announcing: bool = True
    broken: Routes | None = None

    def land(self, *names: str, folder: str = "digits/tuesday", content: bytes = b"pixels") -> None:
        for name in names:
            self.blobs.put(self.place(f"{folder}/{name}"), content + name.encode(errors="surrogatepass"))

    def place(self, path: str) -> Location:
        return Location(self.route.landing, path)

    def at(self, moment: datetime, happens: Callable[[], Any]) -> None:
        self.agenda.append((moment, happens))

    def watch(self, path: str = "digits/tuesday", *, is_marker: bool = False, instance_id: str | None = None) -> str:
        """What an event for that landing leads to; returns the watch's result."""
        where = Landing(self.route, path)
        own_id, watch = watch_for(where, is_marker=is_marker, now=self.clock())
        return str(self.driver.run(Orchestrator.WATCH_LANDING, dump(watch), instance_id or own_id))

    def watch_until_claimed(self) -> None:
        """A watch whose process is stopped right after it has claimed the run."""

        class Stopped(BaseException):
            pass

        claim = self.driver.activities[CLAIM_RUN.name]

        def stopping(given: Any) -> Any:
            claim(given)
            raise Stopped

        self.driver.activities = {**self.driver.activities, CLAIM_RUN.name: stopping}
        with suppress(Stopped):
            self.watch()

    def carry_on(self) -> None:
        """What the sweep does with runs that nobody carries out."""
        for found in sweeping.left_over(self.ledger, self.clock()).open:
            left = sweeping.as_it_is_now(self.ledger, found.run_id, self.clock())
            if left is not None:
                self.driver.run(Orchestrator.SCORE, dump(left), left.run_id)

    def cancel_late_jobs(self) -> None:
        """What the sweep does with jobs that turned up for runs that have ended."""
        ended = sweeping.left_over(self.ledger, self.clock()).ended
        sweeping.cancel_late_jobs(self.endpoint, self.ledger, ended, self.clock())

    def runs(self) -> list[dict[str, Any]]:
        """As the run API shows them, newest first."""
        return inquiry.runs(self.ledger, read_query({"limit": "1000"})).runs

    def only_run(self) -> dict[str, Any]:
        """The run, of which there has to be exactly one."""
        (run,) = self.runs()
        return run

    def published(self, run: dict[str, Any]) -> list[str]:
        """File names in the run folder."""
        record = self.ledger.run(run["run_id"])
        assert record is not None
        folder = record.spec.publish.path
        paths = self.blobs.paths(self.route.publish)
        return [path.removeprefix(folder + "/") for path in paths if path.startswith(folder + "/")]

    def slept(self, until: datetime) -> None:
        due = sorted((entry for entry in self.agenda if entry[0] <= until), key=lambda entry: entry[0])
        for entry in due:
            self.agenda.remove(entry)
            self.clock.moment = max(entry[0], self.clock.moment)
            entry[1]()

    @property
    def routes(self) -> Routes:
        return self.broken or Routes((self.route,))

    @property
    def announcer(self) -> FakeAnnouncer | None:
        return self.topic if self.announcing else None

    def now(self) -> datetime:
        return self.clock()

    def new_id(self) -> str:
        self.nonces += 1
        return f"nonce-{self.nonces}"


def make_world(*pairs: tuple[str, str], announcing: bool = True, **endpoint: Any) -> World:
    """A world whose one route is the demo's, with pieces of its text replaced."""
    route = digits_route(*pairs)
    clock = FakeClock()
    blobs = FakeBlobs(clock)
    world = World(
        route=route,
        clock=clock,
        blobs=blobs,
        endpoint=endpoint_over(blobs, route, **endpoint),
        topic=FakeAnnouncer(),
        announcing=announcing,
        ledger=Ledger(blobs, STATE),
        driver=Driver(clock, {}),
    )
    activities = {step.name: _activity(world, step) for step in WORK}
    world.driver = Driver(clock, activities, on_sleep=world.slept)
    return world


def _activity(world: World, step: Step[Any, Any]) -> Callable[[Any], Any]:
    """What the app does when the host calls this activity, and a note of what was in its way."""

    def activity(given: Any) -> Any:
        # Through JSON, as on the host.
        answer = json.loads(json.dumps(carry_out(step, world, json.loads(json.dumps(given)))))
        if answer.get("type") == "Trouble":
            world.troubles.append(answer["message"])
        return answer

    return activity
