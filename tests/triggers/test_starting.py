"""Starting durable instances: the same thing once, and trouble told apart from "it is there already"."""

from __future__ import annotations

import asyncio

import pytest

from shared.core.readiness import coalesce
from shared.core.record import load
from shared.core.watch import Phase, Watch
from shared.services import RecentlyStarted
from testbed.examples import tuesday
from tests.triggers.app import App
from tests.triggers.durable_client import FakeDurableClient, Instance
from triggers.names import Orchestrator
from triggers.starting import is_under_way, start_watch


@pytest.mark.parametrize("is_marker", [False, True], ids=["a file", "the marker"])
def test_a_watch_begins_at_the_end_of_its_bucket_and_knows_what_started_it(app: App, is_marker: bool) -> None:
    start = coalesce(tuesday(), is_marker=is_marker, now=app.clock())

    started = asyncio.run(start_watch(app.client, tuesday(), is_marker=is_marker))

    assert started == start.instance_id
    assert app.client.instances[start.instance_id].name == Orchestrator.WATCH_LANDING
    watch = load(Watch, app.given(start.instance_id))
    assert (watch.landing, watch.phase, watch.not_before) == ("digits/tuesday", Phase.SETTLING, start.not_before)
    assert watch.is_marker is is_marker


def test_a_watch_that_this_process_has_started_is_not_asked_for_again(app: App) -> None:
    asyncio.run(start_watch(app.client, tuesday()))
    asked = len(app.client.calls)

    assert asyncio.run(start_watch(app.client, tuesday())) is None
    assert len(app.client.calls) == asked


def test_a_watch_that_another_process_has_started_is_asked_for_once(app: App) -> None:
    asyncio.run(start_watch(app.client, tuesday()))
    app.own.recent_watches = RecentlyStarted()

    assert asyncio.run(start_watch(app.client, tuesday())) is None
    asked = len(app.client.calls)
    assert asyncio.run(start_watch(app.client, tuesday())) is None

    assert len(app.client.started) == 1
    assert len(app.client.calls) == asked


def test_a_watch_that_could_not_be_started_is_not_taken_for_a_recent_one(app: App) -> None:
    app.client.down = "the storage of the task hub does not answer"
    with pytest.raises(Exception, match="task hub"):
        asyncio.run(start_watch(app.client, tuesday()))

    app.client.down = None

    assert asyncio.run(start_watch(app.client, tuesday())) in app.client.instances


def test_a_start_that_was_refused_for_another_reason_is_trouble(app: App) -> None:
    """The instance has ended, so that was not why."""

    class Forgetful(FakeDurableClient):
        async def start_new(self, name: str, instance_id: str, client_input: object = None) -> str:
            raise Exception(f"The function {name!r} doesn't exist.")

    client = Forgetful()
    client.end(coalesce(tuesday(), is_marker=False, now=app.clock()).instance_id)

    with pytest.raises(Exception, match="doesn't exist"):
        asyncio.run(start_watch(client, tuesday()))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Pending", True),
        ("Running", True),
        ("ContinuedAsNew", True),
        ("Suspended", True),
        ("Completed", False),
        ("Failed", False),
        ("Canceled", False),
        ("Terminated", False),
    ],
)
def test_an_instance_is_under_way_until_it_has_ended(status: str, expected: bool) -> None:
    client = FakeDurableClient({"run-1": Instance(Orchestrator.SCORE, None, status)})

    assert asyncio.run(is_under_way(client, "run-1")) is expected


def test_an_instance_that_nobody_has_heard_of_is_not_under_way() -> None:
    assert asyncio.run(is_under_way(FakeDurableClient(), "run-1")) is False


def test_only_the_last_watches_are_remembered() -> None:
    recent = RecentlyStarted(most=2)
    for instance_id in ("first", "second", "third"):
        recent.add(instance_id)

    assert [instance_id in recent for instance_id in ("first", "second", "third")] == [False, True, True]
