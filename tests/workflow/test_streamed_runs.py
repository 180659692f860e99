"""Where firewalls keep the storage service from copying, copies go through the app: the run is published all the same,
and says so in its record, its manifest and the log."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest

from testbed.examples import SETTINGS
from testbed.fakes import NOON
from tests.triggers.log import told
from tests.workflow.world import World, make_world

LANDING, WORKSPACE = SETTINGS["LANDING_ACCOUNT_URL"], SETTINGS["WORKSPACE_ACCOUNT_URL"]


def manifest(world: World, run: dict[str, object]) -> dict[str, object]:
    record = world.ledger.run(str(run["run_id"]))
    assert record is not None
    stored = world.blobs.read(record.spec.publish.at("_run.json"))
    assert stored is not None
    return dict(json.loads(stored.content))


@pytest.mark.parametrize(
    ("walled", "files", "outputs"),
    [
        pytest.param({LANDING, WORKSPACE}, 2, 1, id="around both accounts"),
        pytest.param({LANDING}, 2, 0, id="around the landing"),
        pytest.param({WORKSPACE}, 0, 1, id="around the workspace"),
        pytest.param(set(), 0, 0, id="nowhere"),
    ],
)
def test_a_run_tells_how_many_files_went_through_the_app(
    walled: set[str], files: int, outputs: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "landfall")
    world = make_world()
    world.blobs.walled = frozenset(walled)
    world.land("0.png", "1.png", "notes.txt")  # so that copies are scored

    world.watch()

    run = world.only_run()
    assert run["status"] == "published"
    assert (run["streamed"], run["publication"]["streamed"]) == (files, outputs)
    assert manifest(world, run)["streamed"] == {"files": files, "outputs": outputs}
    assert [line["streamed"] for line in told(caplog, "input.staged")] == [files]
    assert [line["streamed"] for line in told(caplog, "run.published")] == [outputs]


def test_a_run_that_is_copied_for_only_later_counts_those_copies() -> None:
    world = make_world(statuses=("Running", "Running", "Completed"))
    world.blobs.walled = frozenset({LANDING})
    world.land("0.png")
    world.at(NOON + timedelta(seconds=12), lambda: world.land("1.png"))  # while the job runs

    world.watch()

    (run,) = [run for run in world.runs() if run["snapshot"]["files"] == 1]
    assert (run["status"], run["staged"], run["streamed"]) == ("published", True, 1)
