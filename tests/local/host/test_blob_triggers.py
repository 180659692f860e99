"""Blob triggers and blob inputs, against Azurite, with a host as a process of its own.

Sources: Azure docs, functions-bindings-storage-blob-trigger, functions-bindings-storage-blob-input and
functions-event-grid-blob-trigger.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient, ContentSettings
from azure.storage.queue import QueueClient

from local import addresses, tls
from local.identity.credential import LocalCredential
from testbed.eventually import eventually
from tests.local import parts
from tests.local.host.azurites import storage
from tests.local.host.hosting import Host, notes, running

HOOK = "/runtime/webhooks/blobs?functionName=Host.Functions.on_event"
NOTIFIED = {"aeg-event-type": "Notification"}


@pytest.fixture(scope="module")
def connection() -> Iterator[str]:
    with storage() as found:
        yield found


@pytest.fixture(scope="module")
def container(connection: str) -> Iterator[ContainerClient]:
    with BlobServiceClient.from_connection_string(connection) as service:
        yield service.create_container("shared")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, connection: str, container: ContainerClient) -> Iterator[Host]:
    """One host for all tests of this module that do not stop it."""
    with started(tmp_path_factory.mktemp("host"), connection, container) as running_host:
        yield running_host


def started(state: Path, connection: str, container: ContainerClient, *flags: str) -> AbstractContextManager[Host]:
    settings = {"NOTES": str(state / "notes"), "LANDING": container.container_name}
    return running("blobs", state, "--poll-ms", "100", *flags, Data=connection, **settings)


def seen(host: Host, kind: str = "blob", **asked: object) -> list[dict[str, Any]]:
    return [note for note in notes(host.state / "notes", kind) if asked.items() <= note.items()]


def poison(connection: str) -> list[dict[str, str]]:
    with QueueClient.from_connection_string(connection, "webjobs-blobtrigger-poison") as queue:
        try:
            return [json.loads(base64.b64decode(message.content)) for message in queue.peek_messages(32)]
        except ResourceNotFoundError:
            return []


def pending(state: Path) -> int:
    with sqlite3.connect(state / "host" / "blobs.sqlite") as database:
        return int(database.execute("SELECT count(*) FROM work").fetchone()[0])


def event(container: ContainerClient, name: str, **data: object) -> dict[str, Any]:
    url = f"{container.url}/{name}"
    told = {"api": "PutBlob", "url": url, "eTag": "0x1", "blobType": "BlockBlob", **data}
    return {"id": "1", "subject": name, "eventType": "Microsoft.Storage.BlobCreated", "data": told}


def test_a_function_is_told_all_of_a_new_blob(host: Host, container: ContainerClient) -> None:
    kind = ContentSettings(content_type="text/csv")
    container.upload_blob("in/deep/a.b.csv", b"rows", metadata={"batch": "7"}, content_settings=kind)

    (told,) = eventually(lambda: seen(host, body="rows"))
    assert told["name"] == "shared/in/deep/a.b.csv"
    assert (told["length"], told["type"], told["metadata"]) == (4, "text/csv", {"batch": "7"})
    assert told["uri"].endswith("/shared/in/deep/a.b.csv")


def test_its_outputs_are_named_by_what_the_path_and_the_metadata_tell(host: Host, container: ContainerClient) -> None:
    container.upload_blob("in/x/one.two.txt", b"words", metadata={"batch": "8"})

    made = container.get_blob_client("out/x/one.two-8.txt")
    eventually(made.exists)
    assert made.download_blob().readall() == b"WORDS"


def test_a_blob_that_is_written_again_is_new_and_one_that_stays_is_not(host: Host, container: ContainerClient) -> None:
    container.upload_blob("in/again.txt", b"first")
    eventually(lambda: seen(host, body="first"))
    container.upload_blob("in/again.txt", b"second", overwrite=True)
    eventually(lambda: seen(host, body="second"))
    container.upload_blob("in/later.txt", b"later")
    eventually(lambda: seen(host, body="later"))

    assert [note["body"] for note in seen(host, name="shared/in/again.txt")] == ["first", "second"]


def test_blobs_that_do_not_match_the_path_are_left_alone(host: Host, container: ContainerClient) -> None:
    for name in ("in/without", "other/in/a.txt", "in.txt"):
        container.upload_blob(name, b"unmatched")
    container.upload_blob("in/matched.txt", b"matched")

    eventually(lambda: seen(host, body="matched"))
    assert not seen(host, body="unmatched")


def test_a_blob_that_fails_five_times_becomes_a_message(
    host: Host, container: ContainerClient, connection: str
) -> None:
    made = container.upload_blob("in/broken.bin", b"broken")

    eventually(lambda: poison(connection))
    assert len(seen(host, body="broken")) == 5
    assert poison(connection) == [
        {
            "Type": "BlobTrigger",
            "FunctionId": "Host.Functions.on_blob",
            "BlobType": "BlockBlob",
            "ContainerName": "shared",
            "BlobName": "in/broken.bin",
            "ETag": str(made.get_blob_properties().etag),
        }
    ]
    eventually(lambda: pending(host.state) == 0)


def test_the_handshakes_of_event_grid_are_answered(host: Host) -> None:
    body = [{"id": "1", "data": {"validationCode": "512d38b6"}, "eventType": "x"}]
    validation = {"aeg-event-type": "SubscriptionValidation"}

    assert host.http.post(HOOK, json=body, headers=validation).json() == {"validationResponse": "512d38b6"}
    asked = host.http.options(HOOK, headers={"WebHook-Request-Origin": "eventgrid.azure.net"})
    assert asked.headers["Webhook-Allowed-Origin"] == "eventgrid.azure.net"


def test_an_event_runs_the_function_with_the_blob_and_with_what_is_beside_it(
    host: Host, container: ContainerClient
) -> None:
    container.upload_blob("events/a ü.txt", "grüße")
    container.upload_blob("beside/a ü.txt", b"neighbour")

    answer = host.http.post(HOOK, json=[event(container, "events/a%20%C3%BC.txt")], headers=NOTIFIED)

    assert answer.status_code == 202
    (told,) = eventually(lambda: seen(host, "event"))
    assert (told["text"], told["beside"]) == ("grüße", "neighbour")


def test_a_function_that_events_tell_does_not_look_by_itself(host: Host, container: ContainerClient) -> None:
    container.upload_blob("events/untold.txt", b"untold")
    container.upload_blob("in/told.txt", b"looked at")

    eventually(lambda: seen(host, body="looked at"))
    assert not seen(host, "event", text="untold")


def test_events_that_nobody_can_use_are_told_in_the_log(host: Host, container: ContainerClient) -> None:
    """Azure takes them in and drops them, so a subscription with a slip looks like one that works."""
    wrong = HOOK.replace("on_event", "on_blob")

    assert host.http.post(wrong, json=[event(container, "in/x.txt")], headers=NOTIFIED).status_code == 202
    assert "Events for 'Host.Functions.on_blob' are dropped" in host.log
    assert host.http.post(HOOK, json=[{"id": "1"}], headers=NOTIFIED).status_code == 400


def test_a_blob_input_is_text_bytes_or_a_stream(host: Host, container: ContainerClient) -> None:
    container.upload_blob("plain.txt", "grün")
    raw = "grün".encode().hex()

    assert host.http.get("/api/read/plain.txt").json() == ["grün", raw, raw, raw]


def test_a_blob_that_is_not_there_is_none(host: Host) -> None:
    assert host.http.get("/api/read/nowhere").json() == [None, None, None, None]


def test_a_queue_message_can_name_the_blob(host: Host, container: ContainerClient, connection: str) -> None:
    container.upload_blob("named.txt", b"by message")
    with QueueClient.from_connection_string(connection, "shared-names") as queue:
        eventually(lambda: _sent(queue))

    (told,) = eventually(lambda: seen(host, "message"))
    assert (told["body"], told["name"]) == ("by message", None)


def _sent(queue: QueueClient) -> bool:
    try:
        queue.send_message(base64.b64encode(b"named.txt").decode())
    except ResourceNotFoundError:
        return False
    return True


def test_a_function_can_be_run_by_hand_for_a_blob(host: Host, container: ContainerClient) -> None:
    container.upload_blob("by-hand.txt", b"by hand")

    asked = host.http.post("/admin/functions/on_blob", json={"input": "shared/by-hand.txt"})

    assert asked.status_code == 202
    eventually(lambda: seen(host, body="by hand"))


def test_bindings_of_blobs_are_described(host: Host) -> None:
    listed = {one["name"]: one["config"]["bindings"] for one in host.http.get("/admin/functions").json()}

    (trigger,) = [one for one in listed["on_event"] if one["type"] == "blobTrigger"]
    (beside,) = [one for one in listed["on_event"] if one["type"] == "blob"]
    assert trigger == {
        "name": "text",
        "type": "blobTrigger",
        "direction": "IN",
        "path": "%LANDING%/events/{name}",
        "connection": "Data",
        "source": "EventGrid",
    }
    assert (beside["direction"], beside["path"]) == ("IN", "%LANDING%/beside/{name}")


@pytest.fixture
def own(connection: str, tmp_path: Path) -> Iterator[ContainerClient]:
    """A container for a host that does not live long."""
    name = tmp_path.name.replace("_", "-")[:30].strip("-").lower()
    with BlobServiceClient.from_connection_string(connection) as service:
        yield service.create_container(name)


def test_a_kill_during_a_function_loses_nothing_and_repeats_only_what_was_under_way(
    tmp_path: Path, connection: str, own: ContainerClient
) -> None:
    with started(tmp_path, connection, own) as first:
        own.upload_blob("in/done.txt", b"done")
        eventually(lambda: seen(first, body="done") and pending(tmp_path) == 0)
        own.upload_blob("in/slow.txt", b"slow")
        eventually(lambda: seen(first, body="slow"))
        many = {f"many {number}" for number in range(30)}
        for body in many:
            own.upload_blob(f"in/{body}.txt", body.encode())
        eventually(lambda: many & {note["body"] for note in seen(first)})
        first.kill()
        under_way = pending(tmp_path)
    own.upload_blob("in/next.txt", b"next")

    with started(tmp_path, connection, own) as again:
        eventually(lambda: seen(again, body="next") and len(seen(again, body="slow")) == 2)
        eventually(lambda: many <= {note["body"] for note in seen(again)} and pending(tmp_path) == 1)
        counts = Counter(note["body"] for note in seen(again))
        assert counts["done"] == 1
        assert set(counts.values()) <= {1, 2}
        assert sum(count == 2 for count in counts.values()) <= under_way


@pytest.mark.long
def test_an_event_that_was_taken_in_survives_a_kill(tmp_path: Path, connection: str, own: ContainerClient) -> None:
    """Its blob cannot be read while the account is away, so the function was not called before the kill."""
    own.upload_blob("events/kept.txt", b"kept")
    away = connection.replace("127.0.0.1", "127.0.0.9")

    with started(tmp_path, away, own) as first:
        told = [event(own, "events/kept.txt")]
        assert first.http.post(HOOK, json=told, headers=NOTIFIED).status_code == 202
        eventually(lambda: "events/kept.txt' cannot be read for function 'on_event'; trying again" in first.log)
        first.kill()

    with started(tmp_path, connection, own) as again:
        eventually(lambda: seen(again, "event", text="kept") and pending(tmp_path) == 0)


@pytest.mark.long
def test_the_local_event_grid_tells_a_function_of_blobs(tmp_path: Path) -> None:
    """As local/host/README.md says it: a subscription by hand, a blob through the front of storage."""
    where = addresses.settle(tmp_path)
    settings = {"NOTES": str(tmp_path / "notes"), "LANDING": "landing", "Data": where.connection_string()}
    with parts.running("storage", tmp_path), running("blobs", tmp_path, "--auth", **settings) as host:
        key = json.loads((tmp_path / "host" / "keys.json").read_text())["blobs_extension"]
        with parts.running("eventgrid", tmp_path):
            made = httpx.put(
                f"{where.eventgrid}/subscriptions/blobs",
                json={
                    "topic": "storage",
                    "destination": {"type": "WebHook", "url": f"{where.host}{HOOK}&code={key}"},
                    "filter": {
                        "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
                        "subjectBeginsWith": "/blobServices/default/containers/landing/blobs/events/",
                    },
                },
                trust_env=False,
                timeout=30,
            )
            assert made.is_success, made.text
            trusted = str(tls.authority(tmp_path))
            credential = LocalCredential.of(tmp_path)
            url = where.account_url(addresses.ACCOUNT)
            with ContainerClient(url, "landing", credential=credential, connection_verify=trusted) as landing:
                landing.upload_blob("events/a b.txt", b"told by Event Grid")
                landing.upload_blob("elsewhere/a.txt", b"not told")

            eventually(lambda: seen(host, "event"))
            assert [note["text"] for note in seen(host, "event")] == ["told by Event Grid"]
