"""What a failed orchestration looks like after `rewind`: as it was before its failures. Pure.

Failed activities are forgotten, so that replaying asks for them again under the ids they had; failed
sub-orchestrations are rewound themselves. What succeeded stays.
Source: Azure/durabletask, AzureTableTrackingStore.RewindHistoryAsync; Azure docs,
durable-functions-instance-management (rewind), which exclude orchestrations that use durable timers.
"""

from __future__ import annotations

from collections.abc import Sequence

from local.host.durable.protocol.events import Event, EventType

_FAILED = {
    EventType.TASK_FAILED: EventType.TASK_SCHEDULED,
    EventType.SUB_ORCHESTRATION_FAILED: EventType.SUB_ORCHESTRATION_CREATED,
}
"""Failures, and the events that asked for what failed."""


class CannotRewind(Exception):
    """The instance's history is not one that Azure can rewind."""


def rewind(instance: str, history: Sequence[Event], *, alive: frozenset[str]) -> list[Event]:
    """The history without its failures. Raises CannotRewind.

    Sub-orchestrations in `alive` are rewound by the caller; the others are gone, and will be started again.
    """
    if any(e["EventType"] == EventType.TIMER_CREATED for e in history):
        raise CannotRewind(
            f"Cannot rewind orchestration instance {instance}: it uses durable timers (retries do, too), which rewind "
            "does not support."
        )
    failed = {(_FAILED[e["EventType"]], e["TaskScheduledId"]) for e in history if e["EventType"] in _FAILED}
    return [_marked(e) if _forgotten(e, failed, alive) else e for e in history]


def failed_children(history: Sequence[Event]) -> list[str]:
    """The instance ids of the sub-orchestrations that failed."""
    failed = {e["TaskScheduledId"] for e in history if e["EventType"] == EventType.SUB_ORCHESTRATION_FAILED}
    return [
        str(e["InstanceId"])
        for e in history
        if e["EventType"] == EventType.SUB_ORCHESTRATION_CREATED and e["EventId"] in failed
    ]


def _forgotten(event: Event, failed: set[tuple[EventType, int]], alive: frozenset[str]) -> bool:
    kind = event["EventType"]
    if kind == EventType.EXECUTION_COMPLETED or kind in _FAILED:
        return True
    return (kind, event["EventId"]) in failed and event.get("InstanceId") not in alive


def _marked(event: Event) -> Event:
    """In the place of what is forgotten; orchestrators take no notice of it."""
    return {
        "EventType": int(EventType.GENERIC),
        "EventId": -1,
        "IsPlayed": True,
        "Timestamp": event["Timestamp"],
        "Data": f"Rewound: {EventType(event['EventType']).name.lower()}",
    }
