"""A small world for workflow tests: fakes for the ports, the real work functions, the real orchestrators."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.core.event import Landing
from shared.core.landing import coalesce
from shared.core.location import Location
from shared.core.route import Route
from shared.core.watch import new_watch
from shared.routes import Routes
from shared.work import job, landing, publication
from shared.work.ledger import Ledger, record
from tests.examples import STATE, digits_route, endpoint_over
from tests.fakes import FakeAnnouncer, FakeBlobs, FakeClock, FakeEndpoint
from tests.workflow.driver import Driver
from triggers.names import Activity, Orchestrator


@dataclass
class World:
    """Everything a workflow touches. `at` schedules what happens while somebody sleeps."""

    route: Route
    clock: FakeClock
    blobs: FakeBlobs
    endpoint: FakeEndpoint
    announcer: FakeAnnouncer
    ledger: Ledger
    driver: Driver
    troubles: list[str] = field(default_factory=list)
    agenda: list[tuple[datetime, Callable[[], Any]]] = field(default_factory=list)
    nonces: int = 0

    def land(self, *names: str, folder: str = "digits/tuesday", content: bytes = b"pixels") -> None:
        for name in names:
            self.blobs.put(self.place(f"{folder}/{name}"), content + name.encode())

    def place(self, path: str) -> Location:
        return Location(self.route.landing, path)

    def at(self, moment: datetime, happens: Callable[[], Any]) -> None:
        self.agenda.append((moment, happens))

    def watch(self, path: str = "digits/tuesday", *, is_marker: bool = False, instance_id: str | None = None) -> str:
        """What an event for that landing leads to; returns the watch's result."""
        where = Landing(self.route, path)
        start = coalesce(where, self.route.ready, is_marker=is_marker, now=self.clock())
        given = new_watch(where, start, is_marker=is_marker).to_payload()
        return str(self.driver.run(Orchestrator.WATCH_LANDING, given, instance_id or start.instance_id))

    def watch_until_claimed(self) -> None:
        """A watch whose process is stopped right after it has claimed the run."""

        class Stopped(BaseException):
            pass

        claim = self.driver.activities[Activity.CLAIM_RUN]

        def stopping(given: Any) -> Any:
            claim(given)
            raise Stopped

        self.driver.activities = {**self.driver.activities, Activity.CLAIM_RUN: stopping}
        with suppress(Stopped):
            self.watch()

    def runs(self) -> list[dict[str, Any]]:
        return list(self.ledger.newest())

    def only_run(self) -> dict[str, Any]:
        """The run, of which there has to be exactly one."""
        (run,) = self.runs()
        return run

    def published(self, run: dict[str, Any]) -> list[str]:
        """File names in the run folder."""
        folder = run["publication"]["path"] if run["publication"] else f"{run['order']['publish_path']}"
        paths = self.blobs.paths(self.route.publish)
        return [path.removeprefix(folder + "/") for path in paths if path.startswith(folder + "/")]

    def slept(self, until: datetime) -> None:
        due = sorted((entry for entry in self.agenda if entry[0] <= until), key=lambda entry: entry[0])
        for entry in due:
            self.agenda.remove(entry)
            self.clock.moment = max(entry[0], self.clock.moment)
            entry[1]()

    def new_nonce(self) -> str:
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
        announcer=FakeAnnouncer(),
        ledger=Ledger(blobs, STATE),
        driver=Driver(clock, {}),
    )
    world.driver = Driver(clock, _activities(world, announcing), on_sleep=world.slept)
    return world


def _activities(world: World, announcing: bool) -> dict[str, Callable[[Any], Any]]:
    routes, blobs, ledger, endpoint = Routes((world.route,)), world.blobs, world.ledger, world.endpoint

    return {
        Activity.LOOK: lambda given: landing.look(routes, blobs, given),
        Activity.CLAIM_RUN: lambda given: landing.claim(routes, blobs, ledger, given),
        Activity.RECORD_RUN: lambda given: record(ledger, given),
        Activity.STAGE_INPUT: lambda given: job.stage_input(blobs, ledger, given),
        Activity.SUBMIT_JOB: lambda given: job.submit(endpoint, ledger, given, nonce=world.new_nonce()),
        Activity.SEARCH_JOB: lambda given: job.search(endpoint, given),
        Activity.OBSERVE_JOB: lambda given: job.observe(endpoint, given),
        Activity.CANCEL_JOB: lambda given: job.cancel(endpoint, given),
        Activity.EXPLAIN_FAILURE: lambda given: job.explain(endpoint, given),
        Activity.CHECK_LANDING: lambda given: job.check(blobs, ledger, given),
        Activity.LIST_OUTPUTS: lambda given: publication.list_outputs(blobs, ledger, given),
        Activity.COPY_OUTPUTS: lambda given: publication.copy_outputs(blobs, ledger, given),
        Activity.SEAL_PUBLICATION: lambda given: publication.seal(blobs, ledger, given),
        Activity.ANNOUNCE_RUN: lambda given: publication.announce(world.announcer if announcing else None, given),
        Activity.REPORT_TROUBLE: lambda given: world.troubles.append(given["trouble"]),
    }
