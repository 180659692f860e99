"""Lists of blobs as a service would answer them, read by the app's adapter: for `growth` and `memory`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from typing import Any
from xml.etree import ElementTree

import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from bench.sites import Act
from shared.adapters.listing import Lists
from shared.core.snapshot import File
from testbed.examples import LANDING

PAGE = 5_000
PREFIX = "digits/tuesday/"
BLOB = (
    "<Blob><Name>digits/tuesday/{0:06}.png</Name><Properties>"
    "<Creation-Time>Tue, 24 Nov 2026 10:00:00 GMT</Creation-Time>"
    "<Last-Modified>Tue, 24 Nov 2026 10:00:00 GMT</Last-Modified><Etag>0x8DD{0:012X}</Etag>"
    "<Content-Length>100</Content-Length><Content-Type>image/png</Content-Type><Content-Encoding /><Content-Language />"
    "<Content-MD5>1B2M2Y8AsgTpgAmY7PhCfg==</Content-MD5><Cache-Control /><Content-Disposition /><BlobType>BlockBlob"
    "</BlobType><AccessTier>Hot</AccessTier><LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
    "<ServerEncrypted>true</ServerEncrypted></Properties><OrMetadata /></Blob>"
)
"""As the service answers. Source: Azure docs, rest/api/storageservices/list-blobs."""


class Anybody:
    """A credential that shows something."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("token", 2**40)


class Service(HTTPAdapter):
    """Answers each of these pages; its marker is its number."""

    def __init__(self, pages: Sequence[bytes]) -> None:
        super().__init__()
        self.pages = pages

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        marker = str(request.url).partition("marker=")[2]
        content = self.pages[int(marker or 0)]
        headers = {"Date": "Tue, 24 Nov 2026 10:00:00 GMT", "Content-Type": "application/xml"}
        raw = HTTPResponse(BytesIO(content), headers, status=200, preload_content=False)
        answer: requests.Response = self.build_response(request, raw)
        return answer


@dataclass(frozen=True)
class Pages(Sequence[bytes]):
    """So many blobs, in pages that are made when they are asked for."""

    size: int

    def __len__(self) -> int:
        return ceil(self.size / PAGE)

    def __getitem__(self, at: Any) -> Any:
        blobs = range(at * PAGE, min((at + 1) * PAGE, self.size))
        if not blobs:
            raise IndexError(at)
        return (
            "<?xml version='1.0' encoding='utf-8'?><EnumerationResults>"
            f"<Blobs>{''.join(map(BLOB.format, blobs))}</Blobs>"
            f"<NextMarker>{at + 1 if at + 1 < len(self) else ''}</NextMarker></EnumerationResults>".encode()
        )


def lists(size: int) -> Act:
    """Reading all that is listed."""
    client = _client(list(Pages(size)))

    def act() -> None:
        assert sum(len(page.files) for page in client.pages(LANDING, PREFIX)) == size

    return act


def read_lists(size: int) -> Iterator[File]:
    """All that is listed, as it is read."""
    for page in _client(Pages(size)).pages(LANDING, PREFIX):
        yield from page.files


def _client(pages: Sequence[bytes]) -> Lists:
    session = requests.Session()
    session.mount("https://", Service(pages))
    return Lists(Anybody(), RequestsTransport(session=session, session_owner=False))


def bare_lists(size: int) -> Act:
    """Nothing but parsing the same answers."""
    pages = list(Pages(size))
    return lambda: [ElementTree.fromstring(page) for page in pages]  # our own
