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
from local.host.accounts import Account, Services, account_of
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
        self._environment, self._clock, self._encoded = environment, clock, encoded
        self._services = Services(stack)

    def check(self, function: Function) -> None:
        """Raises SettingsError if an output of `function` has no storage account."""
        for binding in function.written.values():
            self._account(function, binding)

    async def write(self, function: Function, parameter: str, value: Datum, data: Mapping[str, Any]) -> None:
        """Write one output. Raises Unresolved, SettingsError, AzureError."""
        binding = function.written[parameter]
        service = self._services.get(str(binding["type"]), self._account(function, binding))
        now, guid = self._clock.now(), str(uuid.uuid4())
        if binding["type"] == "blob":
            path = expand(str(binding.get("path")), data, self._environment, now=now, guid=guid)
            await _upload(service, path, value)
            return
        name = expand(str(binding.get("queueName")), data, self._environment, now=now, guid=guid)
        await self._send(service.get_queue_client(name), messages_of(value))

    def _account(self, function: Function, binding: Binding) -> Account:
        return account_of(function.name, str(binding["type"]), binding.get("connection"), self._environment)

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


async def _upload(service: Any, path: str, value: Datum) -> None:
    container, _, name = path.strip("/").partition("/")
    blob = service.get_blob_client(container, name)
    try:
        await blob.upload_blob(value.value, overwrite=True)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):
            await service.create_container(container)
        await blob.upload_blob(value.value, overwrite=True)
