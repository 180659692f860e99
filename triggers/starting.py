"""Starting durable instances by an id of our own, so that the same thing is started once."""

from typing import Any

import azure.durable_functions as df

UNDER_WAY = frozenset({"Pending", "Running", "ContinuedAsNew", "Suspended"})


async def start_once(client: df.DurableOrchestrationClient, name: str, instance_id: str, given: Any) -> bool:
    """Start an instance; False if it is already under way. The SDK tells neither case apart from trouble by type."""
    try:
        await client.start_new(name, instance_id, given)
    except Exception:
        if not await is_under_way(client, instance_id):
            raise
        return False
    return True


async def is_under_way(client: df.DurableOrchestrationClient, instance_id: str) -> bool:
    """Whether there is an instance of that id that has not ended."""
    status = await client.get_status(instance_id)
    return bool(status and status.runtime_status and status.runtime_status.name in UNDER_WAY)
