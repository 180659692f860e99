"""The Python worker as far as log lines go: how it calls functions, and which lines the host gets to see.

Source: Azure/azure-functions-python-worker, dispatcher.py (`ContextEnabledTask`, `get_current_invocation_id`): an async
function runs in a task that has the invocation's id, and passes it on to the tasks that it makes; a sync one runs in a
thread of a pool that has it while it runs. A record that is logged where there is none is sent without one, and the
host ignores it.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import azure.functions as func

from function_app import MODULES
from shared.telemetry import log, warn
from tests.unit.test_function_app import CLIENTS

_thread = threading.local()


class _Task(asyncio.Task[Any]):
    """A task that has the invocation id of the task that has made it."""

    def __init__(self, *args: Any, loop: asyncio.AbstractEventLoop, **more: Any) -> None:
        super().__init__(*args, loop=loop, **more)
        self.invocation = getattr(asyncio.current_task(loop), "invocation", None)


class HostLog(logging.Handler):
    """Every line that is written while a worker calls a function, and whether it arrives."""

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker
        self.lines: list[tuple[str, bool]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if self._worker.is_calling:
            self.lines.append((record.getMessage(), _invocation() is not None))

    @property
    def written(self) -> list[str]:
        return [line for line, _ in self.lines]

    @property
    def dropped(self) -> list[str]:
        return [line for line, arrives in self.lines if not arrives]


class Worker:
    """Calls the app's functions by their names, and remembers which it has called."""

    def __init__(self) -> None:
        app = func.FunctionApp()
        for module in MODULES:
            app.register_functions(module.bp)
        self.functions: Mapping[str, Callable[..., Any]] = {
            str(function.get_function_name()): function.get_user_function() for function in app.get_functions()
        }
        self.called: set[str] = set()
        self.is_calling = False

    def call(self, name: str, *args: Any, **given: Any) -> Any:
        """What the function answers, or what it raises."""
        self.called.add(name)
        self.is_calling = True
        try:
            return self._call(name, *args, **given)
        finally:
            self.is_calling = False

    def _call(self, name: str, *args: Any, **given: Any) -> Any:
        # The SDK's decorator would make a client that talks to the host; tests give their own.
        function = inspect.unwrap(self.functions[name]) if name in CLIENTS else self.functions[name]
        if inspect.iscoroutinefunction(function):
            with asyncio.Runner() as runner:
                runner.get_loop().set_task_factory(lambda loop, coro, **more: _Task(coro, loop=loop, **more))
                return runner.run(_invoked(function(*args, **given)))
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(_invoked_here, function, *args, **given).result()


class Talkative:
    """A port that says something whenever it is asked, as does the library that it is made with."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def asked(*args: Any, **given: Any) -> Any:
            log("port.asked", call=name)
            logging.getLogger("azure.core.pipeline").warning("the library was asked to %s", name)
            answer = found(*args, **given)
            warn("port.answered", call=name)
            return answer

        return asked


async def _invoked(function: Coroutine[Any, Any, Any]) -> Any:
    task = asyncio.current_task()
    assert isinstance(task, _Task)
    task.invocation = "an invocation"
    return await function


def _invoked_here(function: Callable[..., Any], *args: Any, **given: Any) -> Any:
    _thread.invocation = "an invocation"
    try:
        return function(*args, **given)
    finally:
        _thread.invocation = None


def _invocation() -> object:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs in this thread
        task = None
    return getattr(task, "invocation", None) or getattr(_thread, "invocation", None)
