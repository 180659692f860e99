"""The functions of an app, as the host knows them: plain values, which the worker tells it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.host.durable.runtime.functions import Kind
from local.host.worker.retrying import RetryPolicy

DURABLE = {
    "orchestrationTrigger": (Kind.ORCHESTRATOR, "orchestration"),
    "activityTrigger": (Kind.ACTIVITY, "activity"),
    "entityTrigger": (Kind.ENTITY, "entityName"),
}
"""Durable triggers, and the member that may give the durable name."""

WRITTEN = frozenset({"blob", "queue"})
"""Output bindings that lead to a storage account."""

_NAME = re.compile(r"(?!host$)[a-z][a-z0-9_\-]{0,127}", re.IGNORECASE)
"""Source: Azure/azure-functions-host, Utility.cs (IsValidFunctionName)."""


class FunctionLoadError(Exception):
    """A function could not be loaded; the message is the one that the Python worker gives."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"cannot load the {name} function: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function that can be invoked. Bindings are as they would stand in function.json; `written` has those that lead
    to a storage account, and `read` those that give what is there, by parameter."""

    name: str
    entry_point: str
    trigger: Mapping[str, Any]
    bindings: tuple[Mapping[str, Any], ...]
    written: Mapping[str, Mapping[str, Any]]
    read: Mapping[str, Mapping[str, Any]]
    retry: RetryPolicy | None = None
    enabled: bool = True

    @property
    def kind(self) -> str:
        """The type of its trigger."""
        return str(self.trigger["type"])

    @property
    def durable_name(self) -> str:
        """The name under which orchestrators call it, or clients start it."""
        given = self.trigger.get(DURABLE[self.kind][1]) if self.kind in DURABLE else None
        return str(given or self.name)


class Registry:
    """All functions of an app. Names are compared without case, as the host does."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions: dict[str, Function] = {}
        for function in functions:
            if not _NAME.fullmatch(function.name):
                raise FunctionLoadError(function.name, f"'{function.name}' is not a valid function name.")
            other = self._functions.setdefault(function.name.lower(), function)
            if other is not function:
                raise FunctionLoadError(function.name, f"its name differs only in case from {other.name}")
        self._durable = {
            (DURABLE[f.kind][0], f.durable_name.lower()): f for f in self if f.kind in DURABLE and f.enabled
        }

    def __iter__(self) -> Iterator[Function]:
        return iter(self._functions.values())

    def __len__(self) -> int:
        return len(self._functions)

    def get(self, name: str) -> Function | None:
        return self._functions.get(name.lower())

    def triggered_by(self, kind: str) -> list[Function]:
        """Enabled functions with this type of trigger."""
        return [f for f in self if f.kind == kind and f.enabled]

    def durable(self, kind: Kind, name: str) -> Function | None:
        return self._durable.get((kind, name.lower()))

    def durable_names(self, kind: Kind) -> list[str]:
        return [f.durable_name for (of, _), f in self._durable.items() if of is kind]
