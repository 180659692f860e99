"""Lists of blobs, page by page.

The SDK's deserializer takes a third of a millisecond of CPU for each blob, which is most of what a look at a large
landing costs. These are the same requests, over the same connections and with azure-core's retries and tokens, read by
ElementTree in a tenth of that. Source of the format: Azure docs, rest/api/storageservices/list-blobs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import quote, unquote, urlencode
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.credentials import STORAGE
from shared.core.location import Container
from shared.core.snapshot import File
from shared.errors import Unavailable

VERSION = "2024-08-04"
"""Of the service's API. Names that XML cannot hold are percent-encoded from 2021-02-12 on."""
CONNECTION_TIMEOUT, READ_TIMEOUT = 10, 60
"""Seconds."""
RETRIES = 3


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. `files`: named as below the prefix, without the markers of folders; `folders`: the same of folders,
    where a delimiter was given; `seen_at`: by the service's own clock; `marker`: what
    it was asked for with, and `next`: what to ask for the following one with."""

    files: list[File]
    folders: list[str]
    seen_at: datetime
    marker: str | None
    next: str | None


class Lists:
    """Lists of one identity. Safe for use from several threads."""

    def __init__(self, credential: TokenCredential, transport: RequestsTransport) -> None:
        policies = [RetryPolicy(retry_total=RETRIES), BearerTokenCredentialPolicy(credential, STORAGE)]
        self._client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(
            "", policies=policies, transport=transport
        )

    def pages(
        self,
        container: Container,
        prefix: str,
        *,
        delimiter: str | None = None,
        marker: str | None = None,
        are_whole: bool = False,
    ) -> Iterator[Page]:
        """The blobs whose names begin with the prefix, in lexical order, read as they are taken. `marker`: of a page
        to begin with; `are_whole`: files are named by their whole paths. Raises the errors of azure-core, and
        Unavailable for an answer that is no list."""
        skipped = 0 if are_whole else len(prefix)
        given = {"restype": "container", "comp": "list", "prefix": prefix, "include": "metadata"}
        params = {name: value for name, value in {**given, "delimiter": delimiter, "marker": marker}.items() if value}
        while True:
            # azure-core writes parameters into a URL as they are.
            url = f"{container.url}?{urlencode(params, quote_via=quote)}"
            request = HttpRequest("GET", url, headers={"x-ms-version": VERSION})
            response = self._client.send_request(
                request, connection_timeout=CONNECTION_TIMEOUT, read_timeout=READ_TIMEOUT
            )
            if response.status_code != 200:
                raise _error(response)
            try:
                root = ElementTree.fromstring(response.content)  # noqa: S314  # expat bounds what entities can do
                seen_at = parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
                following = root.findtext("NextMarker") or None
                page = Page(*_read(root, skipped), seen_at, marker, following)
            except (ElementTree.ParseError, KeyError, TypeError, ValueError) as error:
                told = f"{container.url} did not answer with a list of blobs: {type(error).__name__}"
                raise Unavailable(told) from error
            yield page
            if following is None:
                return
            params["marker"] = marker = following


def marks_folder(name: str, size: int, mark: str | None) -> bool:
    """Whether a blob stands for a folder, on accounts with or without a hierarchy: an empty one, by its name or its
    metadata `hdi_isfolder`. Anybody may give a file either: what has content is a file, and a job reads it."""
    return size == 0 and (name.endswith("/") or (mark or "").lower() == "true")


def _read(root: Element, skipped: int) -> tuple[list[File], list[str]]:
    files, folders = list[File](), list[str]()
    for item in _part(root, "Blobs"):
        name = _name(item)
        if item.tag == "BlobPrefix":
            folders.append(name[skipped:].rstrip("/"))
            continue
        told = {part.tag: part.text for part in _part(item, "Properties")}
        metadata = item.find("Metadata")
        mark = metadata.findtext("hdi_isfolder") if metadata is not None else None
        size = int(told["Content-Length"] or 0)
        if not marks_folder(name, size, mark):
            etag, md5 = (told["Etag"] or "").strip('"'), told.get("Content-MD5")
            when = _moment(told["Last-Modified"] or "")
            files.append(File(name=name[skipped:], etag=etag, size=size, md5=md5 or None, modified=when))
    return files, folders


def _part(item: Element, tag: str) -> Element:
    found = item.find(tag)
    if found is None:
        raise ValueError(f"{item.tag} without {tag}")
    return found


def _name(item: Element) -> str:
    found = _part(item, "Name")
    text = found.text or ""
    return unquote(text) if found.get("Encoded") == "true" else text


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime:
    # Many files of a landing have the same second.
    return parsedate_to_datetime(text).astimezone(UTC)


def _error(response: HttpResponse) -> HttpResponseError:
    return (ResourceNotFoundError if response.status_code == 404 else HttpResponseError)(response=response)
