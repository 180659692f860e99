"""The doctor's door: what may be asked, and that an answer is JSON whatever is wrong with the app."""

from __future__ import annotations

import json
import logging
from typing import Any

import azure.functions as func
import pytest

from tests.triggers.app import App, plain, with_a_broken_route
from tests.triggers.log import told
from triggers import http


def asked(body: object) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of an answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = func.HttpRequest(method="POST", url="https://app.azurewebsites.net/api/doctor", body=content)
    response: func.HttpResponse = plain(http.doctor)(request)
    assert response.mimetype == "application/json"
    return response.status_code, json.loads(response.get_body())


def failed(report: dict[str, Any]) -> list[str]:
    return [check["name"] for check in report["checks"] if check["verdict"] == "failed"]


def test_an_app_in_order_is_told_so(app: App) -> None:
    app.land("0.png")

    status, report = asked(b"")

    assert (status, report["ok"], report["probe"]) == (200, True, None)
    assert {check["verdict"] for check in report["checks"]} == {"ok"}
    assert len(report["open_questions"]) == 8


def test_a_probe_job_is_sent_followed_and_told_of_in_the_log(app: App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "landfall")
    app.own.new_id = lambda: "0" * 32
    app.land("0.png")

    status, report = asked({"submit": True, "route": "digits"})

    assert (status, report["ok"]) == (200, True)
    assert report["probe"] == {
        "id": "0" * 32,
        "route": "digits",
        "ended": True,
        "job": "batchjob-1",
        "status": "Completed",
        "studio_url": "https://ml.azure.com/runs/batchjob-1",
    }
    (sent,), (ended,) = told(caplog, "doctor.probe_sent"), told(caplog, "doctor.probe_ended")
    assert sent["job"] == ended["job"] == "batchjob-1"
    (checked,) = told(caplog, "doctor.checked")
    assert checked["failed"] == []


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (b"{not json", "Not valid JSON"),
        ({"submit": True}, '{"submit": true, "route": NAME}'),
        ({"route": "letters"}, "it must be one that can be used: digits"),
        ({"submit": True, "route": "digits", "folder": "../state"}, "digits/{batch}"),
        ({"probe": "../runs/digits"}, "32 hex digits"),
        ({"probe": "0" * 32}, "There is no probe"),
        ({"probe": {"id": "0" * 32}}, "probe"),
    ],
)
def test_a_request_that_is_not_understood_is_answered_by_what_would_be_and_does_nothing(
    app: App, body: object, hint: str
) -> None:
    before = dict(app.blobs.contents)

    status, answer = asked(body)

    assert status == 400
    assert hint in answer["error"]
    assert app.endpoint.posts == []
    assert app.blobs.contents == before


def test_without_its_settings_the_checklist_has_one_line_that_names_them(app: App) -> None:
    del app.own.env["LANDFALL_STATE_URL"]

    status, report = asked({})

    assert (status, report["ok"], failed(report)) == (200, False, ["settings"])
    assert "LANDFALL_STATE_URL" in report["checks"][0]["came_back"]


def test_a_route_with_a_problem_is_a_line_and_the_others_are_checked(app: App) -> None:
    app.own.routes = with_a_broken_route()

    _, report = asked({})

    assert failed(report) == ["routes.yaml"]
    assert {check["route"] for check in report["checks"]} == {None, "digits", "letters"}


def test_services_that_do_not_answer_are_lines_too(app: App) -> None:
    app.blobs.down, app.endpoint.down = "storage: 503", "endpoint: 503"

    status, report = asked({})

    assert status == 200
    assert set(failed(report)) == {
        "ledger written",
        "landing listed",
        "output datastore written",
        "lakehouse written",
        "endpoint read",
    }


def test_a_probe_that_cannot_be_looked_up_now_is_trouble_of_the_service(app: App) -> None:
    app.blobs.down = "storage: 503"

    assert asked({"probe": "0" * 32}) == (503, {"error": "storage: 503"})
