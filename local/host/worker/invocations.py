"""Which invocation is running here. The Python worker knows it for the task of an async function and the tasks that it
makes, and for the thread of a sync one; not for other threads, even if they have the task's context.

Source: Azure/azure-functions-python-worker, azure_functions_worker/dispatcher.py (`get_current_invocation_id`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_task: ContextVar[str | None] = ContextVar("invocation", default=None)


class _Thread(threading.local):
    invocation: str | None = None


_thread = _Thread()


@contextmanager
def in_task(invocation: str) -> Iterator[None]:
    """This task runs an invocation."""
    token = _task.set(invocation)
    try:
        yield
    finally:
        _task.reset(token)


@contextmanager
def in_thread(invocation: str) -> Iterator[None]:
    """This thread runs an invocation."""
    _thread.invocation = invocation
    try:
        yield
    finally:
        _thread.invocation = None


def current() -> str | None:
    """The id of the invocation, if one is known."""
    return (_task.get() if _has_a_loop() else None) or _thread.invocation


def _has_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
