"""Calls functions, in the process that has the app: values in and out through the converters of azure.functions, async
functions on the one event loop, sync ones in a thread pool.

Source: Azure/azure-functions-python-worker, azure_functions_worker/dispatcher.py.
"""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookies import BaseCookie
from pathlib import Path
from typing import Any

from azure.functions import meta

from local.host.durable.runtime.errors import words_of
from local.host.worker import invocations
from local.host.worker.contexts import InvocationContext, Out, RetryState
from local.host.worker.converters import converter_of, encode
from local.host.worker.registry import WRITTEN, Function
from local.host.worker.wire import Answer, Call, Datum, Failure


class FunctionEnded(Exception):
    """A function ended by what is no failure in Python: it meant to end its process, or to cancel its task."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A bound parameter: its binding, the type of binding whose converter serves it, and its annotation."""

    declared: Any
    converter: str
    pytype: Any

    @property
    def binding(self) -> str:
        """The type of the binding."""
        return str(self.declared.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """A function with what is needed to call it."""

    function: Function
    call: Callable[..., Any]
    is_async: bool
    wants_context: bool
    trigger_parameter: str
    inputs: Mapping[str, Parameter]
    outputs: Mapping[str, Parameter]
    returns: Parameter | None


class Caller:
    """Calls the functions of one app in this process."""

    broken: str | None = None

    def __init__(self, app: Path, callees: Iterable[Callee], client_binding: str = "{}") -> None:
        self._app, self._callees = app, {callee.function.name: callee for callee in callees}
        self.client_binding = client_binding
        threads = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
        self._pool = ThreadPoolExecutor(int(threads) if threads else None, thread_name_prefix="function")

    async def call(self, call: Call, limit: float | None = None) -> Answer | Failure:
        """What came of it within `limit` seconds, whatever the function raises. Raises TimeoutError: an async function
        has been cancelled then, but the thread of a sync one is left behind."""
        async with asyncio.timeout(limit):
            callee = self._callees[call.function]
            try:
                arguments = self._arguments(callee, call)
                return _answer(callee, await self._result(callee, arguments, call.invocation), arguments)
            except Exception as error:
                return failure_of(error)

    def close(self) -> None:
        """Take no more work. Threads that are busy are left behind."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _arguments(self, callee: Callee, call: Call) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        metadata = {name: _for_sdk(datum) for name, datum in call.metadata.items()}
        client = Datum(self.client_binding, "string")
        values = {**dict.fromkeys(callee.inputs, client), **call.read, callee.trigger_parameter: call.value}
        for name, parameter in callee.inputs.items():
            given = values[name]
            # Only the trigger has metadata: the worker keeps it from all other inputs.
            told = metadata if name == callee.trigger_parameter else None
            shown = None if given is None else _for_sdk(_of_blob(parameter, given))
            arguments[name] = converter_of(parameter.converter).decode(shown, trigger_metadata=told)
        arguments |= {name: Out() for name in callee.outputs}
        if callee.wants_context:
            count, most, said = call.retry
            state = RetryState(count, most, None if said is None else Exception(said))
            directory = str(self._app / call.function)
            arguments["context"] = InvocationContext(call.function, directory, call.invocation, state)
        return arguments

    async def _result(self, callee: Callee, arguments: Mapping[str, Any], invocation: str) -> Any:
        name = callee.function.name
        try:
            if callee.is_async:
                with invocations.in_task(invocation):
                    return await callee.call(**arguments)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, _call_here, callee, arguments, invocation)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # nobody waits for it
            raise FunctionEnded(f"{name} raised {type(error).__name__}") from error
        except Exception:
            raise
        except BaseException as error:  # it would end the event loop, and the worker with it
            raise FunctionEnded(f"{name} raised {type(error).__name__}: {error}") from error


def failure_of(error: Exception) -> Failure:
    """What is told of an exception."""
    text = "".join(traceback.format_exception(error)).rstrip("\n")
    return Failure(type(error).__name__, words_of(error), text)


def _call_here(callee: Callee, arguments: Mapping[str, Any], invocation: str) -> Any:
    with invocations.in_thread(invocation):
        return callee.call(**arguments)


def _answer(callee: Callee, result: Any, arguments: Mapping[str, Any]) -> Answer:
    if callee.returns is None and result is not None:
        raise RuntimeError(f"function '{callee.function.name}' without a $return binding returned a non-None value")
    answer, written = None, []
    values = [(name, parameter, arguments[name].get()) for name, parameter in callee.outputs.items()]
    values += [("$return", callee.returns, result)] if callee.returns else []
    for name, parameter, value in values:
        if value is None and (parameter.binding in WRITTEN or parameter.binding == "http"):
            continue
        encoded = encode(parameter.binding, parameter.converter, value, parameter.pytype)
        if parameter.binding not in WRITTEN:
            answer = None if encoded is None else Datum(_plain(encoded), str(encoded.type))
        elif encoded is not None:
            written.append((name, Datum(_plain(encoded), str(encoded.type))))
    return Answer(answer, tuple(written))


def _for_sdk(datum: Datum) -> meta.Datum:
    """A value as the SDK's converters take it: the members of a request are values with types, too."""
    if datum.type != "http":
        return meta.Datum(datum.value, datum.type)
    return meta.Datum({name: _typed(member) for name, member in datum.value.items()}, "http")


def _of_blob(parameter: Parameter, datum: Datum) -> Datum:
    """A blob is text for `dataType` string and for parameters annotated with str, else bytes."""
    if parameter.binding not in ("blob", "blobTrigger"):
        return datum
    wanted = str(parameter.declared.get_dict_repr().get("dataType") or "").lower()
    if "string" in wanted or (parameter.pytype is str and "binary" not in wanted):
        return Datum(datum.value.decode("utf-8", errors="replace"), "string")
    return datum


def _typed(member: Any) -> Any:
    if isinstance(member, dict):
        return {name: meta.Datum(text, "string") for name, text in member.items()}
    return meta.Datum(member, "bytes" if isinstance(member, bytes) else "string")


def _plain(value: Any) -> Any:
    """What the SDK's converters give, without the SDK."""
    match value:
        case meta.Datum():
            return _plain(value.value)
        case BaseCookie():
            return [morsel.OutputString() for morsel in value.values()]
        case Mapping():
            return {name: _plain(member) for name, member in value.items()}
        case list() | tuple():
            return [_plain(member) for member in value]
    return value
