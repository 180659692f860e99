"""The run API: what the ledger knows, and whether the app is healthy, in statuses that a program can act on."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import azure.functions as func
import pytest

from shared.core.job import Job
from shared.core.location import Location
from shared.core.record import change
from shared.core.run import Run, Status
from testbed.examples import STATE
from tests.triggers.app import App, plain, with_a_broken_route
from tests.triggers.log import told
from triggers import http, on_request

UNKNOWN = f"digits-{0:020x}"


def got(registered: Any, *, params: Mapping[str, str] | None = None, run_id: str | None = None) -> tuple[int, Any]:
    """The status and the JSON of an answer."""
    request = func.HttpRequest(
        method="GET",
        url="https://app.azurewebsites.net/api",
        params=params,
        route_params={"run_id": run_id} if run_id is not None else None,
        body=b"",
    )
    response: func.HttpResponse = plain(registered)(request)
    assert response.mimetype == "application/json"
    return response.status_code, json.loads(response.get_body())


def runs(**params: str) -> tuple[int, Any]:
    return got(http.list_runs, params=params)


def run(run_id: str) -> tuple[int, Any]:
    return got(http.get_run, run_id=run_id)


def test_the_header_link_leads_through_all_runs_and_names_no_key(app: App) -> None:
    for number in range(5):
        app.land(f"{number}.png")
        app.claim()
    found, params = list[str](), {"limit": "2", "route": "digits", "code": "the-key"}
    for _ in range(3):
        request = func.HttpRequest(method="GET", url="https://app/api/runs", params=params, body=b"")
        response: func.HttpResponse = plain(http.list_runs)(request)
        found += [run["run_id"] for run in json.loads(response.get_body())]
        link = response.headers.get("Link")
        if link is None:
            break
        query, _, rel = link.partition(">; ")
        assert rel == 'rel="next"'
        assert "the-key" not in link
        params = dict(parse_qsl(query.removeprefix("<?")))

    assert found == [one["run_id"] for one in runs()[1]]


def test_runs_are_listed_from_the_newest_and_chosen_by_what_is_asked(app: App) -> None:
    app.land("0.png")
    first = app.claim().run_id
    app.land("1.png")
    second = app.claim().run_id

    assert [found["run_id"] for found in runs()[1]] == [second, first]
    assert [found["run_id"] for found in runs(limit="1")[1]] == [second]
    assert runs(status="published") == (200, [])
    assert runs(route="letters") == (200, [])


def test_one_run_is_shown_with_the_files_of_its_snapshot(app: App) -> None:
    app.land("0.png", "1.png")
    claimed = app.claim()

    status, shown = run(claimed.run_id)

    assert (status, shown["run_id"], shown["status"]) == (200, claimed.run_id, "claimed")
    assert [file["name"] for file in shown["snapshot"]["list"]] == ["0.png", "1.png"]


def test_a_run_of_very_many_files_is_shown_with_the_first_and_the_others_are_had_in_pages(app: App) -> None:
    """An answer had fifteen megabytes of names."""
    app.land(*(f"{number:04}.png" for number in range(2500)))
    claimed = app.claim()

    _, shown = run(claimed.run_id)
    pages = [shown["snapshot"]["list"]]
    ahead = shown["snapshot"]["continuation"]
    while ahead is not None:
        status, page = got(http.get_files, params={"continuation": ahead}, run_id=claimed.run_id)
        assert status == 200
        pages.append(page["files"])
        ahead = page["continuation"]

    assert [len(page) for page in pages] == [1000, 1000, 500]
    assert [file["name"] for page in pages for file in page] == [f"{number:04}.png" for number in range(2500)]


@pytest.mark.parametrize(
    "params", [{"limit": "0"}, {"limit": "1001"}, {"continuation": "-1"}, {"continuation": "²"}, {"page": "1"}]
)
def test_a_page_of_files_that_cannot_be_is_refused(app: App, params: dict[str, str]) -> None:
    app.land("0.png")

    assert got(http.get_files, params=params, run_id=app.claim().run_id)[0] == 400


def test_of_a_run_that_there_is_not_there_are_no_files(app: App) -> None:
    assert got(http.get_files, run_id=UNKNOWN)[0] == 404


@pytest.mark.parametrize(
    ("params", "hint"),
    [
        ({"status": "done"}, "it must be one of claimed"),
        ({"since": "yesterday"}, "it must be an ISO 8601 time, e.g. 2026-01-31T12:00:00Z"),
        ({"limit": "0"}, "it must be a whole number from 1 to 1000"),
        (
            {"stats": "failed"},
            "'stats' is no query parameter here; there are route, landing, status, since, limit, continuation.",
        ),
    ],
    ids=["status", "since", "limit", "unknown"],
)
def test_a_query_that_is_not_understood_is_answered_by_what_would_be(
    app: App, params: dict[str, str], hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    status, answer = runs(**params)

    assert status == 400
    assert hint in answer["error"]
    assert caplog.records == []


@pytest.mark.parametrize(
    "registered", [http.get_run, http.get_files, http.get_logs, on_request.get_outcome, http.health]
)
def test_a_parameter_that_a_question_does_not_have_is_refused(app: App, registered: Any) -> None:
    status, answer = got(registered, params={"stats": "failed"}, run_id=UNKNOWN)

    assert (status, "'stats' is no query parameter here" in answer["error"]) == (400, True)


def test_a_run_that_is_not_there_is_not_found(app: App) -> None:
    assert run(UNKNOWN) == (404, {"error": "There is no run with this id."})


def test_what_cannot_be_the_id_of_a_run_is_not_looked_for(app: App) -> None:
    app.blobs.down = "nobody should ask"

    assert run("../health") == (400, {"error": "'../health' is not a run id."})


def test_a_run_whose_record_cannot_be_read_is_listed_as_such_and_shown_to_be_so(app: App) -> None:
    app.land("0.png")
    run_id = app.claim().run_id
    app.blobs.put(Location(STATE, f"runs/{run_id}.json"), b'{"version": 99}')

    status, (listed,) = runs()
    assert (status, listed["run_id"], listed["status"]) == (200, run_id, "unreadable")
    assert "version 99" in listed["error"]["message"]

    status, answer = run(run_id)
    assert status == 503
    assert "version 99" in answer["error"]


def test_a_ledger_that_does_not_answer_is_trouble_of_the_service_and_logged(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.blobs.down = "Could not list the ledger: 503 ServerBusy."

    assert runs() == run(UNKNOWN) == (503, {"error": "Could not list the ledger: 503 ServerBusy."})
    assert told(caplog, "http.failed", logging.ERROR) == [{"message": "Could not list the ledger: 503 ServerBusy."}] * 2


def test_without_its_settings_the_api_says_which_are_missing(app: App) -> None:
    del app.own.env["LANDFALL_STATE_URL"]

    status, answer = runs()

    assert status == 503
    assert "LANDFALL_STATE_URL" in answer["error"]


def test_an_app_in_order_is_healthy(app: App) -> None:
    status, answer = got(http.health)

    assert (status, answer["healthy"], answer["problems"]) == (200, True, [])
    assert answer["checked"] == app.clock().isoformat()


def test_health_tells_of_storage_and_endpoints_that_do_not_answer(app: App) -> None:
    app.blobs.down, app.endpoint.down = "Could not list the container: 403.", "The endpoint answered 401."

    status, answer = got(http.health)

    assert (status, answer["healthy"]) == (503, False)
    assert {"Could not list the container: 403.", "The endpoint answered 401."} == set(answer["problems"])


def test_health_tells_of_a_route_with_a_problem_and_looks_at_the_others_all_the_same(app: App) -> None:
    app.own.routes = with_a_broken_route()
    app.endpoint.down = "The endpoint answered 401."

    status, answer = got(http.health)

    assert status == 503
    assert any("letters" in problem for problem in answer["problems"])
    assert "The endpoint answered 401." in answer["problems"]


def test_health_of_routes_alone_asks_nobody_else(app: App) -> None:
    app.own.routes = with_a_broken_route()
    app.blobs.down, app.endpoint.down = "nobody should ask", "nobody should ask"

    status, answer = got(http.health, params={"only": "routes"})

    assert status == 503
    assert answer["problems"]
    assert all("letters" in problem for problem in answer["problems"])


def test_routes_that_are_in_order_are_healthy_whatever_becomes_of_the_rest(app: App) -> None:
    app.blobs.down = "503"

    assert got(http.health, params={"only": "routes"})[0] == 200
    assert got(http.health, params={"only": "storage"})[0] == 400


def test_health_without_settings_tells_each_that_is_missing_on_a_line_of_its_own(app: App) -> None:
    del app.own.env["LANDFALL_STATE_URL"]
    app.own.env["LANDFALL_TOPIC_ENDPOINT"] = "http://topic"

    status, answer = got(http.health)

    assert status == 503
    told_of = [problem.split()[1] for problem in answer["problems"] if problem.startswith("  - ")]
    assert told_of == ["LANDFALL_STATE_URL", "LANDFALL_TOPIC_ENDPOINT"]


def test_health_without_a_routes_file_says_so(app: App) -> None:
    app.own.env["LANDFALL_ROUTES"] = "nowhere/routes.yaml"

    status, answer = got(http.health)

    assert status == 503
    assert any("nowhere/routes.yaml" in problem for problem in answer["problems"])


def test_a_defect_is_not_taken_for_trouble(app: App) -> None:
    """The host answers 500, and its log has the traceback."""

    def broken(location: Location) -> object:
        raise ZeroDivisionError

    app.land("0.png")
    run_id = app.claim().run_id
    app.blobs.read = broken  # type: ignore[method-assign, assignment]

    with pytest.raises(ZeroDivisionError):
        run(run_id)


def test_what_a_job_has_logged_is_shown_and_of_a_run_without_one_that_is_said(app: App) -> None:
    app.land("0.png")
    run = app.claim()
    assert got(http.get_logs, run_id=run.run_id)[0] == 409
    assert got(http.get_logs, run_id=UNKNOWN)[0] == 404

    app.endpoint.reason = "KeyError: 'digit'"
    job = app.endpoint.make_job({})
    status, answer = logged(app, run, job)

    assert (status, answer["job"]) == (200, job.name)
    assert answer["logs"] == [{"name": "logs/user/error/0/process000.txt", "text": "KeyError: 'digit'\n"}]


def logged(app: App, run: Run, job: Job) -> tuple[int, Any]:
    """What is shown of the logs once the run has that job."""
    app.own.ledger.record(run.run_id, change(run.progress, job=job, status=Status.SCORING, revision=1), None)
    return got(http.get_logs, run_id=run.run_id)
