"""Log lines: a constant event name, then the fields as JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest

from shared import telemetry
from shared.core.record import Names
from testbed.fakes import NOON


@pytest.mark.parametrize(
    ("write", "level"),
    [(telemetry.log, "INFO"), (telemetry.warn, "WARNING"), (telemetry.error, "ERROR")],
    ids=["log", "warn", "error"],
)
def test_an_event_is_one_line_at_its_level(
    write: Callable[..., None], level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "landfall")

    write("run.claimed", run_id="digits-1", files=3, job=None)

    (record,) = caplog.records
    assert (record.levelname, record.name) == (level, "landfall")
    event, _, fields = record.getMessage().partition(" ")
    assert event == "landfall.run.claimed"
    assert json.loads(fields) == {"run_id": "digits-1", "files": 3}


def test_fields_are_attributes_too_whatever_they_are_called(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "landfall")

    telemetry.log("job.unclear", message="time-out", name="n", args="a")

    attributes = vars(caplog.records[0])
    assert (attributes["landfall_message"], attributes["landfall_name"]) == ("time-out", "n")


def test_what_json_does_not_know_is_told_as_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "landfall")

    telemetry.log("landing.seen", newest=NOON, text="line\nbreak %s")

    message = caplog.records[0].getMessage()
    assert json.loads(message.partition(" ")[2]) == {"newest": "2026-03-01 12:00:00+00:00", "text": "line\nbreak %s"}
    assert "\n" not in message


def test_what_nobody_reads_is_not_written(caplog: pytest.LogCaptureFixture) -> None:
    class Costly:
        def __str__(self) -> str:
            raise AssertionError("written although nobody reads it")

    caplog.set_level(logging.WARNING, "landfall")

    telemetry.log("sweep.done", reason=Costly())

    assert caplog.records == []


def test_libraries_tell_only_what_is_wrong() -> None:
    telemetry.quieten_libraries()

    for name in ("azure.core", "httpx", "urllib3.connectionpool"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
        assert logging.getLogger(name).isEnabledFor(logging.WARNING)


def test_a_defect_is_told_with_whose_it_was_where_it_was_and_the_end_of_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    names = Names(route="digits", landing="digits/tuesday", instance_id="digits-1", run_id="digits-1")

    telemetry.report_defect(names, "score_v1", "x" * 10_000 + "ValueError: negative")

    (record,) = caplog.records
    event, _, fields = record.getMessage().partition(" ")
    told = json.loads(fields)
    assert (record.levelname, event) == ("ERROR", "landfall.step.defect")
    assert (told["route"], told["run_id"], told["step"]) == ("digits", "digits-1", "score_v1")
    assert told["traceback"].endswith("ValueError: negative")
    assert len(told["traceback"]) == telemetry.LONGEST_TRACEBACK
