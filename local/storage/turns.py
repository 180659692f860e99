"""One at a time for each blob: the order of its events is then the order of its changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary


@dataclass(frozen=True, slots=True)
class Turns:
    """Locks by name, for as long as somebody has or wants them."""

    locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    @asynccontextmanager
    async def of(self, *names: str) -> AsyncIterator[None]:
        """Have all of `names` to oneself. Always taken in the same order, so that no two wait for each other."""
        async with AsyncExitStack() as stack:
            for name in sorted(set(names)):
                lock = self.locks.get(name)
                if lock is None:
                    lock = self.locks[name] = asyncio.Lock()
                await stack.enter_async_context(lock)
            yield
