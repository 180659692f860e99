"""Blob triggers: looks for blobs that are new or have changed, and runs their functions.

A change is written down (blob_work.py) before its function is called, and until the function has succeeded: at least
once, whenever the host is killed. After its fifth failure it becomes a message in `webjobs-blobtrigger-poison`. Waiting
is in real time, as for queues.
Source: Azure docs, functions-bindings-storage-blob-trigger and functions-bindings-storage-blob (host.json
`extensions.blobs`); Azure/azure-sdk-for-net, BlobTriggerBinding.cs, BlobQueueTriggerExecutor.cs and
SharedBlobQueueListenerFactory.cs (what a function is told, what is passed over, which account has the poison queue).
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError

from local.host.accounts import DEFAULT, Account, Services, account_of
from local.host.settings import HostJson, SettingsError, resolve
from local.host.triggers.blob_paths import BlobPath, blob_path
from local.host.triggers.blob_work import BlobWork, Change, Work
from local.host.worker.invoking import Invoker, tell_failure
from local.host.worker.registry import Function
from local.host.worker.wire import Datum

log = logging.getLogger("Host.Triggers.Blob")

POISON = "webjobs-blobtrigger-poison"
QUICKEST = 0.1
RETRY = 2.0
_KINDS = {"BlockBlob": 0, "PageBlob": 1, "AppendBlob": 2}
"""Types of blobs, with the numbers that .NET gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`extensions.blobs` of host.json; `slowest`: longest pause between looks at a container, in seconds."""

    at_once: int = 8
    attempts: int = 5
    encoded: bool = True
    slowest: float = 1.0

    @classmethod
    def of(cls, host: HostJson, slowest: float, *, encoded: bool) -> Options:
        """`encoded`: whether queue messages are Base64, the poison message too."""
        at_once = host.get("extensions", "blobs", "maxDegreeOfParallelism", default=8 * (os.cpu_count() or 1))
        attempts = host.get("extensions", "blobs", "poisonBlobThreshold", default=5)
        return cls(at_once=int(at_once), attempts=int(attempts), encoded=encoded, slowest=slowest)


@dataclass(frozen=True, slots=True)
class _Fetched:
    path: str
    name: str
    url: str
    body: bytes
    properties: Any

    @property
    def etag(self) -> str:
        return str(self.properties.etag).strip('"')


def is_told_by_events(function: Function) -> bool:
    """Whether Event Grid tells of blobs (`source=EventGrid`); else the container is looked at."""
    return str(function.trigger.get("source") or "").lower() == "eventgrid"


class BlobTriggers:
    """The blob triggers of one app."""

    def __init__(
        self,
        functions: Iterable[Function],
        work: BlobWork,
        invoker: Invoker,
        options: Options,
        environment: Mapping[str, str],
    ) -> None:
        """Raises BadBlobPath, SettingsError."""
        self.functions = {function.name: function for function in functions}
        self._paths = {
            name: blob_path(name, resolve(str(function.trigger.get("path")), environment))
            for name, function in self.functions.items()
        }
        self._work, self._invoker, self._options, self._environment = work, invoker, options, environment
        self._accounts = {name: self._account(function, "blob") for name, function in self.functions.items()}
        self._stack = AsyncExitStack()
        # No retries below: who waits here says so in the log long before the client would.
        self._services = Services(self._stack, retry_total=0)
        self._room = asyncio.Semaphore(options.at_once)
        self._tasks: set[asyncio.Task[None]] = set()

    def go(self) -> None:
        """Go on with what was not done, and begin to look for more."""
        for work in self._work.pending():
            self._begin(work)
        for function in self.functions.values():
            if not is_told_by_events(function):
                self._spawn(self._look_for_ever(function))

    async def close(self) -> None:
        """End; what is not done is done after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    def told(self, changes: Iterable[Change]) -> None:
        """Take changes that Event Grid has told of. They survive from here on."""
        for work in self._work.add(changes, receipts=False):
            self._begin(work)

    def _begin(self, work: Work) -> None:
        self._spawn(self._do(work))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_logged(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_for_ever(self, function: Function) -> None:
        path, pause, broken = self._paths[function.name], QUICKEST, False
        known = self._work.receipts(function.name, path.container)
        while True:
            try:
                count = await self._look(function, path, known)
            except AzureError as error:
                if not broken:
                    said = "The listener for function '%s' cannot list container '%s', and keeps trying: %s"
                    log.error(said, function.name, path.container, str(error).splitlines()[0])
                broken = True
                await asyncio.sleep(RETRY)
                continue
            if broken:
                log.info("The listener for function '%s' can list its container again.", function.name)
            broken = False
            pause = QUICKEST if count else min(pause * 2, self._options.slowest)
            await asyncio.sleep(pause)

    async def _look(self, function: Function, path: BlobPath, known: dict[str, str]) -> int:
        """Take in what is not `known`; how many that were."""
        service = self._services.get("blob", self._accounts[function.name])
        changes: list[Change] = []
        try:
            async for blob in service.get_container_client(path.container).list_blobs(name_starts_with=path.literal):
                etag = str(blob.etag).strip('"')
                if known.get(blob.name) != etag and path.match(blob.name) is not None:
                    changes.append(_change(function.name, path.container, blob.name, etag, blob.blob_type))
        except ResourceNotFoundError:
            return 0  # a container that is not there yet has no blobs
        for work in self._work.add(changes, receipts=True):
            known[work.change.blob] = work.change.etag
            self._begin(work)
        return len(changes)

    async def _do(self, work: Work) -> None:
        """Call the function until it succeeds, or has failed too often."""
        function = self.functions.get(work.change.function)
        if function is None:
            said = "Nobody is there for blob '%s': the app has no blob trigger named '%s'."
            log.warning(said, work.change.path, work.change.function)
            self._work.done(work)
            return
        async with self._room:
            while work.begun < self._options.attempts:
                found = await self._patiently(function, "read", self._fetch, work.change)
                if found is None or (found.etag != work.change.etag and not is_told_by_events(function)):
                    break  # it is gone, or has changed and is found again for that
                work = self._work.begin(work)
                try:
                    await self._call(function, found)
                except Exception as error:
                    tell_failure(log, function.name, error)
                else:
                    break
            else:
                said = "Blob '%s' has failed %d times. Adding a message for it to queue '%s'."
                log.warning(said, work.change.path, work.begun, POISON)
                await self._patiently(function, "moved", self._poison, work.change)
            self._work.done(work)

    async def _patiently(self, function: Function, verb: str, action: Any, change: Change) -> Any:
        """What storage cannot do now, it can do later; the function has not failed for that."""
        broken = False
        while True:
            try:
                return await action(function, change)
            except AzureError as error:
                if not broken:
                    said = "Blob '%s' cannot be %s for function '%s'; trying again: %s"
                    log.error(said, change.path, verb, function.name, str(error).splitlines()[0])
                broken = True
                await asyncio.sleep(RETRY)

    async def _fetch(self, function: Function, change: Change) -> _Fetched | None:
        """The blob as it is now; None: it is gone."""
        service = self._services.get("blob", self._accounts[function.name])
        blob = service.get_blob_client(change.container, change.blob)
        try:
            download = await blob.download_blob()
            return _Fetched(change.path, change.blob, blob.url, await download.readall(), download.properties)
        except ResourceNotFoundError:
            return None

    async def by_hand(self, function: Function, path: str) -> None:
        """Run the function for the blob of that path, whatever its trigger says of it. Raises what it raises."""
        container, _, name = path.strip("/").partition("/")
        found = await self._fetch(function, _change(function.name, container, name, "", ""))
        if found is None:
            raise FileNotFoundError(f"There is no blob '{path}' in the storage account of '{function.name}'.")
        await self._call(function, found)

    async def _call(self, function: Function, blob: _Fetched) -> None:
        named = self._paths[function.name].match(blob.name) or {}
        told, metadata_of = _properties(blob.properties), blob.properties.metadata or {}
        data = {"BlobTrigger": blob.path, "Uri": blob.url, "Properties": told, "Metadata": metadata_of, **named}
        metadata = {
            name: Datum(value, "string") if name in named or name == "BlobTrigger" else Datum(json.dumps(value), "json")
            for name, value in data.items()
        }
        await self._invoker.invoke(
            function,
            Datum(blob.body, "bytes"),
            metadata=metadata,
            data=data,
            reason=f"New blob detected: {blob.path}",
        )

    async def _poison(self, function: Function, change: Change) -> None:
        service = self._services.get("queue", self._account(function, "queue", fallback=True))
        text = change.message()
        queue = service.get_queue_client(POISON)
        with suppress(ResourceExistsError):
            await queue.create_queue()
        await queue.send_message(base64.b64encode(text.encode()).decode() if self._options.encoded else text)

    def _account(self, function: Function, service: str, *, fallback: bool = False) -> Account:
        """With `fallback` the host's own account stands in for one that has no such service."""
        connection = function.trigger.get("connection")
        try:
            return account_of(function.name, service, connection, self._environment)
        except SettingsError:
            if not fallback:
                raise
            return account_of(function.name, service, DEFAULT, self._environment)


async def _logged(coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        await coroutine
    except Exception:
        log.exception("A blob trigger has stopped working; what it had to do is done after the next start.")


def _change(function: str, container: str, blob: str, etag: str, kind: Any) -> Change:
    return Change(function=function, container=container, blob=blob, etag=etag, kind=str(getattr(kind, "value", kind)))


def _properties(found: Any) -> dict[str, Any]:
    """What .NET's BlobProperties say, as far as storage says it."""
    settings, made = found.content_settings, found.creation_time
    return {
        "LastModified": found.last_modified.isoformat(),
        "CreatedOn": made.isoformat() if made else None,
        "BlobType": _KINDS.get(str(getattr(found.blob_type, "value", found.blob_type)), 0),
        "ContentLength": found.size,
        "ContentType": settings.content_type,
        "ContentEncoding": settings.content_encoding,
        "ContentLanguage": settings.content_language,
        "ContentDisposition": settings.content_disposition,
        "CacheControl": settings.cache_control,
        "ETag": found.etag,
    }
