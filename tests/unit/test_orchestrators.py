"""What is not in the plans: trouble of steps on which nothing depends, and routes that change meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.core.landing import Look
from shared.errors import Unavailable
from shared.routes import Routes
from shared.work import landing
from tests.fakes import NOON
from tests.workflow.world import make_world
from triggers.names import Activity


def fails(given: Any) -> Any:
    raise Unavailable("403: no role on the workspace")


def test_a_failure_that_cannot_be_explained_ends_the_run_all_the_same() -> None:
    """An identity that may score but not read the run history is refused an explanation each time."""
    world = make_world(statuses=("Failed",))
    world.land("0.png")
    world.driver.activities = {**world.driver.activities, Activity.EXPLAIN_FAILURE: fails}

    world.watch()

    (run,) = world.runs()
    assert run["error"]["message"].startswith("Job batchjob-1 failed.")
    assert world.clock() < NOON + timedelta(minutes=10)


def payload(path: str) -> dict[str, Any]:
    return {"route": "digits", "landing": path, "instance_id": "watch-1", "now": NOON.isoformat()}


def test_a_landing_that_its_route_no_longer_takes_is_let_go() -> None:
    """Its watch is under way while the folder pattern changes, and would fail at claiming for ever."""
    world = make_world()
    world.land("0.png", folder="old/tuesday")
    routes = Routes((world.route,))
    seen = Look.from_payload(landing.look(routes, world.blobs, payload("old/tuesday")))

    given = {**payload("old/tuesday"), "fingerprint": seen.fingerprint, "refusal": None, "restless": False}
    assert "known" in landing.claim(routes, world.blobs, world.ledger, given)
