"""Every line that a function logs arrives: the host ignores records that are logged outside of an invocation.

Seen before: the sweep and everything that copies worked in threads of their own, and whatever went wrong there was
missing in Application Insights: no `landfall.run.unreadable`, no `landfall.sweep.failed`, no warning of the SDK.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import azure.functions as func
import pytest
from azure.functions.queue import QueueMessage
from azure.functions.timer import TimerRequest

from shared.core.location import Location
from shared.core.record import dump
from shared.core.steps import REPORT_DEFECT, ReportDefect
from shared.core.submission import Submission, Unclear
from shared.core.watchers import Asking, Operation
from shared.routes import Routes
from testbed.examples import STATE, TOPIC, digits_route
from testbed.fakes import FakeEndpoint
from tests.triggers.app import App, make_app
from tests.triggers.worker import HostLog, Talkative, Worker
from tests.unit.test_function_app import TRIGGERS
from tests.workflow.driver import Driver
from tests.workflow.record import HISTORIES, episodes_of
from triggers.names import Entity, Orchestrator

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions:DeprecationWarning")  # the SDK's advice on decoding

KIND = "Microsoft.Storage.BlobCreated"
SUBJECT = "/blobServices/default/containers/landing/blobs/digits/tuesday/0.png"


@pytest.fixture(scope="module")
def worker() -> Worker:
    return Worker()


@pytest.fixture
def host_log(app: App, worker: Worker) -> Iterator[HostLog]:
    """What is logged from now on, with ports that say what they are asked."""
    make_talkative(app)
    handler, ours = HostLog(worker), logging.getLogger("landfall")
    level = ours.level
    ours.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)
    ours.setLevel(level)


def make_talkative(app: App) -> None:
    app.own.blobs, app.own.endpoint = Talkative(app.blobs), Talkative(app.endpoint)
    app.own.announcer, app.own.questions = Talkative(app.announcer), Talkative(app.own.questions)


def swept(app: App, worker: Worker) -> None:
    worker.call("sweep", timer=TimerRequest(past_due=False), client=app.client)


def watched(app: App, worker: Worker) -> None:
    """Have the folder watched, and all that follows done by the functions that the host would call."""

    def activity(name: str) -> Any:
        return lambda given: json.loads(json.dumps(worker.call(name, given)))

    swept(app, worker)
    driver = Driver(app.clock, {name: activity(name) for name in worker.functions})
    for instance_id in [name for name in app.client.started if app.client.instances[name].is_live]:
        driver.run(Orchestrator.WATCH_LANDING, app.given(instance_id), instance_id)
        app.client.end(instance_id)


def unclear(endpoint: FakeEndpoint, body: Any) -> Submission:
    return Unclear("time-out")


def requested(run_id: str | None = None) -> func.HttpRequest:
    return func.HttpRequest(
        method="GET", url="https://app/api", route_params={"run_id": run_id} if run_id else None, body=b""
    )


def a_published_run(app: App, worker: Worker) -> None:
    app.land("0.png")
    watched(app, worker)


def a_run_that_scores_copies(app: App, worker: Worker) -> None:
    app.land("0.png", "notes.txt")
    watched(app, worker)


def a_run_whose_job_fails(app: App, worker: Worker) -> None:
    app.endpoint.statuses, app.endpoint.reason = ("Failed",), "out of memory"
    app.land("0.png")
    watched(app, worker)


def a_run_that_is_submitted_twice_and_takes_too_long(app: App, worker: Worker) -> None:
    app.endpoint.statuses = ("Running",)
    app.endpoint.answers = [unclear]
    app.land("0.png")
    watched(app, worker)


def a_run_whose_output_has_no_path(app: App, worker: Worker) -> None:
    path = "        path: azureml://datastores/workspaceblobstore/paths/landfall/{run_id}/{attempt}/predictions.csv\n"
    app.own.routes = Routes((digits_route((path, "")),))
    app.land("0.png")
    watched(app, worker)


def a_sweep_that_meets_trouble(app: App, worker: Worker) -> None:
    app.land("0.png")
    app.claim()
    app.blobs.put(Location(STATE, "runs/digits-1.json"), b"{}")
    app.blobs.put(Location(STATE, "open/digits-1"), b"")
    swept(app, worker)


def events(app: App, worker: Worker) -> None:
    app.land("0.png")
    pushed = func.EventGridEvent(
        id="1",
        topic=TOPIC,
        subject=SUBJECT,
        event_type=KIND,
        event_time=app.clock(),
        data={"api": "PutBlob"},
        data_version="",
    )
    worker.call("on_blob_event", event=pushed, client=app.client)
    app.clock.advance(minutes=3)
    event = {"topic": TOPIC, "subject": SUBJECT, "eventType": KIND, "data": {"api": "PutBlob"}}
    message = QueueMessage(id="1", body=json.dumps(event).encode())  # type: ignore[no-untyped-call]
    worker.call("on_blob_message", message=message, client=app.client)


def requests(app: App, worker: Worker) -> None:
    app.land("0.png")
    run = app.claim()
    worker.call("list_runs", requested())
    worker.call("get_run", requested(run.run_id))
    worker.call("get_files", requested(run.run_id))
    worker.call("get_logs", requested(run.run_id))
    worker.call("health", requested())


def runs_on_request(app: App, worker: Worker) -> None:
    app.land("0.png")
    body = json.dumps({"route": "digits", "landing": "digits/tuesday"}).encode()
    asking = func.HttpRequest(method="POST", url="https://app/api/runs", body=body)
    answer = worker.call("request_run", asking, client=app.client)
    run_id = json.loads(answer.get_body())["run_id"]
    worker.call("cancel_run", requested(run_id))
    worker.call("get_outcome", requested(run_id))
    for name in ("replay_run", "rescore_run"):
        worker.call(name, requested(run_id), client=app.client)


def questions_about_landings(app: App, worker: Worker) -> None:
    app.land("0.png")
    app.claim()
    asking = func.HttpRequest(method="GET", url="https://app/api", params={"path": "digits/tuesday/0.png"}, body=b"")
    worker.call("explain", asking, client=app.client)
    worker.call("list_landings", requested(), client=app.client)


def a_pause_and_a_backfill(app: App, worker: Worker) -> None:
    app.land("0.png")
    of_a_route = func.HttpRequest(method="POST", url="https://app/api", route_params={"route": "digits"}, body=b"")
    worker.call("pause_route", of_a_route)
    worker.call("list_routes", requested())
    worker.call("status_page", requested())
    worker.call("operator", requested())
    worker.call("describe", requested())
    worker.call("resume_route", of_a_route, client=app.client)
    worker.call("refresh_landings", requested(), client=app.client)
    asking = func.HttpRequest(method="POST", url="https://app/api/backfill", body=b'{"route": "digits"}')
    worker.call("backfill_route", asking, client=app.client)


def the_doctor(app: App, worker: Worker) -> None:
    app.land("0.png")
    body = json.dumps({"submit": True, "route": "digits"}).encode()
    worker.call("doctor", func.HttpRequest(method="POST", url="https://app/api/doctor", body=body))


def an_entity_and_a_defect(app: App, worker: Worker) -> None:
    operation = {
        "name": Operation.ENTER,
        "input": json.dumps(json.dumps(dump(Asking("watch-1")))),
        "isSignal": False,
    }
    context = {
        "self": {"name": Entity.LANDING, "key": "digits-1"},
        "exists": True,
        "state": json.dumps({"of another": "version"}),
        "batch": [operation],
    }
    worker.call(Entity.LANDING, json.dumps(context))
    app.land("0.png")
    run = app.claim()
    given = ReportDefect(names=run.names, where="score_v1", traceback="Traceback: it was here")
    worker.call(REPORT_DEFECT.name, dump(given))


def orchestrations(app: App, worker: Worker) -> None:
    """They log nothing, since they are replayed: what there is to say, an activity says."""
    for name in Orchestrator:
        recorded = json.loads((HISTORIES / f"published.{name}-1.json").read_text("utf-8"))[0]
        for episode in episodes_of(recorded):
            worker.call(name, json.dumps(episode.context))


HAPPENS = {
    happens.__name__: happens
    for happens in (
        a_published_run,
        a_run_that_scores_copies,
        a_run_whose_job_fails,
        a_run_that_is_submitted_twice_and_takes_too_long,
        a_run_whose_output_has_no_path,
        a_sweep_that_meets_trouble,
        events,
        requests,
        runs_on_request,
        questions_about_landings,
        a_pause_and_a_backfill,
        the_doctor,
        an_entity_and_a_defect,
    )
}


@pytest.mark.parametrize("happens", HAPPENS.values(), ids=HAPPENS)
def test_no_line_is_missing(app: App, worker: Worker, host_log: HostLog, happens: Any) -> None:
    happens(app, worker)

    assert host_log.dropped == []
    assert len(host_log.written) > 1


def test_orchestrators_log_nothing(app: App, worker: Worker, host_log: HostLog) -> None:
    orchestrations(app, worker)

    assert host_log.written == []


def test_what_happens_here_is_everything_that_the_app_can_be_called_for(app: App) -> None:
    """Else a function could be left out, and nobody would know what becomes of its lines."""
    worker = Worker()
    for happens in (*HAPPENS.values(), orchestrations):
        happens(make_app(), worker)  # `app` puts the services in order afterwards

    assert worker.called == set(worker.functions) == set(TRIGGERS)
