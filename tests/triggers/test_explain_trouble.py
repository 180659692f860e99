"""Why a file was not scored, asked while something is damaged or away, or by somebody hostile; and what it costs."""

from __future__ import annotations

import logging
from typing import IO

import pytest

from shared.core.landing import Landing
from shared.core.location import Location
from shared.core.record import dump
from shared.core.watchers import Watchers
from shared.errors import LandfallError
from testbed.examples import STATE
from tests.triggers.app import App
from tests.triggers.landed import (
    FILE,
    asked,
    explained,
    listed,
    look,
    put,
    reads_of,
    run_of,
)
from tests.triggers.log import told
from triggers import landings


def test_a_run_that_cannot_be_read_is_told(app: App) -> None:
    put(app, "0.png")
    run = run_of(app)
    app.blobs.put(Location(STATE, f"runs/{run.run_id}.json"), b'{"version": 99}')

    answer = explained(app)

    assert (answer["state"], answer["run"]["status"]) == ("unreadable", "unreadable")
    assert "version 99" in answer["text"]
    assert listed(app)["landings"][0]["state"] == "unreadable"


def test_a_card_that_is_lost_or_damaged_says_less_and_breaks_nothing(app: App) -> None:
    put(app, "0.png")
    run_of(app)
    (path,) = [path for path in app.blobs.paths(STATE) if path.startswith("landings/")]
    app.blobs.put(Location(STATE, path), b"damaged")

    assert "no look at its landing is noted" in explained(app)["text"]
    assert listed(app)["landings"] == []
    look(app)
    assert listed(app)["landings"][0]["landing"] == "landing/digits/tuesday"


def test_a_card_that_cannot_be_written_keeps_nothing_from_being_scored(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    put(app, "0.png")

    def refuse(blob: Location, content: bytes | IO[bytes]) -> bool:
        raise LandfallError("403")

    create = app.blobs.create
    app.blobs.create = refuse  # type: ignore[method-assign]
    fingerprint = look(app)
    app.blobs.create = create  # type: ignore[method-assign]

    assert fingerprint
    assert [line["message"] for line in told(caplog, "landing.not_noted", logging.WARNING)] == ["403"]


def test_a_durable_client_that_does_not_answer_is_said_and_logged(app: App, caplog: pytest.LogCaptureFixture) -> None:
    put(app, "0.png")
    app.client.down = "500"

    assert explained(app)["text"].endswith("Whether a watch is under way could not be found out; ask again.")
    assert told(caplog, "landing.watch_not_told", logging.WARNING)[0]["message"] == "500"


@pytest.mark.parametrize("path", ["", "landing/../x", "landing/a\x00b", "landing/" + "x" * 5000, "landing/\ud800"])
def test_a_hostile_path_is_a_bad_request(app: App, path: str) -> None:
    app.blobs.down = "nobody should ask"

    status, answer = asked(app, landings.explain, path=path)

    assert status == 400
    assert answer["error"].endswith(".")


def test_storage_that_does_not_answer_is_trouble_of_the_service(app: App) -> None:
    app.blobs.down = "Could not read: 503."

    assert asked(app, landings.explain, path=FILE) == (503, {"error": "Could not read: 503."})


def test_an_explanation_costs_a_handful_of_reads_however_many_files_there_are(app: App) -> None:
    put(app, *(f"{i}.png" for i in range(300)))
    run_of(app)
    listings, reads = app.blobs.listings, reads_of(app)

    explained(app)

    assert (app.blobs.listings - listings, len(reads)) == (0, 4)
    assert len(app.client.calls) <= 6


def test_a_watcher_that_has_ended_without_leaving_does_not_count(app: App) -> None:
    put(app, "0.png")
    app.client.landings[Landing(app.own.routes.usable[0], "digits/tuesday").key] = dump(Watchers("gone"))

    assert (explained(app)["state"], explained(app)["waits"]) == ("unseen", None)
