"""What an event subscription is, read from JSON; what is not supported is refused. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from local.eventgrid.filters import Filter
from local.eventgrid.schema import Schema

STORAGE = "storage"
CUSTOM = "landfall"
TOPICS = (STORAGE, CUSTOM)
"""The system topic of the landing account, and the custom topic that the app announces to."""
MAX_ATTEMPTS = 30
MAX_TTL_MINUTES = 1440
MAX_BATCH = 5000


@dataclass(frozen=True, slots=True)
class WebHook:
    """Deliveries are POSTed to `url`."""

    url: str

    @property
    def endpoint(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class StorageQueue:
    """Deliveries become messages of one event each."""

    queue: str
    connection_string: str

    @property
    def endpoint(self) -> str:
        return f"queue:{self.queue}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Where events go that were given up."""

    account: str
    container: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who gets which events of a topic, in which schema, and for how long it is tried."""

    name: str
    topic: str
    destination: WebHook | StorageQueue
    filter: Filter
    schema: Schema
    max_batch: int
    max_attempts: int
    time_to_live: timedelta
    dead_letter: DeadLetter | None

    @classmethod
    def parse(cls, name: str, raw: object) -> Subscription:
        """Raises ValueError with what is wrong."""
        if not re.fullmatch(r"[A-Za-z0-9-]{3,64}", name):
            raise ValueError(f"A subscription's name must have 3 to 64 letters, digits and hyphens; got {name!r}.")
        body = _object(raw, "The subscription")
        known = {
            "topic",
            "destination",
            "filter",
            "eventDeliverySchema",
            "maxEventsPerBatch",
            "retryPolicy",
            "deadLetter",
        }
        if unknown := sorted(body.keys() - known):
            raise ValueError(f"{unknown[0]!r} is not supported; use one of {', '.join(sorted(known))}.")
        retry = _object(body.get("retryPolicy"), "retryPolicy", optional=True)
        minutes = _number(retry, "eventTimeToLiveInMinutes", MAX_TTL_MINUTES, MAX_TTL_MINUTES)
        topic = _one_of(body.get("topic"), TOPICS, "topic")
        schema = Schema(_one_of(body.get("eventDeliverySchema") or Schema.EVENT_GRID, tuple(Schema), "schema"))
        if topic == CUSTOM and schema is not Schema.CLOUD_EVENTS:
            raise ValueError(
                f"Topic {CUSTOM!r} delivers CloudEvents only: eventDeliverySchema must be CloudEventSchemaV1_0."
            )
        return cls(
            name=name,
            topic=topic,
            destination=_destination(body.get("destination")),
            filter=Filter.parse(_object(body.get("filter"), "filter", optional=True)),
            schema=schema,
            max_batch=_number(body, "maxEventsPerBatch", 1, MAX_BATCH),
            max_attempts=_number(retry, "maxDeliveryAttempts", MAX_ATTEMPTS, MAX_ATTEMPTS),
            time_to_live=timedelta(minutes=minutes),
            dead_letter=_dead_letter(body.get("deadLetter")),
        )


def _destination(raw: object) -> WebHook | StorageQueue:
    body = _object(raw, "destination")
    match body.get("type"):
        case "WebHook" if re.match(r"https?://", str(body.get("url"))):
            return WebHook(str(body["url"]))
        case "WebHook":
            raise ValueError(f"destination.url must be an http or https URL; got {body.get('url')!r}.")
        case "StorageQueue" if body.get("queue") and body.get("connection_string"):
            return StorageQueue(str(body["queue"]), str(body["connection_string"]))
        case "StorageQueue":
            raise ValueError("destination needs 'queue' and 'connection_string'.")
    raise ValueError(f"destination.type must be WebHook or StorageQueue; got {body.get('type')!r}.")


def _dead_letter(raw: object) -> DeadLetter | None:
    if raw is None:
        return None
    body = _object(raw, "deadLetter")
    if not body.get("account") or not body.get("container"):
        raise ValueError("deadLetter needs 'account' and 'container'.")
    return DeadLetter(str(body["account"]), str(body["container"]))


def _object(raw: object, what: str, *, optional: bool = False) -> Mapping[str, Any]:
    if raw is None and optional:
        return {}
    if not isinstance(raw, dict):
        raise ValueError(f"{what} must be a JSON object; got {raw!r}.")
    return raw


def _number(body: Mapping[str, Any], name: str, default: int, highest: int) -> int:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= highest:
        raise ValueError(f"{name} must be a whole number from 1 to {highest}; got {value!r}.")
    return value


def _one_of(value: object, choices: tuple[str, ...], what: str) -> str:
    if value not in choices:
        raise ValueError(f"{what} must be one of {', '.join(choices)}; got {value!r}.")
    return str(value)
