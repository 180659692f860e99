"""Work in threads beside the function's own: the only place where the app uses any.

Rule: nothing is logged from such a thread. The Functions host takes a log record only with the id of the invocation
that it belongs to, which the Python worker knows for the thread or the task that runs the function and for no other
(Azure/azure-functions-python-worker, issues 898 and 1860: `get_current_invocation_id` in its dispatcher). So lines are
held in the thread, and written by whoever waits for the work, in order, also when the work raises.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
Lines = list[logging.LogRecord]


class _Here(threading.local):
    """Where this thread's lines go: None in the threads that the host knows, which write them at once."""

    lines: Lines | None = None


_here = _Here()


def hold_lines_of(logger: logging.Logger) -> None:
    """From now on, what this logger writes in threads is held. Doing it twice is fine."""
    logger.addFilter(_may_pass)


def hold_lines_below(library: logging.Logger) -> None:
    """As `hold_lines_of`, for a library that writes with loggers below this one. Doing it twice is fine."""
    if not any(isinstance(handler, _Gate) for handler in library.handlers):
        library.addHandler(_Gate())
        library.propagate = False


class _Gate(logging.Handler):
    """Stands between a library's loggers and the root, because a logger's filter does not see those below it."""

    def emit(self, record: logging.LogRecord) -> None:
        if _may_pass(record):
            logging.getLogger().handle(record)


def _may_pass(record: logging.LogRecord) -> bool:
    """Whether a line is written at once; else it is held."""
    if _here.lines is not None:
        _here.lines.append(record)
    return _here.lines is None


def each(work: Callable[[T], R], items: Iterable[T], *, at_once: int) -> list[R]:
    """What `work` answers for each item, in their order; so many are worked on at a time. If it raises for one, what it
    raised is raised here: what has not begun by then does not begin, and what has is waited for."""
    items = list(items)
    if len(items) < 2:
        return [work(item) for item in items]  # mostly so, and a thread costs more than it gains
    pool, held = ThreadPoolExecutor(at_once), list[Lines]()

    def begin(item: T) -> Future[R]:
        held.append([])
        return pool.submit(_holding, held[-1], work, item)

    begun = [begin(item) for item in items]
    try:
        wait(begun, return_when=FIRST_EXCEPTION)
        pool.shutdown(cancel_futures=True)
        return [one.result() for one in begun if not one.cancelled()]
    finally:
        for lines in held:
            _write(lines)


async def aside(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What `work` answers in a thread, while the event loop goes on."""
    lines: Lines = []
    try:
        return await asyncio.to_thread(lambda: _holding(lines, work, *args, **kwargs))
    finally:
        _write(lines)


def _holding(lines: Lines, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    _here.lines = lines
    try:
        return work(*args, **kwargs)
    finally:
        _here.lines = None  # the thread may be given other work


def _write(lines: Lines) -> None:
    for record in lines:
        logging.getLogger(record.name).handle(record)
