"""Calls functions: values in and out through the converters of azure.functions, async functions on the one event loop,
sync ones in a thread pool.

Source: Azure/azure-functions-python-worker, azure_functions_worker/dispatcher.py.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import azure.functions
from azure.functions.meta import Datum

from local.host.durable.functions import Handler, Kind
from local.host.registry import Function, Registry, converter_of

_thread_locals = threading.local()


@dataclass(frozen=True, slots=True)
class _Trace:
    trace_parent: str = ""
    trace_state: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Retry:
    retry_count: int = 0
    max_retry_count: int = 0
    exception: Any = None


class InvocationContext(azure.functions.Context):
    """What a parameter named `context` gets."""

    def __init__(self, function_name: str, directory: str, invocation_id: str) -> None:
        self._name, self._directory, self._invocation_id = function_name, directory, invocation_id

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
        return _Trace()

    @property
    def retry_context(self) -> Any:
        return _Retry()


class _Out(azure.functions.Out[Any]):
    """What a parameter with direction out gets."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value


class Invoker:
    """Runs the functions of one app."""

    def __init__(self, app: Path) -> None:
        self._app = app
        threads = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
        self._pool = ThreadPoolExecutor(int(threads) if threads else None, thread_name_prefix="function")
        self.running: set[str] = set()
        self.stopping = False
        self.client_binding = "{}"

    async def invoke(
        self,
        function: Function,
        value: Datum,
        *,
        reason: str,
        metadata: Mapping[str, Datum] | None = None,
    ) -> Datum | None:
        """Call a function with `value` for its trigger; returns what it returned. Raises what it raises.

        `reason` says in the log why it was called. Once the host is stopping, nothing is called any more: the caller
        waits until it is cancelled.
        """
        if self.stopping:
            await asyncio.Event().wait()
        invocation, log, began = str(uuid.uuid4()), logging.getLogger(f"Function.{function.name}"), time.perf_counter()
        log.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation)
        self.running.add(invocation)
        outcome = "Failed"
        try:
            result = await self._call(function, value, metadata or {}, invocation)
            outcome = "Succeeded"
            return result
        finally:
            self.running.discard(invocation)
            took = (time.perf_counter() - began) * 1000
            log.info("Executed 'Functions.%s' (%s, Id=%s, Duration=%dms)", function.name, outcome, invocation, took)

    async def _call(
        self, function: Function, value: Datum, metadata: Mapping[str, Datum], invocation: str
    ) -> Datum | None:
        arguments: dict[str, Any] = {}
        for name, parameter in function.inputs.items():
            given = value if name == function.trigger_parameter else Datum(self.client_binding, "string")
            converter = converter_of(parameter.binding)
            arguments[name] = converter.decode(given, trigger_metadata=metadata)
        outs = {name: _Out() for name in function.outputs}
        arguments |= outs
        if function.wants_context:
            arguments["context"] = InvocationContext(function.name, str(self._app / function.name), invocation)
        if function.is_async:
            result = await function.call(**arguments)
        else:
            loop = asyncio.get_running_loop()
            result = await loop.run_in_executor(self._pool, lambda: function.call(**arguments))
        return _returned(function, result, outs)

    def close(self) -> None:
        """Take no more work. Threads that are busy are left behind."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class AppFunctions:
    """The durable functions of an app, for the engine."""

    def __init__(self, registry: Registry, invoker: Invoker) -> None:
        self._registry, self._invoker = registry, invoker

    def find(self, kind: Kind, name: str) -> Handler | None:
        function = self._registry.durable(kind, name)
        if function is None:
            return None

        async def handler(text: str) -> str:
            result = await self._invoker.invoke(function, Datum(text, "string"), reason="(null)")
            return str(result.value) if result is not None and result.value is not None else "null"

        return handler

    def names(self, kind: Kind) -> list[str]:
        return self._registry.durable_names(kind)


def _returned(function: Function, result: Any, outs: Mapping[str, _Out]) -> Datum | None:
    if function.returns is None:
        if result is not None:
            raise RuntimeError(f"function '{function.name}' without a $return binding returned a non-None value")
        # An HTTP function may answer through an out parameter instead.
        parameter = next(iter(function.outputs), None)
        if parameter is None or outs[parameter].get() is None:
            return None
        return _encoded(function.outputs[parameter].binding, outs[parameter].get(), function.outputs[parameter].pytype)
    if result is None and function.returns.binding == "http":
        return None
    return _encoded(function.returns.binding, result, function.returns.pytype)


def _encoded(binding: str, value: Any, pytype: Any) -> Datum | None:
    encoded: Datum | None = converter_of(binding).encode(value, expected_type=pytype)
    return encoded
