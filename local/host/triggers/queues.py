"""Storage queue triggers.

A message is hidden while its function runs, deleted when it succeeds, shown again when it fails, and moved to
`<queue>-poison` after its fifth failure. Waiting is in real time, because so is the hiding by the queue service.
Source: Azure docs, functions-bindings-storage-queue-trigger and host.json `extensions.queues`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceExistsError

from local.host.accounts import account_of, credential_of
from local.host.expressions import binding_data
from local.host.settings import HostJson, SettingsError, resolve
from local.host.worker.invoking import Invoker, tell_failure
from local.host.worker.registry import Function
from local.host.worker.wire import Datum

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient

log = logging.getLogger("Host.Triggers.Queue")

HIDDEN = 60
"""Seconds that a message stays hidden unless that is renewed. Azure hides for ten minutes; here a killed host should
not keep anybody waiting for that long."""
_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?")
GONE = frozenset({"MessageNotFound", "PopReceiptMismatch", "QueueNotFound", "QueueBeingDeleted", "QueueDisabled"})
"""What the service says of a message that somebody else has deleted or taken, the function itself perhaps. Source:
azure-sdk-for-net, QueueListener and QueueProcessor."""
QUICKEST = 0.1
RETRY = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`extensions.queues` of host.json; `slowest`: longest pause between looks at an empty queue, `hidden`: time until
    a message is shown again whose function has failed, both in seconds."""

    batch: int = 16
    hidden: int = 0
    attempts: int = 5
    encoded: bool = True
    slowest: float = 1.0

    @classmethod
    def of(cls, host: HostJson, slowest: float) -> Options:
        encoding = str(host.get("extensions", "queues", "messageEncoding", default="base64"))
        return cls(
            batch=int(host.get("extensions", "queues", "batchSize", default=16)),
            hidden=_seconds(host.get("extensions", "queues", "visibilityTimeout", default="00:00:00")),
            attempts=int(host.get("extensions", "queues", "maxDequeueCount", default=5)),
            encoded=encoding.lower() != "none",
            slowest=slowest,
        )


def _seconds(span: object) -> int:
    found = _TIMESPAN.fullmatch(str(span).strip())
    if found is None:
        raise SettingsError(f"host.json's extensions.queues.visibilityTimeout is no time span (hh:mm:ss): {span}.")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def connect(stack: AsyncExitStack, function: Function, environment: Mapping[str, str], suffix: str = "") -> QueueClient:
    """A client for the queue of `function`. Raises SettingsError for a connection that is not configured."""
    from azure.storage.queue.aio import QueueClient  # slow to import, and many apps have no such trigger

    queue = resolve(str(function.trigger.get("queueName")), environment) + suffix
    account = account_of(function.name, "queue", function.trigger.get("connection"), environment)
    # No retries below: the listener itself tries again, and says so in the log long before the client would.
    if account.connection_string:
        return QueueClient.from_connection_string(account.connection_string, queue, retry_total=0)
    return QueueClient(account.service_url, queue, credential=credential_of(stack, account), retry_total=0)


async def listen(function: Function, invoker: Invoker, options: Options, environment: Mapping[str, str]) -> None:
    """Run the function for every message, until cancelled. Trouble with one queue is logged once and retried."""
    async with AsyncExitStack() as stack:
        try:
            queue = await stack.enter_async_context(connect(stack, function, environment))
            poison = await stack.enter_async_context(connect(stack, function, environment, "-poison"))
        except (SettingsError, ValueError) as error:
            log.error("The listener for function '%s' was unable to start: %s", function.name, error)
            return
        await _Listener(function, invoker, options, queue, poison).run()


class _Listener:
    def __init__(
        self, function: Function, invoker: Invoker, options: Options, queue: QueueClient, poison: QueueClient
    ) -> None:
        self._function, self._invoker, self._options = function, invoker, options
        self._queue, self._poison = queue, poison

    async def run(self) -> None:
        pause, broken = QUICKEST, False
        while True:
            try:
                count = await self._batch()
            except AzureError as error:
                if not broken:
                    log.error(
                        "The listener for function '%s' cannot read queue '%s', and keeps trying: %s",
                        self._function.name,
                        self._queue.queue_name,
                        str(error).splitlines()[0],
                    )
                broken = True
                await asyncio.sleep(RETRY)
                continue
            if broken:
                log.info("The listener for function '%s' can read its queue again.", self._function.name)
            broken = False
            pause = QUICKEST if count else min(pause * 2, self._options.slowest)
            if not count:
                await asyncio.sleep(pause)

    async def _batch(self) -> int:
        try:
            pages = self._queue.receive_messages(
                max_messages=self._options.batch, visibility_timeout=HIDDEN, messages_per_page=self._options.batch
            )
            messages = [message async for message in pages]
        except AzureError as error:
            if getattr(error, "error_code", None) != "QueueNotFound":
                raise
            await _create(self._queue)
            return 0
        await asyncio.gather(*(self._process(message) for message in messages))
        return len(messages)

    async def _process(self, message: Any) -> None:
        renewal = asyncio.create_task(self._keep_hidden(message))
        try:
            body = _decoded(message.content) if self._options.encoded else str(message.content)
            value, metadata = _datum(body), _metadata(message)
            data = binding_data({name: datum.value for name, datum in metadata.items()}, value.value)
            await self._invoker.invoke(
                self._function,
                value,
                metadata=metadata,
                data=data | {"queueTrigger": value.value},
                reason=f"New queue message detected on '{self._queue.queue_name}'.",
            )
        except asyncio.CancelledError:
            # The host stops: whoever listens next need not wait until the message shows itself again.
            with suppress(AzureError):
                await self._queue.update_message(message, visibility_timeout=0)
            raise
        except _NotEncoded:
            log.error("A message on '%s' is not Base64; moving it to the poison queue.", self._queue.queue_name)
            renewal.cancel()
            await self._move(message)
            return
        except Exception as error:
            tell_failure(log, self._function.name, error)
            renewal.cancel()
            await self._failed(message)
            return
        finally:
            renewal.cancel()
        with _unless_gone():
            await self._queue.delete_message(message)

    async def _failed(self, message: Any) -> None:
        if message.dequeue_count >= self._options.attempts:
            log.warning(
                "Message has reached MaxDequeueCount of %d. Moving message to queue '%s'.",
                self._options.attempts,
                self._poison.queue_name,
            )
            await self._move(message)
        else:
            with _unless_gone():
                await self._queue.update_message(message, visibility_timeout=self._options.hidden)

    async def _move(self, message: Any) -> None:
        """First there, then away from here: a crash between the two leaves it twice rather than nowhere.

        One that cannot be moved is seen again once it is no longer hidden.
        """
        try:
            await _create(self._poison)
            await self._poison.send_message(message.content)
        except AzureError as error:
            name = self._poison.queue_name
            log.error("A message cannot be moved to queue '%s': %s", name, str(error).splitlines()[0])
        else:
            with _unless_gone():
                await self._queue.delete_message(message)

    async def _keep_hidden(self, message: Any) -> None:
        while True:
            await asyncio.sleep(HIDDEN / 2)
            with suppress(AzureError):
                renewed = await self._queue.update_message(message, visibility_timeout=HIDDEN)
                message.pop_receipt = renewed.pop_receipt


@contextmanager
def _unless_gone() -> Iterator[None]:
    try:
        yield
    except AzureError as error:
        if getattr(error, "error_code", None) not in GONE:
            raise


class _NotEncoded(Exception):
    """A message was not Base64, though host.json says that messages are."""


async def _create(queue: QueueClient) -> None:
    with suppress(ResourceExistsError):
        await queue.create_queue()


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _NotEncoded from error


def _datum(body: bytes | str) -> Datum:
    try:
        return Datum(body if isinstance(body, str) else body.decode("utf-8"), "string")
    except UnicodeDecodeError:
        return Datum(body, "bytes")


def _metadata(message: Any) -> dict[str, Datum]:
    times = {
        "ExpirationTime": message.expires_on,
        "InsertionTime": message.inserted_on,
        "NextVisibleTime": message.next_visible_on,
    }
    return {
        "Id": Datum(message.id, "string"),
        "DequeueCount": Datum(message.dequeue_count, "int"),
        "PopReceipt": Datum(message.pop_receipt, "string"),
        **{name: Datum(json.dumps(value.isoformat()), "json") for name, value in times.items() if value},
    }
