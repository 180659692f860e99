"""The Functions host: how fast it runs durable work and takes events, what waiting costs, and what replaying costs.

Rates are of a real host process on a real state directory, over HTTP. On a noisy machine look at the ratios: each
compares two things that were measured in turns within this run.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from azure.durable_functions import Orchestrator

from bench.figures import Row
from bench.hosts import Host, running
from local.host.durable.protocol import episode
from local.host.durable.protocol.episode import Answer, Episode
from local.host.durable.protocol.events import Event, moment
from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.functions import PlainFunctions
from local.host.durable.runtime.store import Store
from local.host.virtual import VirtualClock

APP = """
import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.activity_trigger(input_name="value")
def same(value):
    return value

@app.orchestration_trigger(context_name="context")
def chain(context):
    for step in range(int(context.get_input())):
        yield context.call_activity("same", step)

@app.orchestration_trigger(context_name="context")
def wide(context):
    yield context.task_all([context.call_activity("same", number) for number in range(int(context.get_input()))])

@app.orchestration_trigger(context_name="context")
def waiting(context):
    yield context.wait_for_external_event("go")

@app.entity_trigger(context_name="context")
def tally(context):
    context.set_state(context.get_state(lambda: 0) + 1)

@app.event_grid_trigger(arg_name="event")
def on_event(event: func.EventGridEvent):
    pass

@app.route(route="nothing")
def nothing(req: func.HttpRequest) -> str:
    return ""
"""
HOST_JSON = {"version": "2.0", "logging": {"logLevel": {"default": "Warning"}}}
API = "/runtime/webhooks/durabletask"
HOOK = "/runtime/webhooks/eventgrid?functionName=on_event"


class DurableHost(Host):
    """A host process that runs the app above."""

    def start(self, name: str, prefix: str, count: int, value: str = "null") -> None:
        paths = [f"{API}/orchestrators/{name}/{prefix}-{n}" for n in range(count)]
        self.all_at_once([partial(self.http.post, path, json=value) for path in paths])

    def ended(self, prefix: str, count: int) -> bool:
        query: dict[str, str | int] = {"runtimeStatus": "Completed", "instanceIdPrefix": f"{prefix}-", "top": count}
        return len(self.http.get(f"{API}/instances", params=query).json()) == count

    def wakes(self) -> int:
        """How often the engine has looked at an instance."""
        return int(self.http.get("/admin/durable/counts").json()["wakes"])


@contextmanager
def hosting() -> Iterator[DurableHost]:
    """The host with the app above."""
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder)
        (app / "function_app.py").write_text(APP)
        (app / "host.json").write_text(json.dumps(HOST_JSON))
        with running(app, DurableHost) as host:
            yield host


def rates(*, quick: bool) -> list[Row]:
    """How many of each a second, against plain HTTP invocations, in turns."""
    count, repeats = (40, 2) if quick else (200, 5)
    found: dict[str, list[float]] = {}
    with hosting() as host:
        for turn in range(repeats):
            for name, run in _measured(host, count, turn).items():
                found.setdefault(name, []).append(count / run())
    base = median(found["HTTP invocations"])
    return [
        Row(
            name=name,
            value=median(values),
            unit="1/s",
            ratio=median(values) / base,
            against="HTTP invocations",
            n=count * repeats,
        )
        for name, values in found.items()
    ]


def _measured(host: DurableHost, count: int, turn: int) -> dict[str, Callable[[], float]]:
    def chains(steps: int) -> float:
        prefix = f"chain{steps}-{turn}"
        return host.seconds(lambda: host.start("chain", prefix, count, str(steps)), lambda: host.ended(prefix, count))

    def events() -> float:
        headers = {"aeg-event-type": "Notification"}
        posts = [partial(host.http.post, HOOK, json=[_event(n)], headers=headers) for n in range(count)]
        return host.seconds(lambda: host.all_at_once(posts))

    def signals() -> float:
        path = f"{API}/entities/tally/{turn}"
        posts = [partial(host.http.post, path, params={"op": "add"})] * count
        return host.seconds(lambda: host.all_at_once(posts), lambda: host.http.get(path).text == str(count))

    def invocations() -> float:
        return host.seconds(lambda: host.all_at_once([partial(host.http.get, "/api/nothing")] * count))

    return {
        "HTTP invocations": invocations,
        "events through the webhook": events,
        "entity signals": signals,
        "orchestrations of 1 activity": lambda: chains(1),
        "orchestrations of 5 activities": lambda: chains(5),
    }


def _event(number: int) -> dict[str, object]:
    return {
        "id": str(number),
        "topic": "t",
        "subject": f"s/{number}",
        "eventType": "e",
        "dataVersion": "1",
        "eventTime": "2026-01-01T00:00:00Z",
        "data": {},
    }


def fan_out(*, quick: bool) -> list[Row]:
    """How long one orchestration takes that starts its activities all at once, and waits for all."""
    count, repeats = (100, 2) if quick else (1_000, 5)
    with hosting() as host:
        turns = [f"wide{turn}" for turn in range(repeats)]
        seconds = [
            host.seconds(partial(host.start, "wide", turn, 1, str(count)), partial(host.ended, turn, 1))
            for turn in turns
        ]
    spent = median(seconds)
    return [
        Row(
            name=f"a fan-out of {count:,} activities",
            value=spent,
            unit="s",
            ratio=spent,
            against="a second",
            n=repeats,
            aim=1.0,
        )
    ]


def waiting(*, quick: bool) -> list[Row]:
    """What an instance costs while it waits, against what it costs to have the host at all."""
    count = 300 if quick else 3000
    with hosting() as host:
        host.start("waiting", "warm", 50)
        before, looked = host.memory(), host.wakes()
        host.start("waiting", "w", count)
        while host.wakes() < looked + count:
            time.sleep(0.05)
        each = max(0, host.memory() - before) / count
        quiet = host.wakes()
        time.sleep(1.0)
        looks = host.wakes() - quiet
    return [
        Row(
            name="memory per waiting instance",
            value=each,
            unit="bytes",
            ratio=each * 1000 / before,
            against="the host alone (for 1000 instances)",
            n=count,
        ),
        Row(
            name="looks at waiting instances in a second",
            value=looks,
            unit="",
            ratio=looks / count,
            against="the instances",
            n=count,
        ),
    ]


def chain(context: Any) -> Any:
    for step in range(context.get_input()):
        yield context.call_activity("same", step)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run that has ended. Its last episode is what is measured."""

    history: Sequence[Event]
    begun: Episode
    handler: Callable[[str], str]

    @classmethod
    def of(cls, steps: int) -> Recorded:
        """Of a chain of so many activities."""
        history = asyncio.run(_record(steps))
        execution = history[1]["OrchestrationInstance"]["ExecutionId"]
        # Without the two events that end it, as the host has them when it asks the orchestrator for the last time.
        begun = Episode("i", execution, history[:-2], [], moment(history[0]["Timestamp"]))
        return cls(history, begun, Orchestrator.create(chain))

    def seconds_of_sdk(self) -> float:
        """What the SDK's handler needs for the whole history."""
        text = episode.context(self.begun)
        began = time.perf_counter()
        self.handler(text)
        return time.perf_counter() - began

    def seconds_of_host(self) -> float:
        """What the host needs to read the history, to put the question and to make sense of the answer."""
        stored = [json.dumps(event) for event in self.begun.past]
        answer = Answer(self.handler(episode.context(self.begun)))
        began = time.perf_counter()
        past = [json.loads(text) for text in stored]
        begun = Episode(self.begun.instance, self.begun.execution, past, [], self.begun.now)
        episode.context(begun)
        episode.conclude(begun, answer, refuse=lambda _: None, new_id=str)
        return time.perf_counter() - began


async def _record(steps: int) -> list[Event]:
    functions = PlainFunctions(orchestrators={"chain": chain}, activities={"same": lambda value: value})
    store = Store(":memory:")
    async with Engine(store, functions, VirtualClock()) as engine:
        await engine.wait(engine.start("chain", steps, instance="i"))
    history = store.history("i")
    store.close()
    return history


def replaying(*, quick: bool) -> list[Row]:
    """What one episode costs at the end of longer and longer histories: the SDK's handler, and the host's part."""
    rows = []
    for steps in (10, 40) if quick else (10, 20, 40, 80, 160):
        recorded, sdk, own = Recorded.of(steps), [], []
        for _ in range(5 if quick else 15):
            sdk.append(recorded.seconds_of_sdk())
            own.append(recorded.seconds_of_host())
        rows.append(
            Row(
                name=f"replaying {len(recorded.history)} events",
                value=1000 * (median(sdk) + median(own)),
                unit="ms",
                ratio=median(own) / median(sdk),
                against="the SDK's share",
                n=len(sdk),
            )
        )
    return rows


def measure(*, quick: bool = False) -> list[Row]:
    """All figures about the host."""
    return [*rates(quick=quick), *fan_out(quick=quick), *waiting(quick=quick), *replaying(quick=quick)]
