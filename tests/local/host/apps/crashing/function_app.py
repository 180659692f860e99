"""A mixed durable load in which everything is counted: by an entity for all, and by one for each instance."""

import time
from datetime import timedelta

import azure.durable_functions as df

app = df.DFApp()
TALLY = df.EntityId("tally", "all")


@app.activity_trigger(input_name="value")
def work(value: int) -> int:
    time.sleep(0.02)
    return value


@app.activity_trigger(input_name="value")
def refuse(value: int) -> int:
    raise ValueError("always")


@app.entity_trigger(context_name="context")
def tally(context):
    total = context.get_state(lambda: 0) + (context.get_input() or 0)
    context.set_state(total)
    context.set_result(total)


@app.orchestration_trigger(context_name="context")
def chain(context):
    """Steps of an activity, a signal, a call and a timer; at every step its own counter has to answer rightly."""
    mine = df.EntityId("tally", context.instance_id)
    for step in range(context.get_input()):
        yield context.call_activity("work", step)
        context.signal_entity(TALLY, "add", 1)
        count = yield context.call_entity(mine, "add", 1)
        if count != step + 1:
            raise RuntimeError(f"step {step} counted {count}")
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=15))
    return context.get_input()


@app.orchestration_trigger(context_name="context")
def fan(context):
    total = 0
    for _ in range(context.get_input()):
        results = yield context.task_all([context.call_activity("work", n) for n in range(4)])
        total += sum(results)
        total += yield context.call_sub_orchestrator("leaf", 1)
    return total


@app.orchestration_trigger(context_name="context")
def leaf(context):
    context.signal_entity(TALLY, "add", 1)
    return (yield context.call_activity("work", context.get_input()))


@app.orchestration_trigger(context_name="context")
def eternal(context):
    left = context.get_input()
    context.signal_entity(TALLY, "add", 1)
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=30))
    if left > 1:
        context.continue_as_new(left - 1)
        return None
    return "over"


@app.orchestration_trigger(context_name="context")
def stubborn(context):
    failures = 0
    for _ in range(context.get_input()):
        try:
            yield context.call_activity_with_retry("refuse", df.RetryOptions(20, 3), 1)
        except Exception:
            failures += 1
        context.signal_entity(TALLY, "add", 1)
        yield context.call_activity("work", failures)
    return failures
