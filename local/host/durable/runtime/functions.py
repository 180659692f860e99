"""What the engine calls: orchestrators, activities and entities by name, with JSON text in and out.

`PlainFunctions` makes them from plain Python functions, for tests and benchmarks:

    functions = PlainFunctions(
        orchestrators={"greet": greet},                      # a generator function that takes the context
        activities={"say": lambda name: f"hello {name}"},    # sync or async, takes the input, returns the result
        entities={"counter": counter},                       # a function that takes the entity context
    )

The SDK's real handlers drive the orchestrators and entities, so what runs is what would run in Azure.
"""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Protocol

Handler = Callable[[str], Awaitable[str]]
"""JSON text in, JSON text out; raises what the function raises."""


class Kind(Enum):
    """The durable kinds of functions, by the words that the extension's messages use."""

    ORCHESTRATOR = "orchestrator"
    ACTIVITY = "activity"
    ENTITY = "entity"


class Functions(Protocol):
    """Where the engine finds functions. Names are compared without case."""

    def find(self, kind: Kind, name: str) -> Handler | None:
        """The function of this kind and name, or None."""
        ...

    def names(self, kind: Kind) -> Iterable[str]:
        """The names of all functions of this kind."""
        ...


def unknown(functions: Functions, kind: Kind, name: str) -> str:
    """The extension's message for a function that it does not know.
    Source: durable extension, DurableTaskExtension.ThrowIfFunctionDoesNotExist."""
    known = ", ".join(f"'{known}'" for known in sorted(functions.names(kind)))
    also = (
        f"The following are the known {kind.value} functions: {known}."
        if known
        else (f"No {kind.value} functions are currently registered!")
    )
    article = "an" if kind.value[0] in "aeio" else "a"
    return (
        f"The function '{name}' doesn't exist, is disabled, or is not {article} {kind.value} function. "
        f"Additional info: {also}"
    )


class PlainFunctions:
    """Functions that were never indexed. Names may be given in any case."""

    def __init__(
        self,
        *,
        orchestrators: Mapping[str, Callable[..., Any]] | None = None,
        activities: Mapping[str, Callable[..., Any]] | None = None,
        entities: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        from azure.durable_functions import (
            Entity,
            Orchestrator,
        )  # half a second that other users of this module need not pay

        self._handlers: dict[tuple[Kind, str], tuple[str, Handler]] = {}
        for name, function in (orchestrators or {}).items():
            self._add(Kind.ORCHESTRATOR, name, _of_text(Orchestrator.create(function)))
        for name, function in (activities or {}).items():
            self._add(Kind.ACTIVITY, name, _of_value(function))
        for name, function in (entities or {}).items():
            self._add(Kind.ENTITY, name, _of_text(Entity.create(function)))

    def _add(self, kind: Kind, name: str, handler: Handler) -> None:
        self._handlers[kind, name.lower()] = (name, handler)

    def find(self, kind: Kind, name: str) -> Handler | None:
        found = self._handlers.get((kind, name.lower()))
        return found[1] if found else None

    def names(self, kind: Kind) -> Iterable[str]:
        return [name for (of, _), (name, _) in self._handlers.items() if of is kind]


def _of_text(function: Callable[[str], str]) -> Handler:
    async def handler(text: str) -> str:
        with warnings.catch_warnings():
            # Advice on typed decoding, and the SDK's word for an event that comes before its wait. Where warnings are
            # errors, an orchestrator would fail of them here though not in Azure.
            warnings.filterwarnings("ignore", "azure.functions", DeprecationWarning)
            warnings.filterwarnings("ignore", "Potential duplicate Task completion", UserWarning)
            return function(text)

    return handler


def _of_value(function: Callable[[Any], Any]) -> Handler:
    async def handler(text: str) -> str:
        result = function(json.loads(text))
        return json.dumps(await result if inspect.isawaitable(result) else result)

    return handler
