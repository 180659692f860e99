"""What the landing account tells Event Grid, and that nothing of it gets lost."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from azure.storage.blob import BlobBlock

from local import addresses
from local.addresses import STORAGE_TOPIC
from local.storage.events import Blob, Occasion, Outbox, storage_event
from local.storage.operations import Kind, Operation
from testbed.eventually import eventually
from tests.local.parts import running
from tests.local.receiver import NOBODY, receiving
from tests.local.storage.accounts import Accounts

URL = "https://127.0.0.1:1/acct"
OCCASION = Occasion(
    sequence=26, now=datetime(2026, 1, 2, 3, 4, 5, 678000, UTC), request_id="request", client_id="client"
)
BLOB = Blob(etag='"0x8D"', content_type="image/png", content_length=7, blob_type="BlockBlob")


def test_an_event_has_the_shape_that_azure_documents() -> None:
    operation = Operation(Kind.PUT_BLOB, "acct", "landing", "a b/ü#1.png")

    event = storage_event(operation, BLOB, OCCASION, account_url=URL)

    assert re.fullmatch(r"[0-9a-f-]{36}", event.pop("id"))
    assert re.fullmatch(r"[0-9a-f-]{36}", event["data"].pop("storageDiagnostics")["batchId"])
    assert event == {
        "topic": STORAGE_TOPIC,
        "subject": "/blobServices/default/containers/landing/blobs/a b/ü#1.png",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-01-02T03:04:05.6780000Z",
        "data": {
            "api": "PutBlob",
            "clientRequestId": "client",
            "requestId": "request",
            "eTag": '"0x8D"',
            "contentType": "image/png",
            "contentLength": 7,
            "blobType": "BlockBlob",
            "accessTier": "Hot",
            "url": "https://127.0.0.1:1/acct/landing/a%20b/%C3%BC%231.png",
            "sequencer": "0000000000000000000000000000001A",
        },
        "dataVersion": "",
        "metadataVersion": "1",
    }


def test_a_deletion_tells_what_was_deleted_but_not_its_size() -> None:
    event = storage_event(Operation(Kind.DELETE_BLOB, "acct", "landing", "x"), BLOB, OCCASION, account_url=URL)

    assert event["eventType"] == "Microsoft.Storage.BlobDeleted"
    assert (event["data"]["api"], event["data"]["eTag"]) == ("DeleteBlob", '"0x8D"')
    assert "contentLength" not in event["data"]


def test_the_sequence_goes_on_where_it_was_after_a_restart(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "events.sqlite")
    numbers = [first.next_sequence() for _ in range(3)]
    first.close()
    second = Outbox(tmp_path / "events.sqlite")

    numbers.append(second.next_sequence())
    second.close()

    assert numbers == sorted(set(numbers))


def test_every_way_to_write_a_blob_is_told_before_the_client_is_answered(accounts: Accounts) -> None:
    with accounts.landing as landing:
        put = landing.upload_blob("told/put.csv", b"12345")
        assert [event["data"]["api"] for event in accounts.events("told/put.csv")] == ["PutBlob"]

        staged = landing.get_blob_client("told/staged")
        staged.stage_block("YQ==", b"123")
        assert accounts.events("told/staged") == []
        staged.commit_block_list([BlobBlock("YQ==")])
        assert [event["data"]["api"] for event in accounts.events("told/staged")] == ["PutBlockList"]

        landing.get_blob_client("told/copied").start_copy_from_url(put.url)
        assert [event["data"]["api"] for event in accounts.events("told/copied")] == ["CopyBlob"]

        fetched = landing.get_blob_client("told/fetched")
        fetched.upload_blob_from_url(put.url, source_authorization=accounts.bearer())
        assert [event["data"]["api"] for event in accounts.events("told/fetched")] == ["PutBlobFromUrl"]

        landing.delete_blob("told/copied")
        assert [event["data"]["api"] for event in accounts.events("told/copied")] == ["CopyBlob", "DeleteBlob"]
        sizes = {name: accounts.events(f"told/{name}")[0]["data"]["contentLength"] for name in ("staged", "fetched")}
        etags = [accounts.events("told/put.csv")[0]["data"]["eTag"], put.get_blob_properties().etag]

    assert sizes == {"staged": 3, "fetched": 5}
    assert etags[0] == etags[1]


def test_the_events_of_one_blob_are_ordered_by_their_sequencer(accounts: Accounts) -> None:
    with accounts.landing as landing:
        for number in range(3):
            landing.upload_blob("ordered", bytes(number), overwrite=True)

    events = sorted(accounts.events("ordered"), key=lambda event: event["data"]["sequencer"])

    assert [event["data"]["contentLength"] for event in events] == [0, 1, 2]


def test_a_write_that_fails_and_other_accounts_raise_no_event(accounts: Accounts) -> None:
    before = len(accounts.published)
    headers = {"x-ms-version": "2024-08-04", "Authorization": accounts.bearer(), "x-ms-blob-type": "BlockBlob"}

    failed = accounts.request("PUT", "/devstoreaccount1/no-such-container/x", headers, b"x")
    with accounts.lakehouse as lakehouse:
        lakehouse.upload_blob("silent", b"x")

    assert failed.status_code == 404
    assert len(accounts.published) == before


def test_while_event_grid_is_away_writes_succeed_and_their_events_wait(tmp_path: Path) -> None:
    where = addresses.settle(tmp_path)
    with running("storage", tmp_path) as process:
        accounts = Accounts(tmp_path, where, NOBODY, process)
        with accounts.landing as landing:
            landing.upload_blob("early", b"x")
        process.kill()
        process.wait()
    with running("storage", tmp_path), receiving(addresses.port_of(where.eventgrid)) as grid:
        eventually(lambda: grid.events)

        assert [event["subject"].rsplit("/", 1)[1] for event in grid.events] == ["early"]
        outbox = Outbox(tmp_path / "storage" / "events.sqlite")
        eventually(lambda: outbox.oldest(1) == [])
        outbox.close()
