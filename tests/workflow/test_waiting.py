"""A run without a job never blocks its landing.

Seen before: with a mistyped endpoint a run was tried again every 30 seconds (97 attempts in 48 minutes, each kept, and
no word of why), kept the old address after the route was corrected, and no newer content got a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from shared.core.location import Location
from shared.core.record import change
from shared.core.route import Endpoint
from shared.core.submission import Deferred, Rejected, Submission
from shared.errors import Problem, Unavailable
from shared.ports import Listing
from shared.routes import Routes
from testbed.fakes import NOON, FakeEndpoint
from tests.workflow.world import World, make_world

TYPO = "https://digitz.westeurope.inference.ml.azure.com/jobs"


@dataclass
class Addressed(FakeEndpoint):
    """An endpoint that is reached under one address only, and remembers when it was asked for under which."""

    address: str = ""
    asked: list[tuple[datetime, str]] | None = None
    world: World | None = None

    def submit(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Submission:
        assert self.world is not None
        scoring_uri = endpoint.scoring_uri
        self.asked = [*(self.asked or []), (self.world.clock(), scoring_uri)]
        if scoring_uri != self.address:
            return Deferred(30.0, f"{scoring_uri} could not be reached: Name or service not known")
        return super().submit(endpoint, body)


def mistyped() -> tuple[World, Addressed]:
    """A world whose route has a typing error in the endpoint's address."""
    world = make_world()
    right = world.route.endpoint.scoring_uri
    endpoint = Addressed(blobs=world.blobs, output=world.endpoint.output, address=right, world=world)
    world.endpoint = endpoint
    correct(world, TYPO)
    return world, endpoint


def correct(world: World, scoring_uri: str) -> None:
    """Deploy the route with that address."""
    world.route = replace(world.route, endpoint=change(world.route.endpoint, scoring_uri=scoring_uri))


def test_waits_between_attempts_grow_and_only_the_latest_attempts_are_kept() -> None:
    world, endpoint = mistyped()
    world.land("0.png")

    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "deferred")
    assert endpoint.asked is not None
    moments = [moment for moment, _ in endpoint.asked]
    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert waits[:5] == [timedelta(seconds=s) for s in (30, 30, 60, 300, 300)]
    assert max(waits) == timedelta(minutes=5)
    assert run["attempt"] == len(moments) + 1 < 300
    assert len(run["attempts"]) == 20


def test_a_run_that_waits_says_for_what_and_until_when() -> None:
    world, _ = mistyped()
    world.land("0.png")
    told: list[dict[str, Any]] = []
    world.at(NOON + timedelta(minutes=20), lambda: told.append(world.only_run()))

    world.watch()

    (waiting,) = told
    assert (waiting["status"], waiting["error"]["reason"]) == ("submitting", "waiting")
    assert f"{TYPO} could not be reached" in waiting["error"]["message"]
    assert "Next try at 2026-03-01 12:2" in waiting["error"]["message"]


def test_a_corrected_address_is_used_and_recorded() -> None:
    world, endpoint = mistyped()
    world.land("0.png")
    world.at(NOON + timedelta(minutes=20), lambda: correct(world, endpoint.address))

    world.watch()

    run = world.only_run()
    assert run["status"] == "published"
    assert run["endpoint"] == endpoint.address
    assert run["error"] is None
    assert world.clock() - NOON < timedelta(minutes=26)


def test_newer_content_supersedes_a_run_that_waits_without_a_job() -> None:
    world, endpoint = mistyped()
    world.land("0.png")

    def newer() -> None:
        world.land("1.png")
        world.watch(instance_id="second")

    world.at(NOON + timedelta(minutes=20), newer)
    world.at(NOON + timedelta(minutes=40), lambda: correct(world, endpoint.address))
    world.watch(instance_id="first")

    second, first = world.runs()
    assert (first["status"], first["error"]["reason"]) == ("superseded", "superseded")
    assert first["timings"]["ended"] < "2026-03-01T12:26"
    assert (second["status"], second["snapshot"]["files"]) == ("published", 2)


def test_a_route_that_is_gone_ends_a_run_without_a_job_with_a_sentence() -> None:
    world, _ = mistyped()
    world.land("0.png")
    world.at(NOON + timedelta(minutes=20), lambda: setattr(world, "route", replace(world.route, name="renamed")))

    world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "refused")
    assert "Route 'digits' is gone or no longer matches 'digits/tuesday'" in run["error"]["message"]


def test_a_route_with_a_problem_is_waited_for() -> None:
    world, endpoint = mistyped()
    world.land("0.png")
    broken = Routes((), (Problem("digits", "polling.first", "'soon' is not a duration"),))
    told: list[str] = []

    def breaks() -> None:
        world.broken = broken

    def mended() -> None:
        told.append(world.only_run()["error"]["message"])
        world.broken = None
        correct(world, endpoint.address)

    world.at(NOON + timedelta(minutes=20), breaks)
    world.at(NOON + timedelta(minutes=40), mended)
    world.watch()

    assert "'soon' is not a duration" in told[0]
    assert world.only_run()["status"] == "published"


def test_a_landing_that_cannot_be_listed_before_the_next_attempt_is_waited_for() -> None:
    """Seen before: the note that each failed try had taken counted as a POST that may have been sent, and after three
    of them the run failed with advice to look for jobs, although nothing had been sent."""
    world = make_world(answers=[Deferred(30, "busy")])
    world.land("0.png")
    listing = world.blobs.list_folder

    def away(folder: Location, *, most: int | None = None) -> Listing:
        raise Unavailable("503")

    world.at(NOON + timedelta(seconds=30), lambda: setattr(world.blobs, "list_folder", away))
    world.at(NOON + timedelta(hours=1), lambda: setattr(world.blobs, "list_folder", listing))
    world.watch()

    run = world.only_run()
    assert run["status"] == "published"
    assert [note["outcome"] for note in run["attempts"]] == ["deferred", "accepted"]
    assert len(world.endpoint.posts) == 2


def test_a_role_that_is_felt_within_the_hour_is_waited_for() -> None:
    world = make_world(answers=[Rejected(403, "AuthorizationFailed")] * 8)
    world.land("0.png")

    world.watch()

    run = world.only_run()
    assert run["status"] == "published"
    assert [note["outcome"] for note in run["attempts"]] == ["denied"] * 8 + ["accepted"]
    assert timedelta(minutes=20) < world.clock() - NOON < timedelta(minutes=40)


def test_a_role_that_is_not_felt_within_the_hour_fails_the_run_with_advice() -> None:
    world = make_world(answers=[Rejected(403, "AuthorizationFailed")] * 100)
    world.land("0.png")

    world.watch()

    run = world.only_run()
    assert run["error"]["reason"] == "rejected_403"
    assert "AzureML Data Scientist" in run["error"]["do"]
    assert timedelta(hours=1) <= world.clock() - NOON < timedelta(hours=1, minutes=6)
