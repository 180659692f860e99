"""What operators do, at random, in any order, again and again, while runs are under way: nothing is lost, nothing is
scored twice, and a paused route begins nothing.

The functions are those that the app registers, over fakes. What they start is carried out when the schedule says so,
and between any two of its steps something else may happen.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import azure.functions as func
import pytest
from azure.functions.timer import TimerRequest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.acts import Repetition
from shared.core.run import Run, Status
from shared.work.table import WORK
from testbed.examples import in_landing
from tests.triggers.app import App, make_app, plain
from tests.workflow.driver import Driver
from triggers import catching_up, landings, on_request, operating, pausing
from triggers import sweep as sweeping
from triggers.activities import carry_out
from triggers.starting import start_watch

pytestmark = pytest.mark.thorough

FOLDERS = ("digits/monday", "digits/tuesday")
MOST_STEPS = 200
UNDERSTOOD = {200, 202, 404, 409}
FUNCTIONS = {
    "cancel": operating.cancel_run,
    "replay": operating.replay_run,
    "rescore": operating.rescore_run,
    "pause": pausing.pause_route,
    "resume": pausing.resume_route,
    "refresh": catching_up.refresh_landings,
    "backfill": catching_up.backfill_route,
    "request": on_request.request_run,
    "look": landings.list_landings,
}
OFTEN = ("land", "event", "carry", "carry", "sweep", "mend")
ACTS = (*FUNCTIONS, "break", *OFTEN, *OFTEN, *OFTEN)

acts = st.tuples(st.sampled_from(ACTS), st.integers(0, 5))
nights = st.lists(st.tuples(acts, st.lists(acts, max_size=6)), min_size=20, max_size=40)


class Carrying(Driver):
    """Marks what it carries out as under way, so that the sweep can see it."""

    def __init__(self, app: App, activities: dict[str, Callable[[Any], Any]]) -> None:
        super().__init__(app.clock, activities, landings=app.client.landings)
        self._instances = app.client

    def run(self, name: str, given: Any, instance_id: str = "instance") -> Any:
        instances = self._instances.instances
        if instance_id in instances:
            instances[instance_id].status = "Running"
        else:
            self._instances.has_started(instance_id, name, given)
        try:
            return super().run(name, given, instance_id)
        finally:
            self._instances.end(instance_id)


class Night:
    """The app, what happens to it, and what is asked of it."""

    def __init__(self) -> None:
        self.app = make_app()
        ids = count()
        self.app.own.new_id = lambda: f"nonce-{next(ids)}"
        self.driver = Carrying(self.app, {step.name: self._activity(step) for step in WORK})
        self.meanwhile: list[tuple[str, int]] = []
        self.carrying: set[str] = set()
        self.begun_by_itself: set[str] = set()

    def happens(self, act: str, number: int) -> None:
        """One act; how it is answered is understood, whatever has been before."""
        app, folder = self.app, FOLDERS[number % 2]
        match act:
            case "land":
                app.blobs.put(in_landing(f"{folder}/{number // 4}.png"), f"pixels {number // 2}".encode())
            case "event":
                asyncio.run(self._event(folder))
            case "sweep":
                app.clock.advance(minutes=15)
                app.call(sweeping.sweep, timer=TimerRequest(past_due=False))
            case "break" | "mend":
                app.endpoint.statuses = ("Running", "Failed" if act == "break" else "Completed")
            case "carry":
                self.carry(number)
            case "cancel" | "replay" | "rescore":
                runs = self.runs()
                if runs:
                    self.ask(act, run_id=runs[number % len(runs)].run_id)
            case "pause" | "resume":
                self.ask(act, route="digits")
            case "refresh":
                self.ask(act, {"route": "digits", "landing": folder} if number % 3 else {})
            case "backfill":
                self.ask(act, {"route": "digits", "dry_run": number == 0, "limit": 1 + number})
            case "request":
                self.ask(act, {"route": "digits", "landing": folder})
            case _:
                self.ask(act)
        self.look_after_pauses(act)

    async def _event(self, folder: str) -> None:
        (route,) = self.app.own.routes.usable
        landing = self.app.land(folder=folder)
        assert landing.route == route
        await start_watch(self.app.client, landing)

    def ask(self, act: str, body: object = None, **route_params: str) -> None:
        request = func.HttpRequest(
            method="POST",
            url="https://app/api",
            route_params=route_params,
            body=b"" if body is None else json.dumps(body).encode(),
        )
        function = plain(FUNCTIONS[act])
        response = function(request) if act in ("cancel", "pause") else asyncio.run(function(request, self.app.client))
        assert response.status_code in UNDERSTOOD, (act, body, response.get_body())

    def carry(self, number: int) -> bool:
        """Carry out something that was started; whether there was anything."""
        client = self.app.client
        waiting = [key for key, one in client.instances.items() if one.is_live and key not in self.carrying]
        if not waiting or len(self.carrying) > 1:
            return False
        instance_id = waiting[number % len(waiting)]
        self.carrying.add(instance_id)
        self.driver.run(client.instances[instance_id].name, self.app.given(instance_id), instance_id)
        self.carrying.discard(instance_id)
        return True

    def rest(self) -> None:
        """Everything is mended, and all that was started comes to its end."""
        self.meanwhile = []
        self.happens("mend", 0)
        self.happens("resume", 0)
        for _ in range(4):
            self.happens("sweep", 0)
            assert any(not self.carry(0) for _ in range(MOST_STEPS)), "it comes to an end"

    def runs(self) -> list[Run]:
        return [run for run in self.app.own.ledger.newest() if isinstance(run, Run)]

    def look_after_pauses(self, act: str) -> None:
        """While the route is paused no run begins but those that repeat one."""
        begun = {run.run_id for run in self.runs() if run.request is None or run.request.repeats is None}
        if act != "resume" and self.app.own.ledger.standing("digits").pause is not None and act != "pause":
            assert begun <= self.begun_by_itself
        self.begun_by_itself = begun

    def _activity(self, step: Any) -> Callable[[Any], Any]:
        def activity(given: Any) -> Any:
            if self.meanwhile:
                self.happens(*self.meanwhile.pop(0))
            answer = carry_out(step, self.app.own, json.loads(json.dumps(given)))
            return json.loads(json.dumps(answer))

        return activity


def jobs_of(night: Night) -> Iterator[str]:
    """Where each job that was made writes: no two may write to the same place."""
    for body in night.app.endpoint.jobs.values():
        yield str(body["properties"]["outputData"])


def check(night: Night) -> None:
    app, runs = night.app, night.runs()
    assert [run for run in runs if not run.has_ended] == []
    assert [place for place, times in Counter(jobs_of(night)).items() if times > 1] == [], "one job for an attempt"
    published = [run for run in runs if run.status is Status.PUBLISHED]
    paths = app.blobs.paths(app.own.routes.usable[0].publish)
    assert sum(path.endswith("_SUCCESS") for path in paths) == len(published), "what is complete is what is published"
    rescored = [run for run in published if _is_rescored({one.run_id: one for one in runs}, run)]
    contents = Counter((run.landing, run.snapshot.fingerprint) for run in published)
    again = Counter((run.landing, run.snapshot.fingerprint) for run in rescored)
    for content, times in contents.items():
        assert times <= 1 + again[content], f"{content} was scored twice, and nobody wanted that"
    for folder in FOLDERS:
        if any(path.startswith(f"{folder}/") for path in app.blobs.paths(in_landing("x").container)):
            check_landing(night, folder)


def check_landing(night: Night, folder: str) -> None:
    """What it holds in the end has had its run, and is published unless somebody or the job ended that."""
    app = night.app
    landing = app.land(folder=folder)
    now = landing.freeze(app.blobs.list_folder(landing.folder).files).fingerprint
    its = [run for run in night.runs() if (run.landing, run.snapshot.fingerprint) == (folder, now)]
    assert its, f"{folder} was lost"
    assert any(run.status in (Status.PUBLISHED, Status.FAILED, Status.CANCELED) for run in its), f"{folder} waits"


def _is_rescored(runs: Mapping[str, Run], run: Run) -> bool:
    """Whether somebody wanted a published content once more: with this run, or with one that ended otherwise and that
    this one replays."""
    repeats = run.request.repeats if run.request is not None else None
    if repeats is None:
        return False
    return repeats.act is Repetition.RESCORE or _is_rescored(runs, runs[repeats.run_id])


def test_a_rescore_that_was_canceled_may_be_replayed() -> None:
    night = a_night(("land", 0), ("event", 0), ("carry", 0), ("rescore", 0))
    night.meanwhile = [*[("look", 0)] * 3, ("cancel", 0)]
    for act in (("carry", 0), ("replay", 0), ("carry", 0)):
        night.happens(*act)
    night.rest()

    replay, rescore, first = night.runs()
    assert [run.status for run in (replay, rescore, first)] == [Status.PUBLISHED, Status.CANCELED, Status.PUBLISHED]
    check(night)


@pytest.mark.long
@given(nights)
def test_whatever_operators_do_nothing_is_lost_or_scored_twice(nights: list[Any]) -> None:
    night = a_night(("land", 0), ("land", 1), ("event", 0), ("event", 1))
    for act, meanwhile in nights:
        night.meanwhile = list(meanwhile)
        night.happens(*act)
    night.rest()
    check(night)


def a_night(*acts: tuple[str, int]) -> Night:
    night = Night()
    for act in acts:
        night.happens(*act)
    return night


@pytest.mark.parametrize("end", ["break", "cancel"])
def test_what_a_replay_has_published_is_not_scored_again_when_it_is_uploaded_again(end: str) -> None:
    """Its first run failed, and content whose run has failed is tried again when it is uploaded again."""
    night = a_night(("land", 0), ("event", 0))
    if end == "break":
        night.happens("break", 0)
    else:
        night.meanwhile = [("look", 0), ("look", 0), ("look", 0), ("cancel", 0)]
    for act in (("carry", 0), ("mend", 0), ("replay", 0), ("carry", 0), ("land", 0), ("event", 0)):
        night.happens(*act)
    night.rest()

    assert Counter(run.status for run in night.runs())[Status.PUBLISHED] == 1
