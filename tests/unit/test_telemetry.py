"""Log lines: a constant event name, then the fields as JSON."""

from __future__ import annotations

import json
import logging

import pytest

from shared import telemetry
from tests.fakes import NOON


@pytest.mark.parametrize(
    ("write", "level"),
    [(telemetry.debug, "DEBUG"), (telemetry.log, "INFO"), (telemetry.warn, "WARNING"), (telemetry.error, "ERROR")],
)
def test_an_event_is_one_line_at_its_level(write: object, level: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "landfall")

    write("run.claimed", run_id="digits-1", files=3, job=None)  # type: ignore[operator]

    (record,) = caplog.records
    assert (record.levelname, record.name) == (level, "landfall")
    event, _, fields = record.getMessage().partition(" ")
    assert event == "landfall.run.claimed"
    assert json.loads(fields) == {"run_id": "digits-1", "files": 3}


def test_fields_are_attributes_too_whatever_they_are_called(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "landfall")

    telemetry.log("job.unclear", message="time-out", name="n", args="a")

    (record,) = caplog.records
    assert (record.landfall_message, record.landfall_name) == ("time-out", "n")  # type: ignore[attr-defined]


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

    caplog.set_level(logging.INFO, "landfall")

    telemetry.debug("event.ignored", reason=Costly())

    assert caplog.records == []


def test_libraries_tell_only_what_is_wrong() -> None:
    telemetry.quieten_libraries()

    for name in ("azure.core", "httpx", "urllib3.connectionpool"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
        assert logging.getLogger(name).isEnabledFor(logging.WARNING)
