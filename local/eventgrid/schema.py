"""Events in Event Grid's schema and in CloudEvents 1.0: checked when published, converted when delivered. Pure.

Sources: Azure docs, event-grid/event-schema, event-grid/cloud-event-schema and event-grid/post-to-custom-topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

Event = Mapping[str, Any]

MAX_BYTES = 1024 * 1024
"""The largest publish request and the largest event."""
_CLOUD_EVENT_CORE = ("specversion", "id", "source", "type")


class Schema(StrEnum):
    """How the events of a delivery are written."""

    EVENT_GRID = "EventGridSchema"
    CLOUD_EVENTS = "CloudEventSchemaV1_0"


class InvalidEvent(ValueError):
    """An event that Event Grid would not have taken was published."""


def is_cloud_event(event: Event) -> bool:
    return "specversion" in event


def checked(event: object, *, topic: str) -> dict[str, Any]:
    """A published event as `topic` keeps it. Raises InvalidEvent."""
    if not isinstance(event, dict):
        raise InvalidEvent(f"An event is a JSON object; got {type(event).__name__}.")
    if is_cloud_event(event):
        _require(event, _CLOUD_EVENT_CORE)
        if event["specversion"] != "1.0":
            raise InvalidEvent(f"specversion must be '1.0'; got {event['specversion']!r}.")
        return event
    _require(event, ("id", "subject", "eventType", "eventTime"))
    if event.get("topic") not in (None, "", topic):
        raise InvalidEvent(f"topic must be left out or be {topic!r}; got {event['topic']!r}.")
    if event.get("metadataVersion") not in (None, "1"):
        raise InvalidEvent(f"metadataVersion must be left out or be '1'; got {event['metadataVersion']!r}.")
    return {**event, "topic": topic, "dataVersion": event.get("dataVersion", ""), "metadataVersion": "1"}


def _require(event: Event, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not isinstance(event.get(name), str) or not event[name]]
    if missing:
        raise InvalidEvent(f"These fields are missing or not strings: {', '.join(missing)}.")


def in_schema(event: Event, schema: Schema) -> Event:
    """`event` as a subscription with `schema` gets it. CloudEvents are delivered as CloudEvents only."""
    if schema is Schema.EVENT_GRID or is_cloud_event(event):
        return event
    return {
        "specversion": "1.0",
        "type": event["eventType"],
        "source": event["topic"],
        "id": event["id"],
        "time": event["eventTime"],
        "subject": event["subject"],
        "data": event.get("data"),
    }


def event_type(event: Event) -> str:
    return str(event["type" if is_cloud_event(event) else "eventType"])


def subject(event: Event) -> str:
    return str(event.get("subject") or "")
