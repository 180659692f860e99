"""What host and worker tell each other: one pickled value after the other, each behind its length, through a socket.

Nothing but plain values travels: both sides have this module, and each may have a Python and an azure-functions of its
own.

    host to worker    Setup, once; then Call, as many at a time as there are
    worker to host    Ready or Failure, once; then Outcome for each call, in any order
"""

from __future__ import annotations

import asyncio
import pickle
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from local.host.worker.registry import Function

_LENGTH = struct.Struct("!Q")
PICKLE = 4
"""Known to every Python that runs this host."""


class Datum(NamedTuple):
    """A plain value with the type that the SDK's converters go by."""

    value: Any
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a worker has to know before its first call. `lines`: how a line of the log looks."""

    app: str
    client_binding: str
    lines: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The app is loaded; these are its functions."""

    functions: tuple[Function, ...]


class Call(NamedTuple):
    """A function is to be called. `retry`: which retry this is, of how many, and what the call before it said. `read`:
    the blobs that it is given beside its trigger, by parameter; None: there is no such blob."""

    function: str
    invocation: str
    value: Datum
    metadata: Mapping[str, Datum]
    retry: tuple[int, int, str | None] = (0, 0, None)
    read: Mapping[str, Datum | None] = {}


class Answer(NamedTuple):
    """What a function returned, and what goes to storage accounts, by parameter."""

    value: Datum | None
    written: tuple[tuple[str, Datum], ...] = ()


class Failure(NamedTuple):
    """What a function raised, or what kept an app from loading. `traceback` None: `text` says all there is to know."""

    kind: str
    text: str
    traceback: str | None = None

    def error(self) -> FunctionFailed:
        """The same as an exception, under the name that it had in the worker."""
        error: FunctionFailed = type(self.kind, (FunctionFailed,), {})(self.text)
        error.traceback = self.traceback
        return error


class Outcome(NamedTuple):
    """What came of a call."""

    invocation: str
    came: Answer | Failure


class FunctionFailed(Exception):
    """A function raised something in the worker."""

    traceback: str | None = None


class Calls(Protocol):
    """What calls functions: a worker process, or (in tests and benchmarks) the app within this one."""

    @property
    def broken(self) -> str | None:
        """Why nothing can be called now, nor soon; None: calls are carried out."""
        ...

    async def call(self, call: Call, limit: float | None) -> Answer | Failure:
        """What came of it within `limit` seconds. Raises TimeoutError, WorkerDied."""
        ...


class WorkerDied(Exception):
    """The worker process ended while it was running a function."""


class Channel(asyncio.Protocol):
    """One end of the socket. Calls `receive` with each value, and `closed` when the other end has closed."""

    def __init__(self, receive: Callable[[Any], None], closed: Callable[[], None]) -> None:
        self._receive, self._closed = receive, closed
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        begin = 0
        while len(self._buffer) >= (body := begin + _LENGTH.size):
            end = body + _LENGTH.unpack_from(self._buffer, begin)[0]
            if len(self._buffer) < end:
                break
            value = pickle.loads(memoryview(self._buffer)[body:end])  # noqa: S301  # from a process of this user
            begin = end
            self._receive(value)
        if begin:
            del self._buffer[:begin]

    def connection_lost(self, _: Exception | None) -> None:
        self._closed()

    def send(self, value: object) -> None:
        """Send a value. Raises what pickle raises for one that is not plain."""
        packed = pickle.dumps(value, PICKLE)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_LENGTH.pack(len(packed)) + packed)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
