"""A request with an id is carried out once, whoever is stopped where and whatever happens to the landing meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest

from shared.core.location import Location
from shared.core.run import Error, Status
from testbed.examples import STATE, in_landing
from testbed.fakes import FakeBlobs
from tests.triggers.app import FOLDER, App
from tests.triggers.requests import Answer, ask, end, run_of

ID: Mapping[str, str] = {"Repeatability-Request-ID": "f1b6a5d0-0000-4000-8000-000000000001"}


class Stopped(BaseException):
    """The process is gone."""


def repeat(app: App, **more: Any) -> Answer:
    return ask(app, headers=ID, **more)


def runs(app: App) -> list[str]:
    return [path for path in app.blobs.paths(STATE) if path.startswith("runs/")]


def test_a_repeated_request_gets_the_same_run_and_is_told_so(app: App) -> None:
    app.land("0.png")

    first, second = repeat(app), repeat(app)

    assert (first.status, second.status) == (202, 202)
    assert first.run_id == second.run_id
    assert first.headers["Repeatability-Result"] == second.headers["Repeatability-Result"] == "accepted"
    assert len(app.client.started) == 1


def test_the_other_header_does_the_same_and_is_not_answered_in_words_of_the_first(app: App) -> None:
    app.land("0.png")
    key = {"Idempotency-Key": f'"{ID["Repeatability-Request-ID"]}"'}

    answer = ask(app, headers=key)

    assert answer.run_id == repeat(app).run_id
    assert "Repeatability-Result" not in answer.headers


def test_the_same_run_is_told_after_the_landing_has_changed_or_is_gone(app: App) -> None:
    app.land("0.png")
    first = repeat(app).run_id
    app.land("1.png")

    assert repeat(app).run_id == first
    app.blobs.contents = {at: kept for at, kept in app.blobs.contents.items() if at.container == STATE}
    assert repeat(app).run_id == first
    assert len(runs(app)) == 1


def test_the_same_run_is_told_after_the_route_is_gone(app: App) -> None:
    app.land("0.png")
    first = repeat(app).run_id
    app.own.env["LANDFALL_ROUTES"] = "nowhere/routes.yaml"
    app.own.__dict__.pop("routes", None)

    assert repeat(app).run_id == first


def test_a_repeated_wish_for_another_run_makes_one_and_not_one_each(app: App) -> None:
    app.land("0.png")
    first = ask(app).run_id

    assert repeat(app, again=True).run_id == repeat(app, again=True).run_id != first
    assert len(runs(app)) == 2


def test_the_same_id_with_another_body_is_refused(app: App) -> None:
    app.land("0.png")
    first = repeat(app).run_id

    answer = repeat(app, again=True)

    assert (answer.status, answer.headers["Repeatability-Result"]) == (422, "rejected")
    assert "Send a new id" in answer.body["error"]
    assert repeat(app).run_id == first


def test_content_that_is_known_is_promised_by_its_run(app: App) -> None:
    app.land("0.png")
    known = app.claim().run_id

    assert repeat(app).run_id == known
    app.land("1.png")
    assert repeat(app).run_id == known


def test_a_refused_request_may_be_repeated_when_it_can_be_followed(app: App) -> None:
    assert repeat(app).status == 409

    app.land("0.png")

    assert repeat(app).status == 202


def every_call(blobs: FakeBlobs, happens: Callable[[], None]) -> None:
    """Something happens before each call that writes."""
    for name in ("create", "replace"):
        method = getattr(FakeBlobs, name)

        def called(*given: Any, method: Any = method, **more: Any) -> Any:
            happens()
            return method(blobs, *given, **more)

        setattr(blobs, name, called)


def whole(blobs: FakeBlobs) -> None:
    for name in ("create", "replace"):
        blobs.__dict__.pop(name, None)


@pytest.mark.parametrize("stopped_at", range(1, 9))
@pytest.mark.parametrize("changes", ["nothing", "more files", "other files"])
def test_whoever_is_stopped_between_any_two_writes_leaves_one_run(app: App, stopped_at: int, changes: str) -> None:
    app.land("0.png")
    left = iter(range(stopped_at - 1))

    def stop() -> None:
        if next(left, None) is None:
            raise Stopped

    every_call(app.blobs, stop)
    with suppress(Stopped):
        repeat(app)
    whole(app.blobs)
    if changes == "more files":
        app.land("1.png")
    elif changes == "other files":
        app.blobs.put(in_landing(f"{FOLDER}/0.png"), b"other pixels")

    answers = {repeat(app).run_id, repeat(app).run_id}

    assert len(answers) == len(runs(app)) == 1
    assert app.client.started == list(answers)


def test_two_that_come_at_the_same_time_make_one_run_although_the_landing_changes_between_them(app: App) -> None:
    """The second one runs whole inside of the first, at each of its writes."""
    inner: list[str] = []
    app.land("0.png")

    def second() -> None:
        whole(app.blobs)
        app.land("1.png")
        inner.append(repeat(app).run_id)

    every_call(app.blobs, second)

    outer = repeat(app).run_id

    assert inner == [outer]
    assert len(runs(app)) == 1


def test_a_claim_that_was_promised_long_ago_begins_with_the_patience_of_a_new_one(app: App) -> None:
    app.land("0.png")
    writes = iter(range(2))

    def stop() -> None:
        if next(writes, None) is None:
            raise Stopped

    every_call(app.blobs, stop)
    with suppress(Stopped):
        repeat(app)
    whole(app.blobs)
    assert runs(app) == []
    app.clock.advance(days=3)

    run = run_of(app, repeat(app).run_id)

    assert run.since == run.timings.claimed == app.clock()


def test_a_run_that_has_ended_is_not_started_again_by_a_repeated_request(app: App) -> None:
    app.land("0.png")
    run = run_of(app, repeat(app).run_id)
    end(app, run, Status.FAILED, error=Error("job_failed", "It failed."))
    app.client.end(run.run_id)

    assert repeat(app).body["status"] == "failed"
    assert len(app.client.started) == 1


def test_a_promise_that_another_version_made_is_left_as_it_is(app: App) -> None:
    app.land("0.png")
    repeat(app)
    (path,) = [path for path in app.blobs.paths(STATE) if path.startswith("requests/")]
    app.blobs.put(Location(STATE, path), b'{"version": 99}')

    answer = repeat(app)

    assert answer.status == 503
    assert "was left unchanged" in answer.body["error"]
    assert app.blobs.contents[Location(STATE, path)][0] == b'{"version": 99}'


def test_a_run_that_somebody_deleted_is_said_to_be_gone_and_not_made_up(app: App) -> None:
    app.land("0.png")
    known = app.claim().run_id
    repeat(app)
    app.blobs.delete(Location(STATE, f"runs/{known}.json"))

    answer = repeat(app)

    assert answer.status == 503
    assert f"no record of run {known}" in answer.body["error"]
