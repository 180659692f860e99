"""What happens to a request of the Data Lake dialect: admitted, carried out on paths, and told to Event Grid.

Azurite keeps contents and answers reads; what it does not know (directories, appending, renames) is asked of its
store through `Namespace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
from aiohttp import web

from local.addresses import ACCOUNT
from local.storage import datalake
from local.storage.access import FIRST_VERSION_WITH_TOKENS, Gate, Refused, answered
from local.storage.datalake import Asked, Task
from local.storage.events import PathApi, Reporter, path_event
from local.storage.guard import Guard
from local.storage.namespace import Entry, Namespace
from local.storage.operations import described
from local.storage.permissions import path_needs, resource_of_blob
from local.storage.turns import Turns
from local.storage.upstream import Upstream, onward

_APPENDED = ("Content-Length", "Content-MD5", "x-ms-lease-id")
_FILE_API = {Task.CREATE_FILE: PathApi.CREATE_FILE, Task.RENAME: PathApi.RENAME_FILE, Task.DELETE: PathApi.DELETE_FILE}
_DIRECTORY_API = {
    Task.CREATE_DIRECTORY: PathApi.CREATE_DIRECTORY,
    Task.RENAME: PathApi.RENAME_DIRECTORY,
    Task.DELETE: PathApi.DELETE_DIRECTORY,
}


@dataclass(frozen=True, slots=True)
class Lake:
    """The accounts as clients of the Data Lake Storage API see them; those named `hierarchical` have paths."""

    gate: Gate
    guard: Guard
    upstream: Upstream
    namespace: Namespace
    reporter: Reporter
    turns: Turns
    hierarchical: tuple[str, ...]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Carry out one request. Raises Refused."""
        method = request.headers.get(datalake.METHOD_OVERRIDE, request.method)
        asked = datalake.recognise(method, request.raw_path.partition("?")[0], request.query, request.headers)
        sas = self.gate.admit(asked.account, request.headers)
        if not sas:
            raise Refused(
                403, "AuthenticationFailed", "The Data Lake API takes bearer tokens only here, no key or SAS."
            )
        self.guard.check(request.headers["Authorization"], path_needs(asked.task), resource_of_blob(_raw(asked)))
        if asked.task in datalake.OF_FILESYSTEMS:
            return await self._on_filesystem(request, asked, sas)
        self._need_hierarchy(asked, request.query)
        if asked.task is Task.UNSUPPORTED:
            wanted = described(method, request.query, request.headers)
            raise Refused(501, "NotImplemented", f"This operation of the Data Lake API is not supported here: {wanted}")
        if asked.task is Task.LIST:
            return await self._list(request, asked)
        if asked.task in (Task.PROPERTIES, Task.READ):
            return await self._read(request, asked, sas)
        names = [_place(asked.account, asked.filesystem, asked.path)]
        if asked.task is Task.RENAME:
            names.append(_place(asked.account, *datalake.rename_source(request.headers)))
        async with self.turns.of(*names):
            return await self._change(request, asked, sas)

    def _need_hierarchy(self, asked: Asked, query: Mapping[str, str]) -> None:
        if asked.account in self.hierarchical:
            return
        how = f"{asked.account} has no hierarchy; start the local cloud with --hierarchical {asked.account}."
        if query.get("action") == "getAccessControl":  # how Hadoop finds out
            raise Refused(400, "UnsupportedQueryParameter", how)
        # What Azure says where an account has storage events (or soft delete) and no hierarchy.
        message = "This endpoint does not support BlobStorageEvents or SoftDelete."
        raise Refused(409, "EndpointUnsupportedAccountFeatures", f"{message} {how}")

    async def _on_filesystem(self, request: web.Request, asked: Asked, sas: str) -> web.Response:
        headers = {"x-ms-version": FIRST_VERSION_WITH_TOKENS}
        if asked.task is Task.CREATE_FILESYSTEM:
            pairs = datalake.metadata(request.headers)
            headers |= {f"x-ms-meta-{name}": value for name, value in pairs.items()}
        path = f"/{asked.account}/{quote(asked.filesystem)}"
        async with self.upstream.answer(request.method, path, f"restype=container&{sas}", headers) as answer:
            _check(answer)
            enabled = {"x-ms-namespace-enabled": "true" if asked.account in self.hierarchical else "false"}
            told = {name: answer.headers[name] for name in ("ETag", "Last-Modified") if name in answer.headers}
            return answered(answer.status, {**told, **enabled})

    async def _list(self, request: web.Request, asked: Asked) -> web.Response:
        query = request.query
        paths, more = await self.namespace.page(
            account=asked.account,
            filesystem=asked.filesystem,
            directory=query.get("directory", "").strip("/"),
            recursive=datalake.is_set(query, "recursive"),
            after=datalake.after(query),
            limit=max(1, min(datalake.number(query, "maxResults", datalake.MOST_PATHS), datalake.MOST_PATHS)),
        )
        headers = {"x-ms-continuation": datalake.continuation(paths[-1]["name"])} if more else {}
        return answered(200, headers, {"paths": [datalake.listed(path) for path in paths]})

    async def _read(self, request: web.Request, asked: Asked, sas: str) -> web.StreamResponse:
        if not asked.path:
            path, query = f"/{asked.account}/{quote(asked.filesystem)}", f"restype=container&{sas}"
        else:
            path, query = _raw(asked), sas
        headers = onward(request.headers, without=frozenset({"authorization"}))
        async with self.upstream.answer(request.method, path, query, headers) as answer:
            _check(answer)
            return await self.upstream.relay(request, answer, more=datalake.shown if asked.path else datalake.of_root)

    async def _change(self, request: web.Request, asked: Asked, sas: str) -> web.StreamResponse:
        match asked.task:
            case Task.APPEND:
                return await self._append(request, asked, sas)
            case Task.FLUSH:
                return await self._flush(request, asked, datalake.number(request.query, "position"))
            case Task.CREATE_FILE | Task.CREATE_DIRECTORY:
                return await self._create(request, asked)
            case Task.RENAME:
                return await self._rename(request, asked)
            case _:
                return await self._delete(request, asked)

    async def _create(self, request: web.Request, asked: Asked) -> web.Response:
        directory = asked.task is Task.CREATE_DIRECTORY
        entry = await self.namespace.change(
            "createDirectory" if directory else "createFile",
            **_target(request, asked),
            properties=datalake.properties(request.headers),
            metadata=datalake.metadata(request.headers),
        )
        response = answered(201, _stamps(entry))
        await self._tell(request, response, asked, entry)
        return response

    async def _append(self, request: web.Request, asked: Asked, sas: str) -> web.Response:
        position = datalake.number(request.query, "position")
        headers = {name: request.headers[name] for name in _APPENDED if name in request.headers}
        headers["x-ms-version"] = FIRST_VERSION_WITH_TOKENS
        size = int(request.headers.get("Content-Length") or 0)
        if size == 0:
            raise Refused(400, "InvalidHeaderValue", "Appending needs data, and its Content-Length.")
        query = f"comp=block&blockid={datalake.block_id(position)}&{sas}"
        async with self.upstream.answer("PUT", _raw(asked), query, headers, request.content) as answer:
            _check(answer)
        if datalake.is_set(request.query, "flush"):
            await self._flush(request, asked, position + size)
        return answered(202, {"x-ms-request-server-encrypted": "true"})

    async def _flush(self, request: web.Request, asked: Asked, position: int) -> web.Response:
        entry = await self.namespace.change(
            "flush",
            **_target(request, asked),
            position=position,
            retain=datalake.is_set(request.query, "retainUncommittedData"),
            properties=datalake.properties(request.headers),
        )
        response = answered(200, {**_stamps(entry), "x-ms-request-server-encrypted": "true"})
        if datalake.is_set(request.query, "close"):
            await self._tell(request, response, asked, entry, PathApi.FLUSH_WITH_CLOSE)
        return response

    async def _rename(self, request: web.Request, asked: Asked) -> web.Response:
        filesystem, path = datalake.rename_source(request.headers)
        entry = await self.namespace.change(
            "rename",
            **_target(request, asked),
            source={"filesystem": filesystem, "path": path},
            mode=request.query.get("mode", "posix"),
            sourceConditions=datalake.conditions(request.headers, "x-ms-source-"),
        )
        response = answered(201, {})
        await self._tell(request, response, asked, entry, source=(filesystem, path))
        return response

    async def _delete(self, request: web.Request, asked: Asked) -> web.Response:
        recursive = datalake.is_set(request.query, "recursive")
        entry = await self.namespace.change("remove", **_target(request, asked), recursive=recursive)
        response = answered(200, {})
        await self._tell(request, response, asked, entry, recursive=recursive)
        return response

    async def _tell(
        self,
        request: web.Request,
        response: web.Response,
        asked: Asked,
        entry: Entry,
        api: PathApi | None = None,
        **more: Any,
    ) -> None:
        # Only the landing account has a system topic.
        if asked.account != ACCOUNT:
            return
        api = api or (_DIRECTORY_API if entry.is_directory else _FILE_API)[asked.task]
        port = urlsplit(self.gate.front).port
        url = f"https://{asked.account}.dfs.localhost:{port}"
        self.reporter.report(
            lambda occasion: path_event(api, asked.filesystem, entry, occasion, account_url=url, **more),
            request_id=response.headers["x-ms-request-id"],
            client_id=request.headers.get("x-ms-client-request-id", ""),
        )


def _target(request: web.Request, asked: Asked) -> dict[str, Any]:
    lease = request.headers.get("x-ms-lease-id")
    return {
        "account": asked.account,
        "filesystem": asked.filesystem,
        "path": asked.path,
        "conditions": datalake.conditions(request.headers),
        **({"leaseId": lease} if lease else {}),
    }


def _stamps(entry: Entry) -> dict[str, str]:
    return {"ETag": entry.etag, "Last-Modified": entry.last_modified}


def _place(account: str, filesystem: str, path: str) -> str:
    return f"/{account}/{filesystem}/{path}"


def _raw(asked: Asked) -> str:
    return quote(_place(asked.account, asked.filesystem, asked.path))


def _check(answer: aiohttp.ClientResponse) -> None:
    """Raises Refused for what Azurite refused."""
    if answer.status >= 400:
        code = answer.headers.get("x-ms-error-code", "")
        raise datalake.translated(answer.status, code, answer.reason or code)
