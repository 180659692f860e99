"""Starting durable instances under our own ids, so that the same thing is started only once."""

import azure.durable_functions as df

from shared.core.landing import Landing
from shared.core.record import Record, dump
from shared.core.watch import watch_for
from shared.core.watchers import Asking, Operation, read_watchers
from shared.services import services
from triggers.names import Entity, Orchestrator

STARTS_AT_ONCE = 16
"""Instances that one function starts at the same time."""

UNDER_WAY = frozenset({"Pending", "Running", "ContinuedAsNew", "Suspended"})


async def start_watch(
    client: df.DurableOrchestrationClient, landing: Landing, *, is_marker: bool = False
) -> str | None:
    """Start the watch that serves something seen at this moment; its instance id, or None if there is one."""
    recent = services().recent_watches
    instance_id, watch = watch_for(landing, is_marker=is_marker, now=services().now())
    if instance_id in recent:
        return None
    started = await start_once(client, Orchestrator.WATCH_LANDING, instance_id, watch)
    recent.add(instance_id)
    return instance_id if started else None


async def free(client: df.DurableOrchestrationClient, landing: Landing) -> tuple[str | None, bool]:
    """Free a landing of a watcher that has ended without leaving: its id, if there was one; and whether a watcher is
    under way."""
    entity = df.EntityId(Entity.LANDING, landing.key)
    found = await client.read_entity_state(entity)
    watcher = read_watchers(found.entity_state).watcher if found.entity_exists else None
    is_live = watcher is not None and await is_under_way(client, watcher)
    if watcher is not None and not is_live:
        await client.signal_entity(entity, Operation.RELEASE.value, dump(Asking(watcher)))
    return (watcher if not is_live else None), is_live


async def start_once(client: df.DurableOrchestrationClient, name: str, instance_id: str, given: Record) -> bool:
    """Start an instance; False if it is already under way. The SDK tells neither case apart from trouble by type."""
    try:
        await client.start_new(name, instance_id, dump(given))
    except Exception:
        if not await is_under_way(client, instance_id):
            raise
        return False
    return True


async def is_under_way(client: df.DurableOrchestrationClient, instance_id: str) -> bool:
    """Whether there is an instance of that id that has not ended."""
    status = await client.get_status(instance_id)
    return bool(status and status.runtime_status and status.runtime_status.name in UNDER_WAY)
