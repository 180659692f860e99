"""Blob storage with azure-storage-blob: by token, over pooled connections; copies are made inside the service, or
streamed through this app where the service cannot read their source."""

from __future__ import annotations

import base64
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from itertools import islice
from typing import IO, Any

import requests
from azure.core import MatchConditions
from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import (
    BlobBlock,
    BlobClient,
    BlobProperties,
    BlobServiceClient,
)

from shared.adapters.copies import Connections, Copies
from shared.adapters.credentials import STORAGE
from shared.adapters.hierarchy import Hierarchies
from shared.adapters.listing import CONNECTION_TIMEOUT, READ_TIMEOUT, RETRIES, Lists, marks_folder
from shared.adapters.messages import told_by
from shared.adapters.streaming import (
    Walls,
    commit_like,
    is_out_of_reach,
    properties_of,
    stream,
    tells_of_source,
    wrong_md5,
)
from shared.core.location import Container, Location, require_safe
from shared.core.snapshot import File
from shared.errors import Denied, Unavailable
from shared.ports import Copied, Listing, Page, Stored
from shared.spool import spooled
from shared.telemetry import warn
from shared.threads import each

ONE_REQUEST = 256 * 1024 * 1024
"""Bytes that Put Blob From URL takes with every service version. Source: Azure docs, put-blob-from-url."""
BLOCK = 100 * 1024 * 1024
"""Bytes of one block of a larger copy. A blob is copied within one activity, so `functionTimeout` limits its size."""
BLOCKS_AT_ONCE = 8
STREAMED_BLOCK = 8 * 1024 * 1024
"""Bytes of one block of a copy that goes through this app."""
MOST_BLOCKS_IN_MEMORY = 8
"""Of all such copies of the process together."""
CONNECTIONS = 32
READER, CONTRIBUTOR = "Storage Blob Data Reader", "Storage Blob Data Contributor"


class AzureBlobs:
    """The `Blobs` port. Safe for use from several threads. Sizes in bytes: up to `one_request` a blob is copied in
    one request, a larger one in blocks of `block`; one that has to be streamed, in blocks of `streamed_block`."""

    def __init__(
        self,
        credential: TokenCredential,
        *,
        one_request: int = ONE_REQUEST,
        block: int = BLOCK,
        streamed_block: int = STREAMED_BLOCK,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credential = credential
        self._one_request = one_request
        self._block = block
        self._streamed_block = streamed_block
        self._room = threading.BoundedSemaphore(MOST_BLOCKS_IN_MEMORY)
        self._walls = Walls(monotonic)
        self._session = requests.Session()
        connections = Connections(CONNECTIONS)
        self._session.mount("https://", connections)
        self._transport = RequestsTransport(session=self._session, session_owner=False)
        self._service = lru_cache(maxsize=16)(self._connect)
        self._copies = Copies(self._session, connections, self._bearer)
        self._lists = Lists(credential, self._transport)
        self._hierarchies = Hierarchies(self._session, credential)

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def is_hierarchical(self, container: Container) -> bool:
        return self._hierarchies.has(container)

    def list_folder(self, folder: Location, *, most: int | None = None) -> Listing:
        seen, folders = list[datetime](), list[str]()

        def listed() -> Iterator[File]:
            for page in self._lists.pages(folder.container, _below(folder.path), delimiter="/"):
                seen.append(page.seen_at)
                folders.extend(page.folders[:1])
                yield from page.files

        with _mapped(f"list {folder.url}", READER, folder.container):
            files = spooled(islice(listed(), most and most + 1))
        return Listing(files, min(seen), has_folders=bool(folders), is_cut=most is not None and len(files) > most)

    def list_file(self, blob: Location) -> Listing:
        dates = _Dates()
        with _mapped(f"read the properties of {blob.url}", READER, blob.container):
            try:
                found = self._blob(blob).get_blob_properties(raw_response_hook=dates.note)
            except ResourceNotFoundError as error:
                if _code(error) == "ContainerNotFound":
                    raise
                return Listing((), dates.first)
        return Listing(() if _is_folder(found) else (_file(found, _below(blob.parent.path)),), dates.first)

    def list_below(self, folder: Location) -> Iterable[File]:
        with _mapped(f"list {folder.url}", READER, folder.container):
            for page in self._lists.pages(folder.container, _below(folder.path)):
                yield from page.files

    def pages(self, container: Container, prefix: str, *, at: str | None = None) -> Iterable[Page]:
        with _mapped(f"list {container.url}/{prefix}", READER, container):
            try:
                yield from self._pages(container, prefix, at)
            except HttpResponseError as error:
                if at is None or error.status_code != 400:
                    raise
                yield from self._pages(container, prefix, None)

    def _pages(self, container: Container, prefix: str, at: str | None) -> Iterator[Page]:
        for page in self._lists.pages(container, prefix, marker=at, are_whole=True):
            yield Page(tuple(page.files), page.marker, page.next)

    def names(self, container: Container, prefix: str, *, folders: bool = False) -> Iterable[str]:
        with _mapped(f"list {container.url}/{prefix}", READER, container):
            if folders:
                for page in self._lists.pages(container, prefix, delimiter="/"):
                    yield from page.folders
            else:
                for page in self._lists.pages(container, prefix, are_whole=True):
                    yield from (file.name for file in page.files)

    def stat(self, blob: Location) -> File | None:
        with _mapped(f"read the properties of {blob.url}", READER, blob.container):
            try:
                found = self._blob(blob).get_blob_properties()
            except ResourceNotFoundError:
                return None
            return None if _is_folder(found) else _file(found, "")

    def read(self, blob: Location) -> Stored | None:
        with _mapped(f"read {blob.url}", READER, blob.container):
            try:
                download = self._blob(blob).download_blob()
            except ResourceNotFoundError as error:
                if _code(error) == "ContainerNotFound":
                    raise
                return None
            return Stored(download.readall(), _quoted(download.properties.etag))

    def create(self, blob: Location, content: bytes | IO[bytes]) -> bool:
        with _mapped(f"write {blob.url}", CONTRIBUTOR, blob.container):
            try:
                self._blob(blob).upload_blob(content, overwrite=False)
            except ResourceExistsError:
                return False
            return True

    def replace(self, blob: Location, content: bytes, *, etag: str | None) -> bool:
        with _mapped(f"write {blob.url}", CONTRIBUTOR, blob.container):
            try:
                self._blob(blob).upload_blob(content, overwrite=True, **_if_match(etag))
            except HttpResponseError as error:
                if error.status_code == 412:
                    return False
                raise
            return True

    def delete(self, blob: Location, *, etag: str | None = None) -> None:
        gone = suppress(ResourceNotFoundError, ResourceModifiedError)
        with _mapped(f"delete {blob.url}", CONTRIBUTOR, blob.container), gone:
            self._blob(blob).delete_blob(**_if_match(etag))

    def remove_folder(self, folder: Location) -> bool:
        # Delete Blob removes a directory if it is empty. Source: Azure docs, data-lake-storage-known-issues.
        with _mapped(f"remove {folder.url}", CONTRIBUTOR, folder.container):
            try:
                # Where there is no hierarchy a blob may have the name of a folder, and it is no directory.
                if not _is_folder(self._blob(folder).get_blob_properties()):
                    return True
                self._blob(folder).delete_blob()
            except ResourceNotFoundError:
                return True
            except ResourceExistsError:  # 409: it is not empty
                return False
            return True

    def copy(self, source: Location, target: Location, *, etag: str, size: int, md5: str | None) -> Copied:
        with _mapped(f"copy {source.url} to {target.url}", CONTRIBUTOR, target.container):
            if self._walls.stand_between(source.container, target.container):
                self.stat(source)  # who may not read it is told so, and not that the target cannot be written
                return self._stream(source, target, etag, md5)
            try:
                if size <= self._one_request:
                    self._copy_at_once(source, target, etag, md5)
                    return Copied.MADE
                return self._copy_in_blocks(source, target, etag, size, md5)
            except HttpResponseError as error:
                code = _code(error)
                if code == "Md5Mismatch":
                    raise wrong_md5(source.url) from error
                if isinstance(error, ResourceExistsError) and not tells_of_source(error, code):
                    return Copied.THERE
                # The source is gone, no longer the version that was asked for, or the service cannot read it.
                if not (tells_of_source(error, code) or _is_about_a_blob(error, code)):
                    raise
                now = self.stat(source)
                if now is None or now.etag != etag.strip('"'):
                    return Copied.SOURCE_CHANGED
                if not is_out_of_reach(error, code):
                    raise
                if self._walls.found_between(source.container, target.container):
                    names = {"source": source.container.url, "target": target.container.url}
                    warn("copies.refused", **names, status=error.status_code, code=code)
            return self._stream(source, target, etag, md5)

    def _stream(self, source: Location, target: Location, etag: str, md5: str | None) -> Copied:
        where = self._blob(source), self._blob(target)
        return stream(*where, etag=_quoted(etag), md5=md5, block=self._streamed_block, room=self._room)

    def _copy_at_once(self, source: Location, target: Location, etag: str, md5: str | None) -> None:
        require_safe(source)
        require_safe(target)
        if self._copies.made(source, target, etag=_quoted(etag), md5=md5):
            return
        self._blob(target).upload_blob_from_url(
            source.url,
            overwrite=False,
            source_etag=_quoted(etag),
            source_match_condition=MatchConditions.IfNotModified,
            source_content_md5=_md5_bytes(md5),
            source_authorization=self._bearer(),
        )

    def _copy_in_blocks(self, source: Location, target: Location, etag: str, size: int, md5: str | None) -> Copied:
        client = self._blob(target)
        if client.exists():
            return Copied.THERE  # told before all the bytes are read, and again when they are committed
        mine = secrets.token_hex(4)  # blocks that another copy to the same place stages are not this one's
        blocks = [(f"{mine}{start // self._block:08d}", start) for start in range(0, size, self._block)]

        def stage(block: tuple[str, int]) -> None:
            client.stage_block_from_url(
                block[0],
                source.url,
                source_offset=block[1],
                source_length=min(self._block, size - block[1]),
                source_authorization=self._bearer(),
            )

        each(stage, blocks, at_once=BLOCKS_AT_ONCE)
        # The SDK offers no condition on the source of a block, so the source is compared once all have been read.
        properties = properties_of(self._blob(source), _quoted(etag))
        if properties is None:
            return Copied.SOURCE_CHANGED
        commit_like(properties, client, [BlobBlock(block_id=name) for name, _ in blocks], _md5_bytes(md5))
        return Copied.MADE

    def _bearer(self) -> str:
        return f"Bearer {self._credential.get_token(STORAGE).token}"

    def _connect(self, account_url: str) -> BlobServiceClient:
        return BlobServiceClient(
            account_url,
            self._credential,
            transport=self._transport,
            connection_timeout=CONNECTION_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retry_total=RETRIES,
        )

    def _blob(self, blob: Location) -> BlobClient:
        require_safe(blob)
        return self._service(blob.container.account_url).get_blob_client(blob.container.name, blob.path)


class _Dates:
    """The service's times when it answered, as it says itself."""

    def __init__(self) -> None:
        self._noted: list[datetime] = []

    def note(self, response: Any) -> None:
        self._noted.append(parsedate_to_datetime(response.http_response.headers["Date"]).astimezone(UTC))

    @property
    def first(self) -> datetime:
        return min(self._noted)


@contextmanager
def _mapped(what: str, role: str, container: Container) -> Iterator[None]:
    """The one place where the SDK's exceptions become Landfall's. `role`: what allows it on the container."""
    try:
        yield
    except HttpResponseError as error:
        if error.status_code is None:  # nothing was answered: there was no token to ask with
            raise Unavailable(f"Could not {what}: {told_by(error)} Check the app's managed identity.") from error
        text = f"Could not {what}: {error.status_code} {_code(error) or error.reason}."
        if error.status_code in (401, 403):
            raise Denied(f"{text} Give the app's identity {role} on the container {container.url}.") from error
        raise Unavailable(text) from error
    except AzureError as error:
        raise Unavailable(f"Could not {what}: {told_by(error)}") from error


def _code(error: HttpResponseError) -> str:
    headers: Mapping[str, str] = getattr(error.response, "headers", {})
    told = headers.get("x-ms-error-code")
    code = getattr(error, "error_code", None) or told or ""
    return str(getattr(code, "value", code))  # the SDK has members for some codes, and plain texts for others


def _is_about_a_blob(error: HttpResponseError, code: str) -> bool:
    return error.status_code in (404, 412) and code != "ContainerNotFound"


def _if_match(etag: str | None) -> dict[str, Any]:
    return {} if etag is None else {"etag": _quoted(etag), "match_condition": MatchConditions.IfNotModified}


def _below(path: str) -> str:
    return f"{path}/" if path else ""


def _md5_bytes(md5: str | None) -> bytearray | None:
    return bytearray(base64.b64decode(md5)) if md5 else None


def _quoted(etag: str) -> str:
    return etag if etag.startswith('"') else f'"{etag}"'


def _is_folder(blob: BlobProperties) -> bool:
    return marks_folder(blob.name, blob.size, (blob.metadata or {}).get("hdi_isfolder"))


def _file(blob: BlobProperties, prefix: str) -> File:
    md5 = blob.content_settings.content_md5
    return File(
        name=blob.name[len(prefix) :],
        etag=blob.etag.strip('"'),
        size=blob.size,
        md5=base64.b64encode(md5).decode() if md5 else None,
        modified=blob.last_modified,
    )
