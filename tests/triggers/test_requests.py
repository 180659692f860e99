"""Asking for a run: what is claimed and started, what is answered, and what is refused with which status."""

from __future__ import annotations

import logging
from typing import Any

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest

from shared.core.record import load
from shared.core.request import LARGEST_BODY
from shared.core.route import JobSettings
from shared.core.run import Error, Run, Status
from tests.triggers.app import FOLDER, App, with_a_broken_route
from tests.triggers.log import told
from tests.triggers.requests import MAY_BE_CHANGED, ONLY_ON_REQUEST, URL, ask, end, routes, run_of
from triggers import on_request
from triggers import sweep as triggers_sweep
from triggers.names import Orchestrator


def sweep(app: App) -> None:
    timer: func.TimerRequest = TimerRequest(past_due=False)
    app.call(triggers_sweep.sweep, timer=timer)


def test_a_landing_that_is_asked_for_is_claimed_and_started_at_once(app: App) -> None:
    app.land("0.png", "1.png")

    answer = ask(app)

    run = run_of(app, answer.run_id)
    assert (answer.status, answer.body["status"]) == (202, "claimed")
    assert (run.snapshot.files, run.landing) == (2, FOLDER)
    assert app.client.started == [run.run_id]
    assert app.client.instances[run.run_id].name == Orchestrator.SCORE
    assert load(Run, app.given(run.run_id)) == run


def test_the_answer_says_where_to_look_and_when(app: App) -> None:
    app.land("0.png")

    answer = ask(app)

    assert answer.location == f"{URL}/{answer.run_id}/outcome"
    assert answer.headers["Retry-After"] == "1"
    assert answer.body["links"]["run"] == f"{URL}/{answer.run_id}"


def test_nobody_waits_for_the_landing_to_be_quiet(app: App) -> None:
    app.land("0.png")
    app.clock.moment = app.blobs.contents[next(iter(app.blobs.contents))][1].modified

    assert ask(app).status == 202


def test_a_landing_is_asked_for_by_its_url_as_well(app: App) -> None:
    app.land("0.png")
    url = f"https://landing.blob.core.windows.net/landing/{FOLDER}"

    assert ask(app, landing=url).run_id == ask(app).run_id


def test_one_file_is_asked_for_where_every_file_is_a_landing(app: App) -> None:
    app.land("0.png", "1.png")
    app.own.routes = routes(
        ("type: uri_folder", "type: uri_file"),
        ("landing/{landing}", "landing/{file}"),
    )

    run = run_of(app, ask(app, landing=f"{FOLDER}/1.png").run_id)

    assert (run.landing, run.snapshot.files) == (f"{FOLDER}/1.png", 1)


def test_content_that_has_a_run_is_answered_by_that_run_and_nothing_is_started(app: App) -> None:
    app.land("0.png")
    known = app.claim()
    end(app, known, Status.FAILED, error=Error("job_failed", "It failed."))

    answer = ask(app)

    assert (answer.status, answer.run_id, answer.body["status"]) == (202, known.run_id, "failed")
    assert app.client.started == []


def test_a_run_that_a_watcher_has_claimed_is_left_to_it(app: App) -> None:
    """Its orchestration is about to be started as a part of the watcher's, which the host does not do only once."""
    app.land("0.png")
    known = app.claim()

    assert ask(app).run_id == known.run_id
    assert app.client.started == []


def test_failed_content_that_was_uploaded_again_gets_another_run(app: App) -> None:
    app.land("0.png")
    first = run_of(app, ask(app).run_id)
    end(app, first, Status.FAILED, error=Error("job_failed", "It failed."))
    app.land("0.png")

    assert run_of(app, ask(app).run_id).number == 1


def test_content_is_scored_again_only_for_who_says_so_and_each_time_anew(app: App) -> None:
    app.land("0.png")
    app.own.new_id = iter(f"id-{number}" for number in range(9)).__next__
    first = ask(app).run_id

    again = {ask(app, again=True).run_id, ask(app, again=True).run_id}

    assert ask(app).run_id == first
    assert len({first, *again}) == 3
    assert run_of(app, min(again)).snapshot == run_of(app, first).snapshot


def test_what_is_different_from_the_route_is_another_run_that_says_so(app: App) -> None:
    app.own.routes = routes(MAY_BE_CHANGED)
    app.land("0.png")

    plain_one = ask(app).run_id
    other = run_of(app, ask(app, settings={"mini_batch_size": 3}).run_id)
    third = ask(app, settings={"mini_batch_size": 4}).run_id

    assert len({plain_one, other.run_id, third}) == 3
    assert other.spec.settings == JobSettings(mini_batch_size=3)
    assert other.changes is not None
    assert other.changes.settings == JobSettings(mini_batch_size=3)
    assert ask(app, settings={"mini_batch_size": 3}).run_id == other.run_id


def test_no_changes_are_no_other_run(app: App) -> None:
    app.land("0.png")

    assert ask(app, settings={}, inputs={}).run_id == ask(app).run_id


def test_who_asked_is_kept_where_the_apps_sign_in_tells(app: App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "landfall")
    app.land("0.png")

    run = run_of(app, ask(app, headers={"X-MS-CLIENT-PRINCIPAL-NAME": "ada@example.com"}).run_id)

    assert run.request is not None
    assert run.request.by == "ada@example.com"
    (asked,) = told(caplog, "run.requested")
    assert (asked["run_id"], asked["by"], asked["is_new"]) == (run.run_id, "ada@example.com", True)


def test_a_shadow_is_started_beside_the_run(app: App) -> None:
    app.own.routes = routes(
        ("scoring_uri: ${DIGITS_SCORING_URI}", "scoring_uri: ${DIGITS_SCORING_URI}\n      shadow: next")
    )
    app.land("0.png")

    run_id = ask(app).run_id

    first, second = app.client.started
    assert first == run_id
    assert run_of(app, second).shadow_of == run_id


def test_a_route_may_be_scored_on_request_only(app: App) -> None:
    app.own.routes = routes(ONLY_ON_REQUEST)
    app.own.routes.require_whole()
    app.land("0.png")

    sweep(app)
    assert app.client.started == []

    assert ask(app).status == 202


@pytest.mark.parametrize(
    ("body", "status", "hint"),
    [
        (b"{not json", 400, "Not valid JSON"),
        ({"route": "digits"}, 400, "landing"),
        ({"route": "digits", "landing": FOLDER, "unknown": 1}, 400, "unknown field `unknown`"),
        ({"route": "letters", "landing": FOLDER}, 404, "There is no route 'letters'; there are digits."),
        ({"route": "digits", "landing": "letters/x"}, 404, "digits/{batch} of container landing"),
        ({"route": "digits", "landing": "digits/.."}, 404, "digits/{batch} of container landing"),
        (
            {"route": "digits", "landing": "digits/monday"},
            409,
            "digits/monday holds no files that route 'digits' scores",
        ),
        ({"route": "digits", "landing": FOLDER, "settings": {"mini_batch_size": 1}}, 422, "on_request: true"),
        ({"route": "digits", "landing": FOLDER, "settings": {"mini_batch_size": 0}}, 422, "mini_batch_size"),
        ({"route": "digits", "landing": FOLDER, "inputs": {"images": "x"}}, 422, "on_request: true"),
        (b" " * (LARGEST_BODY + 1), 413, "at most 65536"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_what_would_be_right_and_does_nothing(
    app: App, body: Any, status: int, hint: str
) -> None:
    app.land("0.png")
    before = dict(app.blobs.contents)

    answer = ask(app, body, headers={"Repeatability-Request-ID": "one"})

    assert (answer.status, answer.headers["Repeatability-Result"]) == (status, "rejected")
    assert hint in answer.body["error"]
    assert "Location" not in answer.headers
    assert app.client.calls == []
    assert app.blobs.contents == before


def test_a_refusal_is_logged_for_who_looks_after_the_app(app: App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "landfall")

    ask(app)

    (refused,) = told(caplog, "request.refused")
    assert (refused["route"], refused["landing"], refused["reason"]) == ("digits", FOLDER, "empty")


def test_a_folder_with_a_marker_alone_is_empty(app: App) -> None:
    app.land("notes.txt")

    assert ask(app).status == 409


def test_a_route_with_a_problem_is_a_conflict_that_names_it_and_the_others_are_followed(app: App) -> None:
    app.own.routes = with_a_broken_route()
    app.land("0.png")

    answer = ask(app, route="letters", landing="letters/monday")

    assert answer.status == 409
    assert "ready.quiet" in answer.body["error"]
    assert ask(app).status == 202


def test_sub_folders_that_may_be_for_a_route_with_a_problem_are_a_conflict_until_it_is_mended(app: App) -> None:
    app.own.routes = with_a_broken_route()
    app.land("0.png", "deep/1.png")

    answer = ask(app)

    assert answer.status == 409
    assert "ready.quiet" in answer.body["error"]
    assert app.client.started == []


def test_no_usable_routes_at_all_are_a_conflict_that_says_why(app: App) -> None:
    app.own.env["LANDFALL_ROUTES"] = "nowhere/routes.yaml"

    answer = ask(app)

    assert answer.status == 409
    assert "nowhere/routes.yaml" in answer.body["error"]


def test_storage_that_does_not_answer_is_trouble_of_the_service(app: App) -> None:
    app.land("0.png")
    app.blobs.down = "storage: 503"

    answer = ask(app)

    assert (answer.status, answer.body) == (503, {"error": "storage: 503"})


def test_a_run_that_cannot_be_started_is_promised_all_the_same_and_taken_up_by_the_sweep(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.land("0.png")
    app.client.down = "the task hub does not answer"

    run_id = ask(app).run_id

    (warning,) = told(caplog, "run.not_started", logging.WARNING)
    assert (warning["run_id"], app.client.started) == (run_id, [])
    app.client.down = None
    sweep(app)
    assert app.client.started == [run_id]


def test_a_run_that_was_claimed_by_a_request_that_was_stopped_is_started_by_whoever_asks_again(app: App) -> None:
    app.land("0.png")
    app.client.down = "the process was stopped"
    run_id = ask(app).run_id
    app.client.down = None

    assert ask(app).run_id == run_id
    assert app.client.started == [run_id]


def test_a_run_that_is_under_way_is_not_started_twice(app: App) -> None:
    app.land("0.png")

    assert ask(app).run_id == ask(app).run_id
    assert len(app.client.started) == 1


def test_ten_thousand_files_are_one_document_and_one_small_start(app: App) -> None:
    app.land(*(f"{number:05}.png" for number in range(10_000)))

    run = run_of(app, ask(app).run_id)

    assert run.snapshot.files == 10_000
    assert len(str(app.given(run.run_id))) < 5_000


def test_a_key_in_the_url_goes_on_in_the_url_and_one_in_a_header_does_not(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app.land("0.png")

    by_url = ask(app, params={"code": "secret-of-url", "fail": "status"})
    by_header = ask(app, headers={"x-functions-key": "secret-of-header"})

    assert by_url.location.endswith("/outcome?fail=status&code=secret-of-url")
    assert "secret" not in str(by_url.body) + str(by_header.body) + str(by_header.headers)
    assert "secret" not in caplog.text
    assert not any(b"secret" in content for content, _ in app.blobs.contents.values())


def test_a_forwarded_host_is_not_believed(app: App) -> None:
    """The location may hold a key, and whoever is asked there gets it."""
    app.land("0.png")

    answer = ask(app, headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"})

    assert answer.location.startswith(f"{URL}/")


def test_a_wish_to_fail_that_is_not_known_is_refused_before_anything_is_done(app: App) -> None:
    app.land("0.png")

    assert ask(app, params={"fail": "maybe"}).status == 400
    assert app.client.calls == []


def test_the_functions_ask_for_a_function_key() -> None:
    for registered in (on_request.request_run, on_request.get_outcome):
        trigger = registered.build().get_trigger()
        assert trigger.auth_level is func.AuthLevel.FUNCTION
