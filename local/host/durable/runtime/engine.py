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

import json
import os
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from local.clock import Clock
from local.host.durable.protocol import entities, rewinding
from local.host.durable.protocol.entities import EntityId
from local.host.durable.protocol.episode import Message, Start
from local.host.durable.protocol.events import Event, EventType, event, event_raised
from local.host.durable.protocol.replay import MOST_ACTIONS
from local.host.durable.runtime.agenda import Agenda
from local.host.durable.runtime.errors import (
    InstanceEnded,
    InstanceExists,
    NotFailed,
    UnknownFunction,
    UnknownInstance,
    WrongStatus,
)
from local.host.durable.runtime.functions import Functions, Kind, unknown
from local.host.durable.runtime.hazards import Hazards
from local.host.durable.runtime.listing import Instance
from local.host.durable.runtime.store import Store
from local.host.durable.runtime.tracing import Trace
from local.host.durable.runtime.turns import Counts, Turns

AT_ONCE = 10 * (os.cpu_count() or 1)
"""Source: Azure docs, durable-functions host.json: maxConcurrentActivityFunctions and its siblings."""


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
        version: str | None = None,
        override: bool = False,
        hub: str = "TestHubName",
        most_actions: int = MOST_ACTIONS,
        resting: bool = False,
    ) -> None:
        """`turns` bounds the orchestrations and entities that run at once, `activities` the activities.

        `version` is for orchestrations that are started or called without one; with `override` a start may replace an
        instance that is running. An orchestrator may have `most_actions` before it fails. With `resting`, instances
        with long histories are replayed less often while many of their activities are under way (see dispatch.py),
        and results that come at the same time are committed together.
        Source: Azure docs, durable-functions host.json: defaultVersion, overridableExistingInstanceStates,
        maxOrchestrationActions.
        """
        self._version, self._override = version, override
        self.store, self.functions, self.clock, self.new_id = store, functions, clock, new_id
        self.counts = Counts()
        self._lanes = (turns, activities)
        self._agenda = Agenda(store, clock, resting=resting)
        self._trace = Trace(hub)
        self._turns = Turns(
            store, functions, self._agenda, self.counts, new_id, version, self._trace, most_actions, together=resting
        )

    async def __aenter__(self) -> Self:
        turns, activities = self._lanes
        self._agenda.start(self._turns.turn, self._turns.activity, turns=turns, activities=activities)
        watch = getattr(self.clock, "watch", None)
        if watch is not None:
            watch(self.settled)  # a clock that jumps has to know when nothing is going on
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._agenda.stop()

    def now(self) -> datetime:
        """The clock's time, but never earlier than before: messages are ordered by it."""
        return self._agenda.now()

    def pause(self) -> None:
        """Begin nothing new. What is running goes on; what comes in is kept."""
        self._agenda.pause()

    @property
    def hazards(self) -> Hazards:
        """What goes wrong on purpose."""
        return self._turns.hazards

    @hazards.setter
    def hazards(self, hazards: Hazards) -> None:
        self._turns.hazards = hazards

    def go_on(self) -> None:
        """Begin again after `pause`."""
        self._agenda.go_on()

    async def settled(self) -> None:
        """Return when everything that could be done now has been done."""
        await self._agenda.settled()

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
        start = Start(
            instance=identity,
            execution=self.new_id(),
            name=name,
            input_text=input_text,
            version=version or self._version,
        )
        status = self.store.start(start, self.now(), over=self._override)
        if status is not None:
            raise InstanceExists(status)
        self.counts.orchestrations += 1
        self._trace.scheduled(identity, name, "Orchestrator", "NewInstance")
        self._agenda.wake(identity)
        return identity

    def raise_event(self, instance: str, name: str, value: object = None) -> None:
        """Raise an event as the durable client does, which encodes twice: the orchestrator receives JSON text."""
        self.raise_event_with(instance, name, json.dumps(json.dumps(value)))

    def raise_event_with(self, instance: str, name: str, input_text: str) -> None:
        """Raise an event whose value is JSON text. Raises UnknownInstance, InstanceEnded."""
        self.existing(instance)
        self._post([Message(to=instance, body=event_raised(name, input_text, self.now()))])

    def terminate(self, instance: str, reason: str) -> None:
        """End an instance, whatever it is doing. Its sub-orchestrations go on, as in Azure."""
        self.existing(instance)
        self._post([Message(to=instance, body=event(EventType.EXECUTION_TERMINATED, self.now(), Input=reason))])

    def suspend(self, instance: str, reason: str) -> None:
        """Let messages queue up until `resume`."""
        if self.existing(instance).status == "Suspended":
            raise WrongStatus(f"Cannot suspend orchestration instance {instance}: it is already suspended.")
        self._post([Message(to=instance, body=event(EventType.EXECUTION_SUSPENDED, self.now(), Reason=reason))])

    def resume(self, instance: str, reason: str) -> None:
        """Go on with what has queued up."""
        if self.existing(instance).status != "Suspended":
            raise WrongStatus(f"Cannot resume orchestration instance {instance}: it is not suspended.")
        self._post([Message(to=instance, body=event(EventType.EXECUTION_RESUMED, self.now(), Reason=reason))])

    def rewind(self, instance: str, reason: str) -> None:
        """Go on before the failures of an instance, and of the sub-orchestrations that failed it.

        Raises UnknownInstance, NotFailed, CannotRewind.
        """
        found = self.store.instance(instance)
        if found is None:
            raise UnknownInstance(instance)
        if found.status != "Failed":
            raise NotFailed(
                f"The rewind operation is only supported on failed orchestration instances; '{instance}' is "
                f"{found.status}."
            )
        rewound: dict[str, Sequence[Event]] = {}
        self._rewind(instance, rewound)
        now = self.now()
        message = Message(to=instance, body=event(EventType.GENERIC, now, Data=reason))
        self.store.rewind(rewound, message, now)
        for changed in rewound:
            self._agenda.wake(changed)

    def _rewind(self, instance: str, rewound: dict[str, Sequence[Event]]) -> None:
        history = self.store.history(instance)
        children = {child: self.store.instance(child) for child in rewinding.failed_children(history)}
        alive = frozenset(child for child, found in children.items() if found and found.status == "Failed")
        rewound[instance] = rewinding.rewind(instance, history, alive=alive)
        for child in alive - rewound.keys():
            self._rewind(child, rewound)

    def restart(self, instance: str, *, same_id: bool = False) -> str:
        """Start an orchestration again with the input that it had; returns the id of the new instance.

        Raises UnknownInstance, UnknownFunction and, if it has to have the same id, InstanceExists.
        """
        found = self.store.instance(instance)
        if found is None:
            raise UnknownInstance(instance)
        history = self.store.history(instance)
        return self.start_with(
            found.name,
            found.input,
            instance=instance if same_id else None,
            version=history[1]["Version"] if history else None,
        )

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
        return await self._agenda.end_of(instance)

    def existing(self, instance: str) -> Instance:
        """An instance that has not ended. Raises UnknownInstance, InstanceEnded."""
        found = self.store.instance(instance)
        if found is None:
            raise UnknownInstance(instance)
        if found.terminal:
            raise InstanceEnded(instance)
        return found

    def _post(self, messages: list[Message]) -> None:
        now = self.now()
        spread = self._turns.hazards.spread(messages, now)
        self.store.post(spread, now)
        self._agenda.posted(spread)
