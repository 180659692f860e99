"""Output bindings, against Azurite.

Sources: Azure docs, functions-bindings-storage-blob-output, functions-bindings-storage-queue-output and
functions-bindings-expressions-patterns.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from tests.local.host.azurites import storage
from tests.local.host.hosting import Host, running


@pytest.fixture(scope="module")
def connection() -> Iterator[str]:
    with storage() as found:
        with BlobServiceClient.from_connection_string(found) as service:
            service.create_container("written")
        yield found


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, connection: str) -> Iterator[Host]:
    with running("bindings", tmp_path_factory.mktemp("host"), Store=connection, CONTAINER="written") as started:
        yield started


def blob(connection: str, name: str) -> bytes:
    with BlobServiceClient.from_connection_string(connection) as service:
        content: bytes = service.get_blob_client("written", name).download_blob().readall()
        return content


def test_outputs_go_to_the_blob_and_the_queue_that_their_expressions_name(host: Host, connection: str) -> None:
    answer = host.http.post("/api/store/eins?part=two", content="grüße".encode())

    assert (answer.status_code, answer.text) == (200, "stored")
    assert blob(connection, "eins/two.txt").decode() == "grüße"
    with QueueClient.from_connection_string(connection, "written-told") as queue:
        messages = [base64.b64decode(message.content).decode() for message in queue.receive_messages()]
    assert sorted(messages) == ["eins", "second"]


def test_containers_and_queues_that_are_not_there_are_made(tmp_path: Path, connection: str) -> None:
    with running("bindings", tmp_path, Store=connection, CONTAINER="fresh") as host:
        assert host.http.post("/api/store/one?part=two", content=b"x").status_code == 200

    with BlobServiceClient.from_connection_string(connection) as service:
        assert list(service.get_container_client("fresh").list_blob_names()) == ["one/two.txt"]


def test_a_blob_is_written_over(host: Host, connection: str) -> None:
    for text in ("old", "new"):
        host.http.post("/api/store/again?part=x", content=text.encode())

    assert blob(connection, "again/x.txt") == b"new"


def test_an_output_that_was_not_set_is_not_written(host: Host, connection: str) -> None:
    assert host.http.post("/api/store/unset").status_code == 200

    with BlobServiceClient.from_connection_string(connection) as service:
        found = service.get_container_client("written").list_blob_names(name_starts_with="unset")
        assert not list(found)


def test_a_function_that_fails_writes_nothing(host: Host, connection: str) -> None:
    assert host.http.post("/api/store/failed?part=x&fail=1").status_code == 500

    with BlobServiceClient.from_connection_string(connection) as service:
        assert not list(service.get_container_client("written").list_blob_names(name_starts_with="failed"))


def test_what_a_function_returns_can_go_to_a_blob_named_by_its_event(host: Host, connection: str) -> None:
    event = {
        "id": "42",
        "subject": "s",
        "eventType": "t",
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "1",
        "topic": "t",
        "data": {"name": "from-event"},
    }
    hook = "/runtime/webhooks/eventgrid?functionName=on_event"
    answer = host.http.post(hook, json=[event], headers={"aeg-event-type": "Notification"})

    assert answer.status_code == 202, answer.text
    assert blob(connection, "events/from-event") == b"42"


def test_an_expression_that_the_trigger_cannot_fill_fails_the_invocation_by_name(host: Host) -> None:
    assert host.http.get("/api/unresolved").status_code == 500
    assert "Unable to resolve value for binding parameter 'nothing'." in host.log
