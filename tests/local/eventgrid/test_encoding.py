"""How events are written into a storage queue, which nobody can tell for Azure: both ways are played."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from azure.storage.queue import QueueClient

from local import addresses, chosen
from local.azure import PROFILES, QueueEncoding
from testbed.eventually import eventually
from tests.local.eventgrid.examples import PREFIX, created
from tests.local.eventgrid.grids import Grid
from tests.local.parts import running


@pytest.mark.parametrize("encoding", QueueEncoding)
def test_events_are_put_in_a_queue_as_the_state_directory_says(tmp_path: Path, encoding: QueueEncoding) -> None:
    where = addresses.settle(tmp_path, rate=600.0)
    chosen.keep(tmp_path, PROFILES["kind"].with_answers({"queue_encoding": encoding}))
    connection = where.connection_string()
    destination = {"type": "StorageQueue", "queue": "events", "connection_string": connection}

    with running("storage", tmp_path), running("eventgrid", tmp_path):
        grid = Grid(where)
        with QueueClient.from_connection_string(connection, "events") as queue:
            queue.create_queue()
            grid.put("queue", destination, filter={"subjectBeginsWith": PREFIX}).raise_for_status()
            grid.publish(created("a & <b>"))
            eventually(lambda: grid.status("queue")["delivered"] == 1)
            (message,) = queue.receive_messages()

    text = str(message.content)
    read = base64.b64decode(text, validate=True).decode() if encoding is QueueEncoding.BASE64 else text
    assert json.loads(read) == created("a & <b>")
