from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local.eventgrid.schema import Schema
from local.eventgrid.subscription import StorageQueue, Subscription, WebHook

MINIMAL = {"topic": "storage", "destination": {"type": "WebHook", "url": "http://127.0.0.1:1/hook"}}


def test_what_is_left_out_has_the_defaults_of_azure() -> None:
    subscription = Subscription.parse("mine", MINIMAL)

    assert subscription.destination == WebHook("http://127.0.0.1:1/hook")
    assert (subscription.schema, subscription.max_batch) == (Schema.EVENT_GRID, 1)
    assert (subscription.max_attempts, subscription.time_to_live) == (30, timedelta(hours=24))
    assert subscription.dead_letter is None


def test_a_queue_can_be_the_destination() -> None:
    raw = {**MINIMAL, "destination": {"type": "StorageQueue", "queue": "q", "connection_string": "c"}}

    assert Subscription.parse("mine", raw).destination == StorageQueue("q", "c")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"topic": "other"}, "topic"),
        ({"destination": None}, "destination"),
        ({"destination": {"type": "EventHub"}}, "EventHub"),
        ({"destination": {"type": "WebHook", "url": "ftp://x"}}, "ftp"),
        ({"destination": {"type": "StorageQueue", "queue": "q"}}, "connection_string"),
        ({"filter": []}, "filter"),
        ({"filter": {"subjectContains": "x"}}, "subjectContains"),
        ({"eventDeliverySchema": "CustomInputSchema"}, "CustomInputSchema"),
        ({"topic": "landfall"}, "CloudEventSchemaV1_0"),
        ({"maxEventsPerBatch": 5001}, "maxEventsPerBatch"),
        ({"maxEventsPerBatch": True}, "maxEventsPerBatch"),
        ({"retryPolicy": {"maxDeliveryAttempts": 31}}, "maxDeliveryAttempts"),
        ({"retryPolicy": {"eventTimeToLiveInMinutes": 0}}, "eventTimeToLiveInMinutes"),
        ({"deadLetter": {"container": "c"}}, "account"),
        ({"deliveryIdentity": {}}, "deliveryIdentity"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Subscription.parse("mine", {**MINIMAL, **change})


@pytest.mark.parametrize("name", ["ab", "with space", "x" * 65, "ümlaut"])
def test_names_are_those_that_azure_allows(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Subscription.parse(name, MINIMAL)
