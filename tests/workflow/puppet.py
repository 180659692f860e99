"""A context in which nothing is carried out: what an orchestrator asks for is handed to the test, which answers it.

So the real generators can be fed any answers, in any order of several of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import azure.durable_functions as df
import msgspec

from shared.core.record import dump
from testbed.fakes import NOON

TIMER = "timer"


@dataclass(frozen=True)
class Asked:
    """Something that an orchestrator has asked for: a timer, an activity, another orchestrator, or an entity's
    operation, by its name. Of several at the same time it is the first, and `parts` are all of them."""

    name: str
    given: Any
    instance_id: str | None = None
    parts: tuple[Asked, ...] = ()


@dataclass
class Puppet:
    """The part of DurableOrchestrationContext that the orchestrators use."""

    given: Any
    instance_id: str = "instance"
    current_utc_datetime: datetime = NOON
    next_input: Any = None

    def get_input(self) -> Any:
        return through_json(self.given)

    def continue_as_new(self, given: Any) -> None:
        self.next_input = given

    def create_timer(self, until: datetime) -> Asked:
        return Asked(TIMER, until)

    def call_activity(self, name: str, given: Any) -> Asked:
        return Asked(name, given)

    def call_entity(self, entity: df.EntityId, operation: str, given: Any) -> Asked:
        return Asked(operation, given)

    def call_sub_orchestrator(self, name: str, given: Any, instance_id: str | None = None) -> Asked:
        return Asked(name, given, instance_id)

    def task_all(self, tasks: list[Asked]) -> Asked:
        return Asked(tasks[0].name, tasks[0].given, parts=tuple(tasks))


def told(answer: msgspec.Struct) -> Any:
    """An answer as it arrives: as what JSON has."""
    return through_json(dump(answer))


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))
