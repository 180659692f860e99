"""Timer triggers: when they are due, and that they are not forgotten.

Sources: Azure docs, functions-bindings-timer; azure-webjobs-sdk-extensions, TimerListener.cs and CronSchedule.cs.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from local.host.triggers.schedules import BadSchedule, Schedule
from testbed.eventually import eventually
from tests.local.host.hosting import notes, running

THURSDAY = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def following(schedule: str, zone: str = "UTC") -> str:
    return Schedule.parse(schedule, ZoneInfo(zone)).after(THURSDAY).strftime("%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("*/10 * * * * *", "01-01 12:00:10"),
        ("0 */5 * * * *", "01-01 12:05:00"),
        ("*/5 * * * *", "01-01 12:05:00"),
        ("0 30 9 * * MON-FRI", "01-02 09:30:00"),
        ("0 0 0 1 Feb *", "02-01 00:00:00"),
        ("0 0 0 1 February *", "02-01 00:00:00"),
        ("0 30 9 * * Monday-Friday", "01-02 09:30:00"),
        ("24:00:00", "01-25 12:00:00"),
        ("25:00:00:00", "01-26 12:00:00"),
        ("0 0 9 13 * FRI", "02-13 09:00:00"),
        ("00:00:30", "01-01 12:00:30"),
        ("1.00:00:00", "01-02 12:00:00"),
    ],
)
def test_schedules_are_read_as_ncrontab_reads_them(schedule: str, due: str) -> None:
    assert following(schedule) == due


def test_a_schedule_follows_its_time_zone() -> None:
    assert following("0 0 9 * * *", "America/New_York") == "01-01 14:00:00"


@pytest.mark.parametrize("schedule", ["", "x", "61 * * * * *", "* * * * * * *", "00:00:00"])
def test_a_bad_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(BadSchedule):
        Schedule.parse(schedule)


def test_schedules_that_fire_more_than_once_a_minute_are_not_monitored() -> None:
    assert not Schedule.parse("*/10 * * * * *").monitored(THURSDAY)
    assert Schedule.parse("0 * * * * *").monitored(THURSDAY)


def test_a_timer_fires_again_and_again_as_the_hosts_clock_runs(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    flags = ("--clock-rate", "600")
    with running("everything", tmp_path, *flags, WHEN="0 */5 * * * *", NOTES=str(file)):
        eventually(lambda: len(notes(file, "timer")) >= 3)

    first, second, *_ = notes(file, "timer")
    assert not first["past_due"]
    assert first["status"]["Last"].startswith("0001-01-01")
    gap = datetime.fromisoformat(second["status"]["Next"]) - datetime.fromisoformat(first["status"]["Next"])
    assert gap.total_seconds() % timedelta(minutes=5).total_seconds() == 0


def test_a_time_that_passed_while_the_host_was_down_is_caught_up_with_once(tmp_path: Path) -> None:
    file, status = tmp_path / "notes", tmp_path / "host" / "timers.json"
    with running("everything", tmp_path, NOTES=str(file)):
        kept = eventually(lambda: status.exists() and json.loads(status.read_text()))
    kept["on_timer"]["Next"] = "2020-01-01T00:00:00+00:00"
    status.write_text(json.dumps(kept))

    with running("everything", tmp_path, NOTES=str(file)):
        eventually(lambda: notes(file, "timer"))
        eventually(lambda: json.loads(status.read_text())["on_timer"]["Next"] > "2026")

    assert [note["past_due"] for note in notes(file, "timer")] == [True]


def test_another_schedule_is_not_past_due(tmp_path: Path) -> None:
    file, status = tmp_path / "notes", tmp_path / "host" / "timers.json"
    with running("everything", tmp_path):
        kept = eventually(lambda: status.exists() and json.loads(status.read_text()))
    kept["on_timer"]["Next"] = "2020-01-01T00:00:00+00:00"
    status.write_text(json.dumps(kept))

    with running("everything", tmp_path, WHEN="0 0 0 2 1 *", NOTES=str(file)):
        eventually(lambda: json.loads(status.read_text())["on_timer"]["Schedule"] == "0 0 0 2 1 *")

    assert notes(file, "timer") == []
