"""What is wrong with the code ends a run or a watch at once: it is no trouble that passes.

Seen before: a `KeyError` in a step was retried 292 times over 24 hours, and by a watch it would have been for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.core.submission import Deferred
from shared.core.watchers import read_watchers
from testbed.fakes import NOON
from tests.workflow.world import World, make_world

Break = Callable[[World], None]


def raises(*_: Any, **__: Any) -> Any:
    raise KeyError("properties")


def breaking(part: str, method: str) -> Break:
    """Has a method of a port raise what only wrong code raises."""

    def breaks(world: World) -> None:
        setattr(getattr(world, part), method, raises)

    return breaks


def breaking_later(part: str, method: str, activity: str) -> Break:
    """The same from the moment on when that activity is due."""

    def breaks(world: World) -> None:
        works = world.driver.activities[activity]

        def broken(given: Any) -> Any:
            setattr(getattr(world, part), method, raises)
            return works(given)

        world.driver.activities = {**world.driver.activities, activity: broken}

    return breaks


def defects(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.message.startswith("landfall.step.defect")]


def is_free(world: World) -> bool:
    """Whether the next event's watch would be the watcher."""
    (state,) = world.driver.landings.values()
    return read_watchers(state).watcher is None


IN_A_RUN = [
    pytest.param(breaking("endpoint", "submit"), id="submitting"),
    pytest.param(breaking("endpoint", "job"), id="looking at the job"),
    pytest.param(breaking_later("blobs", "list_folder", "check_landing"), id="comparing the landing"),
    pytest.param(breaking_later("blobs", "list_below", "list_outputs"), id="listing outputs"),
    pytest.param(breaking_later("blobs", "copy", "copy_outputs"), id="copying outputs"),
    pytest.param(breaking_later("blobs", "create", "seal_publication"), id="sealing"),
]


@pytest.mark.parametrize("breaks", IN_A_RUN)
def test_a_defect_in_a_step_of_a_run_ends_it_at_once_and_frees_its_landing(
    breaks: Break, caplog: pytest.LogCaptureFixture
) -> None:
    world = make_world()
    world.land("0.png")
    breaks(world)

    with caplog.at_level(logging.ERROR, "landfall"):
        world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "defect")
    assert "KeyError: 'properties'" in run["error"]["message"]
    assert world.clock() - NOON < timedelta(minutes=5)
    assert is_free(world)
    (told,) = defects(caplog)
    assert "Traceback" in told


def test_a_job_whose_run_has_ended_by_a_defect_does_not_run_on() -> None:
    world = make_world()
    world.land("0.png")
    breaking("endpoint", "job")(world)

    world.watch()

    assert world.endpoint.canceled == ["batchjob-1"]


def test_a_defect_that_prevents_an_announcement_does_not_fail_the_run(caplog: pytest.LogCaptureFixture) -> None:
    world = make_world()
    world.land("0.png")
    breaking("topic", "announce")(world)

    with caplog.at_level(logging.ERROR, "landfall"):
        world.watch()

    assert world.only_run()["status"] == "published"
    assert len(defects(caplog)) == 1


@pytest.mark.parametrize(
    "breaks",
    [
        pytest.param(breaking("blobs", "list_folder"), id="looking"),
        pytest.param(breaking_later("blobs", "list_folder", "claim_run"), id="claiming"),
    ],
)
def test_a_defect_in_a_step_of_a_watch_ends_it_at_once_and_frees_its_landing(
    breaks: Break, caplog: pytest.LogCaptureFixture
) -> None:
    world = make_world()
    world.land("0.png")
    breaks(world)

    with caplog.at_level(logging.ERROR, "landfall"):
        result = world.watch()

    assert result == "failed (defect): KeyError: 'properties'"
    assert world.clock() - NOON < timedelta(minutes=1)
    assert is_free(world)
    assert len(defects(caplog)) == 1


def test_the_landing_is_scored_when_the_code_is_right_again() -> None:
    world = make_world()
    world.land("0.png")
    works = world.blobs.list_folder
    breaking("blobs", "list_folder")(world)
    world.watch()

    world.blobs.list_folder = works  # type: ignore[method-assign]  # as it was
    world.watch()

    assert world.only_run()["status"] == "published"


def test_a_defect_of_the_orchestrator_itself_ends_the_run_and_is_told_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A number that no calendar has, as a service might send it: nothing that trying again would cure."""
    world = make_world(answers=[Deferred(1e18, "Too many requests")])
    world.land("0.png")

    with caplog.at_level(logging.ERROR, "landfall"):
        world.watch()

    run = world.only_run()
    assert (run["status"], run["error"]["reason"]) == ("failed", "defect")
    assert is_free(world)
    (told,) = defects(caplog)
    assert "OverflowError" in told
