"""Announcements as CloudEvents on an Event Grid topic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient

from shared.adapters.messages import told_by
from shared.errors import Denied, Unavailable

SOURCE = "landfall"


class EventGridAnnouncer:
    """The `Announcer` port. The topic must take the CloudEvents 1.0 schema."""

    def __init__(self, endpoint: str, credential: TokenCredential) -> None:
        self._endpoint = endpoint
        self._client = EventGridPublisherClient(endpoint, credential)

    def announce(self, kind: str, subject: str, data: Mapping[str, Any], *, event_id: str, time: datetime) -> None:
        event = CloudEvent(source=SOURCE, type=kind, subject=subject, data=dict(data), id=event_id, time=time)
        try:
            self._client.send(event)
        except AzureError as error:
            text = f"Could not announce {kind} on {self._endpoint}: {told_by(error)}"
            if isinstance(error, HttpResponseError) and error.status_code in (401, 403):
                raise Denied(f"{text} Give the app's identity the EventGrid Data Sender role on the topic.") from error
            raise Unavailable(text) from error
