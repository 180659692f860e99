"""Queue triggers, against Azurite.

Source: Azure docs, functions-bindings-storage-queue-trigger and functions-bindings-storage-queue (host.json).
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.addresses import ACCOUNT, ACCOUNT_KEY
from local.ports import free
from testbed.eventually import eventually
from tests.local.host.azurites import storage
from tests.local.host.hosting import APPS, Host, notes, running


@pytest.fixture(scope="module")
def connection() -> Iterator[str]:
    """A connection string for a storage account that is empty."""
    with storage() as found:
        yield found


@pytest.fixture
def host(tmp_path: Path, connection: str) -> Iterator[Host]:
    """The sample app, listening to a queue of its own."""
    settings = {"NOTES": str(tmp_path / "notes"), "QUEUE": tmp_path.name.replace("_", "-")[:40].strip("-")}
    with running("everything", tmp_path, "--poll-ms", "100", QueueStorage=connection, **settings) as started:
        yield started


def queue(host: Host, connection: str, suffix: str = "") -> QueueClient:
    name = host.state.name.replace("_", "-")[:40].strip("-") + suffix
    return QueueClient.from_connection_string(connection, name)


def exists(client: QueueClient) -> bool:
    try:
        client.get_queue_properties()
    except ResourceNotFoundError:
        return False
    return True


def count(client: QueueClient) -> int | None:
    return client.get_queue_properties().approximate_message_count


def has_noted(host: Host, messages: int) -> bool:
    return len(notes(host.state / "notes", "message")) == messages


def test_a_message_is_decoded_given_to_the_function_and_deleted(host: Host, connection: str) -> None:
    with queue(host, connection) as client:
        eventually(lambda: exists(client))
        for text in ("one", "zwei — drei"):
            client.send_message(base64.b64encode(text.encode()).decode())

        file = host.state / "notes"
        eventually(lambda: len(notes(file, "message")) == 2)
        assert {note["body"] for note in notes(file, "message")} == {"one", "zwei — drei"}
        assert {note["count"] for note in notes(file, "message")} == {1}
        eventually(lambda: count(client) == 0)


def test_a_message_that_fails_five_times_is_moved_aside(host: Host, connection: str) -> None:
    with queue(host, connection) as client, queue(host, connection, "-poison") as poison:
        eventually(lambda: exists(client))
        client.send_message(base64.b64encode(b"poison").decode())
        eventually(lambda: exists(poison) and count(poison) == 1)

        assert [note["count"] for note in notes(host.state / "notes", "message")] == [1, 2, 3, 4, 5]
        assert base64.b64decode(poison.peek_messages()[0].content) == b"poison"
        eventually(lambda: count(client) == 0)


def test_a_message_that_the_function_itself_has_deleted_stops_nothing(host: Host, connection: str) -> None:
    with queue(host, connection) as client:
        eventually(lambda: exists(client))
        for number, text in enumerate((b"mine", b"other"), 1):
            client.send_message(base64.b64encode(text).decode())
            eventually(partial(has_noted, host, number))
        eventually(lambda: count(client) == 0)

    assert "cannot read queue" not in host.log


def test_a_failed_message_is_shown_again_after_the_time_that_host_json_says(tmp_path: Path, connection: str) -> None:
    later = {"AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:10:00"}
    settings = {"NOTES": str(tmp_path / "notes"), "QUEUE": "shown-later", "QueueStorage": connection, **later}
    with running("everything", tmp_path, "--poll-ms", "100", **settings) as host:
        with QueueClient.from_connection_string(connection, "shown-later") as client:
            eventually(lambda: exists(client))
            client.send_message(base64.b64encode(b"poison").decode())
            eventually(lambda: "a bad message" in host.log)
            client.send_message(base64.b64encode(b"other").decode())
            eventually(lambda: len(notes(tmp_path / "notes", "message")) == 2)

        assert [note["count"] for note in notes(tmp_path / "notes", "message")] == [1, 1]


def test_a_message_that_is_not_base64_is_moved_aside_at_once(host: Host, connection: str) -> None:
    with queue(host, connection) as client, queue(host, connection, "-poison") as poison:
        eventually(lambda: exists(client))
        client.send_message("plain text")
        eventually(lambda: exists(poison) and count(poison) == 1)

    assert notes(host.state / "notes", "message") == []


def test_a_host_that_is_told_so_hands_messages_over_as_they_are(tmp_path: Path, connection: str) -> None:
    """`messageEncoding: none`: whatever is in the queue is the function's to read."""
    app = tmp_path / "app"
    shutil.copytree(APPS / "everything", app)
    settings = json.loads((app / "host.json").read_text("utf-8"))
    settings["extensions"]["queues"] = {"messageEncoding": "none"}
    (app / "host.json").write_text(json.dumps(settings))
    texts = ["plain — text", base64.b64encode(b"encoded").decode(), '{"a": 1}']

    queue = {"NOTES": str(tmp_path / "notes"), "QUEUE": "as-they-are"}
    with (
        running(app, tmp_path / "state", "--poll-ms", "100", QueueStorage=connection, **queue),
        QueueClient.from_connection_string(connection, "as-they-are") as client,
    ):
        eventually(lambda: exists(client))
        for text in texts:
            client.send_message(text)
        eventually(lambda: len(notes(tmp_path / "notes", "message")) == len(texts))

    assert sorted(note["body"] for note in notes(tmp_path / "notes", "message")) == sorted(texts)


@pytest.mark.long
def test_a_message_that_is_being_worked_on_is_handed_back_when_the_host_stops(host: Host, connection: str) -> None:
    with queue(host, connection) as client:
        eventually(lambda: exists(client))
        client.send_message(base64.b64encode(b"slow").decode())
        eventually(lambda: notes(host.state / "notes", "message"))
        assert not client.peek_messages()

        assert host.stop() == 0

        assert [base64.b64decode(m.content) for m in client.peek_messages()] == [b"slow"]


def test_a_queue_that_cannot_be_reached_does_not_stop_other_functions(tmp_path: Path) -> None:
    nowhere = f"AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};QueueEndpoint=http://127.0.0.1:{free()[0]}/{ACCOUNT};"
    with running("everything", tmp_path, AzureWebJobsQueueStorage=nowhere) as host:
        eventually(lambda: "cannot read queue 'messages', and keeps trying" in host.log)
        assert host.http.get("/api/echo/special").text == "special"


def test_a_connection_that_is_not_configured_is_named(tmp_path: Path) -> None:
    with running("everything", tmp_path) as host:
        eventually(lambda: "neither a setting 'QueueStorage' with a connection string" in host.log)
        assert host.http.get("/api/echo/special").text == "special"


def test_a_managed_identity_is_used_where_a_service_uri_is_given(tmp_path: Path) -> None:
    settings = {"QueueStorage__queueServiceUri": f"https://127.0.0.1:{free()[0]}/{ACCOUNT}", "IDENTITY_HEADER": "h"}
    settings["IDENTITY_ENDPOINT"] = f"http://127.0.0.1:{free()[0]}/msi/token"
    with running("everything", tmp_path, **settings) as host:
        eventually(lambda: "cannot read queue 'messages', and keeps trying" in host.log)
        assert host.http.get("/api/echo/special").text == "special"
