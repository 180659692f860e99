"""Calls functions: values in and out through the converters of azure.functions, async functions on the one event loop,
sync ones in a thread pool.

A function that runs longer than `functionTimeout` fails. An async one is cancelled; the thread of a sync one cannot be
ended and is left behind (Azure restarts the worker process, which ends everything else that it was running, too).
Source: Azure/azure-functions-python-worker, azure_functions_worker/dispatcher.py; Azure docs, functions-host-json.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from azure.functions.meta import Datum

from local.clock import Clock, SteadyClock
from local.host.durable.runtime.errors import words_of
from local.host.durable.runtime.functions import Handler, Kind
from local.host.worker import invocations
from local.host.worker.blob_inputs import BlobInputs
from local.host.worker.contexts import InvocationContext, Out, RetryState
from local.host.worker.converters import converter_of, encode
from local.host.worker.outputs import WRITTEN, Outputs
from local.host.worker.registry import Function, Parameter, Registry

RECORDS = logging.getLogger("Function")
log = logging.getLogger("Host.Triggers.DurableTask")


class FunctionTimeoutException(Exception):
    """A function ran longer than host.json allows. The name is .NET's; it stands in texts that apps read."""


class FunctionEnded(Exception):
    """A function ended by what is no failure in Python: it meant to end its process, or to cancel its task."""


class Invoker:
    """Runs the functions of one app."""

    def __init__(
        self,
        app: Path,
        outputs: Outputs | None = None,
        *,
        inputs: BlobInputs | None = None,
        clock: Clock | None = None,
        timeout: timedelta | None = None,
        seed: int | None = None,
    ) -> None:
        """`clock` is for the waits of retries; `timeout` is in real time, because functions work in it."""
        self._app, self._outputs, self._inputs, self._timeout = app, outputs, inputs, timeout
        self._clock, self._chance = clock or SteadyClock(), random.Random(seed)  # noqa: S311  # spreads retries
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
        data: Mapping[str, Any] | None = None,
    ) -> Datum | None:
        """Call a function with `value` for its trigger, again if its retry policy says so; write its outputs and return
        what it returned. Raises what it raises.

        `reason` says in the log why it was called; `data` is what binding expressions of its inputs and outputs
        can name. Once the host is stopping, nothing is called any more: the caller waits until it is cancelled.
        """
        state = RetryState(max_retry_count=function.retry.count if function.retry else 0)
        while True:
            try:
                return await self._invoke(function, value, reason, metadata or {}, data or {}, state)
            except Exception as error:
                again = state.retry_count + 1
                if function.retry is None or not function.retry.allows(again):
                    raise
                delay = function.retry.delay(again, self._chance)
                RECORDS.getChild(function.name).error(
                    "'Functions.%s' failed (%s: %s) and is retried in %s.",
                    function.name,
                    type(error).__name__,
                    words_of(error),
                    delay,
                )
                state = RetryState(again, state.max_retry_count, error)
                await self._clock.wait_until(self._clock.now() + delay)

    async def _invoke(
        self,
        function: Function,
        value: Datum,
        reason: str,
        metadata: Mapping[str, Datum],
        data: Mapping[str, Any],
        state: RetryState,
    ) -> Datum | None:
        if self.stopping:
            await asyncio.Event().wait()
        invocation, log, began = str(uuid.uuid4()), RECORDS.getChild(function.name), time.perf_counter()
        log.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation)
        self.running.add(invocation)
        outcome = "Failed"
        try:
            read = await self._inputs.read(function, data) if self._inputs else {}
            arguments = self._arguments(function, value, read, metadata, invocation, state)
            result = await self._call(function, arguments, invocation)
            answer = await self._written(function, result, arguments, data)
            outcome = "Succeeded"
            return answer
        finally:
            self.running.discard(invocation)
            took = (time.perf_counter() - began) * 1000
            log.info("Executed 'Functions.%s' (%s, Id=%s, Duration=%dms)", function.name, outcome, invocation, took)

    def _arguments(
        self,
        function: Function,
        value: Datum,
        read: Mapping[str, Datum | None],
        metadata: Mapping[str, Datum],
        invocation: str,
        state: RetryState,
    ) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        client = Datum(self.client_binding, "string")
        given = {**dict.fromkeys(function.inputs, client), **read, function.trigger_parameter: value}
        for name, parameter in function.inputs.items():
            # Only the trigger has metadata: the worker keeps it from all other inputs.
            told = metadata if name == function.trigger_parameter else None
            arguments[name] = converter_of(parameter.converter).decode(given[name], trigger_metadata=told)
        arguments |= {name: Out() for name in function.outputs}
        if function.wants_context:
            directory = str(self._app / function.name)
            arguments["context"] = InvocationContext(function.name, directory, invocation, state)
        return arguments

    async def _call(self, function: Function, arguments: Mapping[str, Any], invocation: str) -> Any:
        limit = self._timeout.total_seconds() if self._timeout else None
        try:
            async with asyncio.timeout(limit) as scope:
                if function.is_async:
                    with invocations.in_task(invocation):
                        return await function.call(**arguments)
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._pool, _call_here, function, arguments, invocation)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the host stops
            raise FunctionEnded(f"{function.name} raised {type(error).__name__}") from error
        except TimeoutError as error:
            if not scope.expired():
                raise  # the function's own
            raise FunctionTimeoutException(
                f"Timeout value of {self._timeout} exceeded by function 'Functions.{function.name}' "
                f"(Id: '{invocation}'). Initiating cancellation."
            ) from error
        except Exception:
            raise
        except BaseException as error:  # it would end the event loop, and the host with it
            raise FunctionEnded(f"{function.name} raised {type(error).__name__}: {error}") from error

    async def _written(
        self, function: Function, result: Any, arguments: Mapping[str, Any], data: Mapping[str, Any]
    ) -> Datum | None:
        """Write what goes to storage; returns what goes back to the trigger."""
        if function.returns is None and result is not None:
            raise RuntimeError(f"function '{function.name}' without a $return binding returned a non-None value")
        answer: Datum | None = None
        values = [(parameter, arguments[name].get()) for name, parameter in function.outputs.items()]
        values += [(function.returns, result)] if function.returns else []
        for parameter, value in values:
            if value is None and (parameter.binding in WRITTEN or parameter.binding == "http"):
                continue
            encoded = _encoded(parameter, value)
            if parameter.binding not in WRITTEN:
                answer = encoded
            elif self._outputs is not None and encoded is not None:
                await self._outputs.write(function, parameter, encoded, data)
        return answer

    def close(self) -> None:
        """Take no more work. Threads that are busy are left behind."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _call_here(function: Function, arguments: Mapping[str, Any], invocation: str) -> Any:
    with invocations.in_thread(invocation):
        return function.call(**arguments)


class AppFunctions:
    """The durable functions of an app, for the engine."""

    def __init__(self, registry: Registry, invoker: Invoker) -> None:
        self._registry, self._invoker = registry, invoker

    def find(self, kind: Kind, name: str) -> Handler | None:
        function = self._registry.durable(kind, name)
        if function is None:
            return None

        async def handler(text: str) -> str:
            try:
                result = await self._invoker.invoke(function, Datum(text, "string"), reason="(null)")
            except Exception:
                log.exception("Exception while executing function: Functions.%s", function.name)
                raise
            return str(result.value) if result is not None and result.value is not None else "null"

        return handler

    def names(self, kind: Kind) -> list[str]:
        return self._registry.durable_names(kind)


def _encoded(parameter: Parameter, value: Any) -> Datum | None:
    return encode(parameter.binding, parameter.converter, value, parameter.pytype)
