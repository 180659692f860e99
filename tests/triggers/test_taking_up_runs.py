"""What the sweep takes up is what nobody carries out at that moment, and what it finds out there does not stop it.

Seen before: a run that ended while the sweep was busy was begun anew; a run whose orchestration was terminated was left
alone for as long as its watcher went on watching, for hours; and one odd job, or an endpoint that took a minute for
each of many runs, kept landings that nobody had seen from being watched.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest

from shared.core.finding import read_candidate
from shared.core.job import Job
from shared.core.record import change, load
from shared.core.route import Endpoint
from shared.core.run import Error, Run, Status
from shared.core.submission import invoke_body
from shared.errors import Unavailable
from shared.ports import JobListing
from tests.triggers.app import WATCHER, App
from tests.triggers.log import told
from triggers import sweep as triggers_sweep
from triggers.names import Orchestrator


def sweep(app: App) -> None:
    timer: func.TimerRequest = TimerRequest(past_due=False)
    app.call(triggers_sweep.sweep, timer=timer)


def record(app: App, run: Run, **changes: Any) -> None:
    """The ledger has the run with these changes."""
    app.own.ledger.record(run.run_id, change(run.progress, revision=run.revision + 1, **changes), None)


def end(app: App, run: Run, *, abandoned: int = 0) -> None:
    """The run ends as failed; of so many attempts nobody knows the outcome."""
    record(
        app,
        run,
        status=Status.FAILED,
        error=Error("unclear", "The endpoint gave no clear answer."),
        timings=change(run.timings, ended=app.clock()),
        abandoned=tuple(change(run, attempt=attempt).sent for attempt in range(1, abandoned + 1)),
    )


def at_the_status_of(app: App, instance_id: str, happens: Any) -> None:
    """Something happens right before the host answers whether that instance is under way."""
    look = app.client.get_status

    async def answered(asked: str) -> Any:
        if asked == instance_id:
            happens()
        return await look(asked)

    setattr(app.client, "get_status", answered)  # noqa: B010  # mypy would have it a method


def test_a_run_that_ended_since_the_sweep_found_it_is_not_started_again(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.land("0.png")
    run = app.claim()
    app.client.end(WATCHER)
    at_the_status_of(app, run.run_id, lambda: end(app, run))

    sweep(app)

    assert app.client.started == []
    assert told(caplog, "run.resumed") == []


def test_a_run_that_got_on_since_the_sweep_found_it_is_taken_up_where_it_is(app: App) -> None:
    app.land("0.png")
    run = app.claim()
    app.client.end(WATCHER)
    job = Job(name="batchjob-1", status="Running")
    at_the_status_of(app, run.run_id, lambda: record(app, run, status=Status.SCORING, job=job))

    sweep(app)

    left = load(Run, app.given(run.run_id))
    assert (left.status, left.job) == (Status.SCORING, job)


@pytest.mark.parametrize("status", ["Failed", "Terminated"])
@pytest.mark.parametrize("watcher", ["Running", "Completed"])
def test_a_run_that_was_terminated_is_taken_up_although_its_watcher_goes_on_watching(
    app: App, status: str, watcher: str
) -> None:
    landing = app.land("0.png")
    run = app.claim()
    record(app, run, status=Status.SCORING, job=Job(name="batchjob-1", status="Running"))
    app.client.has_watcher(landing.key, WATCHER, status=watcher)
    app.client.end(run.run_id, status)

    sweep(app)

    assert app.client.started == [run.run_id]
    assert app.client.instances[run.run_id].name == Orchestrator.SCORE


def test_a_run_that_its_watcher_is_about_to_start_is_left_to_it(app: App) -> None:
    landing = app.land("0.png")
    app.claim()
    app.client.has_watcher(landing.key, WATCHER, status="Running")

    sweep(app)

    assert app.client.started == []


def test_an_odd_job_keeps_no_landing_from_being_watched(app: App, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the adapter makes of it, even something that only wrong code raises."""
    app.land("0.png")
    run = app.claim()
    end(app, run, abandoned=1)
    app.land("0.png", folder="digits/wednesday")

    def odd(endpoint: Endpoint, since: datetime, *, whole: bool = True) -> JobListing:
        raise AttributeError("'list' object has no attribute 'get'")

    app.endpoint.jobs_since = odd  # type: ignore[method-assign]  # wrong code
    sweep(app)

    assert len(app.client.started) == 1
    assert [failed["endpoint"] for failed in told(caplog, "sweep.failed")] == [run.spec.endpoint.scoring_uri]


@pytest.mark.parametrize(
    "resource",
    [
        {"name": "a", "properties": {"outputData": [{"uri": "x"}]}},
        {"name": "a", "properties": {"outputData": {"predictions": ["x"]}}},
        {"name": "a", "properties": {"outputData": {"predictions": {"uri": 7}}}},
        {"name": "a", "properties": ["x"]},
        {"name": "a", "properties": 7},
        ["x"],
        "x",
        7,
        None,
    ],
)
def test_an_odd_job_is_not_taken_for_one_that_writes_somewhere(resource: object) -> None:
    listed = {"name": "a", **resource} if isinstance(resource, dict) else {"name": "a", "properties": resource}

    assert read_candidate(listed).outputs == ()


def test_an_endpoint_that_hangs_is_asked_once_and_after_everything_else(app: App) -> None:
    """A minute for each of twenty runs, before the first landing that nobody had seen was watched."""
    for number in range(20):
        folder = f"digits/d{number}"
        app.land("0.png", folder=folder)
        end(app, app.claim(folder), abandoned=3)
    app.land("0.png", folder="digits/wednesday")
    asked: list[int] = []

    def hangs(endpoint: Endpoint, since: datetime, *, whole: bool = True) -> JobListing:
        asked.append(len(app.client.started))
        raise Unavailable("ReadTimeout")

    app.endpoint.jobs_since = hangs  # type: ignore[method-assign]  # for a minute
    sweep(app)

    assert asked == [1]


def test_jobs_that_turned_up_for_many_runs_are_each_canceled_for_their_own(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    runs = []
    for number in range(3):
        folder = f"digits/d{number}"
        app.land("0.png", folder=folder)
        runs.append(app.claim(folder))
        end(app, runs[-1], abandoned=2)
        app.endpoint.make_job(invoke_body(runs[-1].spec.request(2)))

    sweep(app)

    assert sorted(app.endpoint.canceled) == ["batchjob-1", "batchjob-2", "batchjob-3"]
    twins = {twin["job"]: twin["run_id"] for twin in told(caplog, "job.twin_canceled")}
    assert twins == {f"batchjob-{number + 1}": run.run_id for number, run in enumerate(runs)}


def test_jobs_are_looked_for_no_longer_than_a_day_after_their_run(app: App) -> None:
    app.land("0.png")
    run = app.claim()
    end(app, run, abandoned=1)
    app.clock.advance(days=1, minutes=1)
    app.endpoint.make_job({"properties": {"outputData": {"predictions": {"uri": run.spec.output_of(1).uri}}}})

    sweep(app)

    assert app.endpoint.canceled == []
    assert timedelta(days=1) < app.clock() - run.updated
