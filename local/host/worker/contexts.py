"""What the parameters `context` and those with direction out get.

Source: Azure/azure-functions-python-worker, azure_functions_worker/bindings/context.py and out.py.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import azure.functions

_thread_locals = threading.local()


@dataclass(frozen=True, slots=True)
class Trace:
    """The W3C trace context of an invocation."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetryState:
    """Which retry this is, and why the call before it failed."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: Any = None


class InvocationContext(azure.functions.Context):
    """What a parameter named `context` gets."""

    def __init__(self, function_name: str, directory: str, invocation_id: str, retry: RetryState) -> None:
        self._name, self._directory, self._invocation_id, self._retry = function_name, directory, invocation_id, retry

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        return _thread_locals

    @property
    def function_name(self) -> str:
        return self._name

    @property
    def function_directory(self) -> str:
        return self._directory

    @property
    def trace_context(self) -> Any:
        return Trace()

    @property
    def retry_context(self) -> Any:
        return self._retry


class Out(azure.functions.Out[Any]):
    """What a parameter with direction out gets."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value
