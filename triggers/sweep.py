"""The timer that catches what events missed: unseen landings, stopped watchers, runs that nothing carries out.

It starts nothing that is under way and decides nothing about content: that stays with watch_landing and the ledger.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df
import azure.functions as func

from shared.core.landing import Landing
from shared.core.record import Names, dump
from shared.core.run import Run, Status
from shared.core.trouble import LONGEST_MESSAGE
from shared.services import services
from shared.telemetry import error, log, warn
from shared.threads import aside
from shared.work import admitting, indexing, sweeping
from triggers.names import Orchestrator
from triggers.starting import STARTS_AT_ONCE, free, is_under_way, start_once, start_watch

KEPT = timedelta(days=30)
"""How long the host keeps instances that have ended: for whoever looks at their histories."""
PURGED = "purged/through"
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
ENDED = tuple(
    getattr(df.OrchestrationRuntimeStatus, status) for status in ("Completed", "Failed", "Terminated", "Canceled")
)

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
    watched = await watch_missed(client, failures)
    # Runs that have ended are found by their pointers; an older version of the app may have written none.
    await _tidied(failures, indexing.catch_up, own.ledger, now)
    await _tidied(failures, admitting.clear, own.ledger, {run.run_id for run in left.open}, now)
    await _purge(client)
    # Last, because an endpoint that does not answer takes its time.
    await aside(sweeping.cancel_late_jobs, own.endpoint, own.ledger, left.ended, now)
    log("sweep.done", open=len(left.open), resumed=len(resumed), missed=len(watched), past_due=timer.past_due)
    own.routes.require_whole()
    if failures:
        raise failures[0]  # so that the invocation is seen to have failed


async def _tidied(failures: list[Exception], act: Callable[..., object], *given: object) -> None:
    """Have something done that keeps nothing else from being done if it fails."""
    try:
        await aside(act, *given)
    except Exception as trouble:
        failures.append(trouble)
        error("sweep.failed", message=str(trouble))


async def _purge(client: df.DurableOrchestrationClient) -> None:
    """Once a day, have the host forget instances that ended long ago. The ledger has what came of them, and the next
    day has another try."""
    own, now = services(), services().now()
    through = f"{now - KEPT:%Y-%m-%d}"
    try:
        if await aside(own.ledger.note, PURGED) == through:
            return
        purged = await client.purge_instance_history_by(FIRST, now - KEPT, list(ENDED))
        await aside(own.ledger.make_note, PURGED, through)
        log("instances.purged", instances=purged.instances_deleted, through=through)
    except Exception as trouble:
        warn("instances.not_purged", message=str(trouble)[:LONGEST_MESSAGE])


async def watch_missed(
    client: df.DurableOrchestrationClient,
    failures: list[Exception],
    *,
    only: str | None = None,
    is_expected: bool = False,
) -> list[Landing]:
    """Watch what no event has had watched, of all routes or of that one `only`; those of which a watch was started.
    What cannot be started is added to `failures`. `is_expected`: it is no sign of lost events, and whoever watches such
    a landing already looks once more."""
    own = services()
    missed = await aside(sweeping.missed, own.routes, own.blobs, own.ledger, own.now, only=only)
    watched = list[Landing]()
    for start in range(0, len(missed), STARTS_AT_ONCE):
        some = missed[start : start + STARTS_AT_ONCE]
        starting = (_watch(client, one, is_expected=is_expected) for one in some)
        began = await asyncio.gather(
            *(_unless_it_fails(failures, _names_of(one), each) for one, each in zip(some, starting, strict=True))
        )
        watched += [one for one, is_new in zip(some, began, strict=True) if is_new]
    return watched


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


async def _watch(client: df.DurableOrchestrationClient, landing: Landing, *, is_expected: bool) -> bool:
    watcher, is_live = await free(client, landing)
    if is_live and not is_expected:
        return False
    instance_id = await start_watch(client, landing)
    if instance_id is not None:
        names = {"route": landing.route.name, "landing": landing.path, "instance_id": instance_id}
        if is_expected:
            log("landing.watched", **names)
        else:
            warn("landing.missed", **names, freed=watcher)
    return instance_id is not None
