"""Copies through this app, in blocks: the same outcomes as copies inside the service, in bounded memory."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from threading import BoundedSemaphore
from typing import Any

import pytest
from azure.storage.blob import BlobClient, BlobServiceClient, ContentSettings

from local.addresses import LAKEHOUSE_ACCOUNT, WORKSPACE_ACCOUNT
from local.identity.credential import LocalCredential
from shared.adapters.streaming import PIECE, stream
from shared.errors import InputRefused
from shared.ports import Copied
from tests.local.azureml.cloud import Cloud

MIB = 1024 * 1024
_numbers = itertools.count()
Pair = tuple[BlobClient, BlobClient]


@pytest.fixture
def services(cloud: Cloud) -> Iterator[tuple[BlobServiceClient, BlobServiceClient]]:
    credential = LocalCredential.of(cloud.state)
    urls = (cloud.addresses.account_url(WORKSPACE_ACCOUNT), cloud.addresses.account_url(LAKEHOUSE_ACCOUNT))
    with BlobServiceClient(urls[0], credential) as source, BlobServiceClient(urls[1], credential) as target:
        yield source, target


@pytest.fixture
def pair(services: tuple[BlobServiceClient, BlobServiceClient]) -> Pair:
    """A blob that is not there yet, and where it will be copied to, in another account."""
    source, target = services
    name = f"streamed/{next(_numbers)}/a b ü.csv"
    return source.get_blob_client("azureml-blobstore-local", name), target.get_blob_client("lakehouse", name)


def put(blob: BlobClient, content: bytes, **more: Any) -> str:
    return str(blob.upload_blob(content, overwrite=True, **more)["etag"])


def streamed(
    pair: Pair,
    etag: str,
    *,
    md5: str | None = None,
    block: int = 400,
    room: AbstractContextManager[Any] | None = None,
) -> Copied:
    source, target = pair
    return stream(source, target, etag=etag, md5=md5, block=block, room=room or nullcontext())


class Meddling(AbstractContextManager[None]):
    """Room for a block. Before the second one, something happens."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens, self._entered = happens, itertools.count(1)

    def __enter__(self) -> None:
        if next(self._entered) == 2:
            self._happens()

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("size", [0, 1, 400, 401, 1999])
def test_a_copy_has_the_bytes_and_the_md5_of_its_source(pair: Pair, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    etag = put(pair[0], content)

    assert streamed(pair, etag) is Copied.STREAMED

    made, source = pair[1].get_blob_properties(), pair[0].get_blob_properties()
    assert made.size == size
    assert made.content_settings.content_md5 == source.content_settings.content_md5
    if size:  # the SDK leaves a connection open when it reads an empty blob
        assert pair[1].download_blob().readall() == content


def test_a_copy_has_the_properties_and_the_metadata_of_its_source(pair: Pair) -> None:
    settings = ContentSettings(content_type="text/csv", content_language="de", cache_control="no-store")
    etag = put(pair[0], b"1,2\n", content_settings=settings, metadata={"sent_by": "sensor"})

    streamed(pair, etag)

    copied = pair[1].get_blob_properties()
    found = copied.content_settings
    assert (found.content_type, found.content_language, found.cache_control) == ("text/csv", "de", "no-store")
    assert copied.metadata == {"sent_by": "sensor"}


def test_what_is_packed_stays_packed(pair: Pair) -> None:
    """The SDK unpacks what it reads unless it is told not to."""
    packed = bytes.fromhex("1f8b08000000000000034b4c040043beb7e803000000")
    etag = put(pair[0], packed, content_settings=ContentSettings(content_encoding="gzip"))

    assert streamed(pair, etag, block=10) is Copied.STREAMED
    assert pair[1].download_blob(decompress=False).readall() == packed


def test_a_version_that_is_gone_is_not_copied(pair: Pair) -> None:
    old = put(pair[0], b"1")
    put(pair[0], b"2")
    assert streamed(pair, old) is Copied.SOURCE_CHANGED

    pair[0].delete_blob()
    assert streamed(pair, old) is Copied.SOURCE_CHANGED
    assert not pair[1].exists()


@pytest.mark.parametrize("becomes", ["another version", "nothing"])
def test_a_source_that_changes_while_it_is_read_is_not_copied(pair: Pair, becomes: str) -> None:
    etag = put(pair[0], b"1" * 1000)
    meddling = Meddling(pair[0].delete_blob if becomes == "nothing" else lambda: put(pair[0], b"2" * 1000))

    assert streamed(pair, etag, room=meddling) is Copied.SOURCE_CHANGED
    assert not pair[1].exists()


def test_a_blob_that_is_there_stays_as_it_is_and_the_source_is_not_read(pair: Pair) -> None:
    etag = put(pair[0], b"1" * 1000)
    there = put(pair[1], b"somebody else's")
    meddling = Meddling(lambda: pytest.fail("it was read"))

    assert streamed(pair, etag, room=meddling) is Copied.THERE
    assert pair[1].get_blob_properties().etag == there


def test_a_blob_that_comes_meanwhile_stays_as_it_is(pair: Pair) -> None:
    etag = put(pair[0], b"1" * 1000)

    assert streamed(pair, etag, room=Meddling(lambda: put(pair[1], b"somebody else's"))) is Copied.THERE
    assert pair[1].download_blob().readall() == b"somebody else's"


def test_two_that_stream_to_the_same_place_do_not_mix_their_blocks(pair: Pair) -> None:
    etag = put(pair[0], b"12" * 500)

    assert streamed(pair, etag, room=Meddling(lambda: streamed(pair, etag, block=300))) is Copied.THERE
    assert pair[1].download_blob().readall() == b"12" * 500


def test_bytes_that_are_not_what_was_frozen_are_not_copied(pair: Pair) -> None:
    """A writer may set any MD5: the service keeps it as it is."""
    etag = put(pair[0], b"1")

    with pytest.raises(InputRefused, match=r"The MD5 in the properties of .*/a%20b.* is not that of its content"):
        streamed(pair, etag, md5="gnzLDuqKcGxMNKFokfhOew==")
    assert not pair[1].exists()


def test_memory_is_bounded_by_the_room_however_many_and_however_large_files_are(
    services: tuple[BlobServiceClient, BlobServiceClient],
) -> None:
    """Four files of 32 MiB at the same time, with room for two blocks of 4 MiB."""
    block, files, size, blocks = 4 * MIB, 4, 32 * MIB, 2
    source = services[0].get_blob_client("azureml-blobstore-local", f"streamed/{next(_numbers)}/large")
    etag = put(source, b"x" * size)
    room = BoundedSemaphore(blocks)

    def copy(number: int) -> Copied:
        target = services[1].get_blob_client("lakehouse", f"{source.blob_name}-{number}")
        return stream(source, target, etag=etag, md5=None, block=block, room=room)

    tracemalloc.start()
    try:
        with ThreadPoolExecutor(files) as pool:
            assert list(pool.map(copy, range(files))) == [Copied.STREAMED] * files
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < blocks * (block + 10 * PIECE)
