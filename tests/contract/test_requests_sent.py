"""What the calls of the `Blobs` port cost: the adapter sends as many requests, of the same kinds, as the fake counts.

So tests and benchmarks may count with the fake what an account is billed for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from urllib3 import BaseHTTPResponse, HTTPConnectionPool

from local.addresses import WORKSPACE_ACCOUNT
from local.identity.credential import LocalCredential
from shared.adapters.blobs import AzureBlobs
from shared.core.location import Container, Location
from shared.ports import Blobs
from testbed.fakes import FakeBlobs
from tests.contract.written import copy, written
from tests.local.azureml.cloud import Cloud

Call = Callable[[Blobs, Location], object]

CALLS: dict[str, Call] = {
    "create": lambda blobs, folder: blobs.create(folder.at("new"), b"1"),
    "create what is there": lambda blobs, folder: blobs.create(folder.at("a"), b"1"),
    "read": lambda blobs, folder: blobs.read(folder.at("a")),
    "read what is not there": lambda blobs, folder: blobs.read(folder.at("none")),
    "replace": lambda blobs, folder: blobs.replace(folder.at("a"), b"2", etag=None),
    "replace another version": lambda blobs, folder: blobs.replace(folder.at("a"), b"2", etag='"0x1"'),
    "stat": lambda blobs, folder: blobs.stat(folder.at("a")),
    "stat what is not there": lambda blobs, folder: blobs.stat(folder.at("none")),
    "list a folder": lambda blobs, folder: blobs.list_folder(folder),
    "list a folder that is not there": lambda blobs, folder: blobs.list_folder(folder.at("none")),
    "list a file": lambda blobs, folder: blobs.list_file(folder.at("a")),
    "list below": lambda blobs, folder: list(blobs.list_below(folder)),
    "names": lambda blobs, folder: list(blobs.names(folder.container, f"{folder.path}/")),
    "names of folders": lambda blobs, folder: list(blobs.names(folder.container, f"{folder.path}/", folders=True)),
    "pages": lambda blobs, folder: list(blobs.pages(folder.container, f"{folder.path}/")),
    "copy": lambda blobs, folder: _copied(blobs, folder),
    "delete": lambda blobs, folder: blobs.delete(folder.at("a")),
    "delete what is not there": lambda blobs, folder: blobs.delete(folder.at("none")),
}


def _copied(blobs: Blobs, folder: Location) -> object:
    version = blobs.stat(folder.at("a"))
    assert version is not None
    return copy(blobs, folder.at("a"), folder.at("b"), version)


def kind_of(method: str, url: str, headers: Mapping[str, str]) -> str:
    """As storage bills it."""
    if method == "GET":
        return "list" if "comp=list" in url else "read"
    if method == "PUT":
        return "copy" if "x-ms-copy-source" in headers else "write"
    return {"HEAD": "properties", "DELETE": "delete"}[method]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_sends_the_requests_that_the_fake_counts(
    call: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeBlobs(lambda: datetime.now(UTC))
    sent, send = Counter[str](), HTTPConnectionPool.urlopen

    def counting(pool: HTTPConnectionPool, method: str, url: str, **options: Any) -> BaseHTTPResponse:
        sent[kind_of(method, url, options["headers"])] += 1
        return send(pool, method, url, **options)

    container = Container(cloud.addresses.account_url(WORKSPACE_ACCOUNT), "azureml-blobstore-local")
    with closing(AzureBlobs(LocalCredential.of(cloud.state))) as azure:
        for blobs, where in ((fake, "billed"), (azure, f"billed-{list(CALLS).index(call)}")):
            folder = Location(container, where)
            written(blobs, folder.at("a"), b"1")
            if blobs is fake:
                fake.requests.clear()
            else:
                monkeypatch.setattr(HTTPConnectionPool, "urlopen", counting)
            CALLS[call](blobs, folder)

    assert sent == fake.requests
    assert sent
