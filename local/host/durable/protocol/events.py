"""History events, spelled as DurableTask.Core serialises them and as azure-functions-durable 1.x reads them.

Source: Azure/durabletask, src/DurableTask.Core/History/*.cs. Keys that the SDK reads must be there even when null.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

Event = dict[str, Any]


class EventType(IntEnum):
    """The numbers that stand in `EventType`."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    GENERIC = 17
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20


SCHEDULING = frozenset(
    {
        EventType.TASK_SCHEDULED,
        EventType.SUB_ORCHESTRATION_CREATED,
        EventType.TIMER_CREATED,
        EventType.EVENT_SENT,
    }
)
"""Events that say that an action was taken up; their EventId is the id of the action."""

COMPLETING = {
    EventType.TASK_COMPLETED: "TaskScheduledId",
    EventType.TASK_FAILED: "TaskScheduledId",
    EventType.SUB_ORCHESTRATION_COMPLETED: "TaskScheduledId",
    EventType.SUB_ORCHESTRATION_FAILED: "TaskScheduledId",
    EventType.TIMER_FIRED: "TimerId",
}
"""Events that end an action, and where they say which."""

FAILURES = frozenset({EventType.TASK_FAILED, EventType.SUB_ORCHESTRATION_FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """Who waits for a sub-orchestration: the instance, its execution, and the id of its action."""

    name: str
    instance: str
    execution: str
    task: int


def stamp(moment: datetime) -> str:
    """ISO 8601 as .NET writes it: seven decimals and Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def moment(text: str) -> datetime:
    """The time behind an ISO 8601 text; one without an offset is UTC, and decimals after the sixth are cut."""
    head, dot, tail = text.strip().replace("z", "Z").partition(".")
    if dot:
        digits = len(tail) - len(tail.lstrip("0123456789"))
        text = f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"
    parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def event(kind: EventType, now: datetime, event_id: int = -1, **fields: Any) -> Event:
    """An event that has not been played yet."""
    return {"EventType": int(kind), "EventId": event_id, "IsPlayed": False, "Timestamp": stamp(now), **fields}


def execution_started(
    now: datetime,
    *,
    name: str,
    instance: str,
    execution: str,
    input_text: str | None,
    version: str | None = None,
    parent: Parent | None = None,
) -> Event:
    """The first message of every execution. `input_text` is JSON text; the SDK requires the key Version."""
    above = None
    if parent is not None:
        above = {
            "Name": parent.name,
            "TaskScheduleId": parent.task,
            "Version": None,
            "OrchestrationInstance": {"InstanceId": parent.instance, "ExecutionId": parent.execution},
        }
    return event(
        EventType.EXECUTION_STARTED,
        now,
        Name=name,
        Version=version,
        Input=input_text,
        ParentInstance=above,
        OrchestrationInstance={"InstanceId": instance, "ExecutionId": execution},
        Tags=None,
        ScheduledStartTime=None,
    )


def parent_of(started: Event) -> Parent | None:
    """Who waits for the execution that this ExecutionStarted began."""
    above = started.get("ParentInstance")
    if above is None:
        return None
    instance = above["OrchestrationInstance"]
    return Parent(
        name=above["Name"],
        instance=instance["InstanceId"],
        execution=instance["ExecutionId"],
        task=above["TaskScheduleId"],
    )


def sub_orchestration_ended(parent: Parent, now: datetime, *, result: str | None, failure: str | None) -> Event:
    """What the parent is told. A `failure` is the child's own output; it becomes the exception's text."""
    if failure is None:
        return event(EventType.SUB_ORCHESTRATION_COMPLETED, now, TaskScheduledId=parent.task, Result=result)
    return event(
        EventType.SUB_ORCHESTRATION_FAILED, now, TaskScheduledId=parent.task, Reason=failure, Details=details(failure)
    )


def details(message: str, class_name: str = "System.Exception", stack: str | None = None) -> str:
    """The serialised .NET exception that goes in `Details`, with the fields that people look at."""
    return json.dumps({"ClassName": class_name, "Message": message, "StackTraceString": stack})


def event_raised(name: str, input_text: str | None, now: datetime) -> Event:
    """An external event, or the answer of an entity (then `name` is the id of the request)."""
    return event(EventType.EVENT_RAISED, now, Name=name, Input=input_text)
