"""The activities: a step of the table each, whose trouble is an answer and is logged once."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from shared.core.job import Job
from shared.core.location import Location
from shared.core.readiness import Look
from shared.core.record import Names, dump, load
from shared.core.route import Endpoint
from shared.core.steps import CLAIM_RUN, LOOK, OBSERVE_JOB, REPORT_DEFECT, LookAt, ObserveJob, ReportDefect, Step
from shared.core.trouble import LONGEST_MESSAGE, Kind, Trouble
from shared.errors import Denied, InputRefused, Unavailable
from shared.work.table import WORK
from testbed.fakes import NOON
from tests.triggers.app import FOLDER, App
from tests.triggers.log import told
from triggers import activities
from triggers.activities import carry_out

NAMES = Names(route="digits", landing=FOLDER, instance_id="watch-1")
LOOKING = dump(LookAt(NAMES, NOON))


@pytest.fixture(scope="module")
def registered() -> dict[str, Callable[[Any], Any]]:
    """The functions that the host would call, by name. This app is the test's own: one can be indexed once only."""
    app = func.FunctionApp()
    app.register_functions(activities.bp)
    functions = app.get_functions()
    assert len({function.get_function_name() for function in functions}) == len(functions)
    return {str(function.get_function_name()): function.get_user_function() for function in functions}


def failing(app: App, error: BaseException) -> None:
    """Have the next look at the landing fail."""

    def fails(folder: Location, *, most: int | None = None) -> object:
        raise error

    app.blobs.list_folder = fails  # type: ignore[method-assign, assignment]


def test_every_step_of_the_table_is_registered_under_its_name(registered: dict[str, Any]) -> None:
    assert set(registered) == {step.name for step in WORK}
    assert len(registered) > 10


def test_what_the_host_calls_carries_out_the_step_of_its_name(app: App, registered: dict[str, Any]) -> None:
    app.land("0.png", "1.png")

    look = load(Look, registered[LOOK.name](LOOKING))
    looking = ObserveJob(names=NAMES, endpoint=Endpoint(scoring_uri="https://e/jobs"), job=Job(name="none"))
    seen = registered[OBSERVE_JOB.name](dump(looking))

    assert look.files == 2
    assert seen == {"type": "Seen", "job": None}


@pytest.mark.parametrize("step", WORK, ids=lambda step: step.name)
def test_every_step_answers_with_json_even_where_it_is_given_what_it_cannot_read(
    app: App, step: Step[Any, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """It may pass. Seen before: it was refused, and runs ended because another version was being deployed."""
    answer = carry_out(step, app.own, {"names": {"route": 7}})

    trouble = load(Trouble, json.loads(json.dumps(answer)))
    assert trouble.kind is Kind.PASSING
    assert trouble.message.startswith(f"{step.name} was asked in words of another version: Not a valid ")
    (logged,) = told(caplog, "step.failed", logging.ERROR)
    assert (logged["step"], logged["instance_id"], logged["kind"]) == (step.name, "unknown", "passing")


@pytest.mark.parametrize("payload", [None, "", [], 7, {"names": None}], ids=repr)
def test_a_payload_that_is_no_map_may_be_one_of_another_version(app: App, payload: object) -> None:
    trouble = load(Trouble, carry_out(LOOK, app.own, payload))

    assert trouble.kind is Kind.PASSING
    assert "Not a valid LookAt" in trouble.message


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (Unavailable("503 ServerBusy"), Kind.PASSING, "503 ServerBusy"),
        (TimeoutError(), Kind.PASSING, "TimeoutError"),
        (ConnectionResetError("reset by peer"), Kind.PASSING, "reset by peer"),
        (Denied("403: give the app a role"), Kind.DENIED, "403: give the app a role"),
        (InputRefused("no such landing"), Kind.REFUSED, "no such landing"),
    ],
    ids=["unavailable", "time-out", "reset", "denied", "refused"],
)
def test_trouble_that_can_be_explained_is_answered_and_logged_once_with_whose_it_is(
    app: App, error: Exception, kind: Kind, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    failing(app, error)

    assert load(Trouble, carry_out(LOOK, app.own, LOOKING)) == Trouble(kind, message)

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert told(caplog, "step.failed") == [{**dump(NAMES), "step": "look", "kind": str(kind), "message": message}]


def test_a_defect_is_answered_by_its_name_and_logged_once_with_its_traceback(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    failing(app, ZeroDivisionError("by nothing"))

    answer = load(Trouble, carry_out(LOOK, app.own, LOOKING))

    assert answer == Trouble(Kind.DEFECT, "ZeroDivisionError: by nothing")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    (logged,) = told(caplog, "step.defect")
    assert {name: logged[name] for name in dump(NAMES)} == dump(NAMES)
    assert logged["step"] == "look"
    assert logged["traceback"].startswith("Traceback (most recent call last):")
    assert logged["traceback"].rstrip().endswith("ZeroDivisionError: by nothing")


def test_a_message_of_any_length_fits_into_a_history(app: App) -> None:
    failing(app, Unavailable("x" * 10 * LONGEST_MESSAGE))

    assert len(load(Trouble, carry_out(LOOK, app.own, LOOKING)).message) == LONGEST_MESSAGE


def test_missing_settings_are_the_trouble_of_the_step_that_needs_them(
    app: App, registered: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    del app.own.env["LANDFALL_STATE_URL"]
    claim = {**LOOKING, "fingerprint": "", "refusal": None, "copies": False, "now": NOON.isoformat()}

    trouble = load(Trouble, registered[CLAIM_RUN.name](claim))

    assert trouble.kind is Kind.REFUSED
    assert "LANDFALL_STATE_URL" in trouble.message
    assert told(caplog, "step.failed")[0]["landing"] == FOLDER


def test_the_worker_going_down_is_not_taken_for_trouble_of_the_step(app: App) -> None:
    failing(app, KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        carry_out(LOOK, app.own, LOOKING)


def test_a_defect_of_an_orchestrator_is_logged_for_it(app: App, caplog: pytest.LogCaptureFixture) -> None:
    given = ReportDefect(names=NAMES, where="score_v1", traceback="Traceback: …")

    assert carry_out(REPORT_DEFECT, app.own, dump(given)) == {"type": "Done"}

    assert told(caplog, "step.defect") == [{**dump(NAMES), "step": "score_v1", "traceback": "Traceback: …"}]


def test_what_a_step_is_told_of_the_time_is_what_it_works_with(app: App) -> None:
    """A landing that has no route any more looks empty, as of the moment that was given."""
    moment = NOON + timedelta(days=1)
    gone = Names(route="letters", landing=FOLDER, instance_id="watch-1")

    look = load(Look, carry_out(LOOK, app.own, dump(LookAt(gone, moment))))

    assert (look.files, look.seen_at) == (0, moment)
