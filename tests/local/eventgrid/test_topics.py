"""The custom topic, published to with azure-eventgrid's own client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient

from local import addresses, tls
from local.addresses import Addresses
from local.identity.credential import LocalCredential
from local.tokens import EVENT_GRID, STORAGE, Issuer
from testbed.eventually import eventually
from tests.local.parts import running
from tests.local.receiver import receiving


@dataclass(frozen=True, slots=True)
class Topics:
    state: Path
    where: Addresses

    def publisher(self, topic: str = "landfall", credential: Any = None) -> EventGridPublisherClient:
        return EventGridPublisherClient(
            f"{self.where.eventgrid_topics}/topics/{topic}/api/events",
            credential or LocalCredential.of(self.state),
        )

    def post(self, body: str, *, audience: str = EVENT_GRID, content_type: str = "application/json") -> httpx.Response:
        headers = {"Authorization": f"Bearer {Issuer.of(self.state).issue(audience)}", "Content-Type": content_type}
        with httpx.Client(verify=tls.client_context(self.state), trust_env=False) as http:
            url = f"{self.where.eventgrid_topics}/topics/landfall/api/events?api-version=2018-01-01"
            return http.post(url, content=body, headers=headers)

    def received(self) -> list[Any]:
        events: list[Any] = httpx.get(f"{self.where.eventgrid}/topics/landfall/events", trust_env=False).json()
        return events


@pytest.fixture(scope="module")
def topics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topics]:
    state = tmp_path_factory.mktemp("topics")
    where = addresses.settle(state)
    with running("eventgrid", state), pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(tls.authority(state)))
        yield Topics(state, where)


def test_a_cloud_event_is_kept_and_delivered(topics: Topics) -> None:
    event = CloudEvent("/runs", "Landfall.RunPublished", data={"run": 1}, subject="digits", id="published")
    with receiving() as receiver, topics.publisher() as publisher:
        body = {
            "topic": "landfall",
            "destination": {"type": "WebHook", "url": receiver.url},
            "eventDeliverySchema": "CloudEventSchemaV1_0",
        }
        url = f"{topics.where.eventgrid}/subscriptions/announced"
        httpx.put(url, json=body, trust_env=False).raise_for_status()

        publisher.send(event)

        (delivered,) = eventually(lambda: receiver.events)
    (kept,) = [one for one in topics.received() if one["id"] == "published"]
    assert kept == delivered
    assert (kept["type"], kept["subject"], kept["data"]) == ("Landfall.RunPublished", "digits", {"run": 1})


def test_an_event_in_event_grids_own_schema_is_taken_as_well(topics: Topics) -> None:
    with topics.publisher() as publisher:
        publisher.send(EventGridEvent("digits", "Landfall.RunFailed", {"run": 2}, "1.0", id="own"))

    (kept,) = [one for one in topics.received() if one["id"] == "own"]
    assert kept["topic"].endswith("/topics/landfall")


def test_a_publisher_without_the_right_token_is_refused(topics: Topics) -> None:
    class Elsewhere(LocalCredential):
        def get_token(self, *scopes: str, **options: Any) -> Any:
            return super().get_token(f"{STORAGE}/.default")

    with (
        topics.publisher(credential=Elsewhere.of(topics.state)) as publisher,
        pytest.raises(ClientAuthenticationError),
    ):
        publisher.send(CloudEvent("/runs", "X"))


def test_a_topic_that_does_not_exist_is_not_found(topics: Topics) -> None:
    with topics.publisher("other") as publisher, pytest.raises(ResourceNotFoundError):
        publisher.send(CloudEvent("/runs", "X"))


def test_a_fault_makes_publishing_fail(topics: Topics) -> None:
    rule = {"match": {"path": "/topics/landfall/api"}, "action": {"status": 418}, "times": 1}
    httpx.put(f"{topics.where.eventgrid}/_faults", json=[rule], trust_env=False).raise_for_status()

    with topics.publisher() as publisher:
        with pytest.raises(HttpResponseError):
            publisher.send(CloudEvent("/runs", "X"))
        publisher.send(CloudEvent("/runs", "X"))


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("not json", "application/json", 400),
        ("[]", "application/json", 400),
        ('[{"specversion": "1.0"}]', "application/cloudevents-batch+json", 400),
        ("[]", "text/plain", 400),
        (f'["{"x" * 1024 * 1024}"]', "application/json", 413),
    ],
    ids=["not json", "no event", "no id", "content type", "too large"],
)
def test_what_is_not_a_list_of_events_is_refused(topics: Topics, body: str, content_type: str, status: int) -> None:
    answer = topics.post(body, content_type=content_type)

    assert answer.status_code == status
    assert answer.json()["error"]["message"]
