"""Storage events: one that matters starts the watch of its landing, once; any other costs nothing."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import azure.functions as func
import pytest

from shared.core.record import load
from shared.core.watch import Watch
from shared.errors import InputRefused, RoutesInvalid
from shared.routes import parse_routes
from shared.services import RecentlyStarted
from shared.work.ignoring import MOST_SUSPICIOUS
from shared.work.pacing import ORDINARY
from testbed.examples import SETTINGS, TOPIC, replaced
from testbed.fakes import NOON
from tests.triggers.app import App, with_a_broken_route
from tests.triggers.log import told
from triggers import events

KIND = "Microsoft.Storage.BlobCreated"
IMAGE = "digits/tuesday/0.png"
WRITTEN = {"api": "PutBlob", "contentLength": 167}

Deliver = Callable[..., None]


def event_grid(path: str, topic: str, data: Any) -> dict[str, Any]:
    return {"eventType": KIND, "topic": topic, "subject": subject(path), "data": data}


def cloud_event(path: str, topic: str, data: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "type": KIND, "source": topic, "subject": subject(path), "data": data}


def subject(path: str) -> str:
    return f"/blobServices/default/containers/landing/blobs/{path}"


def pushed_event_grid(app: App, path: str, topic: str, data: Any) -> None:
    event = func.EventGridEvent(
        id="1",
        topic=topic,
        subject=subject(path),
        event_type=KIND,
        event_time=NOON,
        data=data,
        data_version="",
    )
    app.call(events.on_blob_event, event=event)


def pushed_cloud_event(app: App, path: str, topic: str, data: Any) -> None:
    event = func.CloudEvent(
        id="1", source=topic, type=KIND, specversion="1.0", subject=subject(path), time=NOON, data=data
    )
    app.call(events.on_blob_event, event=event)


def queued_event_grid(app: App, path: str, topic: str, data: Any) -> None:
    queued(app, event_grid(path, topic, data))


def queued_cloud_event(app: App, path: str, topic: str, data: Any) -> None:
    queued(app, cloud_event(path, topic, data))


def queued_in_base64(app: App, path: str, topic: str, data: Any) -> None:
    queued(app, event_grid(path, topic, data), base64.b64encode)


def queued(app: App, event: object, encode: Callable[[bytes], bytes] = bytes) -> None:
    message = func.QueueMessage(id="message-7", body=encode(json.dumps(event).encode()))
    app.call(events.on_blob_message, message=message)


@pytest.fixture(
    params=[pushed_event_grid, pushed_cloud_event, queued_event_grid, queued_cloud_event, queued_in_base64],
    ids=lambda way: way.__name__.replace("_", " "),
)
def deliver(request: pytest.FixtureRequest, app: App) -> Deliver:
    """Deliver the event of a blob in the landing container."""

    def given(path: str = IMAGE, *, topic: str = TOPIC, data: object = WRITTEN) -> None:
        request.param(app, path, topic, data)

    return given


def test_an_event_starts_the_watch_of_its_landing_and_says_so(
    app: App, deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "landfall")

    deliver()

    (instance_id,) = app.client.started
    watch = load(Watch, app.given(instance_id))
    assert (watch.route, watch.landing, watch.is_marker) == ("digits", "digits/tuesday", False)
    names = {"route": "digits", "landing": "digits/tuesday", "instance_id": instance_id}
    assert told(caplog, "landing.watched") == [{**names, "subject": subject(IMAGE)}]


def test_events_of_one_upload_share_a_watch_and_it_is_told_of_once(
    app: App, deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "landfall")

    for number in range(5):
        deliver(f"digits/tuesday/{number}.png")
    app.own.recent_watches = RecentlyStarted()  # another process of the app
    deliver("digits/tuesday/5.png")

    assert len(app.client.started) == len(told(caplog, "landing.watched")) == 1


def test_an_event_of_a_later_moment_starts_a_watch_of_its_own(app: App, deliver: Deliver) -> None:
    deliver()
    app.clock.advance(minutes=1)
    deliver()

    assert len(set(app.client.started)) == 2


def test_the_event_of_a_marker_starts_a_watch_that_knows_it(app: App, deliver: Deliver) -> None:
    app.own.routes = parse_routes(replaced(("      quiet: 5s", "      marker: _SUCCESS")), SETTINGS)

    deliver("digits/tuesday/0.png")
    deliver("digits/tuesday/_SUCCESS", data={"api": "PutBlob", "contentLength": 0})

    assert [load(Watch, app.given(started)).is_marker for started in app.client.started] == [False, True]


@pytest.mark.parametrize(
    ("path", "data", "folder"),
    [
        ("letters/tuesday/a.png", WRITTEN, "letters/tuesday"),
        ("digits/tuesday/notes.txt", WRITTEN, "digits/tuesday"),
        ("digits/tuesday/", WRITTEN, "digits"),
        (IMAGE, {"api": "PutBlob", "contentLength": 0}, "digits/tuesday"),
    ],
    ids=["another folder", "another file", "a folder marker", "empty"],
)
def test_an_event_that_asks_for_nothing_costs_nothing_and_leaves_a_trace(
    app: App, deliver: Deliver, path: str, data: object, folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "landfall")

    deliver(path, data=data)
    deliver(path, data=data)

    assert app.client.calls == []
    assert caplog.records == []
    app.clock.advance(minutes=1)
    deliver()
    (line,) = told(caplog, "events.ignored")
    assert (line["folder"], line["count"], line["example"]) == (f"landing/{folder}", 2, subject(path))


@pytest.mark.parametrize(
    "data",
    [{"api": "CreateFile", "contentLength": 0}, {"api": "PutBlobFromUrl"}, None, ["PutBlob"]],
    ids=["created and not written yet", "an API of later", "no data", "data that is a list"],
)
def test_any_event_of_a_file_is_a_hint_to_look(app: App, deliver: Deliver, data: object) -> None:
    deliver(data=data)

    assert len(app.client.started) == 1


def test_an_event_of_an_account_that_is_not_the_routes_starts_nothing_and_is_told_aloud(
    app: App, deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(topic=TOPIC.replace("/landing", "/attacker"))

    assert app.client.calls == []
    (ignored,) = told(caplog, "events.ignored", logging.WARNING)
    assert ignored["reason"] == "it is for account 'attacker', but route 'digits' reads from 'landing'"


def test_a_thousand_forged_events_are_a_hundred_lines(
    app: App, deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1_000):
        deliver(topic=TOPIC.replace("/landing", f"/attacker{number}"))
    app.clock.advance(minutes=1)
    deliver()

    lines = told(caplog, "events.ignored", logging.WARNING)

    assert len(lines) == MOST_SUSPICIOUS + 1
    assert sum(line["count"] for line in lines) == 1_000


def test_an_event_whose_watch_cannot_be_started_is_delivered_again_and_then_serves(app: App, deliver: Deliver) -> None:
    app.client.down = "the storage of the task hub does not answer"
    with pytest.raises(Exception, match="task hub"):
        deliver()

    app.client.down = None
    deliver()

    assert len(app.client.started) == 1


def test_an_event_that_may_be_for_a_route_with_a_problem_is_delivered_again(app: App, deliver: Deliver) -> None:
    app.own.routes = with_a_broken_route()

    with pytest.raises(RoutesInvalid, match="letters"):
        deliver("letters/tuesday/a.png")

    assert app.client.calls == []


def test_a_route_with_a_problem_is_no_trouble_for_the_events_of_others(app: App, deliver: Deliver) -> None:
    app.own.routes = with_a_broken_route()

    deliver(IMAGE)

    assert len(app.client.started) == 1


def test_an_event_of_a_container_that_no_route_with_a_problem_reads_is_ignored(app: App, deliver: Deliver) -> None:
    app.own.routes = with_a_broken_route("another")

    deliver("letters/tuesday/a.png")

    assert app.client.calls == []


def test_a_suspicious_event_is_not_delivered_again_for_the_sake_of_a_route_with_a_problem(
    app: App, deliver: Deliver
) -> None:
    app.own.routes = with_a_broken_route()

    deliver(topic=TOPIC.replace("/landing", "/attacker"))

    assert app.client.calls == []


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"{",
        b"[]",
        b"7",
        b"null",
        b"{}",
        base64.b64encode(b"[]"),
        json.dumps({"type": KIND, "source": TOPIC, "data": WRITTEN}).encode(),
        json.dumps({"eventType": KIND, "subject": subject(IMAGE), "data": WRITTEN}).encode(),
    ],
    ids=[
        "no text",
        "no JSON",
        "a list",
        "a number",
        "null",
        "nothing in it",
        "a coded list",
        "no subject",
        "no topic",
    ],
)
def test_a_message_that_cannot_be_read_fails_until_the_host_puts_it_in_the_poison_queue(app: App, body: bytes) -> None:
    message = func.QueueMessage(id="message-7", body=body)

    with pytest.raises(InputRefused, match="Queue message message-7 is not an event"):
        app.call(events.on_blob_message, message=message)

    assert app.client.calls == []


@pytest.mark.parametrize(
    "changed",
    [{"subject": 7}, {"topic": 7}, {"subject": ["a"]}, {"topic": {"a": 1}}],
    ids=["subject 7", "topic 7", "a list for a subject", "a map for a topic"],
)
def test_a_message_whose_members_are_no_texts_is_refused_by_name(app: App, changed: Mapping[str, Any]) -> None:
    """The host was told of a TypeError from the middle of the code, and nobody of the message."""
    with pytest.raises(InputRefused, match="Queue message message-7 is not an event"):
        queued(app, {**event_grid(IMAGE, TOPIC, WRITTEN), **changed})


def test_a_flood_of_events_that_somebody_has_made_up_begins_few_watches(
    app: App, deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    """5 000 events for folders that there are not left 5 003 orchestrations behind."""
    caplog.set_level(logging.INFO, "landfall")

    for number in range(500):
        deliver(f"digits/made-up-{number}/0.png")
    app.own.ignored.tell()

    assert len(app.client.started) == ORDINARY
    reasons = {line["reason"]: line["count"] for line in told(caplog, "events.ignored")}
    assert reasons == {"there is no such blob": 1}


def test_what_really_lands_during_a_flood_is_watched(app: App, deliver: Deliver) -> None:
    for number in range(ORDINARY + 10):
        deliver(f"digits/made-up-{number}/0.png")
    app.land("0.png")
    before = len(app.client.started)
    for number in range(ORDINARY + 10):
        deliver(f"digits/made-up-again-{number}/0.png")

    deliver()

    assert len(app.client.started) == before + ORDINARY + 1


def test_once_a_flood_is_over_a_watch_costs_no_look_before_it(app: App, deliver: Deliver) -> None:
    for number in range(ORDINARY + 10):
        deliver(f"digits/made-up-{number}/0.png")
    looked_up = len(app.blobs.looked_up)
    app.clock.advance(minutes=2)

    deliver()

    assert len(app.client.started) == ORDINARY + 1
    assert len(app.blobs.looked_up) == looked_up
