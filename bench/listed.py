"""Lists of blobs as a service would answer them, read by the app's adapter: for `growth`."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from bench.sites import Act
from shared.adapters.listing import Lists
from testbed.examples import LANDING

PAGE = 5_000
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
    """Answers each page from memory; its marker is its number."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.pages = pages_of(size)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        marker = str(request.url).partition("marker=")[2]
        content = self.pages[int(marker or 0)]
        headers = {"Date": "Tue, 24 Nov 2026 10:00:00 GMT", "Content-Type": "application/xml"}
        raw = HTTPResponse(BytesIO(content), headers, status=200, preload_content=False)
        answer: requests.Response = self.build_response(request, raw)
        return answer


def pages_of(size: int) -> list[bytes]:
    """So many blobs."""
    starts = range(0, size, PAGE)
    return [
        f"<?xml version='1.0' encoding='utf-8'?><EnumerationResults><Blobs>"
        f"{''.join(BLOB.format(number) for number in range(start, min(start + PAGE, size)))}</Blobs>"
        f"<NextMarker>{at + 1 if at + 1 < len(starts) else ''}</NextMarker></EnumerationResults>".encode()
        for at, start in enumerate(starts)
    ]


def lists(size: int) -> Act:
    """Reading all that is listed."""
    session = requests.Session()
    session.mount("https://", Service(size))
    client = Lists(Anybody(), RequestsTransport(session=session, session_owner=False))

    def act() -> None:
        assert sum(len(page.files) for page in client.pages(LANDING, "digits/tuesday/")) == size

    return act


def bare_lists(size: int) -> Act:
    """Nothing but parsing the same answers."""
    pages = pages_of(size)
    return lambda: [ElementTree.fromstring(page) for page in pages]  # our own
