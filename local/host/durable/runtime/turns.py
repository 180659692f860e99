"""Carries out turns and activities: takes messages to the functions that they are for, and writes down what follows."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from local.host.durable.protocol import entities, episode, http_calls
from local.host.durable.protocol.entities import EntityId
from local.host.durable.protocol.episode import TERMINAL, Answer, Episode, Message, Received, Turn
from local.host.durable.protocol.events import Event, EventType, details, event
from local.host.durable.runtime.agenda import Agenda
from local.host.durable.runtime.errors import UnknownFunction, words_of
from local.host.durable.runtime.functions import Functions, Kind, unknown
from local.host.durable.runtime.hazards import Hazards
from local.host.durable.runtime.http_sending import send
from local.host.durable.runtime.listing import Instance
from local.host.durable.runtime.recording import Recorder
from local.host.durable.runtime.store import Activity, Store
from local.host.durable.runtime.tracing import Trace

log = logging.getLogger("Host.Durable")

ENTITY_BATCH = 50
"""Source: Azure docs, durable-functions host.json: maxEntityOperationBatchSize."""
MESSAGE_BATCH = 1000
ORCHESTRATOR, ACTIVITY = "Orchestrator", "Activity"


@dataclass(slots=True)
class Counts:
    """How much the engine has done since it was made."""

    orchestrations: int = 0
    episodes: int = 0
    activities: int = 0
    entity_operations: int = 0
    timers: int = 0
    wakes: int = 0


class Turns:
    """Turns of instances and entities, and activities, one at a time each."""

    def __init__(
        self,
        store: Store,
        functions: Functions,
        agenda: Agenda,
        counts: Counts,
        new_id: Callable[[], str],
        version: str | None,
        trace: Trace,
        most_actions: int,
        *,
        together: bool = False,
    ) -> None:
        """`version` is for sub-orchestrations that are called without one; an orchestrator may have `most_actions`.
        `together`: results of activities are committed together."""
        self._most_actions = most_actions
        self._store, self._functions, self._agenda, self._trace = store, functions, agenda, trace
        self._counts, self._new_id, self._version = counts, new_id, version
        self._recorder = Recorder(store, agenda, together=together)
        self.hazards = Hazards()

    async def turn(self, identity: str) -> bool:
        """One turn of an instance or entity; says whether there is more to do for it right away."""
        self._counts.wakes += 1
        return await (self._entity(identity) if identity.startswith("@") else self._instance(identity))

    async def activity(self, activity: Activity) -> None:
        """Run an activity and record what came of it."""
        self._counts.activities += 1
        result = await self._performed(activity)
        if isinstance(result, http_calls.LookAgain):
            following = activity.event | {"Input": json.dumps([json.dumps(result.request)])}
            later = self._store.activity_goes_on(activity, following, result.due)
            if later is not None:
                self._agenda.add(later)
            return
        now = self._agenda.now()
        told = Message(to=activity.instance, execution=activity.execution, body=result)
        (message,) = self.hazards.spread([told], now)
        if await self._recorder.record(activity, message):
            self._agenda.posted([message])

    async def _instance(self, identity: str) -> bool:
        instance, now = self._store.instance(identity), self._agenda.now()
        if instance is None or instance.terminal:
            self._store.drop(self._store.take(identity, now, None))
            return False
        # What resumes a suspended instance stands behind all that has queued up, so then look at everything.
        limit = None if instance.status == "Suspended" else MESSAGE_BATCH
        received = self._store.take(identity, now, limit)
        read = episode.read(received, instance.execution, instance.status)
        self._store.drop(read.stale)
        if read.control is not None:
            status = episode.CONTROL[EventType(read.control.body["EventType"])]
            self._store.set_status(identity, status, read.control, now)
        elif read.messages:
            return await self._orchestrate(instance, read.messages) or read.more or len(received) == limit
        return read.control is not None

    async def _orchestrate(self, instance: Instance, received: Sequence[Received]) -> bool:
        past, messages = self._store.history(instance.id), [r.body for r in received]
        begun = episode.begin(instance.id, instance.execution, past, messages, self._agenda.now())
        if begun is None:
            self._store.drop(received)
            return False
        self._counts.episodes += 1
        if not past:
            self._trace.started(instance.id, begun.name, ORCHESTRATOR, instance.input)
        if begun.terminated is not None:
            turn = episode.terminate(begun, begun.terminated)
        else:
            answer = await self._ask(begun)
            turn = episode.conclude(
                begun, answer, refuse=self._refuse, new_id=self._new_id, most_actions=self._most_actions
            )
        now = self._agenda.now()
        turn.messages = self.hazards.spread(turn.messages, now)
        turn.children = [replace(child, version=child.version or self._version) for child in turn.children]
        for activity in self._store.commit(turn, received, now):
            self._trace.scheduled(instance.id, str(activity.event["Name"]), ACTIVITY, begun.name)
            self._agenda.add(activity)
            if self.hazards.duplicates():
                self._agenda.add(activity)
        self._counts.timers += sum(r.body["EventType"] == EventType.TIMER_FIRED for r in received)
        self._counts.orchestrations += len(turn.children)
        for child in turn.children:
            self._trace.scheduled(child.instance, child.name, ORCHESTRATOR, begun.name)
            self._agenda.wake(child.instance)
        self._agenda.posted(turn.messages)
        self._tell_end(turn, begun.name)
        if turn.status in TERMINAL:
            self._agenda.ended(instance.id)
        return turn.restart is not None

    def _tell_end(self, turn: Turn, name: str) -> None:
        if turn.status == "Failed":
            self._trace.failed(turn.instance, name, ORCHESTRATOR, str(turn.output))
        elif turn.status in TERMINAL or turn.restart is not None:
            self._trace.completed(turn.instance, name, ORCHESTRATOR, turn.output, anew=turn.restart is not None)

    async def _ask(self, begun: Episode) -> Answer:
        handler = self._functions.find(Kind.ORCHESTRATOR, begun.name)
        if handler is None:
            return Answer(None, "", unknown(self._functions, Kind.ORCHESTRATOR, begun.name))
        try:
            return Answer(await handler(episode.context(begun)))
        except Exception as error:
            return Answer(None, words_of(error), f"{type(error).__name__}: {words_of(error)}")

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
        if name == http_calls.NAME or self._functions.find(kind, name) is not None:
            return None
        return unknown(self._functions, kind, name)

    async def _entity(self, identity: str) -> bool:
        entity, now = EntityId.parse(identity), self._agenda.now()
        received = self._store.take(identity, now, ENTITY_BATCH)
        if not received:
            return False
        batch, state = [r.body for r in received], self._store.entity(identity)
        self._counts.entity_operations += len(batch)
        handler = self._functions.find(Kind.ENTITY, entity.name)
        try:
            if handler is None:
                raise UnknownFunction(unknown(self._functions, Kind.ENTITY, entity.name))
            answer = await handler(entities.context(entity, state, batch))
            ids = [self._new_id() for _ in json.loads(answer)["signals"]]
            turn = entities.conclude(entity, batch, answer, now=self._agenda.now(), request_ids=ids)
            for operation, reason in entities.failures(batch, answer):
                self._trace.operation_failed(identity, entity.name, operation, reason)
        except Exception as error:
            self._trace.failed(identity, entity.name, "Entity", words_of(error))
            turn = entities.failed(entity, state, batch, words_of(error), self._agenda.now())
        turn.messages[:] = self.hazards.spread(turn.messages, self._agenda.now())
        self._store.commit_entity(turn, received, self._agenda.now())
        self._agenda.posted(turn.messages)
        return len(received) == ENTITY_BATCH

    async def _performed(self, activity: Activity) -> Event | http_calls.LookAgain:
        name, task = str(activity.event["Name"]), activity.event["EventId"]
        text = json.loads(activity.event["Input"])[0]
        try:
            if name == http_calls.NAME:
                return await self._http(task, json.loads(text))
            handler = self._functions.find(Kind.ACTIVITY, name)
            if handler is None:
                return _task_failed(task, f"Activity function '{name}' does not exist.", self._agenda.now())
            self._trace.started(activity.instance, name, ACTIVITY, text)
            result = await handler(text)
            if self.hazards.times_out():
                raise TimeoutError("The activity function timed out on purpose, after its work was done.")
        except Exception as error:
            # Two spaces: the extension puts one, and the friendly form of the message begins with another.
            reason = f"Activity function '{name}' failed:  {type(error).__name__}: {words_of(error)}"
            self._trace.failed(activity.instance, name, ACTIVITY, f"{type(error).__name__}: {words_of(error)}")
            return _task_failed(task, reason, self._agenda.now())
        self._trace.completed(activity.instance, name, ACTIVITY, result)
        return _task_completed(task, None if result == "null" else result, self._agenda.now())

    async def _http(self, task: int, request: http_calls.Request) -> Event | http_calls.LookAgain:
        answer = await send(request)
        following = http_calls.follow(request, answer, self._agenda.now())
        if following is None:
            return _task_completed(task, answer.result(), self._agenda.now())
        log.warning(
            "%s answered call_http with 202, and this host follows it. In Azure, an app on azure-functions-durable 1.x "
            "hangs here; poll with activities instead.",
            request["uri"],
        )
        return following


def _task_completed(task: int, result: str | None, now: datetime) -> Event:
    return event(EventType.TASK_COMPLETED, now, TaskScheduledId=task, Result=result)


def _task_failed(task: int, reason: str, now: datetime) -> Event:
    return event(EventType.TASK_FAILED, now, TaskScheduledId=task, Reason=reason, Details=details(reason))
