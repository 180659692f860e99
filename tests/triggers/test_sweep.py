"""The sweep: what nobody saw is watched, what nobody follows is carried on, and what is under way is left alone."""

from __future__ import annotations

import logging

import azure.durable_functions as df
import azure.functions as func
import pytest
from azure.durable_functions.models.EntityStateResponse import EntityStateResponse
from azure.functions.timer import TimerRequest

from shared.core.job import Job
from shared.core.location import Location
from shared.core.record import change, load
from shared.core.run import Error, Run, Status
from shared.core.submission import invoke_body
from shared.core.watch import Watch
from shared.core.watchers import Watchers, read_watchers
from shared.errors import RoutesInvalid
from testbed.examples import STATE
from tests.triggers.app import WATCHER, App, with_a_broken_route
from tests.triggers.log import told
from tests.unit.runs import a_job
from triggers import sweep as triggers_sweep
from triggers.names import Orchestrator


def sweep(app: App, *, past_due: bool = False) -> None:
    timer: func.TimerRequest = TimerRequest(past_due=past_due)
    app.call(triggers_sweep.sweep, timer=timer)


def quarter_of_an_hour_later(app: App) -> None:
    app.clock.advance(minutes=15)
    sweep(app)


def started_of(app: App, name: str) -> list[str]:
    return [instance_id for instance_id in app.client.started if app.client.instances[instance_id].name == name]


def test_a_landing_that_nobody_saw_is_watched_and_told_of(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.land("0.png")

    sweep(app)

    (instance_id,) = started_of(app, Orchestrator.WATCH_LANDING)
    assert load(Watch, app.given(instance_id)).landing == "digits/tuesday"
    names = {"route": "digits", "landing": "digits/tuesday", "instance_id": instance_id}
    assert told(caplog, "landing.missed", logging.WARNING) == [names]


def test_with_nothing_to_do_the_sweep_asks_nobody_and_says_that_it_came(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "landfall")

    sweep(app, past_due=True)

    assert [call for call in app.client.calls if not call.startswith("purge")] == []
    assert told(caplog, "sweep.done") == [{"open": 0, "resumed": 0, "missed": 0, "past_due": True}]


def test_a_landing_that_an_event_has_just_had_watched_is_no_missed_one(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.land("0.png")
    sweep(app)
    caplog.clear()
    caplog.set_level(logging.INFO, "landfall")

    sweep(app)

    assert len(app.client.started) == 1
    assert told(caplog, "landing.missed") == []
    assert told(caplog, "sweep.done")[0]["missed"] == 0


@pytest.mark.parametrize("status", ["Completed", "Failed", "Canceled", "Terminated"])
def test_a_watcher_that_ended_without_leaving_is_released_before_the_next_one_comes(
    app: App, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    landing = app.land("0.png")
    app.client.has_watcher(landing.key, "watch-gone", status=status)

    sweep(app)

    assert read_watchers(app.client.landings[landing.key]) == Watchers()
    (instance_id,) = app.client.started
    assert app.client.calls.index(f"release {landing.key}") < app.client.calls.index(f"start {instance_id}")
    assert told(caplog, "landing.missed")[0]["freed"] == "watch-gone"


def test_a_watcher_whose_instance_was_purged_is_released(app: App) -> None:
    landing = app.land("0.png")
    app.client.has_watcher(landing.key, "watch-gone", status="Completed")
    del app.client.instances["watch-gone"]

    sweep(app)

    assert read_watchers(app.client.landings[landing.key]).watcher is None
    assert len(app.client.started) == 1


@pytest.mark.parametrize("status", ["Pending", "Running", "ContinuedAsNew", "Suspended"])
def test_a_watcher_that_is_under_way_is_left_alone(app: App, status: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "landfall")
    landing = app.land("0.png")
    app.client.has_watcher(landing.key, "watch-busy", status=status)

    sweep(app)

    assert app.client.started == []
    assert told(caplog, "sweep.done")[0]["missed"] == 0
    assert read_watchers(app.client.landings[landing.key]) == Watchers("watch-busy", busy=True)


def test_a_landing_that_was_left_in_order_is_watched_without_a_release(app: App) -> None:
    landing = app.land("0.png")
    app.client.landings[landing.key] = {"version": 1}

    sweep(app)

    assert f"release {landing.key}" not in app.client.calls
    assert len(app.client.started) == 1


def test_a_run_that_nobody_follows_is_carried_on_by_its_own_id_and_told_of(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.land("0.png")
    run = app.claim()
    app.client.end(WATCHER, "Terminated")

    sweep(app)

    assert app.client.started == [run.run_id]
    assert app.client.instances[run.run_id].name == Orchestrator.SCORE
    left = load(Run, app.given(run.run_id))
    assert (left.run_id, left.status, left.claimed_by) == (run.run_id, Status.CLAIMED, WATCHER)
    assert [fields["run_id"] for fields in told(caplog, "run.resumed", logging.WARNING)] == [run.run_id]


def test_a_run_is_carried_on_once_however_many_sweeps_come_by(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.land("0.png")
    app.claim()

    for _ in range(3):
        quarter_of_an_hour_later(app)

    assert len(started_of(app, Orchestrator.SCORE)) == len(told(caplog, "run.resumed")) == 1


def test_a_run_whose_orchestration_has_failed_again_is_carried_on_again(app: App) -> None:
    app.land("0.png")
    run = app.claim()
    sweep(app)
    app.client.end(run.run_id, "Failed")

    quarter_of_an_hour_later(app)

    assert started_of(app, Orchestrator.SCORE) == [run.run_id] * 2


def test_a_run_is_not_carried_on_while_its_watcher_is_under_way(app: App) -> None:
    landing = app.land("0.png")
    run = app.claim()
    app.client.has_watcher(landing.key, WATCHER, status="Running")

    sweep(app)
    assert app.client.started == []

    app.client.end(WATCHER, "Terminated")
    quarter_of_an_hour_later(app)
    assert app.client.started == [run.run_id]


def test_a_run_that_its_watcher_starts_at_the_same_moment_is_not_told_of_as_resumed(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.land("0.png")
    run = app.claim()
    look = app.client.get_status

    async def overtaken(instance_id: str) -> object:
        seen = await look(instance_id)
        if instance_id == run.claimed_by:  # the last look before the sweep would start the run
            await app.client.start_new(Orchestrator.SCORE, run.run_id, {})
        return seen

    app.client.get_status = overtaken  # type: ignore[method-assign]
    sweep(app)

    assert app.client.started == [run.run_id]
    assert told(caplog, "run.resumed") == []


def test_the_landing_of_a_run_that_is_carried_on_is_not_watched_for_the_same_content(app: App) -> None:
    app.land("0.png")
    app.claim()

    sweep(app)

    assert started_of(app, Orchestrator.WATCH_LANDING) == []


def ended_without_an_answer(app: App) -> tuple[Run, Job]:
    """A run that has ended, and the job that turned up for its only attempt afterwards."""
    app.land("0.png")
    run = app.claim()
    ended = change(
        run.progress,
        status=Status.FAILED,
        error=Error("unclear", "The endpoint gave no clear answer."),
        abandoned=(run.sent,),
        revision=1,
    )
    app.own.ledger.record(run.run_id, ended, None)
    return run, app.endpoint.make_job(invoke_body(run.spec.request(1)), run.spec.endpoint)


def test_a_job_that_turned_up_after_its_run_had_ended_is_canceled(app: App, caplog: pytest.LogCaptureFixture) -> None:
    run, job = ended_without_an_answer(app)

    sweep(app)

    assert app.endpoint.canceled == [job.name]
    assert [twin["run_id"] for twin in told(caplog, "job.twin_canceled")] == [run.run_id]
    assert app.client.started == []


def test_an_endpoint_that_does_not_answer_keeps_nothing_else_from_being_done(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    run, _ = ended_without_an_answer(app)
    app.land("1.png", folder="digits/wednesday")
    app.endpoint.down = "The endpoint answered 503."

    sweep(app)

    assert told(caplog, "sweep.failed", logging.ERROR) == [
        {"endpoint": run.spec.endpoint.scoring_uri, "message": "Unavailable: The endpoint answered 503."}
    ]
    assert load(Watch, app.given(app.client.started[0])).landing == "digits/wednesday"


def test_a_record_that_cannot_be_read_is_reported_once_and_keeps_nothing_else_from_being_done(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.blobs.put(Location(STATE, "open/digits-odd"), b"")
    app.blobs.put(Location(STATE, "runs/digits-odd.json"), b'{"version": 99}')
    app.land("0.png")
    run = app.claim()
    app.land("1.png", folder="digits/wednesday")

    sweep(app)
    quarter_of_an_hour_later(app)

    (reported,) = told(caplog, "run.unreadable", logging.ERROR)
    assert reported["run_id"] == "digits-odd"
    assert "version 99" in reported["message"]
    assert started_of(app, Orchestrator.SCORE) == [run.run_id]
    assert load(Watch, app.given(started_of(app, Orchestrator.WATCH_LANDING)[0])).landing == "digits/wednesday"


def test_a_route_with_a_problem_makes_the_sweep_fail_after_everything_else_is_done(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "landfall")
    app.land("0.png")
    run = app.claim()
    app.land("1.png", folder="digits/wednesday")
    app.own.routes = with_a_broken_route()

    with pytest.raises(RoutesInvalid, match="letters"):
        sweep(app)

    assert len(app.client.started) == 2
    assert app.client.started[0] == run.run_id
    assert len(told(caplog, "sweep.done")) == 1
    assert [line["route"] for line in told(caplog, "routes.invalid", logging.ERROR)] == ["letters"]
    with pytest.raises(RoutesInvalid):
        quarter_of_an_hour_later(app)
    assert len(told(caplog, "routes.invalid")) == 2


def test_the_sweep_tells_of_ignored_events_that_no_later_one_followed(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "landfall")
    app.own.ignored.add("landing/letters", "no route matches", "a.png", app.clock(), suspicious=False)

    sweep(app)
    sweep(app)

    assert len(told(caplog, "events.ignored")) == 1


def test_a_durable_client_that_does_not_answer_makes_the_sweep_fail_visibly(app: App) -> None:
    app.land("0.png")
    app.client.down = "the storage of the task hub does not answer"

    with pytest.raises(Exception, match="task hub"):
        sweep(app)

    app.client.down = None
    sweep(app)
    assert len(app.client.started) == 1


def test_a_landing_that_cannot_be_watched_keeps_no_other_from_being_watched(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    """The state of the first one's entity does not arrive, and would have ended every sweep."""
    first = app.land("0.png")
    app.land("0.png", folder="digits/wednesday")
    read = app.client.read_entity_state

    async def partly(entity: df.EntityId) -> EntityStateResponse:
        if entity.key == first.key:
            raise Exception("the storage of the task hub does not answer")
        return await read(entity)

    app.client.read_entity_state = partly  # type: ignore[method-assign]

    with pytest.raises(Exception, match="task hub"):
        sweep(app)

    assert len(app.client.started) == 1
    (failed,) = told(caplog, "sweep.failed")
    assert failed["landing"] == "digits/tuesday"


def test_a_landing_whose_state_cannot_be_read_is_watched_as_one_that_nobody_watches(app: App) -> None:
    """Seen before: it was passed over, sweep after sweep, until somebody had removed the state by hand."""
    landing = app.land("0.png")
    app.client.landings[landing.key] = {"version": 99}

    sweep(app)

    assert len(started_of(app, Orchestrator.WATCH_LANDING)) == 1


def test_a_run_that_has_a_job_is_carried_on_although_the_watch_that_claimed_it_is_under_way(app: App) -> None:
    """Seen before: that watch had left the run to the sweep and watched on, and the sweep left the run to the watch."""
    app.land("0.png")
    run = app.claim()
    app.own.ledger.record(run.run_id, change(run.progress, status=Status.SCORING, job=a_job(), revision=1), None)
    app.client.end(WATCHER, "Running")

    sweep(app)

    assert app.client.started == [run.run_id]


def test_a_run_that_has_ended_since_it_was_found_is_not_carried_on(app: App) -> None:
    app.land("0.png")
    run = app.claim()
    look = app.client.get_status

    async def ending(instance_id: str) -> object:
        ended = change(run.progress, status=Status.FAILED, error=Error("route", "It is gone."), revision=1)
        app.own.ledger.record(run.run_id, ended, None)
        return await look(instance_id)

    app.client.get_status = ending  # type: ignore[method-assign]
    sweep(app)

    assert app.client.started == []
