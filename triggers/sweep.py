"""The timer that catches what events missed: landings that nobody saw, watchers that were stopped, runs nobody follows.

It starts nothing that is under way and decides nothing about content: that stays with watch_landing and the ledger.
"""

import asyncio

import azure.durable_functions as df
import azure.functions as func

from shared.core.event import Landing
from shared.core.landing import Watchers, coalesce, landing_key
from shared.core.watch import new_watch
from shared.services import services
from shared.telemetry import log, warn
from shared.work import sweep as work
from triggers.names import Entity, Orchestrator
from triggers.starting import is_under_way, start_once

bp = df.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="0 */15 * * * *")
@bp.durable_client_input(client_name="client")
async def sweep(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Compare what is there with what the ledger knows, every quarter of an hour."""
    own, now = services(), services().now()
    open_runs = await asyncio.to_thread(work.open_runs, own.ledger, now)
    resumed = [run for run in open_runs if await _resume(client, **run)]
    await asyncio.to_thread(work.cancel_late_jobs, own.ledger, own.endpoint, now)
    missed = await asyncio.to_thread(work.missed, own.routes, own.blobs, own.ledger, now)
    watched = [landing for landing in missed if await _watch(client, landing)]
    log("sweep.done", open=len(open_runs), resumed=len(resumed), missed=len(watched), past_due=timer.past_due)
    own.routes.require_whole()


async def _resume(client: df.DurableOrchestrationClient, run_id: str, watcher: str, state: dict) -> bool:
    # A watcher that is under way is about to start the run, or to be told of its end.
    if await is_under_way(client, run_id) or await is_under_way(client, watcher):
        return False
    started = await start_once(client, Orchestrator.SCORE_SNAPSHOT, run_id, state)
    if started:
        warn("run.resumed", run_id=run_id, instance_id=run_id)
    return started


async def _watch(client: df.DurableOrchestrationClient, landing: Landing) -> bool:
    entity = df.EntityId(Entity.LANDING, landing_key(landing.route.name, landing))
    found = await client.read_entity_state(entity)
    watcher = Watchers.from_payload(found.entity_state).watcher if found.entity_exists else None
    if watcher is not None:
        if await is_under_way(client, watcher):
            return False
        await client.signal_entity(entity, "release", {"who": watcher})
    start = coalesce(landing, landing.route.ready, is_marker=False, now=services().now())
    state = new_watch(landing, start, is_marker=False)
    started = await start_once(client, Orchestrator.WATCH_LANDING, start.instance_id, state.to_payload())
    if started:
        warn("landing.missed", route=state.route, landing=landing.path, instance_id=start.instance_id, freed=watcher)
    return started
