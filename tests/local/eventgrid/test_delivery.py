"""Deliveries end to end: a real Event Grid part, a real endpoint, and a clock that runs 600 times as fast."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from local import addresses
from local.addresses import STATE_ACCOUNT
from testbed.eventually import eventually
from tests.local.eventgrid.examples import CREATED, PREFIX, created
from tests.local.eventgrid.grids import Grid
from tests.local.parts import running
from tests.local.receiver import Receiver, receiving

RATE = 600.0


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    state = tmp_path_factory.mktemp("eventgrid")
    where = addresses.settle(state, rate=RATE)
    with running("storage", state), running("eventgrid", state):
        yield Grid(where)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def test_an_event_reaches_the_webhook_with_the_headers_of_event_grid(grid: Grid, receiver: Receiver) -> None:
    grid.hook("headers", receiver)

    grid.publish(created("headers/a.png", size=1))

    ((headers, body),) = eventually(lambda: list(receiver.received))
    assert body == [created("headers/a.png", size=1)]
    assert headers["aeg-event-type"] == "Notification"
    assert headers["aeg-subscription-name"] == "HEADERS"
    assert headers["aeg-delivery-count"] == "0"
    assert headers["aeg-metadata-version"] == "1"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert eventually(lambda: grid.status("headers")["delivered"]) == 1


def test_a_subscription_in_cloud_events_gets_one_structured_event(grid: Grid, receiver: Receiver) -> None:
    grid.hook("cloudevents", receiver, eventDeliverySchema="CloudEventSchemaV1_0")

    grid.publish(created("cloudevents/a.png"))

    ((headers, body),) = eventually(lambda: list(receiver.received))
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["aeg-event-type"] == "Notification"
    assert (body["specversion"], body["type"]) == ("1.0", CREATED)


def test_events_that_the_filter_does_not_want_are_not_delivered(grid: Grid, receiver: Receiver) -> None:
    wanted = {"subjectBeginsWith": f"{PREFIX}filter/", "includedEventTypes": [CREATED], "subjectEndsWith": ".png"}
    grid.hook("filter", receiver, filter=wanted)

    grid.publish(created("filter/a.txt"), created("elsewhere/a.png"), created("filter/a.png"))

    eventually(lambda: grid.status("filter")["delivered"])
    assert [event["id"] for event in receiver.events] == ["id-filter/a.png"]


def test_a_failed_delivery_is_tried_again_with_its_count(grid: Grid, receiver: Receiver) -> None:
    receiver.answers = [500, 503, 404]
    grid.hook("again", receiver)

    grid.publish(created("again/a"))

    eventually(lambda: grid.status("again")["delivered"])
    assert [headers["aeg-delivery-count"] for headers, _ in receiver.received] == ["0", "1", "2", "3"]
    attempts = [one for one in grid.get("/deliveries") if one["subscription"] == "again"]
    assert [(one["status"], one["decision"]) for one in attempts] == [
        (500, "Retry"),
        (503, "Retry"),
        (404, "Retry"),
        (200, "Done"),
    ]


def test_events_are_batched_when_the_subscription_asks_for_it(grid: Grid, receiver: Receiver) -> None:
    receiver.answers = [500]
    grid.hook("batch", receiver, maxEventsPerBatch=10)

    grid.publish(*(created(f"batch/{number}") for number in range(25)))

    eventually(lambda: grid.status("batch")["delivered"] == 25)
    batches = [tuple(event["id"] for event in body) for _, body in receiver.received]
    assert sorted(len(batch) for batch in set(batches)) == [5, 10, 10]
    assert len(batches) == 4  # whichever came first was refused, and came again as it was


def test_an_event_that_is_given_up_becomes_a_dead_letter_blob(grid: Grid, receiver: Receiver) -> None:
    receiver.answers = [400]
    grid.hook("dead", receiver, deadLetter={"account": STATE_ACCOUNT, "container": "deadletters"})

    grid.publish(created("dead/a"))

    eventually(lambda: grid.status("dead")["dead_lettered"])
    with ContainerClient.from_connection_string(grid.where.connection_string(STATE_ACCOUNT), "deadletters") as letters:
        (blob,) = letters.list_blobs(name_starts_with="DEAD/")
        (letter,) = json.loads(letters.download_blob(blob.name).readall())
    assert letter["subject"] == f"{PREFIX}dead/a"
    assert letter["deadLetterReason"] == "UndeliverableDueToHttpBadRequest"
    assert (letter["deliveryAttempts"], letter["lastDeliveryOutcome"]) == (1, "BadRequest")
    assert letter["publishTime"] < letter["lastDeliveryAttemptTime"]


def test_attempts_and_age_are_limited_and_without_dead_letter_the_event_is_dropped(
    grid: Grid, receiver: Receiver
) -> None:
    receiver.answers = [500] * 20
    grid.hook("attempts", receiver, retryPolicy={"maxDeliveryAttempts": 2})
    grid.hook("age", receiver, retryPolicy={"eventTimeToLiveInMinutes": 10})

    grid.publish(created("attempts/a"), created("age/a"))

    eventually(lambda: grid.status("attempts")["dropped"] and grid.status("age")["dropped"])
    tried = [event["subject"].removeprefix(PREFIX) for event in receiver.events]
    # Attempts at 0, 10, 40, 100 and 400 s; the next would be due at 1 000 s. A second here is 1.7 ms: with a minute to
    # live, a pause of a busy machine was enough to lose an attempt.
    assert Counter(tried) == {"age/a": 5, "attempts/a": 2}


def test_a_queue_gets_one_message_per_event(grid: Grid) -> None:
    connection = grid.where.connection_string()
    destination = {"type": "StorageQueue", "queue": "events", "connection_string": connection}
    assert "create it first" in grid.put("queue", destination).json()["error"]
    with QueueClient.from_connection_string(connection, "events") as queue:
        queue.create_queue()
        grid.put("queue", destination, filter={"subjectBeginsWith": f"{PREFIX}queue/"}).raise_for_status()

        grid.publish(created("queue/a"), created("queue/b"))

        eventually(lambda: grid.status("queue")["delivered"] == 2)
        messages = [json.loads(base64.b64decode(message.content)) for message in queue.receive_messages()]
    assert sorted(event["id"] for event in messages) == ["id-queue/a", "id-queue/b"]


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
def test_an_endpoint_that_does_not_prove_itself_gets_no_subscription(
    grid: Grid, receiver: Receiver, schema: str
) -> None:
    receiver.proves = False

    answer = grid.put("unproven", {"type": "WebHook", "url": f"{receiver.url}?code=secret"}, eventDeliverySchema=schema)

    assert answer.status_code == 400
    assert receiver.url in answer.json()["error"]
    assert "secret" not in answer.json()["error"]
    assert "unproven" not in grid.get("/status")


def test_a_subscription_can_be_read_changed_and_deleted(grid: Grid, receiver: Receiver) -> None:
    grid.hook("changing", receiver)
    url = f"{grid.where.eventgrid}/subscriptions/changing"
    receiver.answers = [500]
    grid.publish(created("changing/a"))
    eventually(lambda: receiver.received)

    grid.hook("changing", receiver, filter={"subjectBeginsWith": f"{PREFIX}changed/"})

    assert grid.get("/subscriptions/changing")["filter"] == {"subjectBeginsWith": f"{PREFIX}changed/"}
    assert eventually(lambda: grid.status("changing")["delivered"]) == 1, "what waited is still delivered"
    assert httpx.delete(url, trust_env=False).status_code == 204
    assert httpx.delete(url, trust_env=False).status_code == 404
    assert httpx.get(url, trust_env=False).status_code == 404
    assert "changing" not in [one["name"] for one in grid.get("/subscriptions")]


def test_events_that_are_not_events_are_refused_as_a_whole(grid: Grid, receiver: Receiver) -> None:
    grid.hook("whole", receiver)

    answer = httpx.post(f"{grid.where.eventgrid}/_publish", json=[created("whole/a"), {"id": "x"}], trust_env=False)

    assert answer.status_code == 400
    assert grid.status("whole")["pending"] == grid.status("whole")["delivered"] == 0


@pytest.fixture
def faults(grid: Grid) -> Iterator[Any]:
    def put(**rule: Any) -> None:
        httpx.put(f"{grid.where.eventgrid}/_faults", json=[rule], trust_env=False).raise_for_status()

    yield put
    httpx.delete(f"{grid.where.eventgrid}/_faults", trust_env=False)


def test_deliveries_can_be_dropped_on_purpose(grid: Grid, receiver: Receiver, faults: Any) -> None:
    grid.hook("dropped", receiver)
    faults(match={"path": "dropped/a"}, action={"drop": True})

    grid.publish(created("dropped/a"), created("dropped/b"))

    eventually(lambda: grid.status("dropped")["delivered"])
    assert grid.status("dropped")["dropped"] == 1
    assert [event["id"] for event in receiver.events] == ["id-dropped/b"]


def test_deliveries_can_be_duplicated_and_shuffled_on_purpose(grid: Grid, receiver: Receiver, faults: Any) -> None:
    grid.hook("shuffled", receiver)
    faults(match={"path": "shuffled/"}, action={"duplicate": 2, "shuffle": True}, seed=7)
    names = [f"shuffled/{number}" for number in range(10)]

    grid.publish(*(created(name) for name in names))

    eventually(lambda: grid.status("shuffled")["delivered"] == 30)
    arrived = [event["id"].removeprefix("id-") for event in receiver.events]
    assert sorted(arrived) == sorted(names * 3)
    assert arrived != sorted(arrived)


def test_kill_9_loses_no_event_that_was_accepted(tmp_path: Path, receiver: Receiver) -> None:
    where = addresses.settle(tmp_path, rate=RATE)
    with running("eventgrid", tmp_path) as process:
        Grid(where).hook("killed", receiver)
        receiver.answers = [503] * 20
        Grid(where).publish(*(created(f"killed/{number}") for number in range(20)))
        process.kill()
        process.wait()
    receiver.answers = []
    with running("eventgrid", tmp_path):
        eventually(lambda: Grid(where).status("killed")["pending"] == 0)

    assert {event["id"] for event in receiver.events} == {f"id-killed/{number}" for number in range(20)}
