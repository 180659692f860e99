"""Which events an app is told of."""

from __future__ import annotations

from typing import Any

import pytest

from local.subscribing import subscription_name, subscriptions

HOST = "http://127.0.0.1:7071"
KEYS = {"eventgrid_extension": "grid-key", "blobs_extension": "blob-key"}


def function(name: str, *, disabled: bool = False, **binding: Any) -> dict[str, Any]:
    return {"name": name, "isDisabled": disabled, "config": {"bindings": [binding]}}


def test_a_subscription_is_named_for_its_function() -> None:
    assert subscription_name("on_blob_event") == "function-on-blob-event"
    assert len(subscription_name("x" * 200)) == 64


def test_functions_that_events_call_have_one_each_and_others_none() -> None:
    wanted = subscriptions(
        [
            function("on_event", type="eventGridTrigger"),
            function("on_blob", type="blobTrigger", source="EventGrid", path="landing/in/{name}"),
            function("looks", type="blobTrigger", path="landing/in/{name}"),
            function("asked", type="httpTrigger"),
            function("off", disabled=True, type="eventGridTrigger"),
        ],
        HOST,
        KEYS,
    )

    assert {name: one["destination"]["url"] for name, one in wanted.items()} == {
        "function-on-event": f"{HOST}/runtime/webhooks/eventgrid?functionName=on_event&code=grid-key",
        "function-on-blob": f"{HOST}/runtime/webhooks/blobs?functionName=Host.Functions.on_blob&code=blob-key",
    }


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("landing", "landing/"),
        ("landing/{name}", "landing/blobs/"),
        ("landing/in/day-{day}/{name}.csv", "landing/blobs/in/day-"),
        ("landing/in/%FOLDER%/{name}", "landing/blobs/in/"),
        ("%CONTAINER%/in/{name}", ""),
        ("team%TEAM%/in/{name}", "team"),
    ],
)
def test_a_blob_trigger_is_told_of_what_its_path_may_match(path: str, below: str) -> None:
    (wanted,) = subscriptions(
        [function("on_blob", type="blobTrigger", source="eventgrid", path=path)], HOST, KEYS
    ).values()

    assert wanted["filter"] == {
        "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
        "subjectBeginsWith": f"/blobServices/default/containers/{below}",
    }
