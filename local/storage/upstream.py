"""Requests to Azurite and answers from it, without what only the front may know.

Small bodies pass in one piece, which takes half the work; others are streamed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from local.faults import ANSWER_WITHHELD
from local.storage.access import Refused
from local.storage.operations import account_in_host, described

More = Callable[[Mapping[str, str]], Mapping[str, str]]
"""What an answer says beyond what Azurite says in its headers."""
CHUNK = 256 * 1024
CODE = "x-ms-error-code"
CLIENT_PROTOCOL = "Front-Protocol"
"""By which header Azurite knows that clients came by HTTPS; see azurite.cjs."""
_HOP_BY_HOP = frozenset({"connection", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})


@dataclass(frozen=True, slots=True)
class Upstream:
    """Azurite's blob service at `base`, which clients know as `front`. `sas` are the signatures to keep from them."""

    session: aiohttp.ClientSession
    base: str
    front: str
    sas: tuple[str, ...]

    @asynccontextmanager
    async def answer(
        self,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: aiohttp.StreamReader | bytes | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request (path and query as they go over the wire) and give its answer, the body still unread."""
        url = URL(f"{self.base}{path}{'?' if query else ''}{query}", encoded=True)
        told = CIMultiDict(headers)
        told[CLIENT_PROTOCOL] = "https"  # whatever the client may have said
        async with self.session.request(method, url, headers=told, data=body, allow_redirects=False) as answer:
            yield answer

    async def forward(
        self,
        request: web.Request,
        sas: str,
        headers: Mapping[str, str],
        *,
        rewrite_body: bool = False,
        more: More | None = None,
    ) -> web.StreamResponse:
        """Have Azurite carry out `request` with other `headers`, and answer what it answers."""
        query = "&".join(filter(None, (request.rel_url.raw_query_string, sas)))
        async with self.answer(request.method, raw_path(request), query, headers, await _body(request)) as answer:
            return await self.relay(request, answer, rewrite_body=rewrite_body, more=more)

    async def relay(
        self,
        request: web.Request,
        answer: aiohttp.ClientResponse,
        *,
        rewrite_body: bool = False,
        more: More | None = None,
    ) -> web.StreamResponse:
        """Pass Azurite's `answer` on to the client of `request`; if it is a good one, with `more` headers.

        Raises Refused where Azurite has refused without a word.
        """
        if answer.status >= 400 and CODE not in answer.headers:
            raise _unexplained(request, answer.status)
        headers = CIMultiDict(
            (name, self._public(value)) for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP
        )
        if more is not None and answer.status < 300:
            headers.extend(more(answer.headers))
        streams = request.method == "GET" and not rewrite_body and not _is_small(answer.content_length)
        if streams and ANSWER_WITHHELD not in request:
            return await _stream(request, answer, headers)
        if request.method == "HEAD":  # its length is that of a body which is not sent
            return web.Response(status=answer.status, reason=answer.reason, headers=headers)
        headers.popall("Content-Length", None)
        body = await answer.read()
        if rewrite_body:
            body = self._public(body.decode()).encode()
        return web.Response(status=answer.status, reason=answer.reason, headers=headers, body=body)

    def _public(self, text: str) -> str:
        if self.base in text:
            text = text.replace(self.base, self.front)
        if "sig=" not in text:
            return text
        for sas in self.sas:
            for written in (sas, escape(sas)):
                text = text.replace(f"?{written}", "").replace(f"&{written}", "").replace(f"&amp;{written}", "")
        return text


async def _body(request: web.Request) -> aiohttp.StreamReader | bytes | None:
    if not request.body_exists:
        return None
    return await request.read() if _is_small(request.content_length) else request.content


def _is_small(length: int | None) -> bool:
    return length is not None and length <= CHUNK


def by_path(request: web.Request) -> web.Request:
    """The request with its account in the path, where Azurite wants it, if it was in the host name."""
    account = account_in_host(request.host)
    if not account:
        return request
    return request.clone(rel_url=URL(f"/{account}{request.raw_path}", encoded=True))


def raw_path(request: web.Request) -> str:
    """The path as the client sent it: encoding it anew could name another blob."""
    return request.raw_path.partition("?")[0]


def onward(headers: Mapping[str, str], *, without: frozenset[str] = frozenset()) -> CIMultiDict[str]:
    """The headers of a request that go on to Azurite."""
    dropped = _HOP_BY_HOP | without
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in dropped)


def _unexplained(request: web.Request, status: int) -> Refused:
    asked = described(request.method, request.query, request.headers)
    if status >= 500:
        return Refused(status, "InternalError", f"Azurite failed at {asked}; storage/azurite.log may say why.")
    return Refused(
        status,
        "InvalidInput",
        f"Azurite does not know {asked}, or misses a parameter or a header that Azure's documentation requires for it.",
    )


async def _stream(
    request: web.Request, answer: aiohttp.ClientResponse, headers: CIMultiDict[str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    try:
        async for chunk in answer.content.iter_chunked(CHUNK):
            await response.write(chunk)
    except aiohttp.ClientError:
        # The status line is out, so the only honest end is a broken connection.
        if request.transport is not None:
            request.transport.abort()
        raise
    await response.write_eof()
    return response
