"""Many landings at once, and a cluster that has room for few jobs: all are scored, in turn.

Seen before: of forty landings on eight nodes, 21 runs failed by `start_deadline`, because all forty had a job at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.core.acts import Cancel
from shared.core.deployment import Deployment
from shared.core.location import Container, Location
from shared.core.pointer import Pointer, pointer_to
from shared.core.record import Names
from shared.core.run import Progress, Run, Timings
from shared.core.slots import Admitted, TakeSlot, slots_of
from shared.errors import RoutesInvalid
from shared.work import admitting, lines
from shared.work.ledger import Ledger
from testbed.examples import STATE
from testbed.fakes import NOON
from tests.workflow.hosted import Start, play
from tests.workflow.world import World, make_world

TIMES = Timings(claimed=NOON)
LONG = ("Preparing", *["Running"] * 15, "Completed")
"""A job that runs for some ten minutes."""


def on_nodes(nodes: int, *pairs: tuple[str, str], **endpoint: Any) -> World:
    deployed = Deployment(name="classic", is_pipeline=False, nodes=nodes)
    return make_world(*pairs, deployed=deployed, **endpoint)


def land_many(world: World, count: int) -> list[Start]:
    """So many folders, whose events come a second apart."""
    folders = [f"digits/{number:03}" for number in range(count)]
    for folder in folders:
        world.land("0.png", folder=folder)
    return [Start(f"watch-{number}", timedelta(seconds=number), folder=folder) for number, folder in enumerate(folders)]


def most_at_once(world: World) -> list[int]:
    """How many jobs there are whenever one is made."""
    counts: list[int] = []
    make_job = world.endpoint.make_job

    def counting(*given: Any) -> Any:
        made = make_job(*given)
        counts.append(sum(name not in world.endpoint.written for name in world.endpoint.jobs))
        return made

    world.endpoint.make_job = counting  # type: ignore[assignment]  # the same, and counts
    return counts


def left_behind(world: World) -> list[str]:
    """What the ledger still has of slots and lines."""
    return [
        path
        for path in world.blobs.paths(STATE)
        if path.startswith("line/") or (path.startswith("slots/") and b"run_id" in stored(world, path))
    ]


def stored(world: World, path: str) -> bytes:
    return next(content for blob, (content, _) in world.blobs.contents.items() if blob.path == path)


@pytest.mark.long
@pytest.mark.thorough
def test_forty_landings_on_eight_nodes_are_all_published_and_never_more_than_eight_have_a_job() -> None:
    world = on_nodes(8)
    starts, counts = land_many(world, 40), most_at_once(world)

    play(world, starts)

    assert {run["status"] for run in world.runs()} == {"published"}
    assert len(world.endpoint.posts) == 40
    assert max(counts) == 8
    assert left_behind(world) == []


def test_they_are_scored_in_the_order_in_which_they_were_claimed() -> None:
    world = on_nodes(1)
    holding(world)
    world.at(NOON + timedelta(minutes=5), lambda: free(world))
    play(world, land_many(world, 6))

    submitted = [run.timings.submitted for run in sorted(records(world), key=pointer_to)]

    assert submitted == sorted(moment for moment in submitted if moment is not None)


def test_the_wait_for_a_slot_is_not_the_wait_for_nodes() -> None:
    """The last one waits for three jobs, longer than the start deadline."""
    world = on_nodes(1, ("longest: 1m", "longest: 1m\n      start_deadline: 20m"), statuses=LONG)
    play(world, land_many(world, 4))

    runs = world.runs()

    assert {run["status"] for run in runs} == {"published"}
    waits = [one.timings.submitted - one.timings.claimed for one in records(world) if one.timings.submitted]
    assert max(waits) > records(world)[0].spec.polling.start_deadline


def records(world: World) -> list[Run]:
    found = [world.ledger.run(run["run_id"]) for run in world.runs()]
    return [run for run in found if run is not None]


def holding(world: World, run_id: str = "other-00000000000000000001") -> None:
    """Somebody else has a slot."""
    given = taking(world, run_id)
    assert isinstance(admitting.take_slot(lambda: world.routes, world.endpoint, world.ledger, given, NOON), Admitted)


def taking(world: World, run_id: str) -> TakeSlot:
    return TakeSlot(names=names_of(run_id), endpoint=world.route.endpoint, settings=world.route.settings, claimed=NOON)


def names_of(run_id: str) -> Names:
    return Names(route=run_id.rpartition("-")[0], landing="x", instance_id=run_id, run_id=run_id)


def free(world: World, run_id: str = "other-00000000000000000001") -> None:
    slot = slots_of(world.route.endpoint)
    admitting.give_back(world.ledger, run_id, Progress(timings=TIMES, updated=NOON, since=NOON, slot=slot))


def test_what_waits_says_so_with_its_place_in_line() -> None:
    world = on_nodes(1)
    holding(world)
    world.land("0.png")
    seen: list[dict[str, Any]] = []
    world.at(NOON + timedelta(minutes=10), lambda: seen.append(world.only_run()))
    world.at(NOON + timedelta(minutes=11), lambda: free(world))

    world.watch()

    assert seen[0]["status"] == "submitting"
    assert seen[0]["error"]["reason"] == "in_line"
    assert "has as many runs with a job as it may have at once (1" in seen[0]["error"]["message"]
    assert "it is next" in seen[0]["error"]["message"]
    assert seen[0]["ahead"] == 0
    assert world.only_run()["status"] == "published"
    assert (world.only_run()["error"], world.only_run()["ahead"]) == (None, None)


def test_one_that_waits_can_be_canceled_and_nothing_is_sent() -> None:
    world = on_nodes(1)
    holding(world)
    world.land("0.png")
    cancel = Cancel(at=NOON, by="somebody")
    world.at(NOON + timedelta(minutes=5), lambda: world.ledger.cancel(world.only_run()["run_id"], cancel))

    world.watch()

    assert world.only_run()["status"] == "canceled"
    assert world.endpoint.posts == []
    assert not [path for path in left_behind(world) if path.startswith("line/")]


def test_content_that_is_replaced_while_it_waits_is_never_scored() -> None:
    world = on_nodes(1)
    holding(world)
    world.land("0.png")
    world.at(NOON + timedelta(minutes=5), lambda: world.land("0.png", content=b"newer"))
    world.at(NOON + timedelta(minutes=10), lambda: free(world))

    world.watch()

    assert [run["status"] for run in world.runs()] == ["published", "superseded"]
    assert len(world.endpoint.posts) == 1


def test_one_that_nobody_carries_out_any_more_keeps_its_place() -> None:
    world = on_nodes(1)
    holding(world)
    world.land("0.png")

    class Stopped(BaseException):
        pass

    def stop() -> None:
        raise Stopped

    world.at(NOON + timedelta(minutes=5), stop)
    with pytest.raises(Stopped):
        world.watch()
    before = [path for path in left_behind(world) if path.startswith("line/")]
    assert len(before) == 1
    world.at(world.clock() + timedelta(minutes=5), lambda: free(world))

    world.carry_on()

    assert world.only_run()["status"] == "published"
    assert left_behind(world) == []


def test_a_limit_that_is_raised_counts_for_those_that_wait_already() -> None:
    world = on_nodes(1)
    holding(world)
    world.land("0.png")
    bigger = Deployment(name="classic", is_pipeline=False, nodes=2)
    world.at(NOON + timedelta(minutes=5), lambda: setattr(world.endpoint, "deployed", bigger))

    world.watch()

    assert world.only_run()["status"] == "published"


def test_a_cluster_whose_size_is_not_known_limits_nothing_and_costs_no_document() -> None:
    world = make_world()
    world.land("0.png")

    world.watch()

    assert world.only_run()["status"] == "published"
    assert not [path for path in world.blobs.paths(STATE) if path.startswith(("slots/", "line/"))]


def test_routes_that_cannot_be_read_keep_no_run_from_its_slot() -> None:
    world = on_nodes(1)

    def broken() -> Any:
        raise RoutesInvalid([])

    answer = admitting.take_slot(broken, world.endpoint, world.ledger, taking(world, f"digits-{1:020x}"), NOON)

    assert answer == Admitted(slots_of(world.route.endpoint))


def test_who_asks_again_has_the_same_slot() -> None:
    world = on_nodes(1)
    holding(world)
    holding(world)


@pytest.mark.parametrize("rubbish", [b"", b"[]", b'{"version":9}', b"\xff"])
def test_a_document_that_cannot_be_read_keeps_nobody_waiting(rubbish: bytes) -> None:
    world = on_nodes(1)
    holding(world)
    world.blobs.put(Location(STATE, f"slots/{slots_of(world.route.endpoint)}.json"), rubbish)
    world.land("0.png")

    world.watch()

    assert world.only_run()["status"] == "published"


class TestWhatEndedRunsHaveLeftBehind:
    def test_is_cleared_away_by_the_sweep(self) -> None:
        world = on_nodes(1)
        world.land("0.png")
        world.watch()
        run = records(world)[0]
        filed = slots_of(world.route.endpoint)
        holding(world, run.run_id)
        world.ledger.point(f"line/{filed}/{Pointer(run.timings.claimed, run.run_id).name}")
        assert len(left_behind(world)) == 2

        admitting.clear(world.ledger, set(), world.clock())

        assert left_behind(world) == []

    def test_but_nothing_of_a_run_that_is_under_way_or_just_claimed(self) -> None:
        world = on_nodes(3)
        ours, claimed = f"digits-{1:020x}", f"digits-{2:020x}"
        holding(world, ours)
        holding(world, claimed)

        admitting.clear(world.ledger, {ours}, NOON + timedelta(minutes=5))
        assert b"%b" % ours.encode() in stored(world, left_behind(world)[0])
        assert claimed.encode() in stored(world, left_behind(world)[0])

        admitting.clear(world.ledger, {ours}, NOON + timedelta(hours=2))
        assert claimed.encode() not in stored(world, left_behind(world)[0])
        assert ours.encode() in stored(world, left_behind(world)[0])


class TestRunsInADay:
    def test_a_folder_that_changes_for_ever_does_not_cost_a_job_for_every_change(self) -> None:
        world = make_world(("publish:", "limits: {landing_runs_per_day: 3}\n    publish:"))
        for number in range(6):
            world.land("0.png", content=b"%d" % number)
            world.watch()

        statuses = [run["status"] for run in world.runs()]

        assert statuses.count("published") == 3
        assert statuses.count("failed") == 3
        assert len(world.endpoint.posts) == 3
        error = world.runs()[0]["error"]
        assert error["reason"] == "refused"
        assert "The landing has had 5 runs today (limits.landing_runs_per_day is 3)" in error["message"]
        assert "tomorrow" in error["do"]

    def test_the_next_day_is_a_new_one(self) -> None:
        world = make_world(("publish:", "limits: {landing_runs_per_day: 1}\n    publish:"))
        for number in range(2):
            world.land("0.png", content=b"%d" % number)
            world.watch()
        world.clock.advance(days=1)
        world.land("0.png", content=b"later")

        world.watch()

        assert [run["status"] for run in world.runs()] == ["published", "failed", "published"]

    def test_a_route_has_so_many_runs_in_a_day_whatever_lands(self) -> None:
        world = make_world(("publish:", "limits: {runs_per_day: 2}\n    publish:"))
        for folder in ("digits/a", "digits/b", "digits/c"):
            world.land("0.png", folder=folder)
            world.watch(folder)

        newest, *others = world.runs()

        assert [run["status"] for run in others] == ["published", "published"]
        assert "has had 2 runs today (limits.runs_per_day is 2)" in newest["error"]["message"]


def test_a_step_that_is_carried_out_twice_leaves_one_slot() -> None:
    world = on_nodes(2)
    world.land("0.png")
    take = world.driver.activities["take_slot"]
    world.driver.activities = {**world.driver.activities, "take_slot": lambda given: (take(given), take(given))[1]}

    world.watch()

    assert world.only_run()["status"] == "published"
    assert left_behind(world) == []


def test_a_long_line_is_listed_now_and_then_and_not_for_everyone_who_asks() -> None:
    """Seen before: of 5 000 landings that came at once, each listed all others when it joined, and when it asked."""
    world = on_nodes(1)
    holding(world)
    listed = lists_of_lines(world)
    at = NOON

    for number in range(100):
        at += timedelta(milliseconds=100)
        answer = take(world, f"digits-{number:020x}", at)
        assert (answer.ahead, answer.most) == (number, 1)

    assert len(listed) <= 2 * (1 + 10 / lines.FRESH.total_seconds()), "each takes the days, and those of one day"


def test_what_another_process_has_put_in_line_counts_seconds_later() -> None:
    world = on_nodes(1)
    holding(world)
    assert take(world, f"digits-{2:020x}", NOON).ahead == 0
    theirs = Ledger(world.blobs, world.ledger.container)
    assert take(world, f"digits-{1:020x}", NOON, theirs).ahead == 0

    assert take(world, f"digits-{2:020x}", NOON + 2 * lines.FRESH).ahead == 1


def test_whoever_leaves_the_line_is_not_waited_for() -> None:
    world = on_nodes(1)
    holding(world)
    first, second = f"digits-{1:020x}", f"digits-{2:020x}"
    assert [take(world, one, NOON).ahead for one in (first, second)] == [0, 1]
    free(world)
    free(world, first)

    assert isinstance(take(world, second, NOON), Admitted)


def take(world: World, run_id: str, at: datetime, ledger: Ledger | None = None) -> Any:
    given = taking(world, run_id)
    return admitting.take_slot(lambda: world.routes, world.endpoint, ledger or world.ledger, given, at)


def lists_of_lines(world: World) -> list[str]:
    """The prefixes of all lists of lines, from now on."""
    found, names = list[str](), world.blobs.names

    def noting(container: Container, prefix: str, *, folders: bool = False) -> Any:
        if prefix.startswith("line/"):
            found.append(prefix)
        return names(container, prefix, folders=folders)

    world.blobs.names = noting  # type: ignore[method-assign]  # the same, and notes
    return found
