"""The timer that catches what events missed: unseen landings, stopped watchers, runs that nothing carries out.

It starts nothing that is under way and decides nothing about content: that stays with watch_landing and the ledger.
"""

from collections.abc import Awaitable

import azure.durable_functions as df
import azure.functions as func

from shared.core.landing import Landing
from shared.core.record import Names, dump
from shared.core.run import Run, Status
from shared.core.watchers import Asking, Operation, read_watchers
from shared.services import services
from shared.telemetry import error, log, warn
from shared.threads import aside
from shared.work import sweeping
from triggers.names import Entity, Orchestrator
from triggers.starting import is_under_way, start_once, start_watch

bp = df.Blueprint()


@bp.timer_trigger(arg_name="timer", schedule="0 */15 * * * *")
@bp.durable_client_input(client_name="client")
async def sweep(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Compare what is there with what the ledger knows, every quarter of an hour."""
    own, now = services(), services().now()
    own.ignored.tell()
    own.tell_of_broken_routes()
    left = await aside(sweeping.left_over, own.ledger, now)
    failures: list[Exception] = []
    resumed = [run for run in left.open if await _unless_it_fails(failures, run.names, _resume(client, run))]
    missed = await aside(sweeping.missed, own.routes, own.blobs, own.ledger, now)
    watched = [one for one in missed if await _unless_it_fails(failures, _names_of(one), _watch(client, one))]
    # Last, because an endpoint that does not answer takes its time.
    await aside(sweeping.cancel_late_jobs, own.endpoint, own.ledger, left.ended, now)
    log("sweep.done", open=len(left.open), resumed=len(resumed), missed=len(watched), past_due=timer.past_due)
    own.routes.require_whole()
    if failures:
        raise failures[0]  # so that the invocation is seen to have failed


async def _unless_it_fails(failures: list[Exception], names: Names, starting: Awaitable[bool]) -> bool:
    """Whether something was started. What cannot be started is told of, and keeps nothing else from being started."""
    try:
        return await starting
    except Exception as trouble:
        failures.append(trouble)
        error("sweep.failed", **dump(names), message=str(trouble))
        return False


def _names_of(landing: Landing) -> Names:
    return Names(route=landing.route.name, landing=landing.path, instance_id=landing.key)


async def _resume(client: df.DurableOrchestrationClient, run: Run) -> bool:
    if await is_under_way(client, run.run_id):
        return False
    if run.status is Status.CLAIMED and await is_under_way(client, run.claimed_by):
        return False  # it is about to start the run
    left = await aside(sweeping.as_it_is_now, services().ledger, run.run_id, services().now())
    started = left is not None and await start_once(client, Orchestrator.SCORE, run.run_id, left)
    if started:
        warn("run.resumed", **dump(run.names))
    return started


async def _watch(client: df.DurableOrchestrationClient, landing: Landing) -> bool:
    entity = df.EntityId(Entity.LANDING, landing.key)
    found = await client.read_entity_state(entity)
    watcher = read_watchers(found.entity_state).watcher if found.entity_exists else None
    if watcher is not None:
        if await is_under_way(client, watcher):
            return False
        await client.signal_entity(entity, Operation.RELEASE.value, dump(Asking(watcher)))
    instance_id = await start_watch(client, landing)
    if instance_id is not None:
        names = {"route": landing.route.name, "landing": landing.path, "instance_id": instance_id}
        warn("landing.missed", **names, freed=watcher)
    return instance_id is not None
