"""How tests wait: for what they can see, and no longer than it takes.

Between two looks there is a pause; the first is short, for most things are there at once, and later ones grow, so that
tests which wait long leave the processor to what they wait for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Literal, TypeVar

import httpx

Found = TypeVar("Found")
Look = Callable[[], Found | Literal[False] | None]
PATIENCE = 60.0
GROWTH = 1.5


def eventually(
    look: Look[Found], what: str = "what it looks for", *, within: float = PATIENCE, every: float = 0.1
) -> Found:
    """What `look` finds as soon as it finds something true; `every` is the longest pause between two looks.

    That nobody answers yet is nothing found: a part which was killed is started again meanwhile.
    """
    unanswered = None
    for pause in _pauses(within, every):
        try:
            if found := look():
                return found
        except httpx.TransportError as error:
            unanswered = error
        time.sleep(pause)
    raise AssertionError(f"waited {within:g} s in vain for {what}") from unanswered


async def eventually_on_loop(look: Look[Found], what: str = "what it looks for", *, within: float = PATIENCE) -> Found:
    """The same where what is waited for happens on the test's own event loop, which must not be held up."""
    for pause in _pauses(within, 0.1):
        if found := look():
            return found
        await asyncio.sleep(pause)
    raise AssertionError(f"waited {within:g} s in vain for {what}")


def _pauses(within: float, longest: float) -> Iterator[float]:
    deadline, pause = time.monotonic() + within, longest / 10
    while time.monotonic() < deadline:
        yield pause
        pause = min(pause * GROWTH, longest)
