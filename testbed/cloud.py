"""What end-to-end tests do to the local cloud beyond what a user does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx
from azure.storage.queue import QueueClient

from demo.cloud import Cloud
from local.identity.credential import LocalCredential


@dataclass(frozen=True, slots=True)
class TestedCloud(Cloud):
    """A cloud with the doors that tests use."""

    __test__ = False

    def token(self, audience: str) -> str:
        return str(LocalCredential.of(self.state).get_token(f"{audience}/.default").token)

    def durable_counts(self) -> dict[str, int]:
        """How much durable work the host has done so far."""
        host = self.stack["host"]
        url, headers = f"{host['base_url']}/admin/durable/counts", {"x-functions-key": host["master_key"]}
        return dict(self.http.get(url, headers=headers).raise_for_status().json())

    def send_event(self, function: str, event: dict[str, Any]) -> httpx.Response:
        """Deliver an event as Event Grid does, or as somebody does who got hold of the key."""
        host = self.stack["host"]
        key = json.loads((self.state / "host" / "keys.json").read_text("utf-8"))["eventgrid_extension"]
        return self.http.post(
            f"{host['base_url']}/runtime/webhooks/eventgrid",
            params={"functionName": function, "code": key},
            headers={"aeg-event-type": "Notification"},
            json=[event],
        )

    def trigger(self, function: str) -> None:
        """Run a timer function now, as the portal does."""
        self._host("POST", f"/admin/functions/{function}", json={"input": ""})

    def instances(self, prefix: str, *, status: str) -> list[str]:
        """Ids of durable instances in a state."""
        query = {"instanceIdPrefix": prefix, "runtimeStatus": status}
        found = self._host("GET", "/runtime/webhooks/durabletask/instances/", params=query).json()
        return [instance["instanceId"] for instance in found]

    def terminate(self, instance: str) -> None:
        """Stop a durable instance, as an operator may."""
        self._host("POST", f"/runtime/webhooks/durabletask/instances/{instance}/terminate", params={"reason": "stop"})

    def set_hazards(self, **hazards: float) -> None:
        """What goes wrong in the Functions host from now on; nothing, if nothing is named."""
        self._host("PUT", "/admin/durable/hazards", json=hazards)

    def cancel_job(self, name: str) -> None:
        """Cancel a job, as somebody does in Studio."""
        azureml = self.stack["azureml"]
        workspace = (
            f"/subscriptions/{azureml['subscription_id']}/resourceGroups/{azureml['resource_group']}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{azureml['workspace']}"
        )
        url = f"{azureml['management_url']}{workspace}/jobs/{name}/cancel"
        headers = {"Authorization": f"Bearer {self.token('https://management.azure.com')}"}
        self.http.post(url, params={"api-version": "2024-10-01"}, headers=headers).raise_for_status()

    def _host(self, method: str, path: str, **more: Any) -> httpx.Response:
        host = self.stack["host"]
        more["params"] = {**more.get("params", {}), "code": host["master_key"]}
        headers = {"x-functions-key": host["master_key"]}
        answer = self.http.request(method, f"{host['base_url']}{path}", headers=headers, **more)
        return answer.raise_for_status()

    def enqueue(self, queue: str, event: dict[str, Any]) -> None:
        """Put an event in a queue as plain text, as a relay of one's own may."""
        with QueueClient.from_connection_string(self.stack["storage"]["connection_string"], queue) as client:
            client.send_message(json.dumps(event))

    def subscribe_queue(self, queue: str, *, begins_with: str) -> None:
        """Have storage events put in a queue."""
        body = {
            "topic": "storage",
            "destination": {
                "type": "StorageQueue",
                "queue": queue,
                "connection_string": self.stack["storage"]["connection_string"],
            },
            "filter": {"subjectBeginsWith": begins_with},
        }
        url = f"{self.stack['eventgrid']['control_url']}/subscriptions/to-queue"
        self.http.put(url, json=body).raise_for_status()
