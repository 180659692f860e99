"""Pausing and resuming routes, as the host calls the functions."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

import azure.functions as func
import pytest

from shared.core.acts import Said
from shared.core.location import Location
from shared.core.pause import Standing, paused, resumed
from shared.core.record import Names, load
from shared.core.run import Status
from shared.core.steps import ClaimAnswer, Claimed, ClaimRun, Paused
from shared.core.watch import Watch
from shared.work import claiming
from testbed.examples import STATE
from tests.triggers.app import FOLDER, WATCHER, App, plain, with_a_broken_route
from tests.triggers.landed import explained, listed, look, put
from tests.triggers.log import told
from tests.triggers.requests import Answer, ask, read
from tests.triggers.test_operating import act, an_ended_run
from tests.triggers.test_sweep import quarter_of_an_hour_later, sweep
from triggers import pausing

KIM = {"X-MS-CLIENT-PRINCIPAL-NAME": "kim@x"}


def pause(app: App, route: str = "digits", *, headers: Mapping[str, str] | None = None, **body: Any) -> Answer:
    return read(plain(pausing.pause_route)(_request(route, body, headers)))


def resume(app: App, route: str = "digits", *, headers: Mapping[str, str] | None = None, **body: Any) -> Answer:
    return read(asyncio.run(plain(pausing.resume_route)(_request(route, body, headers), app.client)))


def routes_of(app: App) -> Any:
    request = func.HttpRequest(method="GET", url="https://app/api/routes", body=b"")
    return read(plain(pausing.list_routes)(request)).body


def _request(route: str, body: Mapping[str, Any], headers: Mapping[str, str] | None) -> func.HttpRequest:
    content = json.dumps(body).encode() if body else b""
    return func.HttpRequest(
        method="POST", url="https://app/api/routes", route_params={"route": route}, headers=headers, body=content
    )


def claimed(app: App, folder: str = FOLDER) -> ClaimAnswer:
    """What a watcher learns that has found the landing ready."""
    fingerprint = look(app, folder)
    names = Names(route="digits", landing=folder, instance_id=WATCHER)
    given = ClaimRun(names=names, fingerprint=fingerprint, refusal=None, copies=False, now=app.clock())
    return claiming.claim(app.own.routes, app.blobs, app.own.ledger, given)


def test_a_paused_route_says_since_when_by_whom_and_why(app: App, caplog: pytest.LogCaptureFixture) -> None:
    answer = pause(app, reason="the endpoint is being rebuilt", headers=KIM)

    said = {"at": "2026-03-01T12:00:00Z", "by": "kim@x", "reason": "the endpoint is being rebuilt"}
    assert answer.status == 200
    assert answer.body["paused"] == said
    assert routes_of(app)["routes"][0]["paused"] == said
    assert told(caplog, "route.paused", logging.WARNING) == [
        {"route": "digits", "by": "kim@x", "reason": "the endpoint is being rebuilt"}
    ]


def test_pausing_again_leaves_who_was_first_and_resuming_again_does_no_harm(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    pause(app, headers=KIM)
    app.clock.advance(minutes=1)

    assert pause(app, reason="me too").body["paused"]["by"] == "kim@x"
    assert len(told(caplog, "route.paused")) == 1
    assert [resume(app).body["paused"] for _ in range(2)] == [None, None]
    assert len(told(caplog, "route.resumed")) == 1
    assert routes_of(app)["routes"][0]["resumed"]["at"] == "2026-03-01T12:01:00Z"


def test_what_is_ready_waits_and_is_seen_to_wait(app: App) -> None:
    pause(app, reason="no budget")
    put(app, "0.png")

    assert claimed(app) == Paused()

    (landing,) = listed(app, state="paused")["landings"]
    assert (landing["landing"], landing["paused"]["reason"]) == ("landing/digits/tuesday", "no budget")
    assert listed(app, state="waiting")["landings"] == []
    answer = explained(app)
    assert answer["state"] == "paused"
    assert "Route 'digits' has been paused since 2026-03-01 12:00 UTC by somebody: no budget." in answer["text"]
    assert "POST /api/routes/digits/resume" in answer["text"]


def test_what_has_come_meanwhile_is_looked_at_once_the_route_is_resumed(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    pause(app)
    app.land("0.png")
    assert claimed(app) == Paused()
    app.land("1.png", folder="digits/wednesday")

    answer = resume(app)

    assert answer.body["begun"] == 2
    watched = {load(Watch, app.given(instance_id)).landing for instance_id in app.client.started}
    assert watched == {"digits/tuesday", "digits/wednesday"}
    assert isinstance(claimed(app), Claimed)
    assert told(caplog, "landing.missed", logging.WARNING) == [], "no event was lost"


def test_what_has_come_just_before_is_looked_at_as_well(app: App) -> None:
    """A sweep leaves what is younger than ten seconds to its events; their watch has ended, because of the pause."""
    pause(app)
    put(app, "0.png")
    assert claimed(app) == Paused()

    assert resume(app).body["begun"] == 1


def test_a_watcher_that_is_just_finding_the_route_paused_looks_once_more(app: App) -> None:
    """It was told so before the route was resumed, and leaves after it."""
    pause(app)
    landing = app.land("0.png")
    app.client.has_watcher(landing.key, WATCHER, status="Running")

    assert resume(app).body["begun"] == 1


def test_the_sweep_has_a_landing_that_no_event_told_of_looked_at_once_and_lets_it_wait(app: App) -> None:
    pause(app)
    app.land("0.png")

    sweep(app)
    assert len(app.client.started) == 1, "so that it is known to wait"
    look(app)
    quarter_of_an_hour_later(app)

    assert len(app.client.started) == 1


def test_what_has_come_in_a_pause_of_weeks_is_not_taken_for_old(app: App) -> None:
    pause(app)
    app.land("0.png")
    look(app)
    quarter_of_an_hour_later(app)
    for _ in range(3):
        app.clock.advance(days=7)
        sweep(app)

    assert resume(app).body["begun"] == 1


def test_nobody_begins_a_run_of_a_paused_route_but_one_can_be_tried_again(app: App) -> None:
    failed = an_ended_run(app, Status.FAILED)
    pause(app, reason="it fails")

    refused = ask(app, landing=FOLDER, again=True)

    assert (refused.status, "has been paused" in refused.body["error"]) == (409, True)
    assert act(app, "replay", failed.run_id).status == 202


def test_a_request_that_was_promised_a_run_before_the_pause_is_still_told_of_it(app: App) -> None:
    app.land("0.png")
    headers = {"Idempotency-Key": "monday"}
    run_id = ask(app, headers=headers).run_id
    pause(app)

    assert ask(app, headers=headers).run_id == run_id


@pytest.mark.parametrize("do", [pause, resume], ids=["pause", "resume"])
def test_a_route_that_is_not_there_is_not_found_and_those_that_are_are_named(app: App, do: Any) -> None:
    answer = do(app, "digit")

    assert (answer.status, answer.body) == (404, {"error": "There is no route 'digit'; there are digits."})


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"why": 1}', b'{"reason": "' + b"x" * 501 + b'"}', b"x" * 20_000])
def test_a_body_that_says_something_else_is_refused(app: App, body: bytes) -> None:
    request = func.HttpRequest(method="POST", url="https://app/api", route_params={"route": "digits"}, body=body)

    assert read(plain(pausing.pause_route)(request)).status == 400
    assert app.own.ledger.standings() == {}


def test_a_pause_that_this_version_cannot_read_counts_as_one_and_can_be_written_anew(app: App) -> None:
    app.blobs.put(Location(STATE, "standings/digits.json"), b'{"version": 7, "until": "Friday"}')
    put(app, "0.png")

    assert claimed(app) == Paused()
    assert "cannot read" in routes_of(app)["routes"][0]["paused"]["reason"]
    assert pause(app, headers=KIM).body["paused"]["by"] == "kim@x"
    resume(app)
    assert isinstance(claimed(app), Claimed)


def test_routes_with_a_problem_are_told_of_and_the_others_listed(app: App) -> None:
    app.own.routes = with_a_broken_route()

    body = routes_of(app)

    assert [route["route"] for route in body["routes"]] == ["digits"]
    assert "letters" in body["problems"][0]
    assert pause(app, "letters").status == 409


def test_of_two_at_once_the_first_pause_counts(app: App) -> None:
    first, second = Said(at=app.clock(), by="kim"), Said(at=app.clock(), by="lee")

    def overtaken(standing: Standing) -> Standing:
        if standing == Standing():  # only the first time
            app.own.ledger.change_standing("digits", lambda known: paused(known, first))
        return paused(standing, second)

    assert app.own.ledger.change_standing("digits", overtaken).pause == first
    assert app.own.ledger.standing("digits").pause == first


def test_a_standing_tells_the_last_of_each() -> None:
    when = load(Said, {"at": "2026-03-01T12:00:00Z"})

    assert resumed(Standing(), when) == Standing(), "nothing was paused"
    assert paused(resumed(paused(Standing(), when), when), when) == Standing(paused=when)
