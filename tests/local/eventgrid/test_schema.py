from __future__ import annotations

from typing import Any

import pytest

from local.addresses import STORAGE_TOPIC
from local.eventgrid.schema import InvalidEvent, Schema, checked, in_schema
from tests.local.eventgrid.examples import CREATED, announced, created


def test_a_storage_event_becomes_the_cloud_event_that_azure_documents() -> None:
    event = created("a.png", size=1)

    assert in_schema(event, Schema.CLOUD_EVENTS) == {
        "specversion": "1.0",
        "type": CREATED,
        "source": STORAGE_TOPIC,
        "id": event["id"],
        "time": event["eventTime"],
        "subject": event["subject"],
        "data": event["data"],
    }
    assert in_schema(event, Schema.EVENT_GRID) is event


def test_a_cloud_event_stays_what_it_is() -> None:
    event = announced(extension="kept")

    assert checked(event, topic="t") is event
    assert in_schema(event, Schema.CLOUD_EVENTS) is event


def test_the_topic_fills_in_what_it_knows() -> None:
    event = created("a.png")
    del event["topic"], event["metadataVersion"], event["dataVersion"]

    assert checked(event, topic=STORAGE_TOPIC) == created("a.png")


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ("text", "JSON object"),
        ({**created("x"), "id": ""}, "id"),
        ({**created("x"), "eventType": None}, "eventType"),
        ({**created("x"), "topic": "another"}, "topic"),
        ({**created("x"), "metadataVersion": "2"}, "metadataVersion"),
        (announced(specversion="0.3"), "0.3"),
        ({"specversion": "1.0", "id": "1", "source": "s"}, "type"),
    ],
)
def test_an_event_that_event_grid_would_not_take_is_refused(event: Any, says: str) -> None:
    with pytest.raises(InvalidEvent, match=says):
        checked(event, topic=STORAGE_TOPIC)
