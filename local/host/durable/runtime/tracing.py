"""The lines that the durable extension logs about functions; tools and people's tests look for them.

Source of the words: Azure/azure-functions-durable-extension, EndToEndTraceHelper.cs. What says nothing here (app, slot,
version of the extension) is left out at their ends.
"""

from __future__ import annotations

import itertools
import json
import logging
from typing import Any

log = logging.getLogger("Host.Triggers.DurableTask")


class Trace:
    """Tells what becomes of the functions of one task hub."""

    def __init__(self, hub: str) -> None:
        self._hub, self._numbers = hub, itertools.count(1)

    def scheduled(self, instance: str, name: str, kind: str, reason: str) -> None:
        self._tell(logging.INFO, instance, name, kind, f"scheduled. Reason: {reason}", "Scheduled")

    def started(self, instance: str, name: str, kind: str, given: str | None) -> None:
        self._tell(logging.INFO, instance, name, kind, f"started. Input: {_size(given)}", "Started")

    def completed(self, instance: str, name: str, kind: str, output: str | None, *, anew: bool = False) -> None:
        what = f"completed. ContinuedAsNew: {anew}. Output: {_size(output)}"
        self._tell(logging.INFO, instance, name, kind, what, "Completed")

    def failed(self, instance: str, name: str, kind: str, reason: str) -> None:
        self._tell(logging.ERROR, instance, name, kind, f"failed with an error. Reason: {reason}", "Failed")

    def operation_failed(self, instance: str, name: str, operation: str, reason: str) -> None:
        """One of the operations of an entity, which others may follow."""
        what = f"failed to process an operation. Operation: {operation}. Reason: {reason}"
        self._tell(logging.ERROR, instance, name, "Entity", what, "Failed")

    def _tell(self, level: int, instance: str, name: str, kind: str, what: str, state: str) -> None:
        if log.isEnabledFor(level):
            number = next(self._numbers)
            log.log(
                level,
                "%s: Function '%s (%s)' %s. IsReplay: False. State: %s. HubName: %s. SequenceNumber: %d.",
                instance,
                name,
                kind,
                what,
                state,
                self._hub,
                number,
            )


def _size(value: Any) -> str:
    """What was given is told by its size, as by the extension unless traceInputsAndOutputs is set."""
    text = value if isinstance(value, str) else json.dumps(value)
    return f"({len(text.encode(errors='replace'))} bytes)" if value is not None else "(null)"
