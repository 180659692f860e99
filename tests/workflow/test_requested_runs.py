"""Runs that somebody asked for, carried out: as always, with what is different from the route."""

from __future__ import annotations

import json
from typing import Any

from shared.core.location import Location
from shared.core.record import dump
from shared.core.request import Asked, Granted, RunRequest, digest_of
from shared.core.run import Run
from shared.core.submission import Deferred
from shared.routes import Routes
from shared.work.requesting import grant
from testbed.examples import digits_route
from tests.workflow.nested import nested
from tests.workflow.world import World, make_world
from triggers.names import Orchestrator

MAY_BE_CHANGED = ("    publish:\n", "    on_request: true\n    publish:\n")
ONLY_ON_REQUEST = ("    ready:\n      quiet: 5s\n      longest_wait: 2h\n", "    on_request: true\n")


def claimed(world: World, *, key: str = "one", **more: Any) -> Run:
    """The run that is claimed for a request, and not started."""
    request = RunRequest(**{"route": "digits", "landing": "digits/tuesday", **more})
    asked = Asked(request=request, key=digest_of(key), is_repeatable=True, by="ada@example.com")
    granted = grant(lambda: world.routes, world.blobs, world.ledger, asked, world.clock())
    assert isinstance(granted, Granted), granted
    return granted.run


def ask(world: World, **more: Any) -> dict[str, Any]:
    """The run that somebody asked for, in the end."""
    run = claimed(world, **more)
    world.driver.run(Orchestrator.SCORE, dump(run), run.run_id)
    return world.only_run()


def reroute(world: World, *pairs: tuple[str, str]) -> None:
    world.broken = Routes((digits_route(*pairs),))


def test_a_landing_that_is_asked_for_is_scored_and_published_like_any_other() -> None:
    world = make_world()
    world.land("0.png", "1.png")

    run = ask(world)

    assert (run["status"], run["attempt"]) == ("published", 1)
    assert world.published(run) == ["_SUCCESS", "_run.json", "predictions.csv"]


def test_what_the_caller_changed_is_sent_recorded_and_told_in_the_manifest() -> None:
    world = make_world(MAY_BE_CHANGED)
    world.land("0.png")

    run = ask(world, settings={"mini_batch_size": 3})

    (post,) = world.endpoint.posts
    assert post["properties"]["miniBatchSize"] == 3
    expected = {"by": "ada@example.com", "changes": {"settings": {"mini_batch_size": 3}}}
    assert run["request"] == expected
    record = world.ledger.run(run["run_id"])
    assert record is not None
    manifest = json.loads(world.blobs.contents[record.spec.publish.at("_run.json")][0])
    assert manifest["request"] == expected


def test_what_the_caller_changed_is_applied_again_to_a_route_that_was_corrected_before_a_later_attempt() -> None:
    world = make_world(MAY_BE_CHANGED, answers=[Deferred(5.0, "busy")])
    world.land("0.png")
    run = claimed(world, settings={"mini_batch_size": 3})
    reroute(
        world,
        MAY_BE_CHANGED,
        ("scoring_uri: ${DIGITS_SCORING_URI}", "scoring_uri: ${DIGITS_SCORING_URI}\n      deployment: better"),
    )

    world.driver.run(Orchestrator.SCORE, dump(run), run.run_id)

    ended = world.only_run()
    assert (ended["status"], ended["attempt"], ended["job"]["deployment"]) == ("published", 2, "better")
    assert [post["properties"]["miniBatchSize"] for post in world.endpoint.posts] == [3, 3]


def test_a_route_that_no_longer_lets_a_caller_change_it_ends_the_run_with_that_reason() -> None:
    world = make_world(MAY_BE_CHANGED, answers=[Deferred(5.0, "busy")])
    world.land("0.png")
    run = claimed(world, settings={"mini_batch_size": 3})
    reroute(world)

    world.driver.run(Orchestrator.SCORE, dump(run), run.run_id)

    ended = world.only_run()
    assert ended["status"] == "failed"
    assert "does not let a caller change its settings or inputs" in ended["error"]["message"]


def test_a_run_that_nobody_started_is_taken_up_by_the_sweep_with_its_changes() -> None:
    world = make_world(MAY_BE_CHANGED)
    world.land("0.png")
    claimed(world, settings={"mini_batch_size": 3})

    world.carry_on()

    assert world.only_run()["status"] == "published"
    assert [post["properties"]["miniBatchSize"] for post in world.endpoint.posts] == [3]


def test_a_run_on_request_and_its_event_share_one_run() -> None:
    world = make_world()
    world.land("0.png")

    run = ask(world)
    world.watch()

    assert world.only_run()["run_id"] == run["run_id"]
    assert len(world.endpoint.posts) == 1


def test_files_that_come_while_it_is_scored_are_not_published_with_it() -> None:
    """The folder was not complete: whoever asked is told of exactly what was there when they did."""
    world = make_world()
    world.land("0.png")
    run = claimed(world)
    world.land("1.png")

    world.driver.run(Orchestrator.SCORE, dump(run), run.run_id)

    ended = world.only_run()
    assert (ended["status"], ended["staged"], ended["snapshot"]["files"]) == ("published", True, 1)


def test_files_that_change_after_the_claim_supersede_the_run() -> None:
    world = make_world()
    world.land("0.png")
    run = claimed(world)
    world.land("0.png", content=b"other pixels")

    world.driver.run(Orchestrator.SCORE, dump(run), run.run_id)

    ended = world.only_run()
    assert ended["status"] == "superseded"
    assert ended["error"]["reason"] == "superseded"


def test_a_route_that_is_scored_on_request_only_needs_no_readiness() -> None:
    world = make_world(ONLY_ON_REQUEST)
    world.land("0.png")

    assert ask(world)["status"] == "published"


def test_a_watch_of_a_route_that_has_become_one_for_requests_only_ends_without_a_run() -> None:
    world = make_world()
    world.land("0.png")
    reroute(world, ONLY_ON_REQUEST)

    world.watch()

    assert world.runs() == []


def test_a_landing_that_is_asked_for_again_publishes_beside_what_there_was() -> None:
    world = make_world()
    world.land("0.png")
    first = ask(world)

    run = claimed(world, key="two", again=True)
    world.driver.run(Orchestrator.SCORE, dump(run), run.run_id)

    second, same = world.runs()
    assert (second["status"], same["run_id"]) == ("published", first["run_id"])
    folders = {Location(world.route.publish, one["publication"]["path"]) for one in (second, same)}
    assert len(folders) == 2


def test_a_landing_with_sub_folders_is_flattened_where_its_route_says_so() -> None:
    world = make_world(nested("flatten"))
    world.land("0.png", "deep/1.png")

    run = ask(world)

    assert (run["status"], run["staged"], run["snapshot"]["files"]) == ("published", True, 2)


def test_a_landing_whose_sub_folders_cannot_be_scored_has_a_run_that_says_so() -> None:
    """Nothing lies in the folder itself: it is not called empty, as that would send somebody to upload files again."""
    world = make_world()
    world.land("deep/1.png")

    run = ask(world)

    assert run["status"] == "failed"
    assert "deep" in run["error"]["message"]


def test_a_sub_folder_is_asked_for_where_each_is_a_landing() -> None:
    world = make_world(nested("split"))
    world.land("deep/1.png")

    assert ask(world, landing="digits/tuesday/deep")["status"] == "published"
