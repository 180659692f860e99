"""A monitor, a human who approves, and an entity that counts."""

from datetime import timedelta

import azure.durable_functions as df

waits = df.Blueprint()


@waits.orchestration_trigger(context_name="context")
def monitor(context: df.DurableOrchestrationContext):
    while not (yield context.call_activity("is_clear", None)):
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=30))
    return "clear"


@waits.activity_trigger(input_name="place")
def is_clear(place: str) -> bool:
    return False


@waits.orchestration_trigger(context_name="context")
def approval(context: df.DurableOrchestrationContext):
    too_late = context.create_timer(context.current_utc_datetime + timedelta(days=3))
    approved = context.wait_for_external_event("approved")
    return "approved" if (yield context.task_any([approved, too_late])) is approved else "escalated"


@waits.orchestration_trigger(context_name="context")
def count(context: df.DurableOrchestrationContext):
    counter = df.EntityId("counter", "visits")
    context.signal_entity(counter, "add", 2)
    return (yield context.call_entity(counter, "add", 3))


@waits.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext):
    total = context.get_state(lambda: 0) + (context.get_input() or 0)
    context.set_state(total)
    context.set_result(total)
