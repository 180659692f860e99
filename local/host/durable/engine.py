"""The durable engine: takes messages to the functions that they are for, and writes down what follows.

Rule 1: an instance or entity is worked on by one task at a time; different ones, and activities, run concurrently.
Rule 2: what a turn changes is committed before anybody is told of it; messages stay in the inbox until then.
Rule 3: activities run at least once; everything else takes effect exactly once, whatever instant the process dies at.
Rule 4: what waits costs nothing: a row, and one sleeper on the earliest of all due times.

In a test, with a clock that jumps:

    async with Engine(Store(":memory:"), PlainFunctions(...), VirtualClock()) as engine:
        instance = engine.start("watch", {"folder": "a"})
        engine.raise_event(instance, "go", {"now": True})
        done = await engine.wait(instance)
        assert done.status == "Completed" and json.loads(done.output) == ...

All methods must be called on the loop that the engine was entered on. `engine.counts` says how much was done.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from local.clock import Clock
from local.host.durable import entities, episode
from local.host.durable.dispatch import Dispatcher
from local.host.durable.entities import EntityId
from local.host.durable.episode import TERMINAL, Answer, Episode, Message, Received, Start
from local.host.durable.errors import InstanceEnded, InstanceExists, UnknownFunction, UnknownInstance, WrongStatus
from local.host.durable.events import Event, EventType, details, event, event_raised
from local.host.durable.functions import Functions, Kind, unknown
from local.host.durable.store import Activity, Instance, Store

log = logging.getLogger("Host.Durable")

AT_ONCE = 10 * (os.cpu_count() or 1)
"""Source: Azure docs, durable-functions host.json: maxConcurrentActivityFunctions and its siblings."""
ENTITY_BATCH = 50
"""Source: Azure docs, durable-functions host.json: maxEntityOperationBatchSize."""
MESSAGE_BATCH = 1000


@dataclass(slots=True)
class Counts:
    """How much the engine has done since it was made."""

    orchestrations: int = 0
    episodes: int = 0
    activities: int = 0
    entity_operations: int = 0
    timers: int = 0


class Engine:
    """Runs from `async with` to its end; started again on the same store it goes on."""

    def __init__(
        self,
        store: Store,
        functions: Functions,
        clock: Clock,
        *,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        turns: int = AT_ONCE,
        activities: int = AT_ONCE,
    ) -> None:
        """`turns` bounds the orchestrations and entities that run at once, `activities` the activities."""
        self.store, self.functions, self.clock, self.new_id = store, functions, clock, new_id
        self.counts = Counts()
        self._lanes = (turns, activities)
        self._dispatcher = Dispatcher(self._turn, self._activity)
        self._timers_changed = asyncio.Event()
        self._sleeping_until: datetime | None = None
        self._now = datetime.min.replace(tzinfo=UTC)
        self._waiters: defaultdict[str, list[asyncio.Future[Instance]]] = defaultdict(list)
        self._timers: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        horizon = self.now()
        for instance in self.store.waiting(horizon):
            self._dispatcher.wake(instance)
        for activity in self.store.activities():
            self._dispatcher.add(activity)
        self._dispatcher.start(*self._lanes)
        self._timers = asyncio.create_task(self._watch_timers(horizon))
        watch = getattr(self.clock, "watch", None)
        if watch is not None:
            watch(self.settled)  # a clock that jumps has to know when nothing is going on
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timers is not None:
            self._timers.cancel()
            with suppress(asyncio.CancelledError):
                await self._timers
        await self._dispatcher.stop()
        for futures in self._waiters.values():
            for future in futures:
                future.cancel()

    def now(self) -> datetime:
        """The clock's time, but never earlier than before: messages are ordered by it."""
        self._now = max(self._now, self.clock.now())
        return self._now

    def pause(self) -> None:
        """Begin nothing new. What is running goes on; what comes in is kept."""
        self._dispatcher.pause()

    def go_on(self) -> None:
        """Begin again after `pause`."""
        self._dispatcher.go_on()

    async def settled(self) -> None:
        """Return when everything that could be done now has been done."""
        await self._dispatcher.settled()

    def start(
        self,
        name: str,
        value: object = None,
        *,
        instance: str | None = None,
        version: str | None = None,
    ) -> str:
        """Start an orchestration with `value` as `context.get_input()`, as the durable client does."""
        # The client sends JSON text as a JSON string. Source: azure-functions-durable, DurableOrchestrationClient.py.
        text = None if value is None else json.dumps(json.dumps(value))
        return self.start_with(name, text, instance=instance, version=version)

    def start_with(
        self, name: str, input_text: str | None, *, instance: str | None = None, version: str | None = None
    ) -> str:
        """Start an orchestration with an input that is already JSON text. Raises UnknownFunction, InstanceExists."""
        if self.functions.find(Kind.ORCHESTRATOR, name) is None:
            raise UnknownFunction(unknown(self.functions, Kind.ORCHESTRATOR, name))
        identity = instance or self.new_id()
        start = Start(instance=identity, execution=self.new_id(), name=name, input_text=input_text, version=version)
        status = self.store.start(start, self.now())
        if status is not None:
            raise InstanceExists(status)
        self.counts.orchestrations += 1
        self._dispatcher.wake(identity)
        return identity

    def raise_event(self, instance: str, name: str, value: object = None) -> None:
        """Raise an event as the durable client does, which encodes twice: the orchestrator receives JSON text."""
        self.raise_event_with(instance, name, json.dumps(json.dumps(value)))

    def raise_event_with(self, instance: str, name: str, input_text: str) -> None:
        """Raise an event whose value is JSON text. Raises UnknownInstance, InstanceEnded."""
        self._existing(instance)
        self._post([Message(to=instance, body=event_raised(name, input_text, self.now()))])

    def terminate(self, instance: str, reason: str) -> None:
        """End an instance, whatever it is doing. Its sub-orchestrations go on, as in Azure."""
        self._existing(instance)
        self._post([Message(to=instance, body=event(EventType.EXECUTION_TERMINATED, self.now(), Input=reason))])

    def suspend(self, instance: str, reason: str) -> None:
        """Let messages queue up until `resume`."""
        if self._existing(instance).status == "Suspended":
            raise WrongStatus(f"Cannot suspend orchestration instance {instance}: it is already suspended.")
        self._post([Message(to=instance, body=event(EventType.EXECUTION_SUSPENDED, self.now(), Reason=reason))])

    def resume(self, instance: str, reason: str) -> None:
        """Go on with what has queued up."""
        if self._existing(instance).status != "Suspended":
            raise WrongStatus(f"Cannot resume orchestration instance {instance}: it is not suspended.")
        self._post([Message(to=instance, body=event(EventType.EXECUTION_RESUMED, self.now(), Reason=reason))])

    def signal(self, entity: EntityId, operation: str, input_text: str | None) -> None:
        """Send an entity an operation that nobody waits for. Raises UnknownFunction."""
        if self.functions.find(Kind.ENTITY, entity.name) is None:
            raise UnknownFunction(unknown(self.functions, Kind.ENTITY, entity.name))
        self._post([entities.signal(entity, operation, input_text, self.new_id())])

    async def wait(self, instance: str) -> Instance:
        """The instance, once it has ended. Raises UnknownInstance."""
        found = self.store.instance(instance)
        if found is None:
            raise UnknownInstance(instance)
        if found.terminal:
            return found
        future: asyncio.Future[Instance] = asyncio.get_running_loop().create_future()
        self._waiters[instance].append(future)
        try:
            return await future
        finally:
            self._waiters[instance].remove(future)
            if not self._waiters[instance]:
                del self._waiters[instance]

    def _existing(self, instance: str) -> Instance:
        found = self.store.instance(instance)
        if found is None:
            raise UnknownInstance(instance)
        if found.terminal:
            raise InstanceEnded(instance)
        return found

    def _post(self, messages: list[Message]) -> None:
        self.store.post(messages, self.now())
        self._posted(messages)

    def _posted(self, messages: list[Message]) -> None:
        """Wake those to whom the committed messages are due, and the sleeper if one is due before its time."""
        for message in messages:
            if message.due is None or message.due <= self._now:
                self._dispatcher.wake(message.to)
            elif self._sleeping_until is None or message.due < self._sleeping_until:
                self._timers_changed.set()

    async def _watch_timers(self, horizon: datetime) -> None:
        """Wake whoever has a message that becomes due after `horizon`."""
        while True:
            self._timers_changed.clear()
            self._sleeping_until = self.store.next_due(horizon)
            changed = asyncio.create_task(self._timers_changed.wait())
            sleepers: set[asyncio.Task[Any]] = {changed}
            if self._sleeping_until is not None:
                sleepers.add(asyncio.create_task(_sleep(self.clock, self._sleeping_until)))
            try:
                await asyncio.wait(sleepers, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for sleeper in sleepers:
                    sleeper.cancel()
            now = self.now()
            for instance in self.store.due_between(horizon, now):
                self._dispatcher.wake(instance)
            horizon = now

    async def _turn(self, identity: str) -> bool:
        return await (self._entity_turn(identity) if identity.startswith("@") else self._instance_turn(identity))

    async def _instance_turn(self, identity: str) -> bool:
        instance = self.store.instance(identity)
        if instance is None or instance.terminal:
            self.store.drop(self.store.take(identity, self.now(), None))
            return False
        # What resumes a suspended instance stands behind all that has queued up, so then look at everything.
        limit = None if instance.status == "Suspended" else MESSAGE_BATCH
        received = self.store.take(identity, self.now(), limit)
        read = episode.read(received, instance.execution, instance.status)
        self.store.drop(read.stale)
        if read.control is not None:
            status = episode.CONTROL[EventType(read.control.body["EventType"])]
            self.store.set_status(identity, status, read.control, self.now())
        elif read.messages:
            return await self._orchestrate(instance, read.messages) or read.more or len(received) == limit
        return read.control is not None

    async def _orchestrate(self, instance: Instance, received: Sequence[Received]) -> bool:
        past, messages = self.store.history(instance.id), [r.body for r in received]
        begun = episode.begin(instance.id, instance.execution, past, messages, self.now())
        if begun is None:
            self.store.drop(received)
            return False
        self.counts.episodes += 1
        if begun.terminated is not None:
            turn = episode.terminate(begun, begun.terminated)
        else:
            answer = await self._ask(begun)
            turn = episode.conclude(begun, answer, refuse=self._refuse, new_id=self.new_id)
        for activity in self.store.commit(turn, received, self.now()):
            self._dispatcher.add(activity)
        self.counts.timers += sum(r.body["EventType"] == EventType.TIMER_FIRED for r in received)
        self.counts.orchestrations += len(turn.children)
        for child in turn.children:
            self._dispatcher.wake(child.instance)
        self._posted(turn.messages)
        if turn.status in TERMINAL:
            self._ended(instance.id)
        return turn.restart is not None

    async def _ask(self, begun: Episode) -> Answer:
        handler = self.functions.find(Kind.ORCHESTRATOR, begun.name)
        if handler is None:
            return Answer(None, "", unknown(self.functions, Kind.ORCHESTRATOR, begun.name))
        try:
            return Answer(await handler(episode.context(begun)))
        except Exception as error:
            return Answer(None, str(error), f"{type(error).__name__}: {error}")

    def _refuse(self, scheduled: Event) -> str | None:
        match scheduled["EventType"]:
            case EventType.TASK_SCHEDULED:
                kind, name = Kind.ACTIVITY, str(scheduled["Name"])
            case EventType.SUB_ORCHESTRATION_CREATED:
                kind, name = Kind.ORCHESTRATOR, str(scheduled["Name"])
            case EventType.EVENT_SENT:
                kind, name = Kind.ENTITY, EntityId.parse(scheduled["InstanceId"]).name
            case _:
                return None
        return unknown(self.functions, kind, name) if self.functions.find(kind, name) is None else None

    def _ended(self, identity: str) -> None:
        instance = self.store.instance(identity)
        for future in self._waiters.get(identity, ()):
            if instance is not None and not future.done():
                future.set_result(instance)

    async def _entity_turn(self, identity: str) -> bool:
        entity = EntityId.parse(identity)
        received = self.store.take(identity, self.now(), ENTITY_BATCH)
        if not received:
            return False
        batch, state = [r.body for r in received], self.store.entity(identity)
        self.counts.entity_operations += len(batch)
        handler = self.functions.find(Kind.ENTITY, entity.name)
        try:
            if handler is None:
                raise UnknownFunction(unknown(self.functions, Kind.ENTITY, entity.name))
            answer = await handler(entities.context(entity, state, batch))
            ids = [self.new_id() for _ in json.loads(answer)["signals"]]
            turn = entities.conclude(entity, batch, answer, now=self.now(), request_ids=ids)
        except Exception as error:
            log.error("Entity '%s' failed: %s", identity, error)
            turn = entities.failed(entity, state, batch, str(error), self.now())
        self.store.commit_entity(turn, received, self.now())
        self._posted(turn.messages)
        return len(received) == ENTITY_BATCH

    async def _activity(self, activity: Activity) -> None:
        name, task = str(activity.event["Name"]), activity.event["EventId"]
        self.counts.activities += 1
        try:
            handler = self.functions.find(Kind.ACTIVITY, name)
            if handler is None:
                raise UnknownFunction(f"Activity function '{name}' does not exist.")
            text = await handler(json.loads(activity.event["Input"])[0])
        except UnknownFunction as error:
            result = _task_failed(task, str(error), self.now())
        except Exception as error:
            # Two spaces: the extension puts one, and the friendly form of the message begins with another.
            reason = f"Activity function '{name}' failed:  {type(error).__name__}: {error}"
            result = _task_failed(task, reason, self.now())
        else:
            value = None if text == "null" else text
            result = event(EventType.TASK_COMPLETED, self.now(), TaskScheduledId=task, Result=value)
        self.store.activity_ended(activity, result, self.now())
        self._dispatcher.wake(activity.instance)


async def _sleep(clock: Clock, until: datetime) -> None:
    await clock.wait_until(until)


def _task_failed(task: int, reason: str, now: datetime) -> Event:
    return event(EventType.TASK_FAILED, now, TaskScheduledId=task, Reason=reason, Details=details(reason))
