"""Instances as the management API shows them. Pure.

Source: Azure/azure-functions-durable-extension, HttpApiHandler.cs (GetStatusPayload) and the history projection of
DurableClient.cs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from local.host.durable.protocol.events import COMPLETING, Event, EventType
from local.host.durable.runtime.listing import Instance

_NAMES = {
    EventType.EXECUTION_STARTED: "ExecutionStarted",
    EventType.EXECUTION_COMPLETED: "ExecutionCompleted",
    EventType.EXECUTION_TERMINATED: "ExecutionTerminated",
    EventType.TASK_COMPLETED: "TaskCompleted",
    EventType.TASK_FAILED: "TaskFailed",
    EventType.SUB_ORCHESTRATION_COMPLETED: "SubOrchestrationInstanceCompleted",
    EventType.SUB_ORCHESTRATION_FAILED: "SubOrchestrationInstanceFailed",
    EventType.TIMER_FIRED: "TimerFired",
    EventType.EVENT_SENT: "EventSent",
    EventType.EVENT_RAISED: "EventRaised",
    EventType.EXECUTION_SUSPENDED: "ExecutionSuspended",
    EventType.EXECUTION_RESUMED: "ExecutionResumed",
}
"""The events that are shown; the ones that schedule work are merged into the ones that end it."""


def payload(instance: Instance, *, show_input: bool = True) -> dict[str, Any]:
    """The status of an instance."""
    return {
        "name": instance.name,
        "instanceId": instance.id,
        "runtimeStatus": instance.status,
        "input": parsed(instance.input) if show_input else None,
        "customStatus": parsed(instance.custom),
        "output": parsed(instance.output),
        "createdTime": _seconds(instance.created),
        "lastUpdatedTime": _seconds(instance.updated),
    }


def parsed(text: str | None) -> Any:
    """JSON where it is JSON, else the text itself (the reason of a termination, the message of a failure)."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def history_events(history: Sequence[Event], *, show_output: bool) -> list[dict[str, Any]]:
    """What happened, for people: names instead of numbers, scheduling merged into completion."""
    scheduled = {e["EventId"]: e for e in history if e["EventId"] >= 0}
    return [_shown(e, scheduled, show_output=show_output) for e in history if e["EventType"] in _NAMES]


def _shown(event: Event, scheduled: dict[int, Event], *, show_output: bool) -> dict[str, Any]:
    kind = EventType(event["EventType"])
    shown: dict[str, Any] = {"EventType": _NAMES[kind], "Timestamp": event["Timestamp"]}
    origin = scheduled.get(event[COMPLETING[kind]]) if kind in COMPLETING else None
    if origin is not None:
        shown["ScheduledTime"] = origin["Timestamp"]
        if origin.get("Name"):
            shown["FunctionName"] = origin["Name"]
    if kind == EventType.EXECUTION_STARTED:
        shown["FunctionName"] = event["Name"]
    for field in ("Name", "Reason", "Details", "FireAt", "OrchestrationStatus"):
        if kind not in (EventType.EXECUTION_STARTED,) and event.get(field) is not None:
            shown[field] = event[field]
    for field in ("Result", "Input"):
        if show_output and event.get(field) is not None and kind != EventType.EXECUTION_STARTED:
            shown[field] = parsed(event[field])
    return shown


def _seconds(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
