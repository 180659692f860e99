"""The durable client that the host gives to triggers, in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import azure.durable_functions as df
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from azure.durable_functions.models.EntityStateResponse import EntityStateResponse
from azure.durable_functions.models.PurgeHistoryResult import PurgeHistoryResult

from shared.core.record import dump
from shared.core.watchers import Watchers, operate
from testbed.fakes import NOON
from triggers.names import Entity

ENDED = frozenset({"Completed", "Failed", "Canceled", "Terminated"})


@dataclass
class Instance:
    """An orchestration: its name, what it was started with, and its status."""

    name: str
    given: Any
    status: str = "Pending"
    created: datetime = NOON

    @property
    def is_live(self) -> bool:
        return self.status not in ENDED


@dataclass
class FakeDurableClient:
    """Keeps instances by id and the states of landing entities by key. What is started stays pending; what an entity
    is signalled, it does at once. `calls` are all that it was asked; while `down` says why, it does nothing."""

    instances: dict[str, Instance] = field(default_factory=dict)
    landings: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    down: str | None = None

    async def start_new(self, name: str, instance_id: str, client_input: Any = None) -> str:
        """Refuses the id of an instance that has not ended. Bare exceptions, as the SDK's: the type tells nothing."""
        self._answer(f"start {instance_id}")
        known = self.instances.get(instance_id)
        if known is not None and known.is_live:
            raise Exception({"Message": f"An Orchestration instance with the status {known.status} already exists."})
        self.instances[instance_id] = Instance(name, _as_json(client_input))
        self.started.append(instance_id)
        return instance_id

    async def get_status(self, instance_id: str) -> DurableOrchestrationStatus:
        """The SDK's own object; for an unknown id it is false."""
        self._answer(f"status of {instance_id}")
        known = self.instances.get(instance_id)
        if known is None:
            return DurableOrchestrationStatus.from_json("")
        times = dict.fromkeys(("createdTime", "lastUpdatedTime"), "2026-03-01T12:00:00Z")
        shown = {"name": known.name, "instanceId": instance_id, "runtimeStatus": known.status, **times}
        return DurableOrchestrationStatus.from_json(shown)

    async def read_entity_state(self, entity: df.EntityId) -> EntityStateResponse:
        key = _key_of(entity)
        self._answer(f"state of {key}")
        return EntityStateResponse(key in self.landings, self.landings.get(key))

    async def signal_entity(self, entity: df.EntityId, operation_name: str, operation_input: Any = None) -> None:
        key = _key_of(entity)
        self._answer(f"{operation_name} {key}")
        self.landings[key], _ = operate(self.landings.get(key), operation_name, _as_json(operation_input))

    async def purge_instance_history_by(
        self, since: datetime, until: datetime, statuses: Sequence[df.OrchestrationRuntimeStatus]
    ) -> PurgeHistoryResult:
        self._answer(f"purge until {until:%Y-%m-%d}")
        named = {status.value for status in statuses}
        gone = [key for key, one in self.instances.items() if one.status in named and since <= one.created < until]
        for key in gone:
            del self.instances[key]
        return PurgeHistoryResult(len(gone))

    def has_started(self, instance_id: str, name: str, given: Any) -> None:
        """An instance is under way that another one has started."""
        self.instances[instance_id] = Instance(name, _as_json(given), "Running")

    def end(self, instance_id: str, status: str = "Completed") -> None:
        """The instance ends; one that was never started has run before this client came."""
        self.instances.setdefault(instance_id, Instance("", None)).status = status

    def has_watcher(self, key: str, watcher: str, *, status: str) -> None:
        """Somebody watches the landing, busy with a run, and its instance has that status."""
        self.landings[key] = dump(Watchers(watcher, busy=True))
        self.instances[watcher] = Instance("watch_landing_v1", None, status)

    def _answer(self, call: str) -> None:
        self.calls.append(call)
        if self.down is not None:
            raise Exception(self.down)


def _key_of(entity: df.EntityId) -> str:
    assert entity.name == Entity.LANDING, entity
    return str(entity.key)


def _as_json(value: Any) -> Any:
    """As it arrives on the other side."""
    return json.loads(json.dumps(value))
