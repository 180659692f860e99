"""Writes down what came of activities: all that end at about the same time, in one transaction."""

from __future__ import annotations

import asyncio

from local.host.durable.protocol.episode import Message
from local.host.durable.runtime.agenda import Agenda
from local.host.durable.runtime.store import Activity, Store


class Recorder:
    """Collects results during one pass of the event loop. Nobody is told of one before it is committed."""

    def __init__(self, store: Store, agenda: Agenda, *, together: bool) -> None:
        """Without `together` each result is committed by itself, at once: activities that never wait need it so."""
        self._store, self._agenda, self._together = store, agenda, together
        self._ended: list[tuple[Activity, Message, asyncio.Future[bool]]] = []

    async def record(self, activity: Activity, result: Message) -> bool:
        """Record a result; whether it counted."""
        if not self._together:
            return self._store.activities_ended([(activity, result)], self._agenda.now())[0]
        loop = asyncio.get_running_loop()
        counted: asyncio.Future[bool] = loop.create_future()
        self._ended.append((activity, result, counted))
        if len(self._ended) == 1:
            loop.call_soon(self._commit)
        return await counted

    def _commit(self) -> None:
        ended, self._ended = self._ended, []
        try:
            counts = self._store.activities_ended([(a, result) for a, result, _ in ended], self._agenda.now())
        except Exception as error:
            for _, _, counted in ended:
                if not counted.done():
                    counted.set_exception(error)
            return
        for (_, _, counted), first in zip(ended, counts, strict=True):
            if not counted.done():  # else the engine stops; the result is kept
                counted.set_result(first)
