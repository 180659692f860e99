"""Azurite through the front: what an Azure client can rely on."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
from azure.storage.blob import BlobPrefix, ContentSettings

from local import tls
from local.addresses import ACCOUNT
from local.storage.upstream import CHUNK
from tests.local.storage.accounts import Accounts

VERSION = {"x-ms-version": "2024-08-04"}


def test_a_listing_has_names_sizes_etags_hashes_and_metadata(accounts: Accounts) -> None:
    data = b"some bytes"
    with accounts.landing as landing:
        written = landing.upload_blob("list/a b/ä&+.txt", data, metadata={"Origin": "test"})
        properties = written.get_blob_properties()

        (listed,) = landing.list_blobs(name_starts_with="list/", include=["metadata"])

    assert (listed.name, listed.size) == ("list/a b/ä&+.txt", len(data))
    assert f'"{listed.etag}"' == properties.etag
    assert bytes(listed.content_settings.content_md5 or b"") == hashlib.md5(data).digest()
    assert listed.metadata == {"Origin": "test"}


def test_a_listing_may_start_from_a_name_and_its_pages_too(accounts: Accounts) -> None:
    """A reader of a Delta table asks for what is in its log from one version on."""
    with accounts.landing as landing:
        for version in range(5):
            landing.upload_blob(f"from/{version}.json", b"")

        pages = landing.list_blobs("from/", start_from="from/2.json", results_per_page=2).by_page()

        assert [[one.name for one in page] for page in pages] == [["from/2.json", "from/3.json"], ["from/4.json"]]


def test_a_name_may_have_a_line_break(accounts: Accounts) -> None:
    with accounts.landing as landing:
        landing.upload_blob("broken/two\nlines", b"read")

        assert landing.download_blob("broken/two\nlines").readall() == b"read"
        assert [one.name for one in landing.list_blobs(name_starts_with="broken/")] == ["broken/two\nlines"]


@pytest.mark.parametrize("path", ["dots/a/../b", "dots/./b", "dots/%2e%2E/b", "..", "%2e%2e/lakehouse/b"])
def test_dot_segments_are_refused_and_not_resolved(accounts: Accounts, path: str) -> None:
    """Clients resolve them; one that does not is up to something."""
    where = urlsplit(accounts.where.storage)
    trusted = tls.client_context(accounts.state)
    with closing(HTTPSConnection(where.hostname or "", where.port, context=trusted, timeout=30)) as http:
        headers = {**VERSION, "Authorization": accounts.bearer(), "x-ms-blob-type": "BlockBlob", "Content-Length": "1"}
        http.request("PUT", f"/{ACCOUNT}/landing/{path}", b"1", headers)
        answer = http.getresponse()

    assert (answer.status, answer.headers["x-ms-error-code"]) == (400, "InvalidUri")
    with accounts.landing as landing:
        assert list(landing.list_blobs("dots/")) == []


def test_walking_a_container_stops_at_the_delimiter(accounts: Accounts) -> None:
    with accounts.landing as landing:
        for name in ("walk/x/1", "walk/x/2", "walk/y"):
            landing.upload_blob(name, b"")

        found = list(landing.walk_blobs(name_starts_with="walk/", delimiter="/"))

    assert [(one.name, isinstance(one, BlobPrefix)) for one in found] == [("walk/x/", True), ("walk/y", False)]


def test_neither_azurite_nor_the_signature_of_the_front_shows_in_what_clients_see(accounts: Accounts) -> None:
    with accounts.landing as landing:
        source = landing.upload_blob("hidden/a", b"a")
        landing.get_blob_client("hidden/b").start_copy_from_url(source.url)
    headers = {**VERSION, "Authorization": accounts.bearer()}

    listing = accounts.request("GET", f"/{ACCOUNT}/landing?restype=container&comp=list&include=copy", headers)
    head = accounts.request("HEAD", f"/{ACCOUNT}/landing/hidden/b", headers)

    for shown in (listing.text, str(listing.headers), str(head.headers)):
        assert accounts.where.azurite_blob not in shown
        assert "sig=" not in shown
    assert f'ServiceEndpoint="{accounts.where.storage}/{ACCOUNT}' in listing.text
    assert head.headers["x-ms-copy-source"] == source.url


def test_conditional_writes_are_judged(accounts: Accounts) -> None:
    with accounts.landing as landing:
        blob = landing.upload_blob("conditional", b"1")
        etag = blob.get_blob_properties().etag

        with pytest.raises(ResourceExistsError):
            blob.upload_blob(b"2", overwrite=False)
        with pytest.raises(ResourceModifiedError):
            blob.upload_blob(b"2", overwrite=True, etag='"0x0"', match_condition=MatchConditions.IfNotModified)
        blob.upload_blob(b"3", overwrite=True, etag=etag, match_condition=MatchConditions.IfNotModified)

        assert blob.download_blob().readall() == b"3"


def test_a_head_answers_with_the_size_and_no_body(accounts: Accounts) -> None:
    with accounts.landing as landing:
        landing.upload_blob("head", b"12345", content_settings=ContentSettings(content_type="text/plain"))

    answer = accounts.request("HEAD", f"/{ACCOUNT}/landing/head", {**VERSION, "Authorization": accounts.bearer()})

    assert (answer.headers["Content-Length"], answer.headers["Content-Type"]) == ("5", "text/plain")
    assert answer.content == b""
    assert answer.headers["Date"]


def test_a_body_with_a_content_encoding_is_stored_as_it_was_sent(accounts: Accounts) -> None:
    packed = gzip.compress(b"text " * 100, mtime=0)
    headers = {**VERSION, "Authorization": accounts.bearer(), "x-ms-blob-type": "BlockBlob", "Content-Encoding": "gzip"}

    put = accounts.request("PUT", f"/{ACCOUNT}/landing/packed.gz", headers, packed)

    assert put.status_code == 201
    with accounts.landing as landing:
        assert landing.get_blob_client("packed.gz").get_blob_properties().size == len(packed)


def test_ranges_are_answered_in_part(accounts: Accounts) -> None:
    with accounts.landing as landing:
        landing.upload_blob("range", b"0123456789")

        assert landing.download_blob("range", offset=2, length=3).readall() == b"234"


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1])
def test_bodies_of_any_size_come_back_as_they_were_sent(accounts: Accounts, size: int) -> None:
    """Up to a size they pass the front in one piece, beyond as streams."""
    data = (bytes(range(256)) * (CHUNK // 256 + 1))[:size]
    with accounts.landing as landing:
        blob = landing.upload_blob(f"sizes/{size}", data)

        assert blob.download_blob().readall() == data
        assert blob.get_blob_properties().size == size


def test_a_large_blob_passes_through_without_being_held_in_memory(accounts: Accounts) -> None:
    size, chunk = 96 * 1024 * 1024, bytes(1024 * 1024)
    before = _peak_memory(accounts.process.pid)

    def body() -> Iterator[bytes]:
        for _ in range(size // len(chunk)):
            yield chunk

    headers = {
        **VERSION,
        "Authorization": accounts.bearer(),
        "x-ms-blob-type": "BlockBlob",
        "Content-Length": str(size),
    }
    put = accounts.request("PUT", f"/{ACCOUNT}/landing/large", headers, body())

    assert put.status_code == 201
    with accounts.landing as landing:
        assert sum(len(part) for part in landing.download_blob("large").chunks()) == size
    assert _peak_memory(accounts.process.pid) - before < size // 4


def _peak_memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = (int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    return peak


def _fault(accounts: Accounts, **rule: object) -> None:
    accounts.request("PUT", "/_faults", body=json.dumps([rule]).encode()).raise_for_status()


def test_a_fault_after_the_work_leaves_the_blob_there_and_the_client_in_doubt(accounts: Accounts) -> None:
    _fault(accounts, match={"path": "doubt"}, action={"after": {"reset": True}}, times=1)
    headers = {**VERSION, "Authorization": accounts.bearer(), "x-ms-blob-type": "BlockBlob"}

    with pytest.raises(httpx.RemoteProtocolError):
        accounts.request("PUT", f"/{ACCOUNT}/landing/doubt", headers, b"done")

    with accounts.landing as landing:
        assert landing.download_blob("doubt").readall() == b"done"


def test_a_fault_after_a_read_replaces_the_answer(accounts: Accounts) -> None:
    with accounts.landing as landing:
        landing.upload_blob("withheld", b"x" * 100)
    _fault(accounts, match={"method": "GET", "path": "withheld"}, action={"after": {"status": 500}}, times=1)
    headers = {**VERSION, "Authorization": accounts.bearer()}

    assert accounts.request("GET", f"/{ACCOUNT}/landing/withheld", headers).status_code == 500
    assert accounts.request("GET", f"/{ACCOUNT}/landing/withheld", headers).content == b"x" * 100


def test_a_late_answer_to_a_create_is_that_of_the_only_one(accounts: Accounts) -> None:
    _fault(accounts, match={"method": "PUT", "path": "/late$"}, action={"after": {"delay_ms": 20}}, times=1)
    headers = {
        **VERSION,
        "Authorization": accounts.bearer(),
        "x-ms-blob-type": "BlockBlob",
        "If-None-Match": "*",
    }

    answer = accounts.request("PUT", f"/{ACCOUNT}/landing/late", headers, b"once")

    assert answer.status_code == 201


def test_a_late_answer_to_a_question_for_properties_is_whole(accounts: Accounts) -> None:
    with accounts.landing as landing:
        landing.upload_blob("asked-late", b"x" * 100)
        _fault(accounts, match={"method": "HEAD", "path": "asked-late"}, action={"after": {"delay_ms": 20}}, times=1)

        properties = landing.get_blob_client("asked-late").get_blob_properties()

    assert properties.size == 100
