"""One turn of an entity: a batch of requests in; its new state, the answers and the signals it sends out. Pure.

Source: Azure/azure-functions-durable-extension, Listener/TaskEntityShim.cs and EntityScheduler/*.cs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.host.durable.protocol.episode import Message
from local.host.durable.protocol.events import event_raised

Request = dict[str, Any]
"""`op`, `input` (JSON text of JSON text, or None), `signal`, `id`, and for calls `parent` and `parentExecution`."""


@dataclass(frozen=True, slots=True)
class EntityId:
    """Names are compared without case and kept in lower case; keys are kept as they are."""

    name: str
    key: str

    @classmethod
    def parse(cls, instance: str) -> EntityId:
        """The entity that the instance id `@name@key` stands for."""
        _, name, key = instance.split("@", 2)
        return cls(name, key)

    def __str__(self) -> str:
        return f"@{self.name.lower()}@{self.key}"


@dataclass(frozen=True, slots=True)
class EntityState:
    """What is kept of an entity that exists; `text` is JSON text."""

    text: str | None


@dataclass(frozen=True, slots=True)
class EntityTurn:
    """`state` None: the entity does not exist any more."""

    entity: EntityId
    state: EntityState | None
    messages: list[Message]


def signal(entity: EntityId, operation: str, input_text: str | None, request_id: str) -> Message:
    """A request that nobody waits for. `input_text` goes to the entity as it is."""
    return Message(to=str(entity), body={"op": operation, "signal": True, "input": input_text, "id": request_id})


def context(entity: EntityId, state: EntityState | None, batch: Sequence[Request]) -> str:
    """The JSON that the entity function gets."""
    return json.dumps(
        {
            "self": {"name": entity.name, "key": entity.key},
            "exists": state is not None,
            "state": state.text if state else None,
            "batch": [{"name": r["op"], "input": r["input"], "isSignal": r["signal"]} for r in batch],
        }
    )


def conclude(
    entity: EntityId, batch: Sequence[Request], answer: str, *, now: datetime, request_ids: Sequence[str]
) -> EntityTurn:
    """What follows from the entity's answer. `request_ids` name the signals that it sends, in order."""
    given = json.loads(answer)
    messages = [
        _reply(request, result["result"], failed=result["isError"], now=now)
        for request, result in zip(batch, given["results"], strict=True)
        if not request["signal"]
    ]
    for sent, request_id in zip(given["signals"], request_ids, strict=False):
        target = EntityId(sent["target"]["name"], sent["target"]["key"])
        messages.append(signal(target, sent["name"], sent.get("input"), request_id))
    state = EntityState(given["entityState"]) if given["entityExists"] else None
    return EntityTurn(entity, state, messages)


def failures(batch: Sequence[Request], answer: str) -> list[tuple[str, str]]:
    """The operations that failed, with what they say."""
    results = zip(batch, json.loads(answer)["results"], strict=True)
    return [(str(request["op"]), str(result["result"])) for request, result in results if result["isError"]]


def failed(
    entity: EntityId, state: EntityState | None, batch: Sequence[Request], reason: str, now: datetime
) -> EntityTurn:
    """The entity function itself broke: every call is answered with the reason and the state stays as it was."""
    answers = [_reply(r, json.dumps(reason), failed=True, now=now) for r in batch if not r["signal"]]
    return EntityTurn(entity, state, answers)


def _reply(request: Request, result: str, *, failed: bool, now: datetime) -> Message:
    response = {"result": result} | ({"exceptionType": "Error"} if failed else {})
    body = event_raised(request["id"], json.dumps(response), now)
    return Message(to=request["parent"], execution=request["parentExecution"], body=body)
