"""Has functions called: with a time-out, retries, the lines of the log, and their outputs written.

A function that runs longer than `functionTimeout` fails, and the worker that runs it is replaced, which ends everything
else that it was running: as in Azure. Source: Azure docs, functions-host-json (functionTimeout).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from local.clock import Clock, SteadyClock
from local.host.durable.runtime.errors import words_of
from local.host.durable.runtime.functions import Handler, Kind
from local.host.worker.blob_inputs import BlobInputs
from local.host.worker.outputs import Outputs
from local.host.worker.registry import Function, Registry
from local.host.worker.wire import Answer, Call, Calls, Datum, Failure, FunctionFailed, WorkerDied

RECORDS = logging.getLogger("Function")
log = logging.getLogger("Host.Triggers.DurableTask")

MOST_DEATHS = 5
"""How many workers may die of one durable function before it fails; as many as of one queue message."""


class FunctionTimeoutException(Exception):
    """A function ran longer than host.json allows. The name is .NET's; it stands in texts that apps read."""


class DeadlyFunction(Exception):
    """A function took its worker with it whenever it ran."""


class Invoker:
    """Runs the functions of one app."""

    def __init__(
        self,
        calls: Calls,
        outputs: Outputs | None = None,
        *,
        inputs: BlobInputs | None = None,
        clock: Clock | None = None,
        timeout: timedelta | None = None,
        seed: int | None = None,
    ) -> None:
        """`clock` is for the waits of retries; `timeout` is in real time, because functions work in it."""
        self._calls, self._outputs, self._inputs, self._timeout = calls, outputs, inputs, timeout
        self._clock, self._chance = clock or SteadyClock(), random.Random(seed)  # noqa: S311  # spreads retries
        self.running: set[str] = set()
        self.stopping = False

    @property
    def broken(self) -> str | None:
        """Why no function can be called now, nor soon; None: they can."""
        return self._calls.broken

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
        what it returned. Raises what it raises, under the same name, and WorkerDied.

        `reason` says in the log why it was called; `data` is what binding expressions of its inputs and outputs
        can name. Once the host is stopping, nothing is called any more: the caller waits until it is cancelled.
        """
        most = function.retry.count if function.retry else 0
        count, said = 0, None
        while True:
            try:
                retry = (count, most, said)
                return await self._invoke(function, value, reason, metadata or {}, data or {}, retry)
            except Exception as error:
                count, said = count + 1, words_of(error)
                if function.retry is None or not function.retry.allows(count):
                    raise
                delay = function.retry.delay(count, self._chance)
                RECORDS.getChild(function.name).error(
                    "'Functions.%s' failed (%s: %s) and is retried in %s.",
                    function.name,
                    type(error).__name__,
                    said,
                    delay,
                )
                await self._clock.wait_until(self._clock.now() + delay)

    async def _invoke(
        self,
        function: Function,
        value: Datum,
        reason: str,
        metadata: Mapping[str, Datum],
        data: Mapping[str, Any],
        retry: tuple[int, int, str | None],
    ) -> Datum | None:
        if self.stopping:
            await asyncio.Event().wait()
        invocation, log, began = str(uuid.uuid4()), RECORDS.getChild(function.name), time.perf_counter()
        log.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation)
        self.running.add(invocation)
        outcome = "Failed"
        call = Call(function=function.name, invocation=invocation, value=value, metadata=metadata, retry=retry)
        try:
            if self._inputs is not None and function.read:
                call = call._replace(read=await self._inputs.read(function, data))
            answer = await self._call(call)
            if isinstance(answer, Failure):
                raise answer.error()
            if self._outputs is not None:
                for parameter, written in answer.written:
                    await self._outputs.write(function, parameter, written, data)
            outcome = "Succeeded"
            return answer.value
        finally:
            self.running.discard(invocation)
            took = (time.perf_counter() - began) * 1000
            log.info("Executed 'Functions.%s' (%s, Id=%s, Duration=%dms)", function.name, outcome, invocation, took)

    async def _call(self, call: Call) -> Answer | Failure:
        limit = self._timeout.total_seconds() if self._timeout else None
        try:
            return await self._calls.call(call, limit)
        except TimeoutError as error:
            raise FunctionTimeoutException(
                f"Timeout value of {self._timeout} exceeded by function 'Functions.{call.function}' "
                f"(Id: '{call.invocation}'). Initiating cancellation."
            ) from error


class AppFunctions:
    """The durable functions of an app, for the engine.

    What was under way in a worker that died is called again. Only one function that has seen a worker die runs at a
    time, so that those who only ran beside it are not taken for the one that did it. Source:
    Azure/azure-functions-durable-extension (SessionAbortedException: the work item is delivered again).
    """

    def __init__(self, registry: Registry, invoker: Invoker) -> None:
        self._registry, self._invoker = registry, invoker
        self._one_suspect = asyncio.Lock()

    def find(self, kind: Kind, name: str) -> Handler | None:
        function = self._registry.durable(kind, name)
        if function is None:
            return None

        async def handler(text: str) -> str:
            try:
                result = await self._survived(function, Datum(text, "string"))
            except Exception as error:
                tell_failure(log, function.name, error)
                raise
            return str(result.value) if result is not None and result.value is not None else "null"

        return handler

    def names(self, kind: Kind) -> list[str]:
        return self._registry.durable_names(kind)

    async def _survived(self, function: Function, value: Datum) -> Datum | None:
        last = ""
        for deaths in range(MOST_DEATHS):
            async with self._one_suspect if deaths else nullcontext():
                try:
                    return await self._invoker.invoke(function, value, reason="(null)")
                except WorkerDied as died:
                    last = str(died)
                    log.warning("'Functions.%s' is called again: %s", function.name, last)
        raise DeadlyFunction(
            f"the worker process has ended {MOST_DEATHS} times while it ran '{function.name}', and it is not called "
            f"again. The last time: {last} The function, or a library that it uses, ends its process."
        )


def tell_failure(log: logging.Logger, function: str, error: BaseException) -> None:
    """That a function has failed, with the traceback that its exception had in the worker."""
    told = "Exception while executing function: Functions.%s"
    if isinstance(error, FunctionFailed) and error.traceback is not None:
        log.error(told + "\n%s", function, error.traceback)
    elif isinstance(error, (WorkerDied, DeadlyFunction, FunctionTimeoutException)):
        log.error(told + "\n%s: %s", function, type(error).__name__, error)
    else:
        log.error(told, function, exc_info=error)
