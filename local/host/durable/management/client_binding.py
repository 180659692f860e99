"""The string that a durable client is made from.

Source: Azure/azure-functions-durable-extension, Bindings/BindingHelper.cs and HttpApiHandler.cs
(GetInstanceCreationLinks, GetClientResponseLinks). Words in braces and INSTANCEID are literal placeholders.
"""

from __future__ import annotations

import json

PREFIX = "/runtime/webhooks/durabletask"
LOOPBACK = "/durabletask"
PLACEHOLDER = "INSTANCEID"


def client_binding(base_url: str, hub: str, key: str) -> str:
    """For a host at `base_url`; `key` is the system key of the durable extension."""
    webhook = base_url + PREFIX
    creation = f"{webhook}/orchestrators/{{functionName}}[/{{instanceId}}]"
    wait = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
    return json.dumps(
        {
            "taskHubName": hub,
            "connectionName": None,
            "creationUrls": {
                "createNewInstancePostUri": f"{creation}?code={key}",
                "createAndWaitOnNewInstancePostUri": f"{creation}?{wait}&code={key}",
            },
            "managementUrls": {
                **management_urls(webhook, PLACEHOLDER, hub, key),
                "rewindPostUri": f"{webhook}/instances/{PLACEHOLDER}/rewind?reason={{text}}&{_query(hub, key)}",
            },
            "baseUrl": webhook,
            "requiredQueryStringParameters": f"code={key}",
            "rpcBaseUrl": f"{base_url}{LOOPBACK}/",
        }
    )


def management_urls(webhook: str, instance: str, hub: str, key: str) -> dict[str, str]:
    """The body of a check-status response."""
    of, query = f"{webhook}/instances/{instance}", _query(hub, key)
    return {
        "id": instance,
        "statusQueryGetUri": f"{of}?{query}",
        "sendEventPostUri": f"{of}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{of}/terminate?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{of}?{query}",
        "restartPostUri": f"{of}/restart?{query}",
        "suspendPostUri": f"{of}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{of}/resume?reason={{text}}&{query}",
    }


def _query(hub: str, key: str) -> str:
    return f"taskHub={hub}&connection=Storage&code={key}"
