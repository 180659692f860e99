"""A corpus of what enemies and broken programs send, against every door of the app: query parameters, ids in paths,
bodies, and messages of the queue.

Whatever comes, the answer is one of those that are documented, a refusal is a sentence of a reasonable length that
tells nothing of the inside, nothing is written, and nothing is started.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Mapping
from typing import Any

import azure.functions as func
import pytest

from shared.errors import InputRefused
from tests.triggers.app import App, plain
from triggers import catching_up, events, http, landings, on_request, operating, pausing, status

TEXTS = (
    "",
    " ",
    ".",
    "..",
    "../../secrets",
    "digits/../state",
    "digits//tuesday",
    "/digits/tuesday/",
    "digits\\tuesday",
    "%2e%2e%2f",
    "digits/tuesday\x00",
    "digits/tues\nday",
    "\r\nSet-Cookie: a=b",
    "\ud800",
    "\ufffe",
    "\u202e",
    "é\u0301",
    "日本",
    "\U0001d4b3" * 300,
    "a" * 10_000,
    "/" * 2_000,
    "a/" * 2_000,
    "{landing}",
    "{0.__class__.__mro__}",
    "${LANDING_ACCOUNT_URL}",
    "%s%n%x",
    "' OR '1'='1",
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "https://evil.example/x",
    "file:///etc/passwd",
    "http://169.254.169.254/metadata",
    "-1",
    "0",
    "00",
    "1.5",
    "1e999",
    "NaN",
    "\uff19",
    "9" * 400,
    "null",
    "true",
    "[]",
    "{}",
    "0001-01-01T00:00:00-23:59",
    "9999-12-31T23:59:59+23:59",
    "2026-13-45",
    "2026-01-01/000000000000_digits-" + "0" * 20,
    "digits-" + "0" * 20,
    "digits-" + "g" * 20,
    "20260101T000000.digits-" + "0" * 16,
)
"""As a parameter, as an id, and as a member of a body."""

BODIES = (
    b"",
    b" ",
    b"null",
    b"true",
    b"1",
    b'"text"',
    b"[]",
    b"{",
    b"}",
    b"{}",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b'{"a":' * 20_000,
    b'{"route": NaN}',
    b'{"route": 1e999}',
    b'{"route": ' + b"9" * 5_000 + b"}",
    b'{"route": "\\ud800"}',
    b'{"route": null, "landing": null}',
    b'{"route": ["digits"], "landing": {"a": 1}}',
    b'{"route": "digits", "route": "letters"}',
    b'{"__proto__": {}, "constructor": 1}',
    b'{"route": "digits", "landing": "digits/tuesday", "settings": {"mini_batch_size": -1}}',
    b'{"route": "digits", "landing": "digits/tuesday", "inputs": {"images": "https://evil.example/x"}}',
    b'{"reason": ' + json.dumps("r" * 100_000).encode() + b"}",
    b"a=b&c=d",
    b"--boundary\r\nContent-Disposition: form-data\r\n\r\n",
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
)

READ = {
    "runs": (http.list_runs, ("route", "landing", "status", "since", "limit", "continuation", "unknown")),
    "landings": (landings.list_landings, ("route", "state", "limit", "continuation", "unknown")),
    "explain": (landings.explain, ("path", "unknown")),
    "routes": (pausing.list_routes, ("unknown",)),
    "status": (status.status_page, ("run", "unknown")),
    "outcome": (on_request.get_outcome, ("url",)),
    "files": (http.get_files, ("limit", "continuation", "unknown")),
}
"""What is asked with GET, and with which parameters."""

OF_A_RUN = {
    "run": http.get_run,
    "files": http.get_files,
    "logs": http.get_logs,
    "outcome": on_request.get_outcome,
    "cancel": operating.cancel_run,
    "replay": operating.replay_run,
    "rescore": operating.rescore_run,
}
OF_A_ROUTE = {"pause": pausing.pause_route, "resume": pausing.resume_route}
WITH_A_BODY = {
    "request": on_request.request_run,
    "refresh": catching_up.refresh_landings,
    "backfill": catching_up.backfill_route,
    **OF_A_RUN,
    **OF_A_ROUTE,
}
ASKS_FOR_ALL = (b"", b" ", b"{}", b'{"route": null, "landing": null}')
"""Bodies with which a refresh is one of everything."""
EXPECTED = frozenset({200, 202, 204, 400, 404, 405, 409, 410, 413, 422})
LONGEST = 3_000
"""Characters of a refusal."""
INSIDE = ("Traceback", 'File "', "msgspec", "site-packages", "windows.net?", "AccountKey")


def answer(
    app: App,
    registered: Any,
    *,
    params: Mapping[str, str] | None = None,
    route_params: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> func.HttpResponse:
    """What the function answers, whether it takes the durable client or not."""
    function = plain(registered)
    request = func.HttpRequest(
        method="POST" if body else "GET",
        url="https://app.azurewebsites.net/api",
        params=dict(params or {}),
        route_params=dict(route_params or {}),
        body=body,
    )
    takes_client = "client" in inspect.signature(function).parameters
    found = function(request, app.client) if takes_client else function(request)
    answered: func.HttpResponse = asyncio.run(found) if inspect.iscoroutine(found) else found
    return answered


def stood(app: App, response: func.HttpResponse, *, writes: int) -> None:
    """The answer is one that is documented, and nothing was done."""
    text = response.get_body().decode("utf-8")
    assert response.status_code in EXPECTED, text[:300]
    if response.status_code >= 400 and response.mimetype == "application/json":
        error = json.loads(text)["error"]
        assert 0 < len(str(error)) <= LONGEST
    assert not any(told in text for told in INSIDE), text[:300]
    assert app.blobs.writes == writes
    assert app.client.started == []
    assert app.endpoint.posts == []


@pytest.fixture
def attacked(app: App) -> App:
    """The app with one landing, whose run was claimed."""
    app.land("0.png", "1.png")
    app.claim()
    return app


@pytest.mark.parametrize("name", READ)
def test_no_value_of_a_parameter_does_harm(attacked: App, name: str) -> None:
    registered, parameters = READ[name]
    run = next(iter(attacked.own.ledger.newest()))
    writes = attacked.blobs.writes
    for parameter in parameters:
        for text in TEXTS:
            response = answer(attacked, registered, params={parameter: text}, route_params={"run_id": run.run_id})
            stood(attacked, response, writes=writes)


@pytest.mark.parametrize("name", OF_A_RUN)
def test_no_id_of_a_run_does_harm(attacked: App, name: str) -> None:
    writes = attacked.blobs.writes
    for text in TEXTS:
        response = answer(attacked, OF_A_RUN[name], route_params={"run_id": text}, body=b"{}")
        stood(attacked, response, writes=writes)
        assert response.status_code in (400, 404)


@pytest.mark.parametrize("name", OF_A_ROUTE)
def test_no_name_of_a_route_does_harm(attacked: App, name: str) -> None:
    writes = attacked.blobs.writes
    for text in TEXTS:
        response = answer(attacked, OF_A_ROUTE[name], route_params={"route": text}, body=b"{}")
        stood(attacked, response, writes=writes)


@pytest.mark.parametrize("name", WITH_A_BODY)
def test_no_body_does_harm(attacked: App, name: str) -> None:
    """Nobody's run, and no route that there is."""
    writes = attacked.blobs.writes
    where = {"run_id": f"digits-{0:020x}", "route": "nobody"}
    for body in BODIES:
        if name == "refresh" and body in ASKS_FOR_ALL:
            continue
        response = answer(attacked, WITH_A_BODY[name], route_params=where, body=body)
        stood(attacked, response, writes=writes)


@pytest.mark.parametrize("member", ["route", "landing", "again", "settings", "inputs", "id"])
def test_no_member_of_a_request_does_harm(attacked: App, member: str) -> None:
    writes = attacked.blobs.writes
    for text in TEXTS:
        for value in (text, [text], {text: text}, {"a": {"b": [text]}}):
            body = json.dumps({"route": "letters", "landing": "digits/tuesday", member: value}).encode()
            stood(attacked, answer(attacked, on_request.request_run, body=body), writes=writes)


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_no_message_of_the_queue_does_harm(attacked: App, body: bytes) -> None:
    writes = attacked.blobs.writes
    message = func.QueueMessage(id="message-1", body=body)
    try:
        attacked.call(events.on_blob_message, message=message)
    except InputRefused as refused:
        assert len(str(refused)) <= LONGEST

    assert attacked.blobs.writes == writes
    assert attacked.client.started == []


def test_no_name_in_an_event_does_harm(attacked: App) -> None:
    writes = attacked.blobs.writes
    for text in TEXTS:
        for path in (text, f"digits/{text}", f"digits/{text}/0.png", f"digits/tuesday/{text}"):
            event = {
                "eventType": "Microsoft.Storage.BlobCreated",
                "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/landing",
                "subject": f"/blobServices/default/containers/landing/blobs/{path}",
                "data": {"api": "PutBlob", "contentLength": 1},
            }
            message = func.QueueMessage(id="message-1", body=json.dumps(event).encode())
            try:
                attacked.call(events.on_blob_message, message=message)
            except InputRefused as refused:
                assert len(str(refused)) <= LONGEST

    assert attacked.blobs.writes == writes
    for instance in attacked.client.started:
        landing = str(attacked.given(instance)["landing"])
        assert landing.startswith("digits/")
        assert not {"", ".", ".."} & set(landing.split("/"))
        assert all(letter >= " " for letter in landing)
