"""Cancel, replay and rescore, as the host calls the functions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import azure.functions as func
import pytest

from shared.core.job import Job
from shared.core.record import change, load
from shared.core.run import Error, Published, Run, Status
from tests.triggers.app import FOLDER, App, plain
from tests.triggers.requests import MAY_BE_CHANGED, URL, Answer, ask, end, read, routes, run_of
from triggers import http, operating

ACTS = {"replay": operating.replay_run, "rescore": operating.rescore_run}


def act(
    app: App,
    name: str,
    run_id: str,
    body: object = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """POST /api/runs/{run_id}/{name}."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    request = func.HttpRequest(
        method="POST",
        url=f"{URL}/{run_id}/{name}",
        headers=headers,
        route_params={"run_id": run_id},
        body=content,
    )
    if name == "cancel":
        return read(plain(operating.cancel_run)(request))
    return read(asyncio.run(plain(ACTS[name])(request, app.client)))


def shown(run_id: str) -> Answer:
    request = func.HttpRequest(method="GET", url=f"{URL}/{run_id}", route_params={"run_id": run_id}, body=b"")
    return read(plain(http.get_run)(request))


def an_ended_run(app: App, status: Status) -> Run:
    """A run that has been asked for, and has ended so."""
    if not app.blobs.contents:
        app.land("0.png")
    run = run_of(app, ask(app).run_id)
    if status is Status.PUBLISHED:
        publication = Published(url="https://x/y", container="lakehouse", path="y", outputs=1, bytes=1)
        end(app, run, status, publication=publication, job=Job(name="batchjob-1", status="Completed"))
    else:
        end(app, run, status, error=Error("job_failed", "It failed."))
    return run_of(app, run.run_id)


def test_a_run_is_canceled_with_who_asked_and_why(app: App) -> None:
    app.land("0.png")
    run_id = ask(app).run_id

    answer = act(app, "cancel", run_id, {"reason": "wrong\nfiles"}, headers={"X-MS-CLIENT-PRINCIPAL-NAME": "kim@x"})

    cancel = run_of(app, run_id).cancel
    assert cancel is not None
    assert (answer.status, answer.location) == (202, f"{URL}/{run_id}/outcome")
    assert (cancel.by, cancel.reason, cancel.at) == ("kim@x", "wrong files", app.clock())
    assert shown(run_id).body["cancel"]["by"] == "kim@x"


@pytest.mark.parametrize("name", ["cancel", "replay", "rescore"])
def test_a_run_that_is_not_there_is_not_found(app: App, name: str) -> None:
    assert act(app, name, "digits-" + "0" * 20).status == 404
    assert act(app, name, "../runs").status == 400


@pytest.mark.parametrize("name", ["cancel", "replay", "rescore"])
@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "Not valid JSON"),
        (b"[]", "Send"),
        (b'{"why": "x"}', "why"),
        (b'{"reason": 7}', "reason"),
        (json.dumps({"reason": "x" * 501}).encode(), "501 characters"),
        (b"[" * 100_000, "bytes"),
        (b"\xff", "Not valid JSON"),
    ],
)
def test_what_is_no_reason_is_refused(app: App, name: str, body: bytes, told: str) -> None:
    run = an_ended_run(app, Status.FAILED)

    answer = act(app, name, run.run_id, body)

    assert answer.status == 400
    assert told in answer.body["error"]


def test_trouble_with_the_job_is_told_so_that_it_is_asked_for_again(app: App) -> None:
    app.land("0.png")
    run = run_of(app, ask(app).run_id)
    job = app.endpoint.make_job({"properties": {"inputData": {}, "outputData": {"o": {"uri": "azureml://d"}}}})
    progress = {"revision": run.revision + 1, "status": Status.SCORING, "job": job}
    app.own.ledger.record(run.run_id, change(run.progress, **progress), None)
    app.endpoint.down = "503"
    assert act(app, "cancel", run.run_id).status == 503
    app.endpoint.down = None

    assert act(app, "cancel", run.run_id).status == 202
    assert app.endpoint.canceled == [job.name]


@pytest.mark.parametrize(
    ("status", "name"), [(Status.FAILED, "replay"), (Status.SUPERSEDED, "replay"), (Status.PUBLISHED, "rescore")]
)
def test_the_content_of_a_run_is_scored_once_more_and_both_name_each_other(app: App, status: Status, name: str) -> None:
    run = an_ended_run(app, status)

    answer = act(app, name, run.run_id, {"reason": "a new model"})

    again = run_of(app, answer.run_id)
    assert answer.status == 202
    assert again.run_id != run.run_id
    assert again.snapshot == run.snapshot
    assert again.request is not None
    assert again.request.repeats is not None
    assert (again.request.repeats.run_id, again.request.repeats.reason) == (run.run_id, "a new model")
    assert shown(run.run_id).body["repeated_by"] == again.run_id
    assert app.client.started[-1] == again.run_id
    assert load(Run, app.given(again.run_id)).run_id == again.run_id


@pytest.mark.parametrize(("status", "name"), [(Status.FAILED, "replay"), (Status.PUBLISHED, "rescore")])
def test_asking_twice_is_the_same_run_and_what_it_becomes_can_be_repeated(app: App, status: Status, name: str) -> None:
    run = an_ended_run(app, status)
    first = act(app, name, run.run_id)

    assert act(app, name, run.run_id).run_id == first.run_id

    end(app, run_of(app, first.run_id), Status.FAILED, error=Error("job_failed", "Again."))
    second = act(app, "replay", first.run_id)
    assert second.run_id not in (run.run_id, first.run_id)


@pytest.mark.parametrize(
    ("status", "name", "told"),
    [
        (Status.PUBLISHED, "replay", "has ended as published; ask for a rescore of it"),
        (Status.FAILED, "rescore", "has ended as failed; ask for a replay of it"),
    ],
)
def test_what_does_not_go_with_its_end_is_refused(app: App, status: Status, name: str, told: str) -> None:
    answer = act(app, name, an_ended_run(app, status).run_id)

    assert answer.status == 409
    assert told in answer.body["error"]


def test_a_run_under_way_is_neither_replayed_nor_rescored(app: App) -> None:
    app.land("0.png")
    run_id = ask(app).run_id

    for name in ACTS:
        answer = act(app, name, run_id)
        assert answer.status == 409
        assert "is under way (claimed); wait for its end, or cancel it first" in answer.body["error"]


def test_other_content_is_no_replay(app: App) -> None:
    run = an_ended_run(app, Status.FAILED)
    app.land("1.png")

    answer = act(app, "replay", run.run_id)

    assert answer.status == 409
    assert f"{FOLDER} holds other content now" in answer.body["error"]


def test_a_corrected_route_is_what_a_replay_uses(app: App) -> None:
    run = an_ended_run(app, Status.FAILED)
    app.own.routes = routes(("predictions.csv", "corrected.csv"))

    again = run_of(app, act(app, "replay", run.run_id).run_id)

    assert again.spec.output_of(1).uri.endswith("/corrected.csv")


def test_what_a_caller_changed_holds_for_the_replay(app: App) -> None:
    app.own.routes = routes(MAY_BE_CHANGED)
    app.land("0.png")
    run = run_of(app, ask(app, settings={"mini_batch_size": 3}).run_id)
    end(app, run, Status.FAILED, error=Error("job_failed", "It failed."))

    again = run_of(app, act(app, "replay", run.run_id).run_id)

    assert again.spec.settings.mini_batch_size == 3


def test_a_replay_that_was_claimed_and_not_started_is_started_by_asking_again(app: App) -> None:
    run = an_ended_run(app, Status.FAILED)
    app.client.down = "the task hub does not answer"
    again = act(app, "replay", run.run_id)
    assert again.status == 202
    app.client.down = None

    act(app, "replay", run.run_id)

    assert app.client.started[-1] == again.run_id
