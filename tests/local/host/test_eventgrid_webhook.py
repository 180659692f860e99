"""The Event Grid webhook, as Event Grid uses it.

Source: Azure/azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.EventGrid, HttpRequestProcessor.cs.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.local.host.hosting import Host, notes

HOOK = "/runtime/webhooks/eventgrid"


def grid_event(identity: str, subject: str = "good") -> dict[str, Any]:
    return {
        "id": identity,
        "topic": "/t",
        "subject": subject,
        "eventType": "Microsoft.Storage.BlobCreated",
        "data": {},
        "eventTime": "2026-01-01T00:00:00.1234567Z",
        "dataVersion": "",
        "metadataVersion": "1",
    }


def cloud_event(identity: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": identity,
        "source": "/t",
        "type": "Landfall.Test",
        "subject": "s",
        "time": "2026-01-01T00:00:00Z",
        "data": {},
    }


def deliver(host: Host, body: Any, function: str = "on_event", kind: str | None = "Notification") -> httpx.Response:
    headers = {"aeg-event-type": kind} if kind else {}
    return host.http.post(HOOK, params={"functionName": function}, json=body, headers=headers)


def test_every_event_of_a_delivery_is_one_invocation(host: Host) -> None:
    assert deliver(host, [grid_event("1"), grid_event("2")], "ON_EVENT").status_code == 202

    assert {"1", "2"} <= {note["id"] for note in notes(host.state / "notes", "event")}


@pytest.mark.parametrize("body", [cloud_event("single"), [cloud_event("in-a-list")]], ids=["single", "list"])
def test_cloud_events_come_alone_or_in_a_list(host: Host, body: Any) -> None:
    assert deliver(host, body, "on_cloud_event").status_code == 202

    seen = {note["id"]: note["type"] for note in notes(host.state / "notes", "cloud")}
    assert seen["single" if isinstance(body, dict) else "in-a-list"] == "Landfall.Test"


def test_one_bad_event_fails_the_whole_delivery(host: Host) -> None:
    answer = deliver(host, [grid_event("x"), grid_event("y", "bad")])

    assert answer.status_code == 500
    assert "a bad event" in answer.text


def test_a_subscription_is_validated(host: Host) -> None:
    body = [
        {
            "id": "v",
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "subject": "",
            "topic": "/t",
            "data": {"validationCode": "abc"},
            "eventTime": "2026-01-01T00:00:00Z",
            "dataVersion": "1",
        }
    ]

    answer = deliver(host, body, kind="SubscriptionValidation")

    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "abc"})


def test_the_abuse_protection_of_cloud_events_is_answered(host: Host) -> None:
    asked = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    answer = host.http.options(HOOK, params={"functionName": "on_event"}, headers=asked)

    assert (answer.status_code, answer.headers["Webhook-Allowed-Origin"]) == (200, "eventgrid.azure.net")


@pytest.mark.parametrize(
    ("function", "kind", "status", "text"),
    [
        ("nobody", "Notification", 404, "cannot find function: 'nobody'"),
        ("echo", "Notification", 404, "cannot find function: 'echo'"),
        ("on_event", None, 400, ""),
        ("on_event", "SubscriptionDeletion", 400, ""),
        ("on_event", "Unsubscribe", 202, ""),
    ],
)
def test_other_requests_are_answered_as_the_extension_does(
    host: Host, function: str, kind: str | None, status: int, text: str
) -> None:
    answer = deliver(host, [grid_event("z")], function, kind)

    assert (answer.status_code, answer.text) == (status, text)
