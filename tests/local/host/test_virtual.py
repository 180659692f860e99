"""The clock that jumps."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from local.host.virtual import VirtualClock

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_sleepers_wake_in_the_order_of_their_times() -> None:
    async def main() -> list[tuple[int, timedelta]]:
        clock, woken = VirtualClock(START), []

        async def sleep(days: int) -> None:
            await clock.wait_until(START + timedelta(days=days))
            woken.append((days, clock.now() - START))

        await asyncio.gather(sleep(3), sleep(1), sleep(2))
        return woken

    assert asyncio.run(main()) == [(n, timedelta(days=n)) for n in (1, 2, 3)]


def test_time_stands_still_while_something_is_going_on() -> None:
    async def main() -> list[str]:
        clock, seen, settled = VirtualClock(START), [], asyncio.Event()
        clock.watch(settled.wait)  # type: ignore[arg-type]  # that it returns True does no harm
        sleeper = asyncio.create_task(clock.wait_until(START + timedelta(days=1)))
        with clock.held():
            settled.set()
            for _ in range(50):
                await asyncio.sleep(0)
            seen.append(str(clock.now() - START))
        await sleeper
        seen.append(str(clock.now() - START))
        return seen

    assert asyncio.run(main()) == ["0:00:00", "1 day, 0:00:00"]


def test_a_cancelled_sleeper_does_not_move_time() -> None:
    async def main() -> timedelta:
        clock = VirtualClock(START)
        long = asyncio.create_task(clock.wait_until(START + timedelta(days=9)))
        await asyncio.sleep(0)
        long.cancel()
        await clock.wait_until(START + timedelta(days=1))
        return clock.now() - START

    assert asyncio.run(main()) == timedelta(days=1)
