"""What events, the timer and the run API start and answer: each thing once, and nothing that is under way."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from shared.core.landing import Landing
from shared.core.readiness import coalesce
from shared.core.record import dump, load
from shared.core.run import Run
from shared.core.snapshot import Frozen, FrozenFiles
from shared.core.watch import Watch
from shared.core.watchers import Watchers
from shared.errors import InputRefused, RoutesInvalid
from shared.services import Services
from shared.work.ledger import Ledger
from tests.examples import SETTINGS, STATE, TOPIC, digits_route, endpoint_over, in_landing, tuesday
from tests.fakes import NOON, FakeBlobs, FakeClock
from tests.unit.runs import a_run, following
from triggers import events, http, starting, sweep
from triggers.names import Orchestrator

SUBJECT = "/blobServices/default/containers/landing/blobs/digits/tuesday/0.png"
FILES = FrozenFiles((Frozen(name="0.png", etag="0x1", size=1),))
State = Enum("State", ["Running", "Completed", "Terminated"])
WATCH = coalesce(tuesday(), is_marker=False, now=NOON).instance_id


def plain(function: Any) -> Any:
    """The function itself, without what the SDK puts around it to make a client from the host's JSON."""
    return inspect.unwrap(function.build().get_user_function())


@dataclass
class FakeClient:
    """The durable client: `states` are those of the instances that there are, `watchers` those of the entities."""

    states: dict[str, State] = field(default_factory=dict)
    watchers: dict[str, Watchers] = field(default_factory=dict)
    started: list[tuple[str, str, Any]] = field(default_factory=list)
    signals: list[tuple[str, str, Any]] = field(default_factory=list)
    down: bool = False

    async def start_new(self, name: str, instance_id: str, given: Any) -> None:
        if self.down or self.states.get(instance_id) is State.Running:
            # As the SDK does for either: the type tells nothing.
            raise Exception("The operation failed with an unexpected status code")
        self.states[instance_id] = State.Running
        self.started.append((name, instance_id, json.loads(json.dumps(given))))

    async def get_status(self, instance_id: str) -> Any:
        return SimpleNamespace(runtime_status=self.states.get(instance_id))

    async def read_entity_state(self, entity: Any) -> Any:
        state = self.watchers.get(entity.key)
        return SimpleNamespace(entity_exists=state is not None, entity_state=state and dump(state))

    async def signal_entity(self, entity: Any, operation: str, given: Any) -> None:
        self.signals.append((entity.key, operation, given))


@dataclass
class Site:
    """The app's services over fakes, at noon."""

    services: Services
    clock: FakeClock
    blobs: FakeBlobs
    client: FakeClient = field(default_factory=FakeClient)

    @property
    def ledger(self) -> Ledger:
        return self.services.ledger

    def event(self, subject: str = SUBJECT, *, topic: str = TOPIC, api: str = "PutBlob") -> None:
        """An event, pushed."""
        given = func.EventGridEvent(
            id="1",
            data={"api": api, "contentLength": 9},
            topic=topic,
            subject=subject,
            event_type="Microsoft.Storage.BlobCreated",
            event_time=NOON,
            data_version="1",
        )
        asyncio.run(plain(events.on_blob_event)(given, self.client))

    def message(self, body: bytes) -> None:
        """An event, read from a queue."""
        given = func.QueueMessage(id="1", body=body)
        asyncio.run(plain(events.on_blob_message)(given, self.client))

    def sweep(self) -> None:
        timer = SimpleNamespace(past_due=False)
        asyncio.run(plain(sweep.sweep)(timer, self.client))


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    return a_site(monkeypatch)


def a_site(monkeypatch: pytest.MonkeyPatch, **env: str) -> Site:
    clock = FakeClock()
    blobs = FakeBlobs(clock)
    services = Services(env={**SETTINGS, "LANDFALL_STATE_URL": STATE.url, **env}, now=clock, new_id=lambda: "id")
    services.__dict__.update(blobs=blobs, endpoint=endpoint_over(blobs, digits_route()))
    for module in (events, http, starting, sweep):
        monkeypatch.setattr(module, "services", lambda: services)
    return Site(services, clock, blobs)


def test_an_event_starts_the_watch_of_its_landing(site: Site) -> None:
    site.event()

    ((name, instance_id, given),) = site.client.started
    assert (name, instance_id) == (Orchestrator.WATCH_LANDING, WATCH)
    assert load(Watch, given).landing == "digits/tuesday"


def test_events_that_share_a_watch_start_it_once(site: Site) -> None:
    site.event()
    site.event()
    site.services.recent_watches = type(site.services.recent_watches)()
    site.event()

    assert len(site.client.started) == 1


def test_an_event_whose_watch_cannot_be_started_is_delivered_again(site: Site) -> None:
    site.client.down = True

    with pytest.raises(Exception, match="unexpected status code"):
        site.event()

    site.client.down = False
    site.event()
    assert len(site.client.started) == 1


@pytest.mark.parametrize(
    "changes",
    [{"subject": SUBJECT + ".bak"}, {"api": "CreateFile"}, {"subject": "/elsewhere"}],
    ids=["no route", "not whole yet", "no blob"],
)
def test_an_event_that_says_nothing_starts_nothing(
    site: Site, changes: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    site.event(**changes)

    assert site.client.started == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_an_event_of_a_strange_account_is_told(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.event(topic=TOPIC.replace("/landing", "/attacker"))

    assert site.client.started == []
    assert "landfall.event.ignored" in caplog.text


def test_an_event_that_may_be_for_a_route_with_a_problem_is_delivered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    site = a_site(monkeypatch, DIGITS_SCORING_URI="")

    with pytest.raises(RoutesInvalid):
        site.event()


@pytest.mark.parametrize(
    "event",
    [
        {"eventType": "Microsoft.Storage.BlobCreated", "topic": TOPIC},
        {"type": "Microsoft.Storage.BlobCreated", "source": TOPIC, "specversion": "1.0"},
    ],
    ids=["Event Grid", "CloudEvents"],
)
def test_an_event_from_a_queue_may_have_either_schema(site: Site, event: dict[str, Any]) -> None:
    data = {"api": "PutBlob", "contentLength": 9}

    site.message(json.dumps({**event, "subject": SUBJECT, "data": data}).encode())

    assert [instance_id for _, instance_id, _ in site.client.started] == [WATCH]


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b"7"], ids=["no JSON", "a list", "nothing in it", "a number"])
def test_a_message_that_is_no_event_ends_in_the_poison_queue(site: Site, body: bytes) -> None:
    with pytest.raises(InputRefused, match="Queue message 1 is not an event"):
        site.message(body)


def left(site: Site, run: Run) -> None:
    """Have the ledger know a run that nobody follows."""
    site.ledger.claim(a_run(), FILES)
    site.ledger.record(run.run_id, run.progress, None)


def test_the_sweep_takes_up_a_run_that_nobody_follows(site: Site) -> None:
    left(site, following())

    site.sweep()

    ((name, instance_id, given),) = site.client.started
    assert (name, instance_id) == (Orchestrator.SCORE, following().run_id)
    assert load(Run, given).job == following().job


@pytest.mark.parametrize("who", [following().run_id, following().claimed_by], ids=["its orchestration", "its watcher"])
def test_the_sweep_leaves_a_run_to_who_is_under_way(site: Site, who: str) -> None:
    left(site, following())
    site.client.states[who] = State.Running

    site.sweep()

    assert site.client.started == []


def test_the_sweep_takes_up_a_run_whose_orchestration_was_terminated(site: Site) -> None:
    left(site, following())
    site.client.states[following().run_id] = State.Terminated

    site.sweep()

    assert len(site.client.started) == 1


def missed(site: Site) -> None:
    """Have content in the landing that nobody has heard of."""
    site.blobs.put(in_landing("digits/tuesday/0.png"), b"pixels")
    site.clock.advance(minutes=3)


def test_the_sweep_watches_a_landing_that_nobody_saw(site: Site) -> None:
    missed(site)

    site.sweep()

    ((name, _, given),) = site.client.started
    assert (name, load(Watch, given).landing) == (Orchestrator.WATCH_LANDING, "digits/tuesday")
    assert site.client.signals == []


def test_the_sweep_frees_a_landing_whose_watcher_has_ended(site: Site) -> None:
    missed(site)
    site.client.watchers[tuesday().key] = Watchers("watch-1", busy=True)

    site.sweep()

    assert site.client.signals == [(tuesday().key, "release", {"who": "watch-1"})]
    assert len(site.client.started) == 1


def test_the_sweep_leaves_a_landing_to_the_watcher_that_is_under_way(site: Site) -> None:
    missed(site)
    site.client.watchers[tuesday().key] = Watchers("watch-1")
    site.client.states["watch-1"] = State.Running

    site.sweep()

    assert (site.client.started, site.client.signals) == ([], [])


def test_the_sweep_fails_visibly_while_a_route_has_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    site = a_site(monkeypatch, DIGITS_SCORING_URI="")
    left(site, following())

    with pytest.raises(RoutesInvalid):
        site.sweep()

    assert len(site.client.started) == 1


def got(path: str, **asked: Any) -> tuple[int, Any]:
    """What the run API answers."""
    function = http.get_run if "route_params" in asked else http.list_runs
    request = func.HttpRequest("GET", path, body=b"", **asked)
    response = plain(function)(request)
    return response.status_code, json.loads(response.get_body())


def test_the_run_api_lists_and_shows_runs(site: Site) -> None:
    left(site, following())
    run_id = following().run_id

    status, listed = got("/api/runs", params={"route": "digits"})
    assert (status, [run["run_id"] for run in listed]) == (200, [run_id])

    status, shown = got(f"/api/runs/{run_id}", route_params={"run_id": run_id})
    assert (status, shown["status"], shown["snapshot"]["list"][0]["name"]) == (200, "scoring", "0.png")


def test_the_run_api_tells_what_would_be_right_what_is_not_there_and_what_is_away(site: Site) -> None:
    unknown = f"digits-{9:020x}"

    assert got("/api/runs", params={"limit": "ten"})[0] == 400
    assert got(f"/api/runs/{unknown}", route_params={"run_id": unknown}) == (404, {"error": "There is no such run."})
    site.blobs.down = "503"
    assert got("/api/runs", params={}) == (503, {"error": "503"})


def test_a_watch_is_started_for_the_moment_in_which_something_was_seen(site: Site) -> None:
    site.event()
    site.clock.moment = NOON + timedelta(minutes=1)
    site.event()

    other = coalesce(Landing(digits_route(), "digits/tuesday"), is_marker=False, now=site.clock()).instance_id
    assert [instance_id for _, instance_id, _ in site.client.started] == [WATCH, other]
