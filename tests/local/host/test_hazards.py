"""Production hazards on request."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.hazards import Hazards
from local.host.durable.runtime.listing import Instance
from tests.local.host.driving import counter, drive, result
from tests.local.host.hosting import Host


def fan(context: Any) -> Any:
    done = yield context.task_all([context.call_activity("same", n) for n in range(20)])
    for n in range(3):
        yield context.call_entity(df.EntityId("counter", "k"), "add", n)
    return sum(done)


def with_hazards(**settings: Any) -> tuple[Instance, timedelta, Counter[int]]:
    calls: Counter[int] = Counter()

    def same(value: int) -> int:
        calls[value] += 1
        return value

    async def script(engine: Engine) -> tuple[Instance, timedelta]:
        engine.hazards = Hazards(seed=7, **settings)
        began = engine.now()
        found = await engine.wait(engine.start("main"))
        return found, engine.now() - began

    found, took = drive(script, orchestrators={"main": fan}, activities={"same": same}, entities={"counter": counter})
    return found, took, calls


def test_activities_are_delivered_twice_and_count_once() -> None:
    found, _, calls = with_hazards(duplicate_activities=0.5)

    assert result(found) == sum(range(20))
    assert set(calls.values()) == {1, 2}


def test_messages_come_late_and_in_another_order_and_change_nothing() -> None:
    found, took, _ = with_hazards(delay_messages=1.0, longest_delay_ms=60_000)

    assert result(found) == sum(range(20))
    assert took > timedelta(seconds=30)


def test_activities_time_out_after_they_did_their_work() -> None:
    found, _, calls = with_hazards(time_out_activities=1.0)

    assert found.status == "Failed"
    assert "The activity function timed out" in str(found.output)
    assert sum(calls.values()) == 20


def test_the_same_seed_gives_the_same_trouble() -> None:
    runs = [with_hazards(delay_messages=0.5, duplicate_activities=0.3) for _ in range(2)]

    assert runs[0][1:] == runs[1][1:]


def test_hazards_are_set_and_cleared_over_http(host: Host) -> None:
    path = "/admin/durable/hazards"

    assert host.http.put(path, json={"duplicate_activities": 1}).json()["duplicate_activities"] == 1
    assert host.finished(host.start("chain"))["output"] == ["Hello Tokyo!", "Hello Seattle!"]
    assert host.http.delete(path).json()["duplicate_activities"] == 0
    assert host.http.put(path, json={"meteors": 1}).status_code == 400


@pytest.mark.parametrize(
    ("raw", "told"),
    [([], "an object"), ({"x": 1}, "an object"), ({"delay_messages": 2}, "probability"), ({"seed": "a"}, "whole")],
)
def test_hazards_that_are_none_are_refused(raw: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Hazards.parse(raw)
