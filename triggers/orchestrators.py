"""The orchestrators: short interpreters of the plans in shared.core.

They are replayed, so nothing here reads a clock, logs or decides. The generators stay importable as they are, and are
registered by a call at the end, so that tests can drive them by hand.
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from shared.core import plan, watch
from shared.core.job import Job
from shared.core.landing import Look
from shared.core.progress import Scoring, begin
from shared.core.publication import chunks
from shared.core.run import Order
from triggers.names import Activity, Entity, Orchestrator

bp = df.Blueprint()

Steps = Generator[Any, Any, Any]

A_FEW_TIMES = df.RetryOptions(first_retry_interval_in_milliseconds=15_000, max_number_of_attempts=8)
"""For steps of a publication: two minutes of trouble are sat out here, longer ones by the run's own patience."""


def watch_landing(context: df.DurableOrchestrationContext) -> Steps:
    """Watch one landing until it is ready and scored. Input: a Watch; returns what came of it."""
    state = watch.Watch.from_payload(context.get_input())
    while True:
        step = watch.next_step(state, context.current_utc_datetime)
        if isinstance(step, watch.Done):
            return step.result
        if isinstance(step, watch.StartOver):
            return context.continue_as_new(state.started_over().to_payload())
        try:
            state = yield from _watch_step(context, state, step)
        except Exception as trouble:
            state = state.stumbled(context.current_utc_datetime)
            yield _report(context, trouble, route=state.route, landing=state.landing, step=state.phase.value)
            yield context.create_timer(state.rest_until)


def _watch_step(context: df.DurableOrchestrationContext, state: watch.Watch, step: watch.Step) -> Steps:
    me = context.instance_id
    landing = df.EntityId(Entity.LANDING, state.key)
    facts = {"route": state.route, "landing": state.landing, "instance_id": me}
    asked_at = context.current_utc_datetime
    match step:
        case watch.Sleep(until):
            yield context.create_timer(until)
            return state.arrived() if state.phase is watch.Phase.ARRIVING else state.rested()
        case watch.Enter(urgent):
            watcher = yield context.call_entity(landing, "enter", {"who": me, "urgent": urgent})
            return state.entered(watcher, me, context.current_utc_datetime)
        case watch.Begin():
            return state.begun((yield context.call_entity(landing, "begin", {"who": me})))
        case watch.LookAt():
            seen = yield context.call_activity(Activity.LOOK, {**facts, "now": asked_at.isoformat()})
            return state.saw(Look.from_payload(seen), asked_at=asked_at, now=context.current_utc_datetime)
        case watch.Claim(fingerprint, refusal, restless):
            wanted: dict[str, Any] = {"fingerprint": fingerprint, "refusal": refusal, "restless": restless}
            given: dict[str, Any] = {**facts, **wanted, "now": asked_at.isoformat()}
            return state.claimed((yield context.call_activity(Activity.CLAIM_RUN, given)))
        case watch.Score(order):
            run = {"order": order}
            return state.scored(
                (yield context.call_sub_orchestrator(Orchestrator.SCORE_SNAPSHOT, run, order["run_id"]))
            )
        case watch.Leave():
            return state.left((yield context.call_entity(landing, "leave", {"who": me})))
    raise AssertionError(step)


def score_snapshot(context: df.DurableOrchestrationContext) -> Steps:
    """Carry out one claimed run. Input: its order, or a Scoring that goes on; returns its id and final status."""
    given = context.get_input()
    fresh = "phase" not in given
    run = (
        begin(Order.from_payload(given["order"]), context.current_utc_datetime)
        if fresh
        else Scoring.from_payload(given)
    )
    while True:
        step = plan.next_step(run)
        if isinstance(step, plan.Finish):
            return {"run_id": run.order.run_id, "status": step.status.value}
        if isinstance(step, plan.StartOver):
            return context.continue_as_new(run.started_over().to_payload())
        if isinstance(step, plan.Wait):
            yield context.create_timer(step.until)
            run = run.waited()
            continue
        try:
            run = (yield from _score_step(context, run, step)).stepped()
        except Exception as trouble:
            run = run.stumbled(context.current_utc_datetime, str(trouble))
            yield _report(
                context,
                trouble,
                run_id=run.order.run_id,
                route=run.order.route,
                landing=run.order.landing,
                step=type(step).__name__.lower(),
            )


def _score_step(context: df.DurableOrchestrationContext, run: Scoring, step: plan.Step) -> Steps:
    order: dict[str, Any] = {"order": run.order.to_payload()}
    match step:
        case plan.Record():
            names = {"route": run.order.route, "landing": run.order.landing}
            given: dict[str, Any] = {**names, "document": run.to_document(), "now": _now(context)}
            yield context.call_activity(Activity.RECORD_RUN, given)
            return run.was_recorded()
        case plan.StageInput():
            return run.input_staged((yield from _stage_input(context, run)), context.current_utc_datetime)
        case plan.Submit(attempt):
            given = {**order, "attempt": attempt, "staged": run.staged}
            answer = yield context.call_activity(Activity.SUBMIT_JOB, given)
            return _submitted(context, run, answer)
        case plan.Search(attempt):
            found = yield context.call_activity(Activity.SEARCH_JOB, {**order, "attempt": attempt})
            return run.searched(_job(found), context.current_utc_datetime, listed=found["listed"])
        case plan.Observe(job):
            given = {**order, "job": job, "abandoned": list(run.abandoned)}
            seen = yield context.call_activity(Activity.OBSERVE_JOB, given)
            return run.observed(_job(seen), context.current_utc_datetime)
        case _:
            return (yield from _last_steps(context, run, step, order))


def _last_steps(context: df.DurableOrchestrationContext, run: Scoring, step: plan.Step, order: dict[str, Any]) -> Steps:
    match step:
        case plan.Check():
            verdict = yield context.call_activity(Activity.CHECK_LANDING, order)
            return run.checked(verdict, context.current_utc_datetime)
        case plan.Publish(attempt):
            result = yield context.call_sub_orchestrator(Orchestrator.PUBLISH, {**order, "attempt": attempt})
            return run.published(result, context.current_utc_datetime)
        case plan.Cancel(job):
            answer = yield context.call_activity(Activity.CANCEL_JOB, {**order, "job": job.to_payload()})
            return run.canceled(answer["accepted"], context.current_utc_datetime)
        case plan.Explain(job):
            given = {**order, "job": job.to_payload()}
            told = yield from _unless_it_fails(context, Activity.EXPLAIN_FAILURE, given)
            return run.explained_by(told.get("message"), context.current_utc_datetime)
        case plan.Announce():
            document = {**run.to_document(), "route": run.order.route, "landing": run.order.landing}
            given = {"document": document, "now": _now(context)}
            yield from _unless_it_fails(context, Activity.ANNOUNCE_RUN, given)
            return run.was_announced()
    raise AssertionError(step)


def publish(context: df.DurableOrchestrationContext) -> Steps:
    """Lay an attempt's output in the lakehouse storage. Returns the publication, or `{"problem": …}`."""
    given = context.get_input()
    listed = yield context.call_activity_with_retry(Activity.LIST_OUTPUTS, A_FEW_TIMES, given)
    if "files" not in listed:
        return listed  # a problem, or a publication that has been there all along
    yield context.task_all(
        [
            context.call_activity_with_retry(
                Activity.COPY_OUTPUTS, A_FEW_TIMES, {**given, "start": start, "stop": stop}
            )
            for start, stop in chunks(listed["files"])
        ]
    )
    sealed = {**given, "now": _now(context)}
    return (yield context.call_activity_with_retry(Activity.SEAL_PUBLICATION, A_FEW_TIMES, sealed))


def _stage_input(context: df.DurableOrchestrationContext, run: Scoring) -> Steps:
    order = {"order": run.order.to_payload()}
    changed = yield context.task_all(
        [
            context.call_activity(Activity.STAGE_INPUT, {**order, "start": start, "stop": stop})
            for start, stop in chunks(run.order.files)
        ]
    )
    return next((part["changed"] for part in changed if part["changed"] is not None), None)


def _job(answer: dict[str, Any]) -> Job | None:
    return Job.from_payload(answer["job"]) if answer["job"] else None


def _submitted(context: df.DurableOrchestrationContext, run: Scoring, answer: dict[str, Any]) -> Scoring:
    now = context.current_utc_datetime
    match answer["outcome"]:
        case "accepted":
            return run.submitted(Job.from_payload(answer["job"]), now)
        case "rejected":
            return run.rejected(answer["reason"], answer["message"], now)
        case "deferred":
            return run.deferred(answer["retry_after"], answer["message"], now)
        case _:
            return run.unanswered(answer["message"], now)


def _unless_it_fails(context: df.DurableOrchestrationContext, activity: Activity, given: dict[str, Any]) -> Steps:
    """The activity's answer; empty, and a report, if it still fails after retries: nothing depends on it."""
    try:
        return (yield context.call_activity_with_retry(activity, A_FEW_TIMES, given))
    except Exception as trouble:
        yield _report(context, trouble, step=activity.value)
        return {}


def _report(context: df.DurableOrchestrationContext, trouble: Exception, **facts: object) -> Any:
    """Have the trouble logged by an activity: what an orchestrator logs itself is said again at every replay."""
    return context.call_activity(
        Activity.REPORT_TROUBLE, {**facts, "instance_id": context.instance_id, "trouble": str(trouble)[:2000]}
    )


def _now(context: df.DurableOrchestrationContext) -> str:
    return str(context.current_utc_datetime.isoformat())


for name, orchestrator in (
    (Orchestrator.WATCH_LANDING, watch_landing),
    (Orchestrator.SCORE_SNAPSHOT, score_snapshot),
    (Orchestrator.PUBLISH, publish),
):
    bp.function_name(name.value)(bp.orchestration_trigger(context_name="context")(orchestrator))
