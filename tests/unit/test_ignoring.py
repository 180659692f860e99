"""Ignored events leave a trace that is small however many they are, and whoever sends them."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from shared.core.event import folder_in
from shared.work.ignoring import LONGEST_TOLD, MOST_FOLDERS, MOST_SUSPICIOUS, OTHERS, SPAN, IgnoredEvents
from testbed.fakes import NOON
from tests.triggers.log import told

WHY = "no route matches"


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "landfall")


def add(events: IgnoredEvents, folder: str, reason: str = WHY, *, suspicious: bool = False, times: int = 1) -> None:
    for number in range(times):
        events.add(folder, reason, f"{folder}/{number}", NOON, suspicious=suspicious)


def test_events_of_a_folder_are_one_line_with_their_number(caplog: pytest.LogCaptureFixture) -> None:
    events = IgnoredEvents()
    add(events, "landing/a", times=10_000)
    add(events, "landing/a", "the blob is empty", times=2)

    events.tell_if_due(NOON + SPAN)

    assert told(caplog, "events.ignored") == [
        {"folder": "landing/a", "reason": WHY, "count": 10_000, "example": "landing/a/0"},
        {"folder": "landing/a", "reason": "the blob is empty", "count": 2, "example": "landing/a/0"},
    ]


def test_nothing_is_told_before_its_minute_is_over_nor_twice(caplog: pytest.LogCaptureFixture) -> None:
    events = IgnoredEvents()
    events.tell_if_due(NOON)
    add(events, "landing/a")

    events.tell_if_due(NOON + SPAN - timedelta(seconds=1))
    assert caplog.records == []
    events.tell_if_due(NOON + SPAN)
    events.tell_if_due(NOON + 10 * SPAN)
    events.tell()

    assert len(caplog.records) == 1


def test_a_line_is_told_for_every_minute_that_brought_some(caplog: pytest.LogCaptureFixture) -> None:
    events = IgnoredEvents()
    for minute in range(3):
        now = NOON + minute * SPAN
        events.tell_if_due(now)
        events.add("landing/a", WHY, "x", now, suspicious=False)
    events.tell()

    assert [line["count"] for line in told(caplog, "events.ignored")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("suspicious", "most", "level"), [(False, MOST_FOLDERS, "INFO"), (True, MOST_SUSPICIOUS, "WARNING")]
)
def test_beyond_so_many_folders_the_rest_share_a_line(
    suspicious: bool, most: int, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    events = IgnoredEvents()
    for number in range(2 * most):
        add(events, f"landing/{number}", suspicious=suspicious)
    add(events, "landing/0", suspicious=suspicious)

    events.tell()

    lines = told(caplog, "events.ignored")
    assert {record.levelname for record in caplog.records} == {level}
    assert len(lines) == most + 1 + suspicious  # the first of a folder was told of at once
    assert (lines[-1]["folder"], lines[-1]["count"]) == (OTHERS, most)
    assert sum(line["count"] for line in lines if line["folder"] == "landing/0") == 2


def test_the_first_suspicious_event_of_a_folder_is_told_of_at_once_and_the_others_together(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events = IgnoredEvents()
    add(events, "landing/a", suspicious=True, times=10_000)
    assert [line["count"] for line in told(caplog, "events.ignored")] == [1]

    events.tell_if_due(NOON + SPAN)
    events.tell()

    assert [line["count"] for line in told(caplog, "events.ignored", logging.WARNING)] == [1, 9_999]


def test_forged_events_do_not_hide_others(caplog: pytest.LogCaptureFixture) -> None:
    events = IgnoredEvents()
    for number in range(2 * MOST_FOLDERS):
        add(events, f"landing/{number}", suspicious=True)
    add(events, "landing/mine")

    events.tell()

    assert told(caplog, "events.ignored")[-1]["folder"] == "landing/mine"


def test_what_somebody_sends_in_long_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    events = IgnoredEvents()
    add(events, "x" * 100_000, "y" * 100_000)

    events.tell()

    assert len(caplog.messages[0]) < 4 * LONGEST_TOLD


@pytest.mark.parametrize(
    ("subject", "folder"),
    [
        ("/blobServices/default/containers/landing/blobs/digits/tuesday/0.png", "landing/digits/tuesday"),
        ("/blobServices/default/containers/landing/blobs/0.png", "landing"),
        ("/blobServices/default/containers/landing/blobs/digits/tuesday/", "landing/digits"),
        ("/subscriptions/1/vaults/2", "/subscriptions/1/vaults"),
        ("word", "word"),
        ("", ""),
    ],
)
def test_the_folder_is_that_of_the_blob(subject: str, folder: str) -> None:
    assert folder_in(subject) == folder
