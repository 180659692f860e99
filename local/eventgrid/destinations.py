"""How a delivery reaches a webhook, a storage queue or the dead-letter container, and how endpoints prove themselves.

Sources: Azure docs, event-grid/receive-events (headers), event-grid/end-point-validation-event-grid-events-schema,
event-grid/end-point-validation-cloud-events-schema, event-grid/handler-storage-queues, event-grid/delivery-and-retry.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import aiohttp
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from local.addresses import ACCOUNTS, Addresses
from local.azure import QueueEncoding
from local.eventgrid.policy import ANSWER_SECONDS, TIMED_OUT, UNREACHABLE, outcome
from local.eventgrid.schema import Event, Schema, in_schema
from local.eventgrid.store import Delivery
from local.eventgrid.subscription import DeadLetter, StorageQueue, Subscription, WebHook

ORIGIN = "eventgrid.azure.net"


class EndpointRefused(Exception):
    """An endpoint did not prove that it wants the events, so the subscription was not made."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """Everything that deliveries go out through."""

    session: aiohttp.ClientSession
    tls: ssl.SSLContext
    addresses: Addresses
    queue_encoding: QueueEncoding

    async def prove(self, subscription: Subscription, now: datetime) -> None:
        """Return when the destination exists and wants the events. Raises EndpointRefused."""
        match subscription.destination:
            case StorageQueue() as queue:
                await self._prove_queue(queue)
            case WebHook(url) if subscription.schema is Schema.CLOUD_EVENTS:
                await self._prove_cloud_events(url)
            case WebHook(url):
                await self._prove_event_grid(subscription, url, now)
        if subscription.dead_letter is not None:
            await self._prove_dead_letter(subscription.dead_letter)

    async def send(self, subscription: Subscription, deliveries: Sequence[Delivery]) -> int:
        """Make one attempt with one or more events; returns the HTTP status or what stands for it."""
        events = [in_schema(delivery.event, subscription.schema) for delivery in deliveries]
        match subscription.destination:
            case StorageQueue() as queue:
                return await self._enqueue(queue, events)
            case WebHook(url):
                headers = _headers(subscription, deliveries[0])
                body: object = events
                if subscription.schema is Schema.CLOUD_EVENTS and subscription.max_batch == 1:
                    (body,) = events
                return await self._post(url, body, headers)

    async def bury(self, subscription: Subscription, delivery: Delivery, now: datetime) -> bool:
        """Write a given up event to the dead-letter container; False when that failed."""
        assert subscription.dead_letter is not None
        target = subscription.dead_letter
        name = f"{subscription.name.upper()}/{now:%Y}/{now.month}/{now.day}/{now.hour}/{uuid4()}.json"
        body = json.dumps(dead_letter(subscription, delivery))
        try:
            async with self._blobs(target) as service:
                await service.get_blob_client(target.container, name).upload_blob(body)
        except AzureError:
            return False
        return True

    async def _post(self, url: str, body: object, headers: Mapping[str, str]) -> int:
        try:
            async with self.session.post(
                url,
                data=json.dumps(body),
                headers=headers,
                ssl=self.tls,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            ) as answer:
                return answer.status
        except TimeoutError:
            return TIMED_OUT
        except aiohttp.ClientError:
            return UNREACHABLE

    async def _enqueue(self, queue: StorageQueue, events: Sequence[Event]) -> int:
        try:
            async with self._queue(queue) as client:
                for event in events:
                    await client.send_message(json.dumps(event))
        except HttpResponseError as error:
            # A queue has no answer that means never: every failure is tried again.
            return error.status_code if error.status_code in (404, 503) else 500
        except AzureError:
            return UNREACHABLE
        return 201

    def _queue(self, queue: StorageQueue) -> QueueClient:
        policy = TextBase64EncodePolicy() if self.queue_encoding is QueueEncoding.BASE64 else None
        return QueueClient.from_connection_string(
            queue.connection_string, queue.queue, message_encode_policy=policy, retry_total=0
        )

    async def _prove_event_grid(self, subscription: Subscription, url: str, now: datetime) -> None:
        code = str(uuid4())
        event = {
            "id": str(uuid4()),
            "topic": subscription.topic,
            "subject": "",
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": f"{now:%Y-%m-%dT%H:%M:%S.%f}0Z",
            "data": {"validationCode": code},
            "dataVersion": "2",
            "metadataVersion": "1",
        }
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "aeg-event-type": "SubscriptionValidation",
            "aeg-subscription-name": subscription.name.upper(),
        }
        status, text, _ = await self._ask("POST", url, headers, json.dumps([event]))
        try:
            echoed = json.loads(text).get("validationResponse")
        except (ValueError, AttributeError):
            echoed = None
        if status != 200 or echoed != code:
            raise EndpointRefused(
                f"{_bare(url)} must answer the SubscriptionValidation event within {ANSWER_SECONDS:.0f} s with 200 and "
                f"the validationCode as validationResponse; it answered {outcome(status)} ({status}): {text[:200]}"
            )

    async def _prove_cloud_events(self, url: str) -> None:
        status, _, headers = await self._ask("OPTIONS", url, {"WebHook-Request-Origin": ORIGIN})
        allowed = headers.get("WebHook-Allowed-Origin")
        if status != 200 or allowed not in (ORIGIN, "*"):
            raise EndpointRefused(
                f"{_bare(url)} must answer OPTIONS with 200 and WebHook-Allowed-Origin: {ORIGIN}; "
                f"it answered {outcome(status)} ({status}) and {allowed!r}."
            )

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None = None
    ) -> tuple[int, str, Mapping[str, str]]:
        try:
            async with self.session.request(
                method,
                url,
                headers=headers,
                data=body,
                ssl=self.tls,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            ) as answer:
                return answer.status, await answer.text(errors="replace"), answer.headers
        except TimeoutError:
            return TIMED_OUT, "no answer", {}
        except aiohttp.ClientError as error:
            return UNREACHABLE, str(error), {}

    async def _prove_queue(self, queue: StorageQueue) -> None:
        try:
            async with self._queue(queue) as client:
                await client.get_queue_properties()
        except (AzureError, ValueError) as error:
            raise EndpointRefused(f"Queue {queue.queue!r} cannot be used; create it first. {error}") from error

    async def _prove_dead_letter(self, target: DeadLetter) -> None:
        if target.account not in ACCOUNTS:
            raise EndpointRefused(f"deadLetter.account must be one of {', '.join(ACCOUNTS)}; got {target.account!r}.")
        try:
            async with self._blobs(target) as service:
                await service.create_container(target.container)
        except ResourceExistsError:
            return
        except AzureError as error:
            raise EndpointRefused(f"Could not create container {target.container!r}: {error}") from error

    def _blobs(self, target: DeadLetter) -> BlobServiceClient:
        return BlobServiceClient.from_connection_string(
            self.addresses.connection_string(target.account), retry_total=0, connection_timeout=5
        )


def dead_letter(subscription: Subscription, delivery: Delivery) -> Any:
    """What the dead-letter blob holds: the event, and why it is there."""
    facts: dict[str, Any] = {
        "deadLetterReason": delivery.given_up,
        "deliveryAttempts": delivery.attempts,
        "lastDeliveryOutcome": outcome(delivery.last_status) if delivery.last_status is not None else None,
        "lastHttpStatusCode": delivery.last_status,
        "publishTime": delivery.published.isoformat(),
        "lastDeliveryAttemptTime": delivery.last_attempt.isoformat() if delivery.last_attempt else None,
    }
    event = in_schema(delivery.event, subscription.schema)
    if subscription.schema is Schema.CLOUD_EVENTS:
        # The names of CloudEvents attributes are all lower case.
        return {**event, **{name.lower(): value for name, value in facts.items()}}
    return [{**event, **facts}]


def _headers(subscription: Subscription, delivery: Delivery) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "aeg-subscription-name": subscription.name.upper(),
        "aeg-delivery-count": str(delivery.attempts),
        "aeg-event-type": "Notification",
    }
    if subscription.schema is Schema.CLOUD_EVENTS:
        batched = "-batch" if subscription.max_batch > 1 else ""
        headers["Content-Type"] = f"application/cloudevents{batched}+json; charset=utf-8"
        headers["WebHook-Request-Origin"] = ORIGIN
    else:
        headers["aeg-metadata-version"] = "1"
        headers["aeg-data-version"] = str(delivery.event.get("dataVersion", ""))
        headers["aeg-output-event-id"] = str(uuid4())
    return headers


def _bare(url: str) -> str:
    """The URL without its query, which may hold a key."""
    return url.partition("?")[0]
