"""The storage accounts behind datastores, reached as Azure ML reaches them: over the front, with somebody's token."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import BlobPrefix, BlobServiceClient, ExponentialRetry
from yarl import URL

from local.addresses import Addresses
from local.azureml.workspace.jobs import InputKind, JobFailed
from local.azureml.workspace.uris import BlobPath
from local.roles.identities import COMPUTE, Identity
from local.sas import account_sas
from local.tls import client_context
from local.tokens import STORAGE, Issuer

_AT_ONCE = 8
_TOKEN_LIFETIME = 3600.0
_WRITER = "azureml_run"
_VERSION = "2023-11-03"
_CHUNK = 256 * 1024


class AlreadyThere(JobFailed):
    """A job's output was there before. Source: Azure docs, how-to-use-batch-azure-data-factory (the words)."""

    def __init__(self, target: BlobPath) -> None:
        super().__init__(f"The output cannot be written to {target}: the path already exists.")


class _Credential:
    """Tokens for one identity."""

    def __init__(self, issuer: Issuer, identity: Identity) -> None:
        self._issuer = issuer
        self._identity = identity
        self._token = AccessToken("", 0)

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """One that is good for a while longer."""
        if self._token.expires_on < time.time() + _TOKEN_LIFETIME / 2:
            token = self._issuer.issue(STORAGE, identity=self._identity, lifetime=_TOKEN_LIFETIME)
            self._token = AccessToken(token, int(time.time() + _TOKEN_LIFETIME))
        return self._token

    async def close(self) -> None:
        """Nothing is held."""

    async def __aenter__(self) -> _Credential:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        return None


class Storage:
    """Reads and writes, as the compute unless told otherwise. Make it inside the event loop that uses it."""

    def __init__(self, addresses: Addresses, state: Path) -> None:
        self._addresses = addresses
        self._issuer = Issuer.of(state)
        # A session of our own: with connection_verify the SDK reads the CA file and connects anew for every request.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=client_context(state)),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        self._credential = _Credential(self._issuer, COMPUTE)
        self._clients: dict[str, BlobServiceClient] = {}
        self._others: dict[str, Storage] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)

    def acting_as(self, identity: Identity) -> Storage:
        """The same storage for another identity. It is closed with this one, and only so."""
        if identity.object_id not in self._others:
            other = copy.copy(self)
            other._credential = _Credential(self._issuer, identity)
            other._clients = {}
            self._others[identity.object_id] = other
        return self._others[identity.object_id]

    async def close(self) -> None:
        for storage in (self, *self._others.values()):
            for client in storage._clients.values():
                await client.close()
        await self._session.close()

    async def ensure_container(self, account: str, container: str) -> None:
        with contextlib.suppress(ResourceExistsError):
            await self._account(account).create_container(container)

    async def list_input(self, source: BlobPath, kind: InputKind) -> list[BlobPath]:
        """The file itself, or the top-level files of the folder: nested folders are not explored.

        Source: Azure docs, how-to-use-batch-azure-data-factory. Raises JobFailed when there is nothing to score.
        """
        is_file = kind is not InputKind.FOLDER and bool(source.path) and await self._exists(source)
        found = [source] if is_file else []
        if not is_file and kind is not InputKind.FILE:
            found = await self._top_level(source)
        if not found:
            raise JobFailed(
                f"Dataset initialization failed: UserErrorException: Can't mount Dataset({source}): there is no file.",
                "ScriptExecutionException",
            )
        return found

    async def _top_level(self, folder: BlobPath) -> list[BlobPath]:
        prefix = f"{folder.path}/" if folder.path else ""
        container = self._account(folder.account).get_container_client(folder.container)
        items = container.walk_blobs(name_starts_with=prefix, include=["metadata"], delimiter="/")
        with _reading(folder):
            names = [item.name async for item in items if _is_file(item, prefix)]
        return [BlobPath(folder.account, folder.container, name) for name in names]

    async def tree(self, folder: BlobPath) -> list[BlobPath]:
        """The blob itself, or every file below the folder at any depth. Raises JobFailed."""
        if folder.path and await self._exists(folder):
            return [folder]
        prefix = f"{folder.path}/" if folder.path else ""
        container = self._account(folder.account).get_container_client(folder.container)
        with _reading(folder):
            items = container.list_blobs(name_starts_with=prefix, include=["metadata"])
            names = [item.name async for item in items if _is_file(item, prefix)]
        return [BlobPath(folder.account, folder.container, name) for name in names]

    async def download_tree(self, source: BlobPath, target: Path) -> Path:
        """The blob as the file `target`, or the folder with all that is below it. Raises JobFailed."""
        return await self.download_found(await self.tree(source), source, target)

    async def download_found(self, found: Sequence[BlobPath], source: BlobPath, target: Path) -> Path:
        """What `tree` has found at `source`, as the file or folder `target`. Raises JobFailed."""
        if not found:
            raise JobFailed(f"There is nothing at {source}.", "ScriptExecutionException")

        async def one(blob: BlobPath) -> None:
            file = file_below(target, blob.path[len(source.path) :].lstrip("/")) if blob != source else target
            file.parent.mkdir(parents=True, exist_ok=True)
            await self._fetch(blob, file)

        await asyncio.gather(*(one(blob) for blob in found))
        return target

    async def is_taken(self, target: BlobPath) -> bool:
        """Whether something is where an output is to go. Raises JobFailed."""
        with _writing(target):
            return bool(await self._blob(target).exists())

    async def _exists(self, source: BlobPath) -> bool:
        with _reading(source):
            return bool(await self._blob(source).exists())

    async def download(self, sources: Sequence[BlobPath], folder: Path) -> list[Path]:
        """The files in `folder`, in the order of `sources`, under their own names."""

        async def one(source: BlobPath) -> Path:
            target = file_below(folder, source.path.rpartition("/")[2])
            await self._fetch(source, target)
            return target

        return list(await asyncio.gather(*(one(source) for source in sources)))

    async def _fetch(self, source: BlobPath, target: Path) -> None:
        async with self._gate:
            if await self._fetched_plainly(source, target):
                return
            with target.open("wb") as file, _reading(source):
                stream = await self._blob(source).download_blob()
                await stream.readinto(file)

    async def _fetched_plainly(self, source: BlobPath, target: Path) -> bool:
        """Whether one plain request was enough; when not, the SDK tries again and says what is wrong.

        For many small files the SDK's own work on each of them would take several times as long as all the rest.
        """
        token = await self._credential.get_token()
        headers = {"Authorization": f"Bearer {token.token}", "x-ms-version": _VERSION}
        url = URL(
            f"{self._addresses.account_url(source.account)}/{source.container}/{quote(source.path)}", encoded=True
        )
        try:
            async with self._session.get(url, headers=headers) as answer:
                if answer.status != 200:
                    return False
                with target.open("wb") as file:
                    async for chunk in answer.content.iter_chunked(_CHUNK):
                        file.write(chunk)
        except (aiohttp.ClientError, TimeoutError):
            return False
        return True

    async def create(self, file: Path, target: BlobPath, writer: str) -> None:
        """Write `file` where nothing is yet. Raises AlreadyThere.

        What this `writer` has written before counts as written now: the answer to that may have been lost, or this
        process may have ended before it came.
        """
        blob = self._blob(target)
        try:
            with file.open("rb") as stream, _writing(target):
                await blob.upload_blob(stream, overwrite=False, metadata={_WRITER: writer})
        except ResourceExistsError:
            if (await blob.get_blob_properties()).metadata.get(_WRITER) != writer:
                raise AlreadyThere(target) from None

    async def put(self, file: Path, target: BlobPath) -> None:
        """Write `file`, whatever was there."""
        async with self._gate:
            with file.open("rb") as stream:
                await self._blob(target).upload_blob(stream, overwrite=True)

    def url(self, path: BlobPath) -> str:
        """Where clients find a blob or container; the account is in the path."""
        return f"{self._addresses.account_url(path.account)}/{path.container}{'/' if path.path else ''}{path.path}"

    def signature(self, account: str, lifetime: timedelta, *, write: bool = True) -> str:
        """A SAS of the account, without the question mark."""
        permissions = "rwdlacu" if write else "rl"
        return account_sas(account, service="b", permissions=permissions, expires=datetime.now(UTC) + lifetime)

    def _account(self, account: str) -> BlobServiceClient:
        if account not in self._clients:
            self._clients[account] = BlobServiceClient(
                self._addresses.account_url(account),
                credential=self._credential,
                transport=AioHttpTransport(session=self._session, session_owner=False),
                # The default waits 15 s before it tries again, which is long for a front that is being restarted.
                retry_policy=ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=5),
            )
        return self._clients[account]

    def _blob(self, path: BlobPath) -> Any:
        return self._account(path.account).get_blob_client(path.container, path.path)


def file_below(folder: Path, name: str) -> Path:
    """The file of that relative name in a folder. Raises JobFailed for one that could be anywhere else."""
    if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise JobFailed(f"{name!r} is no name of a file, so the data cannot be mounted.", "ScriptExecutionException")
    return folder / name


@contextlib.contextmanager
def _reading(source: BlobPath) -> Iterator[None]:
    """What storage refuses, as a job reports it. Source: Azure docs, how-to-troubleshoot-batch-endpoints."""
    try:
        yield
    except HttpResponseError as error:
        reason = f"{source}: {getattr(error, 'error_code', None) or error.reason}"
        words = f"ScriptExecutionException was caused by StreamAccessException: {reason}."
        if error.status_code == 403:
            words = (
                "ScriptExecutionException was caused by StreamAccessException. StreamAccessException was caused by "
                f"AuthenticationException. {reason}."
            )
        raise JobFailed(words, "ScriptExecutionException") from error


@contextlib.contextmanager
def _writing(target: BlobPath) -> Iterator[None]:
    """An output that may not be written, as a job reports it. Source: a recording, azureml-examples issue 2994."""
    try:
        yield
    except HttpResponseError as error:
        if error.status_code != 403:
            raise
        reason = f"{target}: {getattr(error, 'error_code', None) or error.reason}"
        raise JobFailed(
            "ScriptExecution.WriteStreams.Authentication: Authentication failed when trying to access destination. "
            f"Make sure you have correct permissions set up. {reason}.",
            "ScriptExecutionException",
        ) from error


def _is_file(item: BlobProperties | BlobPrefix, prefix: str) -> bool:
    """Whether a listed item is a file of the folder; Data Lake accounts list folders as blobs too."""
    if isinstance(item, BlobPrefix) or (item.metadata and item.metadata.get("hdi_isfolder") == "true"):
        return False
    # Azure allows the last two as names; the file system that the script sees does not.
    return item.name.removeprefix(prefix) not in ("", ".", "..")
