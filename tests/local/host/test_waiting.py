"""What waits costs next to nothing; with a clock that jumps long waits take no time, and their order is repeatable."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.host.durable.runtime.engine import Engine
from local.host.durable.runtime.listing import Query
from tests.local.host.driving import drive, result

MANY = 3000
Order = list[tuple[str, str, int]]


def waiter(context: Any) -> Any:
    deadline = context.create_timer(context.current_utc_datetime + timedelta(days=5))
    event = context.wait_for_external_event("go")
    won = yield context.task_any([deadline, event])
    if won is event:
        deadline.cancel()
    return won is event


def poll(context: Any) -> Any:
    """As apps poll a job for days: rarer and rarer, and with a history that stays short."""
    state = context.get_input()
    for _ in range(5):
        pause = min(timedelta(minutes=15 * 2 ** state["polls"]), timedelta(hours=24))
        yield context.create_timer(context.current_utc_datetime + pause)
        state["polls"] += 1
        done = yield context.call_activity("look", [state["job"], state["polls"], str(context.current_utc_datetime)])
        if done:
            return state["polls"]
    context.continue_as_new(state)


def week_of_polling(instances: int, seed: int) -> tuple[timedelta, list[int], Order]:
    """How long it took on the clock, how often each instance looked, and the order in which they did."""
    order: Order = []
    chance = random.Random(seed)
    ends = {f"job-{n}": timedelta(days=7) + timedelta(hours=chance.uniform(0, 12)) for n in range(instances)}

    def look(asked: list[Any]) -> bool:
        job, polls, when = asked
        order.append((when, job, polls))
        return datetime.fromisoformat(when) - began[0] >= ends[job]

    async def script(engine: Engine) -> tuple[timedelta, list[int]]:
        began.append(engine.now())
        for job in sorted(ends, key=lambda _: chance.random()):
            engine.start("poll", {"job": job, "polls": 0}, instance=job)
        polls = [result(await engine.wait(job)) for job in ends]
        return engine.now() - began[0], polls

    began: list[datetime] = []
    took, polls = drive(script, seed=seed, seconds=120, orchestrators={"poll": poll}, activities={"look": look})
    return took, polls, order


@pytest.mark.long
def test_two_hundred_instances_poll_for_a_week_while_nobody_waits() -> None:
    took, polls, order = week_of_polling(200, seed=1)

    assert timedelta(days=7) <= took <= timedelta(days=9)
    assert all(12 <= count <= 16 for count in polls)
    assert len(order) == sum(polls)
    assert [when for when, _, _ in order] == sorted(when for when, _, _ in order)


@pytest.mark.long
def test_the_same_seed_gives_the_same_order_and_another_seed_another_one() -> None:
    runs = [week_of_polling(12, seed)[2] for seed in (1, 1, 2)]

    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.long
def test_thousands_of_waiting_instances_are_not_touched(tmp_path: Path) -> None:
    """Counted in turns, that is in looks at an instance. A restart looks at none, and an event at the one it is for."""
    store, orchestrators = tmp_path / "d.sqlite", {"waiter": waiter}

    async def begin(engine: Engine) -> int:
        with engine.clock.held():  # type: ignore[attr-defined]  # the clock of these tests
            for n in range(MANY):
                engine.start("waiter", instance=f"w-{n}")
            await engine.settled()
            return engine.counts.wakes

    async def come_back(engine: Engine) -> list[int]:
        with engine.clock.held():  # type: ignore[attr-defined]  # as above
            await engine.settled()
            seen = [engine.counts.wakes]
            for n in (7, 8):
                engine.raise_event(f"w-{n}", "go")
            assert result(await engine.wait("w-7")) is result(await engine.wait("w-8")) is True
            await engine.settled()
            seen.append(engine.counts.wakes)
        await engine.wait("w-0")
        await engine.settled()
        seen.append(engine.counts.wakes)
        assert not engine.store.query(Query(statuses=frozenset({"Running"})))
        return seen

    assert drive(begin, store, orchestrators=orchestrators, seconds=60) == MANY
    assert drive(come_back, store, orchestrators=orchestrators, seconds=60) == [0, 2, MANY], "each is looked at once"
