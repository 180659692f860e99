"""The patterns of Durable Functions, each as its documentation has it."""

import itertools
from datetime import timedelta

import azure.durable_functions as df

app = df.DFApp()
calls = itertools.count()


@app.activity_trigger(input_name="value")
def same(value):
    return value


@app.activity_trigger(input_name="value")
def fail(value):
    raise ValueError(f"cannot {value}")


@app.orchestration_trigger(context_name="context")
def fan_out(context):
    results = yield context.task_all([context.call_activity("same", n) for n in range(10)])
    return sum(results)


@app.orchestration_trigger(context_name="context")
def fan_out_with_failure(context):
    try:
        yield context.task_all([context.call_activity("same", 1), context.call_activity("fail", "x")])
    except Exception as error:
        return str(error).split(" \n ")[0]


@app.orchestration_trigger(context_name="context")
def long_timer(context):
    began = context.current_utc_datetime
    yield context.create_timer(began + timedelta(days=10))
    return (context.current_utc_datetime - began).days


@app.orchestration_trigger(context_name="context")
def human(context):
    """Waits for an approval, for a while; `cancel` says whether the timer that lost is cancelled."""
    began = context.current_utc_datetime
    timer = context.create_timer(began + timedelta(hours=2))
    approval = context.wait_for_external_event("approval")
    won = yield context.task_any([timer, approval])
    if won is approval and context.get_input()["cancel"]:
        timer.cancel()
    return "approved" if won is approval else "timed out"


@app.orchestration_trigger(context_name="context")
def monitor(context):
    state = context.get_input()
    if state["left"] == 0:
        return state["seen"]
    yield context.create_timer(context.current_utc_datetime + timedelta(minutes=10))
    state["seen"] += yield context.call_activity("same", 1)
    context.continue_as_new({"left": state["left"] - 1, "seen": state["seen"]})


@app.orchestration_trigger(context_name="context")
def retried_child(context):
    try:
        yield context.call_sub_orchestrator_with_retry("broken_child", df.RetryOptions(60_000, 3), "job")
    except Exception as error:
        return [str(error).split(" \n ")[0], context.current_utc_datetime.isoformat()]


@app.orchestration_trigger(context_name="context")
def broken_child(context):
    yield context.call_activity("fail", context.get_input())


@app.orchestration_trigger(context_name="context")
def fickle(context):
    """Breaks the one rule of orchestrators."""
    yield context.call_activity("same" if next(calls) % 2 == 0 else "fail", 1)
    yield context.call_activity("same", 2)


@app.orchestration_trigger(context_name="context")
def talkative(context):
    context.set_custom_status({"text": "x" * context.get_input()})
    return (yield context.call_activity("same", "done"))


@app.orchestration_trigger(context_name="context")
def versioned(context):
    child = yield context.call_sub_orchestrator("version_of_child")
    return [context.version, child]


@app.orchestration_trigger(context_name="context")
def version_of_child(context):
    return (yield context.call_activity("same", context.version))


@app.orchestration_trigger(context_name="context")
def caller(context):
    answer = yield context.call_http("GET", context.get_input())
    after = yield context.call_activity("same", "in step")
    return [answer["statusCode"], answer["content"], after]
