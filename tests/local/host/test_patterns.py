"""The patterns of Durable Functions against the host, with time running a million times as fast.

Sources: Azure docs, durable-functions-overview (patterns), durable-functions-timers, durable-functions-external-events,
durable-functions-eternal-orchestrations, durable-functions-error-handling, durable-functions-code-constraints,
durable-functions-http-features; Azure/durabletask, TaskOrchestrationExecutor.cs (an instance with open tasks has not
ended).
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from local import serving
from testbed.eventually import eventually
from tests.local.host.hosting import Host, running

API = "/runtime/webhooks/durabletask"
RATE = "1000000"


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host whose days take a tenth of a second."""
    with running("patterns", tmp_path_factory.mktemp("host"), "--clock-rate", RATE) as started:
        yield started


def begin(host: Host, name: str, value: object = None, **query: str) -> str:
    """Start as the durable client does: the input is JSON text."""
    answer = host.http.post(f"{API}/orchestrators/{name}", params=query, json=json.dumps(value))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def took(found: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(found["lastUpdatedTime"]) - datetime.fromisoformat(found["createdTime"])


def test_fan_out_and_fan_in(fast: Host) -> None:
    assert fast.finished(begin(fast, "fan_out"))["output"] == 45


def test_a_failure_among_many_is_raised_where_they_come_together(fast: Host) -> None:
    output = fast.finished(begin(fast, "fan_out_with_failure"))["output"]

    assert output == "Activity function 'fail' failed:  ValueError: cannot x"


def test_timers_of_any_length(fast: Host) -> None:
    assert fast.finished(begin(fast, "long_timer"))["output"] == 10


def test_nobody_answers_in_time(fast: Host) -> None:
    found = fast.finished(begin(fast, "human", {"cancel": True}))

    assert found["output"] == "timed out"
    assert took(found) >= timedelta(hours=2) - timedelta(seconds=1)


@pytest.mark.parametrize("cancel", [True, False])
def test_an_answer_ends_the_instance_at_once_only_if_the_timer_is_cancelled(tmp_path: Path, *, cancel: bool) -> None:
    with running("patterns", tmp_path, "--clock-rate", "6000") as host:
        instance = begin(host, "human", {"cancel": cancel})
        eventually(lambda: host.status(instance)["runtimeStatus"] == "Running")
        host.http.post(f"{API}/instances/{instance}/raiseEvent/approval", json=True)
        found = host.finished(instance)

    assert found["output"] == "approved"
    assert (took(found) >= timedelta(hours=2) - timedelta(seconds=1)) is not cancel


def test_a_monitor_goes_on_as_new_and_keeps_its_id(fast: Host) -> None:
    instance = begin(fast, "monitor", {"left": 12, "seen": 0})
    found = fast.finished(instance)

    assert found["output"] == 12
    events = fast.status(instance, showHistory="true")["historyEvents"]
    assert len(events) <= 4, "only the last execution is kept"


def test_a_sub_orchestration_is_retried_and_its_failure_names_all(fast: Host) -> None:
    told, _ = fast.finished(begin(fast, "retried_child"))["output"]

    assert told == (
        "Orchestrator function 'broken_child' failed: Activity function 'fail' failed:  ValueError: cannot job"
    )
    children = fast.http.get(f"{API}/instances", params={"runtimeStatus": "Failed"}).json()
    assert len([i for i in children if i["name"] == "broken_child"]) == 3


def test_an_orchestrator_that_changes_its_mind_is_told_what_it_did_and_what_usually_causes_it(fast: Host) -> None:
    found = fast.finished(begin(fast, "fickle"))

    assert found["runtimeStatus"] == "Failed"
    for part in ("Non-Deterministic workflow detected", "'same'", "'fail'", "code changed", "time, randomness or I/O"):
        assert part in found["output"]


@pytest.mark.parametrize(("length", "status"), [(8000, "Completed"), (8200, "Failed")])
def test_a_custom_status_has_sixteen_kilobytes(fast: Host, length: int, status: str) -> None:
    assert fast.finished(begin(fast, "talkative", length))["runtimeStatus"] == status


def test_instances_and_their_children_have_the_default_version_or_the_one_they_are_started_with(fast: Host) -> None:
    assert fast.finished(begin(fast, "versioned"))["output"] == ["1.5", "1.5"]
    assert fast.finished(begin(fast, "versioned", version="9"))["output"] == ["9", "1.5"]


@contextmanager
def slow_job() -> Iterator[str]:
    """The URL of a job that answers 202 twice and then 200."""
    looks: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        looks.append(request.path)
        if len(looks) < 3:
            return web.Response(status=202, headers={"Location": "/status", "Retry-After": "600"})
        return web.Response(text="finished")

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            app = web.Application()
            app.router.add_get("/{path:.*}", handle)
            url.append(f"http://127.0.0.1:{await serving.listen(stack, app, 0)}/start")
            loop.append(asyncio.get_running_loop())
            up.set()
            stopping.append(asyncio.Event())
            await stopping[0].wait()

    url: list[str] = []
    loop: list[asyncio.AbstractEventLoop] = []
    stopping: list[asyncio.Event] = []
    up = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(10)
    eventually(lambda: stopping)
    try:
        yield url[0]
    finally:
        loop[0].call_soon_threadsafe(stopping[0].set)
        thread.join()


def test_an_http_call_is_followed_until_it_has_been_answered(fast: Host) -> None:
    with slow_job() as url:
        found = fast.finished(begin(fast, "caller", url))

    assert found["output"] == [200, "finished", "in step"]
    assert took(found) >= timedelta(minutes=20) - timedelta(seconds=1)
    assert "In Azure, an app on azure-functions-durable 1.x hangs here" in fast.log
