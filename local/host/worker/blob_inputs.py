"""Blob input bindings: what functions find in their parameters when they are called.

Source: Azure docs, functions-bindings-storage-blob-input (a path with expressions, `dataType`); azure-functions,
azure/functions/blob.py. A blob that is not there is None, as the storage extension binds it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from local.clock import Clock
from local.host.accounts import Account, Services, account_of
from local.host.expressions import expand
from local.host.worker.registry import Function
from local.host.worker.wire import Datum

Binding = Mapping[str, Any]


class BlobInputs:
    """Reads from the storage accounts of one app. Clients are made on first use and kept until `stack` closes."""

    def __init__(self, stack: AsyncExitStack, environment: Mapping[str, str], clock: Clock) -> None:
        self._environment, self._clock = environment, clock
        self._services = Services(stack)

    def check(self, function: Function) -> None:
        """Raises SettingsError if a blob input of `function` has no storage account."""
        for binding in function.read.values():
            self._account(function, binding)

    async def read(self, function: Function, data: Mapping[str, Any]) -> dict[str, Datum | None]:
        """All blob inputs of a call; None: there is no such blob. Raises Unresolved, SettingsError, AzureError."""
        return {name: await self._one(function, binding, data) for name, binding in function.read.items()}

    async def _one(self, function: Function, binding: Binding, data: Mapping[str, Any]) -> Datum | None:
        template, now, guid = str(binding.get("path")), self._clock.now(), str(uuid.uuid4())
        path = expand(template, data, self._environment, now=now, guid=guid)
        container, _, name = path.strip("/").partition("/")
        service = self._services.get("blob", self._account(function, binding))
        try:
            download = await service.get_blob_client(container, name).download_blob()
            return Datum(await download.readall(), "bytes")
        except ResourceNotFoundError:
            return None

    def _account(self, function: Function, binding: Binding) -> Account:
        return account_of(function.name, "blob", binding.get("connection"), self._environment)
