"""Output bindings: what functions set or return goes to blobs and queues, after the function has succeeded.

Source: Azure docs, functions-bindings-storage-blob-output and functions-bindings-storage-queue-output. Container and
queue are created when they are not there, as the storage extension does.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from local.clock import Clock
from local.host.accounts import Account, account_of, credential_of
from local.host.expressions import expand
from local.host.worker.registry import Function
from local.host.worker.wire import Datum

Binding = Mapping[str, Any]


class Outputs:
    """Writes to the storage accounts of one app. Clients are made on first use and kept until `stack` closes."""

    def __init__(
        self, stack: AsyncExitStack, environment: Mapping[str, str], clock: Clock, *, encoded: bool = True
    ) -> None:
        """`encoded`: whether queue messages are Base64 (host.json `extensions.queues.messageEncoding`)."""
        self._stack, self._environment, self._clock, self._encoded = stack, environment, clock, encoded
        self._services: dict[tuple[str, Account], Any] = {}

    def check(self, function: Function) -> None:
        """Raises SettingsError if an output of `function` has no storage account."""
        for binding in function.written.values():
            self._account(function, binding)

    async def write(self, function: Function, parameter: str, value: Datum, data: Mapping[str, Any]) -> None:
        """Write one output. Raises Unresolved, SettingsError, AzureError."""
        binding = function.written[parameter]
        service = await self._service(str(binding["type"]), self._account(function, binding))
        now, guid = self._clock.now(), str(uuid.uuid4())
        if binding["type"] == "blob":
            path = expand(str(binding.get("path")), data, self._environment, now=now, guid=guid)
            await _upload(service, path, value)
            return
        name = expand(str(binding.get("queueName")), data, self._environment, now=now, guid=guid)
        await self._send(service.get_queue_client(name), messages_of(value))

    def _account(self, function: Function, binding: Binding) -> Account:
        return account_of(function.name, str(binding["type"]), binding.get("connection"), self._environment)

    async def _service(self, kind: str, account: Account) -> Any:
        known = self._services.get((kind, account))
        if known is None:
            known = self._services[kind, account] = await self._stack.enter_async_context(
                _connect(self._stack, kind, account)
            )
        return known

    async def _send(self, queue: Any, messages: Sequence[str | bytes]) -> None:
        for message in messages:
            raw = message.encode() if isinstance(message, str) else message
            text = base64.b64encode(raw).decode() if self._encoded else raw.decode()
            try:
                await queue.send_message(text)
            except ResourceNotFoundError:
                with suppress(ResourceExistsError):
                    await queue.create_queue()
                await queue.send_message(text)


def messages_of(value: Datum) -> list[str | bytes]:
    """One message for a text, bytes or an object, one for each item of a list."""
    if value.type != "json":
        return [value.value]
    parsed = json.loads(value.value)
    items = parsed if isinstance(parsed, list) else [parsed]
    return [item if isinstance(item, str) else json.dumps(item) for item in items]


def _connect(stack: AsyncExitStack, kind: str, account: Account) -> Any:
    if kind == "blob":
        from azure.storage.blob.aio import BlobServiceClient as Service
    else:
        from azure.storage.queue.aio import QueueServiceClient as Service  # type: ignore[assignment]  # chosen by kind
    if account.connection_string:
        return Service.from_connection_string(account.connection_string)
    return Service(account.service_url, credential=credential_of(stack, account))


async def _upload(service: Any, path: str, value: Datum) -> None:
    container, _, name = path.strip("/").partition("/")
    blob = service.get_blob_client(container, name)
    try:
        await blob.upload_blob(value.value, overwrite=True)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):
            await service.create_container(container)
        await blob.upload_blob(value.value, overwrite=True)
