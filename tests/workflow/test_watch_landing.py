"""One watcher per landing, a look after every event, a run for every content."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from shared.core.location import Location
from shared.errors import Unavailable
from testbed.fakes import NOON
from tests.workflow import driver
from tests.workflow.world import make_world


def created(run: dict[str, Any]) -> datetime:
    """When a run was claimed."""
    return datetime.fromisoformat(run["created"])


MARKED = ("      quiet: 5s", "      marker: _SUCCESS")


def test_a_folder_is_scored_once_nothing_has_changed_for_the_quiet_period() -> None:
    world = make_world()
    world.land("0.png")
    world.at(NOON + timedelta(seconds=4), lambda: world.land("1.png"))
    world.at(NOON + timedelta(seconds=8), lambda: world.land("2.png"))

    world.watch()

    (run,) = world.runs()
    assert run["snapshot"]["files"] == 3
    assert NOON + timedelta(seconds=13) <= created(run) <= NOON + timedelta(seconds=15)


def test_an_event_for_a_landing_that_is_watched_ends_at_once_and_has_the_watcher_look_again() -> None:
    world = make_world()
    world.land("0.png")
    results = []

    def late() -> None:
        world.land("1.png")
        results.append(world.watch(instance_id="second"))

    world.at(NOON + timedelta(seconds=9), late)
    first = world.watch(instance_id="first")

    assert results == ["left to first"]
    assert sorted(run["snapshot"]["files"] for run in world.runs()) == [1, 2]
    assert first.endswith("published")


def test_the_same_content_seen_again_is_not_scored_again() -> None:
    world = make_world()
    world.land("0.png", "1.png")
    world.watch()

    assert world.watch().startswith("already known as")
    world.land("0.png", "1.png")  # dropped again: new etags, same bytes
    assert world.watch().startswith("already known as")

    assert len(world.runs()) == len(world.endpoint.posts) == 1


def test_the_same_content_in_another_folder_is_a_run_of_its_own() -> None:
    world = make_world()
    world.land("0.png")
    world.watch()

    world.land("0.png", folder="digits/wednesday")
    world.watch("digits/wednesday")

    assert sorted(run["landing"] for run in world.runs()) == ["landing/digits/tuesday", "landing/digits/wednesday"]


def test_a_failed_run_is_tried_again_when_its_files_are_dropped_anew_but_not_for_a_repeated_event() -> None:
    world = make_world(statuses=("Failed",))
    world.land("0.png")
    world.watch()
    assert world.watch().startswith("already known as")

    world.endpoint.statuses = ("Completed",)
    world.land("0.png")
    world.watch()

    second, first = world.runs()
    assert (first["status"], second["status"]) == ("failed", "published")
    assert first["run_id"] != second["run_id"]


def test_a_folder_that_is_empty_by_the_time_of_the_look_costs_one_look() -> None:
    world = make_world()

    assert world.watch() == "nothing to score"
    assert world.driver.counts["activity"] == 1


def test_a_marked_folder_waits_for_its_marker_and_scores_everything_but_the_marker() -> None:
    world = make_world(MARKED)
    world.land("0.png")
    results = []

    def complete() -> None:
        world.land("1.png", "_SUCCESS")
        results.append(world.watch(is_marker=True, instance_id="urgent"))

    world.at(NOON + timedelta(minutes=7), complete)
    patient = world.watch(instance_id="patient")

    (run,) = world.runs()
    assert run["snapshot"]["files"] == 2
    assert created(run) <= NOON + timedelta(minutes=7, seconds=5)
    assert results[0].endswith("published")
    # The patient watcher had been replaced; it either saw that or found the content known.
    assert patient.startswith(("left to", "already known"))


def test_a_marker_whose_event_was_lost_is_found_within_minutes() -> None:
    world = make_world(MARKED)
    world.land("0.png")
    world.at(NOON + timedelta(minutes=7), lambda: world.land("_SUCCESS"))

    world.watch()

    (run,) = world.runs()
    assert created(run) <= NOON + timedelta(minutes=13)


def test_a_marker_that_never_arrives_fails_a_run_that_says_so() -> None:
    world = make_world(MARKED)
    world.land("0.png")

    world.watch()

    (run,) = world.runs()
    assert run["status"] == "failed"
    assert "within 2:00:00: _SUCCESS did not arrive" in run["error"]["message"]
    assert world.endpoint.posts == []


def test_a_marker_that_arrives_after_all_starts_a_new_run() -> None:
    world = make_world(MARKED)
    world.land("0.png")
    world.watch()

    world.land("_SUCCESS")
    world.watch(is_marker=True)

    assert [run["status"] for run in world.runs()] == ["published", "failed"]


def test_a_folder_that_is_never_quiet_is_scored_after_the_longest_wait() -> None:
    world = make_world()
    world.land("0.png")
    for second in range(3, 3 * 3600, 3):
        world.at(NOON + timedelta(seconds=second), lambda: world.land("0.png", content=str(world.clock()).encode()))

    def stops() -> None:
        world.agenda.clear()

    world.at(NOON + timedelta(hours=2, seconds=8), stops)
    world.watch()

    oldest = world.runs()[-1]
    assert NOON + timedelta(hours=2) <= world.clock()
    assert created(oldest) >= NOON + timedelta(hours=2)
    assert world.driver.longest_history < 100


def test_storage_that_does_not_answer_is_waited_for() -> None:
    world = make_world()
    world.land("0.png")
    world.blobs.down = "503"

    def recovers() -> None:
        world.blobs.down = None

    world.at(NOON + timedelta(hours=1), recovers)
    world.watch()

    (run,) = world.runs()
    assert run["status"] == "published"
    assert "503" in world.troubles[0]


def test_every_file_is_a_landing_of_its_own_where_the_input_is_a_file() -> None:
    world = make_world(("type: uri_folder", "type: uri_file"))
    world.land("0.png", "1.png")

    world.watch("digits/tuesday/0.png")
    world.watch("digits/tuesday/1.png")

    assert len(world.runs()) == 2
    uris = [post["properties"]["inputData"]["images"]["uri"] for post in world.endpoint.posts]
    assert [uri.rpartition("/")[2] for uri in uris] == ["0.png", "1.png"]


def test_the_durable_work_for_a_folder_does_not_grow_with_its_files() -> None:
    counts = []
    for files in (1, 250):
        world = make_world()
        world.land(*(f"{i}.png" for i in range(files)))
        world.watch()
        counts.append(+world.driver.counts)

    assert counts[0] == counts[1]


def test_a_claim_that_fails_for_most_of_a_day_keeps_the_history_short() -> None:
    world = make_world()
    world.land("0.png")
    claim = world.driver.activities["claim_run"]

    def failing(given: Any) -> Any:
        if world.clock() < NOON + timedelta(hours=23):
            raise Unavailable("503")
        return claim(given)

    world.driver.activities = {**world.driver.activities, "claim_run": failing}
    world.watch()

    assert [run["status"] for run in world.runs()] == ["published"]
    assert world.driver.longest_history < 100


def test_storage_that_is_away_for_more_than_a_day_ends_the_watch_and_frees_the_landing() -> None:
    """Seen before: a watch tried for as long as its container was gone, and every further event brought another."""
    world = make_world()
    world.land("0.png")
    world.blobs.down = "503"

    assert world.watch() == "failed (passing): 503"

    assert timedelta(days=1) <= world.clock() - NOON < timedelta(days=1, minutes=10)
    world.blobs.down = None
    world.watch()
    assert world.only_run()["status"] == "published"


def test_content_that_changes_all_the_time_is_looked_at_more_and_more_rarely() -> None:
    """Seen before: with a marker beside a file that is written to all the time, 401 superseded runs within seconds."""
    world = make_world(MARKED, ("    polling:", "    staging: always\n    polling:"))
    world.land("0.png", "_SUCCESS")
    writes = 0

    def written_to(source: Location) -> None:
        nonlocal writes
        writes += 1
        if world.clock() < NOON + timedelta(hours=1):
            world.land("0.png", content=str(writes).encode())

    world.blobs.before_copy = written_to
    world.watch()

    runs = world.runs()
    assert runs[0]["status"] == "published"
    assert {run["status"] for run in runs[1:]} == {"superseded"}
    assert len(runs) < 20


def test_a_run_that_cannot_be_carried_out_is_left_to_the_sweep_and_frees_the_landing() -> None:
    world = make_world()
    world.land("0.png")

    def terminated(context: Any) -> Any:
        raise RuntimeError("the orchestration was terminated")

    orchestrators = dict(driver.ORCHESTRATORS)
    world.driver.orchestrators = {**orchestrators, "score_v1": terminated}

    assert world.watch() == "run left to the sweep"

    world.driver.orchestrators = orchestrators
    world.carry_on()
    assert [run["status"] for run in world.runs()] == ["published"]
