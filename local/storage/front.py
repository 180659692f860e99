"""What happens to a request: the gate admits it, Azurite carries it out, and Event Grid is told what was committed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from local.addresses import ACCOUNT
from local.storage.access import FIRST_VERSION_WITH_TOKENS, Gate, Refused
from local.storage.control import Chosen
from local.storage.copying import put_from_url
from local.storage.datalake import is_for_paths, of_blob
from local.storage.events import Blob, Reporter, storage_event
from local.storage.guard import Guard
from local.storage.lake import Lake
from local.storage.operations import REFUSED, REFUSED_HEADERS, Kind, Operation, recognise
from local.storage.turns import Turns
from local.storage.upstream import Upstream, by_path, onward, raw_path

_AUTHORIZATION = frozenset({"authorization", "x-ms-copy-source-authorization"})


@dataclass(frozen=True, slots=True)
class Front:
    """The storage accounts as their clients see them."""

    gate: Gate
    guard: Guard
    upstream: Upstream
    reporter: Reporter
    turns: Turns
    lake: Lake
    chosen: Chosen

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request to any account, in the dialect in which it was asked."""
        if any(unquote(part) in (".", "..") for part in raw_path(request).split("/")):
            # What a server makes of them is for nobody to guess: clients resolve them before they ask.
            return Refused(400, "InvalidUri", "The URI has a . or .. segment.").response()
        on_paths = is_for_paths(request.host, request.method, request.query, request.headers)
        try:
            _refuse_headers(request.headers)
            asked = by_path(request)
            return await (self.lake.answer(asked) if on_paths else self._answer(asked, request.raw_path))
        except Refused as error:
            refused = error
        except (aiohttp.ClientError, TimeoutError) as error:
            refused = Refused(503, "ServerBusy", f"Azurite did not answer: {error}")
        return refused.json_response() if on_paths else refused.response()

    async def _answer(self, request: web.Request, sent: str) -> web.StreamResponse:
        operation = recognise(request.method, raw_path(request), request.query, request.headers)
        if operation.kind in REFUSED:
            instead = REFUSED[operation.kind]
            raise Refused(501, "NotImplemented", f"{operation.kind.value} is not supported here: {instead}")
        sas = self.gate.admit(operation.account, request.headers)
        if sas:
            self.guard.check_blob(request)
        else:
            self.gate.admit_address(request)
            if "x-ms-copy-source" in request.headers:
                # As it was sent: by_path may have made another path of it.
                sas = self.gate.admit_copy(operation.account, request.method, sent, request.headers)
        # Only the landing account has a system topic.
        if operation.account != ACCOUNT or operation.event_api is None:
            return await self._carry_out(request, operation, sas)
        # One commit at a time per blob: the order of its sequencers is then the order of its writes.
        async with self.turns.of(f"/{operation.account}/{operation.container}/{operation.blob}"):
            before = await self._look(request) if operation.kind is Kind.DELETE_BLOB else None
            response = await self._carry_out(request, operation, sas)
            if response.status < 300:
                await self._tell(request, operation, response, before)
            return response

    async def _carry_out(self, request: web.Request, operation: Operation, sas: str) -> web.StreamResponse:
        # A Shared Key signature covers the headers, so they must reach Azurite as they are.
        headers = onward(request.headers, without=_AUTHORIZATION if sas else frozenset())
        if "x-ms-copy-source" in request.headers:
            path, query = self.gate.source(
                request.headers,
                account=operation.account,
                admitted=bool(sas),
                firewalls=self.chosen.settings.firewalls,
            )
            self.guard.check_source(request.headers, path)
            if operation.kind in (Kind.PUT_BLOB_FROM_URL, Kind.PUT_BLOCK_FROM_URL):
                whole = operation.kind is Kind.PUT_BLOB_FROM_URL
                return await put_from_url(self.upstream, request, sas, (path, query), whole_blob=whole)
            headers = _copying_from(headers, f"{self.upstream.base}{path}{'?' if query else ''}{query}")
        reads = bool(operation.blob) and request.method in ("GET", "HEAD") and "comp" not in request.query
        more = of_blob if reads and operation.account in self.lake.hierarchical else None
        return await self.upstream.forward(request, sas, headers, rewrite_body=operation.kind is Kind.LIST, more=more)

    async def _tell(
        self, request: web.Request, operation: Operation, response: web.StreamResponse, before: Blob | None
    ) -> None:
        blob = before or _as_put(request, operation, response) or await self._look(request)
        if blob is None:
            return  # gone again already, by a client that talks to Azurite directly
        named = self.chosen.settings.put_blob_from_url_api
        api = named if operation.kind is Kind.PUT_BLOB_FROM_URL else operation.event_api
        url = f"{self.gate.front}/{operation.account}"
        self.reporter.report(
            lambda occasion: storage_event(operation, blob, occasion, account_url=url, api=api),
            request_id=response.headers.get("x-ms-request-id", ""),
            client_id=request.headers.get("x-ms-client-request-id", ""),
        )

    async def _look(self, request: web.Request) -> Blob | None:
        headers = {"x-ms-version": FIRST_VERSION_WITH_TOKENS}
        async with self.upstream.answer("HEAD", raw_path(request), self.gate.sas[ACCOUNT], headers) as answer:
            if answer.status != 200:
                return None
            return Blob(
                etag=answer.headers["ETag"],
                content_type=answer.headers.get("Content-Type", ""),
                content_length=int(answer.headers["Content-Length"]),
                blob_type=answer.headers["x-ms-blob-type"],
            )


def _refuse_headers(headers: Mapping[str, str]) -> None:
    """Raises Refused for a request with a header that asks for what nobody here does."""
    for name, instead in REFUSED_HEADERS.items():
        if name in headers:
            raise Refused(501, "NotImplemented", f"{name} is not supported here: {instead}")


def _as_put(request: web.Request, operation: Operation, response: web.StreamResponse) -> Blob | None:
    """The blob that a Put Blob has made, known without asking for it. None for other operations."""
    if operation.kind is not Kind.PUT_BLOB:
        return None
    headers = request.headers
    with suppress(KeyError):
        kind = headers["x-ms-blob-type"]
        return Blob(
            etag=response.headers["ETag"],
            content_type=headers.get("x-ms-blob-content-type")
            or headers.get("Content-Type")
            or "application/octet-stream",
            content_length=int(headers["Content-Length" if kind == "BlockBlob" else "x-ms-blob-content-length"]),
            blob_type=kind,
        )
    return None


def _copying_from(headers: CIMultiDict[str], source: str) -> CIMultiDict[str]:
    changed = CIMultiDict(headers)
    changed.popall("x-ms-copy-source-authorization", None)
    changed["x-ms-copy-source"] = source
    return changed
