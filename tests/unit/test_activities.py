"""One step, as the host calls it: what goes wrong is an answer, and is logged once."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from shared.core import steps
from shared.core.location import Location
from shared.core.record import Names, Record, dump
from shared.core.steps import LookAt, RecordRun, Step
from shared.errors import Denied, Unavailable
from shared.work.table import WORK
from tests.examples import STATE
from tests.fakes import NOON
from tests.unit.runs import following
from tests.workflow.world import World, make_world
from triggers.activities import carry_out

LOOK_AT = LookAt(Names(route="digits", landing="digits/tuesday", instance_id="watch-1"), NOON)
RECORD = RecordRun(names=following().names, progress=following().progress, spec=None)


def answer(world: World, step: Step[Any, Any], given: Record) -> Any:
    """What the activity answers, through JSON as on the host."""
    return json.loads(json.dumps(carry_out(step, world, json.loads(json.dumps(dump(given))))))


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    """Events that say what is wrong, with their fields."""
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    return [(event, json.loads(fields)) for event, _, fields in (line.partition(" ") for line in lines)]


def test_a_step_answers_what_its_orchestrator_can_read() -> None:
    world = make_world()
    world.land("0.png")

    told = answer(world, steps.LOOK, LOOK_AT)

    assert (told["type"], told["files"], told["seen_at"]) == ("Look", 1, "2026-03-01T12:00:00Z")


@pytest.mark.parametrize(
    ("error", "kind"),
    [(Unavailable("503"), "passing"), (Denied("403: no role"), "denied"), (ConnectionResetError("reset"), "passing")],
    ids=["away", "denied", "reset"],
)
def test_what_goes_wrong_is_answered_and_logged_once_with_whose_step_it_was(
    error: Exception, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = make_world()

    def raising(*_: object, **__: object) -> Any:
        raise error

    world.blobs.list_folder = raising  # type: ignore[method-assign]
    told = answer(world, steps.LOOK, LOOK_AT)

    assert told == {"type": "Trouble", "kind": kind, "message": str(error)}
    ((event, fields),) = logged(caplog)
    assert event == "landfall.step.failed"
    assert fields == {**dump(LOOK_AT.names), "step": "look", "kind": kind, "message": str(error)}


def test_a_defect_is_answered_and_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    world = make_world()

    def dividing(*_: object, **__: object) -> Any:
        return 1 / 0

    world.blobs.list_folder = dividing  # type: ignore[method-assign]

    told = answer(world, steps.LOOK, LOOK_AT)

    assert told == {"type": "Trouble", "kind": "defect", "message": "ZeroDivisionError: division by zero"}
    ((event, fields),) = logged(caplog)
    assert (event, fields["step"], fields["instance_id"]) == ("landfall.step.defect", "look", "watch-1")
    assert "1 / 0" in fields["traceback"]


def test_an_input_that_cannot_be_read_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """An instance of a later version has asked; after a rollback nobody can tell what it meant."""
    told = carry_out(steps.LOOK, make_world(), {**dump(LOOK_AT), "since": 1})

    assert told["kind"] == "refused"
    assert "unknown field `since`" in told["message"]
    ((event, fields),) = logged(caplog)
    assert (event, fields["instance_id"]) == ("landfall.step.failed", "unknown")


def test_a_record_that_another_version_wrote_is_refused() -> None:
    world = make_world()
    world.blobs.put(Location(STATE, f"runs/{following().run_id}.json"), b'{"version": 2}')

    assert answer(world, steps.RECORD_RUN, RECORD)["kind"] == "refused"


@pytest.mark.parametrize("step", WORK, ids=lambda step: step.name)
def test_every_step_says_whose_it_is(step: Step[Any, Any]) -> None:
    """Log lines of a step name its route, landing and instance."""
    assert "names" in (*step.given.__struct_fields__, *vars(step.given))
