"""A cluster with so many nodes: jobs that do not fit wait their turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Nodes:
    """First come, first served: a small job does not overtake a large one that waits."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.free = total
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def has_room_for(self, count: int) -> bool:
        return count <= self.free and not self._waiting

    @asynccontextmanager
    async def reserved(self, count: int) -> AsyncIterator[None]:
        """Hold `count` nodes, at most the total, as soon as they are free."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((count, turn))
        self._hand_out()
        try:
            await turn
            yield
        finally:
            self._give_back(count, turn)

    def _hand_out(self) -> None:
        while self._waiting and self._waiting[0][0] <= self.free:
            count, turn = self._waiting.popleft()
            self.free -= count
            turn.set_result(None)

    def _give_back(self, count: int, turn: asyncio.Future[None]) -> None:
        if (count, turn) in self._waiting:
            self._waiting.remove((count, turn))
        else:
            self.free += count
        self._hand_out()
