"""What is of no use any more is forgotten: instances that ended long ago, and pointers to nothing."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from shared.core.location import Location
from testbed.examples import STATE
from tests.triggers.app import App
from tests.triggers.log import told
from tests.triggers.test_sweep import quarter_of_an_hour_later, started_of, sweep
from triggers.names import Orchestrator


def test_once_a_day_the_host_forgets_what_ended_a_month_ago_and_nothing_else(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    """53 MB of instances stayed of a flood of forged events, and every watch of a year would."""
    caplog.set_level(logging.INFO, "landfall")
    for status in ("Completed", "Failed", "Terminated", "Running", "Pending"):
        app.client.end(f"watch-{status}", status)
    app.clock.advance(days=31)
    app.client.end("watch-lately")
    app.client.instances["watch-lately"].created = app.clock() - timedelta(days=29)

    sweep(app)
    quarter_of_an_hour_later(app)

    assert sorted(app.client.instances) == ["watch-Pending", "watch-Running", "watch-lately"]
    assert [call for call in app.client.calls if call.startswith("purge")] == ["purge until 2026-03-02"]
    assert told(caplog, "instances.purged") == [{"instances": 3, "through": "2026-03-02"}]
    app.clock.advance(days=1)
    sweep(app)
    assert "purge until 2026-03-03" in app.client.calls


def test_a_host_that_cannot_forget_keeps_the_sweep_from_nothing(
    app: App, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise Exception("the request timed out")

    monkeypatch.setattr(app.client, "purge_instance_history_by", refuse)
    app.land("0.png")

    sweep(app)

    assert len(started_of(app, Orchestrator.WATCH_LANDING)) == 1
    assert told(caplog, "instances.not_purged", logging.WARNING) == [{"message": "the request timed out"}]


def test_a_pointer_to_a_run_that_was_never_entered_is_removed_after_a_day(app: App) -> None:
    pointer = Location(STATE, "open/digits-00000000000000000000")
    app.blobs.put(pointer, b"")
    app.clock.advance(hours=23)
    sweep(app)
    assert app.blobs.stat(pointer) is not None

    app.clock.advance(hours=2)
    sweep(app)

    assert app.blobs.stat(pointer) is None
