from __future__ import annotations

import asyncio

from local.azureml.execution.nodes import Nodes


def test_a_small_job_does_not_overtake_a_large_one() -> None:
    async def scenario() -> list[str]:
        nodes, order = Nodes(2), list[str]()

        async def job(name: str, count: int) -> None:
            async with nodes.reserved(count):
                order.append(name)

        async with nodes.reserved(1):
            large, small = asyncio.create_task(job("large", 2)), asyncio.create_task(job("small", 1))
            await asyncio.sleep(0)
            assert order == []
            assert not nodes.has_room_for(1)
        await asyncio.gather(large, small)
        assert nodes.free == 2
        return order

    assert asyncio.run(scenario()) == ["large", "small"]


def test_who_gives_up_waiting_lets_the_next_one_through() -> None:
    async def scenario() -> None:
        nodes = Nodes(1)

        async def job() -> str:
            async with nodes.reserved(1):
                return "done"

        async with nodes.reserved(1):
            first, second = asyncio.create_task(job()), asyncio.create_task(job())
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
        assert await second == "done"
        assert nodes.free == 1

    asyncio.run(scenario())
