"""A shadow deployment scores the same snapshot beside the one whose results count, and is never in its way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from shared.core.deployment import Deployment
from shared.core.job import Job
from shared.core.route import Endpoint
from shared.core.submission import Accepted, Rejected, Submission
from shared.errors import Unavailable
from testbed.fakes import FakeEndpoint
from tests.workflow.world import World, make_world

SHADOWED = (
    "      scoring_uri: ${DIGITS_SCORING_URI}\n",
    "      scoring_uri: ${DIGITS_SCORING_URI}\n      shadow: next\n",
)


class Two(FakeEndpoint):
    """An endpoint whose deployment `next` may behave otherwise."""

    next_fails: str | None = None
    refuses_next: Submission | None = None

    def submit(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Submission:
        if endpoint.deployment == "next" and self.refuses_next is not None:
            return self.refuses_next
        return super().submit(endpoint, body)

    def _look_at(self, name: str) -> Job:
        job = super()._look_at(name)
        if job.deployment == "next" and self.next_fails is not None:
            return job.with_status(self.next_fails)
        return job


def a_shadowed_world(*pairs: tuple[str, str], **endpoint: Any) -> World:
    world = make_world(SHADOWED, *pairs)
    world.endpoint = Two(blobs=world.blobs, output=world.endpoint.output, **endpoint)
    return world


def two_runs(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """The run, and its shadow."""
    shadow, run = sorted(world.runs(), key=lambda found: found["shadow_of"] is None)
    assert shadow["shadow_of"] == run["run_id"]
    return run, shadow


@pytest.mark.parametrize("others", [(), ("notes.txt",)], ids=["in place", "by copies"])
def test_both_score_the_same_snapshot_and_the_shadow_is_published_beside(others: tuple[str, ...]) -> None:
    world = a_shadowed_world()
    world.land("0.png", "1.png", *others)
    world.watch()

    run, shadow = two_runs(world)
    assert (run["status"], shadow["status"]) == ("published", "published")
    assert run["snapshot"] == shadow["snapshot"]
    assert (run["job"]["deployment"], shadow["job"]["deployment"]) == ("classic", "next")
    assert run["publication"]["path"] == f"digits/tuesday/run_id={run['run_id']}"
    assert shadow["publication"]["path"] == f"digits/tuesday/shadow/run_id={run['run_id']}"
    assert len({str(post["properties"]["outputData"]) for post in world.endpoint.posts}) == 2


def test_the_end_of_a_shadow_is_announced_as_what_it_is() -> None:
    world = a_shadowed_world()
    world.land("0.png")
    world.watch()

    run, _ = two_runs(world)
    told = {kind: data.get("shadow_of") for kind, _, data, _ in world.topic.told}
    assert told == {"Landfall.RunPublished": None, "Landfall.ShadowPublished": run["run_id"]}


@pytest.mark.parametrize("status", ["Failed", "Canceled"])
def test_a_shadow_that_fails_fails_nothing(status: str) -> None:
    world = a_shadowed_world()
    assert isinstance(world.endpoint, Two)
    world.endpoint.next_fails = status
    world.land("0.png")

    assert world.watch().endswith("published")

    run, shadow = two_runs(world)
    assert (run["status"], shadow["status"]) == ("published", status.lower())


def test_a_shadow_that_was_never_deployed_fails_alone() -> None:
    world = a_shadowed_world()
    assert isinstance(world.endpoint, Two)
    world.endpoint.refuses_next = Rejected(404, "no such deployment")
    world.land("0.png")
    world.watch()

    run, shadow = two_runs(world)
    assert (run["status"], shadow["error"]["reason"]) == ("published", "rejected_404")


def test_a_ledger_that_does_not_take_the_shadow_keeps_nobody_from_scoring() -> None:
    world = a_shadowed_world()
    create = world.blobs.create

    def flaky(blob: Any, content: Any) -> bool:
        if blob.path.startswith("runs/") and b"shadow_of" in content:
            raise Unavailable("503")
        return create(blob, content)

    world.blobs.create = flaky  # type: ignore[method-assign]
    world.land("0.png")
    world.watch()

    assert world.only_run()["status"] == "published"


def test_the_same_content_gets_no_second_shadow() -> None:
    world = a_shadowed_world()
    world.land("0.png")
    world.watch()

    world.watch(instance_id="again")

    assert len(world.runs()) == 2
    assert len(world.endpoint.jobs) == 2


def test_a_shadow_that_nobody_carries_out_any_more_is_taken_up() -> None:
    world = a_shadowed_world()
    world.land("0.png")
    world.watch_until_claimed()
    assert {run["status"] for run in world.runs()} == {"claimed"}

    world.carry_on()

    run, shadow = two_runs(world)
    assert (run["status"], shadow["status"]) == ("published", "published")
    assert shadow["publication"]["path"].startswith("digits/tuesday/shadow/")


def test_a_shadow_that_was_taken_out_of_the_route_ends_with_that() -> None:
    world = a_shadowed_world()
    world.land("0.png")
    world.watch_until_claimed()
    world.route = make_world().route

    world.carry_on()

    run, shadow = two_runs(world)
    assert run["status"] == "published"
    assert "no shadow deployment any more" in shadow["error"]["message"]


def test_content_that_is_refused_has_no_shadow() -> None:
    world = a_shadowed_world(("    polling:\n", "    staging: never\n    polling:\n"))
    world.land("0.png", "notes.txt")
    world.watch()

    assert world.only_run()["error"]["reason"] == "refused"


def test_newer_content_has_a_shadow_of_its_own() -> None:
    world = a_shadowed_world()
    world.land("0.png")
    world.watch()
    world.land("0.png", content=b"other ")
    world.watch(instance_id="again")

    shadows = [run for run in world.runs() if run["shadow_of"]]
    assert len(world.runs()) == 4
    assert len({run["shadow_of"] for run in shadows}) == 2
    assert all(run["status"] == "published" for run in shadows)


def test_what_fits_the_deployment_need_not_fit_its_shadow() -> None:
    world = a_shadowed_world()

    class Unlike(Two):
        def deployment(self, endpoint: Endpoint) -> Deployment | None:
            return Deployment(name="n", is_pipeline=endpoint.deployment == "next", inputs=(), outputs=())

    world.endpoint = Unlike(blobs=world.blobs, output=world.endpoint.output)
    world.land("0.png")
    world.watch()

    run, shadow = two_runs(world)
    assert (run["status"], shadow["error"]["reason"]) == ("published", "unfit")


def test_a_route_without_a_shadow_starts_one_orchestration() -> None:
    world = make_world()
    world.endpoint.answers = [lambda endpoint, body: Accepted(endpoint.make_job(body))]
    world.land("0.png")
    world.watch()

    assert world.driver.counts["orchestration score_v1"] == 1
