"""Put Blob From URL and Put Block From URL: read the source, put what was read, streamed.

Source: Azure docs, rest/api/storageservices/put-blob-from-url and put-block-from-url. Copy Blob is left to Azurite.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from local.storage.access import Refused
from local.storage.upstream import Upstream, onward, raw_path

# Request header: the header of a Get Blob that means the same.
_READING = {
    "x-ms-version": "x-ms-version",
    "x-ms-source-range": "Range",
    "x-ms-source-if-match": "If-Match",
    "x-ms-source-if-none-match": "If-None-Match",
    "x-ms-source-if-modified-since": "If-Modified-Since",
    "x-ms-source-if-unmodified-since": "If-Unmodified-Since",
}
# Answer header of a Get Blob: the header of a Put Blob that sets the same property.
_PROPERTIES = {
    "Content-Type": "x-ms-blob-content-type",
    "Content-Encoding": "x-ms-blob-content-encoding",
    "Content-Language": "x-ms-blob-content-language",
    "Content-Disposition": "x-ms-blob-content-disposition",
    "Cache-Control": "x-ms-blob-cache-control",
}
_RANGE = re.compile(r"bytes=(\d+)-(\d*)", re.ASCII)
_ABOUT_THE_COPY = frozenset({"authorization", "content-length", "content-type", "content-md5"})


async def put_from_url(
    upstream: Upstream, request: web.Request, sas: str, source: tuple[str, str], *, whole_blob: bool
) -> web.StreamResponse:
    """Write what is at `source` (path and query) to the blob, or the block, that `request` names. Raises Refused."""
    refusal = _unsupported(request.headers, whole_blob=whole_blob)
    if refusal is not None:
        raise refusal
    reading = {theirs: request.headers[ours] for ours, theirs in _READING.items() if ours in request.headers}
    async with upstream.answer("GET", *source, reading) as blob:
        if blob.status not in (200, 206):
            raise _source_refused(blob)
        headers = _common(request.headers, blob.headers)
        if whole_blob:
            headers = with_properties(headers, request.headers, blob.headers)
        onto = "&".join(filter(None, (request.rel_url.raw_query_string, sas)))
        async with upstream.answer("PUT", raw_path(request), onto, headers, blob.content) as answer:
            if answer.status == 400 and "Content-MD5" in headers:
                # Azurite calls this an invalid operation.
                raise Refused(400, "Md5Mismatch", "The MD5 value specified in the request did not match the source's.")
            return await upstream.relay(request, answer)


def _unsupported(headers: Mapping[str, str], *, whole_blob: bool) -> Refused | None:
    if int(headers.get("Content-Length") or 0) > 0:
        return Refused(
            400, "InvalidHeaderValue", "Content-Length must be 0: a request that copies from a URL has no body."
        )
    if not _is_range(headers.get("x-ms-source-range", "bytes=0-")):
        # A read would ignore it, and the block become larger than asked for.
        return Refused(400, "InvalidHeaderValue", "x-ms-source-range must be bytes=FIRST-LAST or bytes=FIRST-.")
    if not whole_blob:
        return None
    if headers.get("x-ms-blob-type") != "BlockBlob":
        return Refused(400, "InvalidHeaderValue", "x-ms-blob-type must be BlockBlob for Put Blob From URL.")
    if headers.get("x-ms-copy-source-tag-option", "REPLACE").upper() != "REPLACE":
        return Refused(400, "UnsupportedHeader", "x-ms-copy-source-tag-option COPY is not supported here.")
    return None


def _is_range(text: str) -> bool:
    found = _RANGE.fullmatch(text)
    return found is not None and int(found[1]) <= int(found[2] or found[1])


def _common(request: Mapping[str, str], source: Mapping[str, str]) -> CIMultiDict[str]:
    headers = CIMultiDict(
        (name, value)
        for name, value in onward(request, without=_ABOUT_THE_COPY).items()
        if not name.lower().startswith(("x-ms-source-", "x-ms-copy-source"))
    )
    headers["Content-Length"] = source["Content-Length"]
    if "x-ms-source-content-md5" in request:
        headers["Content-MD5"] = request["x-ms-source-content-md5"]
    return headers


def with_properties(
    headers: CIMultiDict[str], request: Mapping[str, str], source: Mapping[str, str]
) -> CIMultiDict[str]:
    """`headers` and what the copy takes over from the source, where `request` does not say otherwise."""
    result = CIMultiDict(headers)
    if request.get("x-ms-copy-source-blob-properties", "true").lower() == "true":
        for theirs, ours in _PROPERTIES.items():
            if theirs in source:
                result.setdefault(ours, source[theirs])
    if not any(name.lower().startswith("x-ms-meta-") for name in request):
        result.extend((name, value) for name, value in source.items() if name.lower().startswith("x-ms-meta-"))
    return result


def _source_refused(answer: aiohttp.ClientResponse) -> Refused:
    code = answer.headers.get("x-ms-error-code", "")
    if answer.status in (304, 412):
        return Refused(412, "SourceConditionNotMet", "The source condition specified using HTTP headers is not met.")
    why = {"x-ms-copy-source-status-code": str(answer.status), "x-ms-copy-source-error-code": code}
    if answer.status == 404:
        return Refused(404, "CannotVerifyCopySource", "The specified blob does not exist.", why)
    if answer.status == 416:
        return Refused(416, "InvalidRange", "x-ms-source-range is outside the source.", why)
    return Refused(403, "CannotVerifyCopySource", f"The copy source could not be read: {answer.status} {code}.", why)
