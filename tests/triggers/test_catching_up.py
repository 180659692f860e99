"""Looking at landings now, and backfills, as the host calls the functions."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from shared.core.acts import Said
from shared.core.landing import Landing
from shared.core.record import load
from shared.core.run import Run, Status
from shared.core.watch import Watch
from shared.routes import Routes
from testbed.examples import digits_route, in_landing
from tests.triggers.app import FOLDER, WATCHER, App, plain, with_a_broken_route
from tests.triggers.landed import MARKED, ended, put, run_of, use
from tests.triggers.log import told
from tests.triggers.requests import ONLY_ON_REQUEST, Answer, read
from tests.triggers.test_pausing import KIM, pause
from tests.triggers.test_sweep import sweep
from triggers import catching_up
from triggers.names import Orchestrator

AN_AGE = timedelta(days=400)


def refresh(app: App, body: object = None) -> Answer:
    return _post(app, catching_up.refresh_landings, body)


def backfill(app: App, *, headers: Mapping[str, str] | None = None, **body: Any) -> Answer:
    return _post(app, catching_up.backfill_route, {"route": "digits", **body}, headers)


def _post(app: App, registered: Any, body: object, headers: Mapping[str, str] | None = None) -> Answer:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    request = func.HttpRequest(method="POST", url="https://app/api", headers=headers, body=content)
    return read(asyncio.run(plain(registered)(request, app.client)))


def there_before(app: App, *folders: str) -> None:
    """Folders of which no event ever told, a minute apart, and the sweep's first look a year later."""
    for folder in folders:
        put(app, "0.png", "1.png", folder=f"digits/{folder}", content=folder.encode())
        app.clock.advance(minutes=1)
    app.clock.advance(days=AN_AGE.days)
    sweep(app)
    assert app.client.started == [], "what was there before is not scored by surprise"


def runs(app: App) -> list[Run]:
    return [run for run in app.own.ledger.newest() if isinstance(run, Run)]


# Looking now


def test_one_landing_is_looked_at_within_two_seconds(app: App, caplog: pytest.LogCaptureFixture) -> None:
    use(app, MARKED)
    put(app, "0.png")
    caplog.set_level(logging.INFO, "landfall")

    answer = refresh(app, {"route": "digits", "landing": "digits/tuesday/", "reason": "the marker came by hand"})

    (instance_id,) = app.client.started
    watch = load(Watch, app.given(instance_id))
    assert (answer.status, answer.body) == (202, {"landings": [{"landing": f"landing/{FOLDER}", "route": "digits"}]})
    assert watch.not_before - app.clock() <= timedelta(seconds=2)
    assert watch.is_marker, "it takes over from one that only waits"
    assert told(caplog, "landing.refresh_asked")[0]["reason"] == "the marker came by hand"
    card = app.own.ledger.card(Landing(app.own.routes.usable[0], FOLDER).key)
    assert card is not None
    assert card.asked == Said(at=app.clock(), reason="the marker came by hand")


def test_a_watcher_that_has_stopped_keeps_nobody_from_looking(app: App) -> None:
    landing = app.land("0.png")
    app.client.has_watcher(landing.key, WATCHER, status="Failed")

    refresh(app, {"route": "digits", "landing": FOLDER})

    assert app.client.landings[landing.key] is None


@pytest.mark.parametrize("body", [None, {}, {"route": "digits"}], ids=["nothing", "empty", "a route"])
def test_without_a_landing_all_that_nobody_has_seen_is_looked_at(
    app: App, body: object, caplog: pytest.LogCaptureFixture
) -> None:
    app.land("0.png")
    app.land("0.png", folder="digits/wednesday")

    answer = refresh(app, body)

    assert [one["landing"] for one in answer.body["landings"]] == ["landing/digits/tuesday", "landing/digits/wednesday"]
    assert told(caplog, "landing.missed", logging.WARNING) == []
    assert refresh(app, body).body["landings"] == [], "those are watched"


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"landing": FOLDER}, 400, "none is named"),
        ({"route": "digits", "landing": "letters/a"}, 404, "is no landing of route 'digits'"),
        ({"route": "digits", "landing": "digits/../x"}, 404, "is no landing of route 'digits'"),
        ({"route": "letters"}, 404, "there are digits"),
        ({"route": 7}, 400, "route"),
        (b"\xff", 400, "JSON"),
    ],
)
def test_what_cannot_be_looked_at_is_said(app: App, body: object, status: int, told: str) -> None:
    answer = refresh(app, body)

    assert (answer.status, told in answer.body["error"]) == (status, True), answer.body
    assert app.client.started == []


def test_a_route_that_is_scored_on_request_is_not_looked_at(app: App) -> None:
    app.own.routes = Routes((digits_route(ONLY_ON_REQUEST),))

    answer = refresh(app, {"route": "digits"})

    assert (answer.status, "POST /api/runs" in answer.body["error"]) == (409, True)


# Backfill


def test_a_dry_run_says_what_would_be_scored_and_does_nothing(app: App) -> None:
    there_before(app, "monday", "tuesday")
    before = dict(app.blobs.contents)

    answer = backfill(app, dry_run=True)

    assert answer.status == 200
    assert {**answer.body, "list": [one["landing"] for one in answer.body["list"]]} == {
        "route": "digits",
        "dry_run": True,
        "landings": 2,
        "files": 4,
        "bytes": 26,
        "jobs": 2,
        "left": 0,
        "skipped": {"known": 0, "waiting": 0, "refused": 0},
        "list": ["landing/digits/monday", "landing/digits/tuesday"],
    }
    assert (app.client.started, app.blobs.contents) == ([], before)


def test_a_backfill_claims_and_starts_each_run_once_with_who_asked_and_why(app: App) -> None:
    there_before(app, "monday", "tuesday")

    answer = backfill(app, headers=KIM, reason="the first year")

    assert (answer.status, answer.body["landings"], answer.body["left"]) == (202, 2, 0)
    claimed = runs(app)
    assert sorted(app.client.started) == sorted(run.run_id for run in claimed)
    assert {app.client.instances[run.run_id].name for run in claimed} == {Orchestrator.SCORE}
    for run in claimed:
        assert run.request is not None
        assert run.request.backfill is not None
        assert (run.request.by, run.request.backfill.reason) == ("kim@x", "the first year")
    again = backfill(app)
    assert (again.body["landings"], again.body["skipped"]["known"], len(runs(app))) == (0, 2, 2)


def test_a_backfill_goes_on_with_what_is_left_the_oldest_first(app: App) -> None:
    there_before(app, "c", "a", "b")

    answers = [backfill(app, limit=1).body for _ in range(4)]

    assert [[one["landing"][-1] for one in answer["list"]] for answer in answers] == [["c"], ["a"], ["b"], []]
    assert [answer["left"] for answer in answers] == [2, 1, 0, 0]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"prefix": "digits/2025-"}, ["2025-01", "2025-02"]),
        ({"prefix": "digits/2025-01/"}, ["2025-01"]),
        ({"prefix": "digits/2025-0", "limit": 1}, ["2025-01"]),
        ({"prefix": "other"}, []),
        ({"from": "2026-03-01T12:01:00Z"}, ["2025-02", "2026-01"]),
        ({"from": "2026-03-01T13:01:00+01:00", "to": "2026-03-01T12:02:00"}, ["2025-02"]),
        ({"to": "2026-03-01T12:00:00Z"}, []),
    ],
)
def test_a_backfill_is_of_a_prefix_and_of_a_time(app: App, asked: dict[str, Any], expected: list[str]) -> None:
    there_before(app, "2025-01", "2025-02", "2026-01")

    answer = backfill(app, **asked)

    assert [one["landing"].rpartition("/")[2] for one in answer.body["list"]] == expected


@pytest.mark.parametrize("status", [Status.PUBLISHED, Status.FAILED, Status.CANCELED], ids=str)
def test_what_has_had_its_run_is_not_scored_again(app: App, status: Status) -> None:
    put(app, "0.png")
    ended(app, run_of(app), status)
    app.clock.advance(days=1)

    assert backfill(app).body["skipped"] == {"known": 1, "waiting": 0, "refused": 0}


def test_what_is_not_complete_is_left_to_its_watch(app: App) -> None:
    put(app, "0.png")
    assert backfill(app).body["skipped"]["waiting"] == 1, "it is not quiet yet"

    use(app, MARKED)
    app.clock.advance(days=1)
    assert backfill(app).body["skipped"]["waiting"] == 1, "its marker is missing"
    put(app, "_SUCCESS")
    assert backfill(app).body["landings"] == 1


def test_what_would_be_refused_is_left_out(app: App) -> None:
    app.blobs.put(in_landing("digits/tuesday/below/0.png"), b"stray")
    app.clock.advance(days=1)

    answer = backfill(app)

    assert (answer.body["skipped"]["refused"], runs(app)) == (1, [])


def test_a_run_that_could_not_be_started_is_started_by_the_sweep(app: App) -> None:
    there_before(app, "monday")
    app.client.down = "the extension does not answer"

    assert backfill(app).status == 202
    app.client.down = None
    sweep(app)

    assert app.client.started == [run.run_id for run in runs(app)]


def test_of_a_paused_route_a_backfill_is_only_planned(app: App) -> None:
    there_before(app, "monday")
    pause(app)

    assert backfill(app, dry_run=True).body["landings"] == 1
    assert (backfill(app).status, runs(app)) == (409, [])


def test_a_thousand_landings_are_planned_with_one_listing(app: App) -> None:
    there_before(app, *(f"{number:05}" for number in range(1000)))
    listings = app.blobs.listings

    answer = backfill(app, limit=500)

    assert (answer.body["landings"], answer.body["left"]) == (500, 500)
    assert app.blobs.listings - listings <= 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"limit": 0}, "1 to 500"),
        ({"limit": 501}, "1 to 500"),
        ({"limit": "all"}, "limit"),
        ({"prefix": "../other"}, "prefix"),
        ({"prefix": "digits/../../x"}, "prefix"),
        ({"prefix": "a//b"}, "prefix"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "before"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "range"),
        ({"dry": True}, "dry"),
        ({"reason": "x" * 501}, "500"),
        ({"route": None}, "route"),
    ],
)
def test_a_backfill_that_is_not_understood_is_refused(app: App, body: dict[str, Any], told: str) -> None:
    there_before(app, "monday")

    answer = backfill(app, **body)

    assert (answer.status, told in answer.body["error"]) == (400, True), answer.body
    assert runs(app) == []


def test_a_backfill_of_a_route_with_a_problem_says_what_is_wrong_with_it(app: App) -> None:
    app.own.routes = with_a_broken_route()

    assert (backfill(app, route="letters").status, backfill(app, route="none").status) == (409, 404)
