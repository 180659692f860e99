"""Orchestrations and entities whose inputs say what goes wrong in them; driven over HTTP by the conformance tests."""

import json
import threading
from collections import defaultdict
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
journal = defaultdict(list)
mended = set()
lock = threading.Lock()


@app.route(route="start/{name}")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:
    value = json.loads(req.get_body() or b"null")
    instance = await client.start_new(req.route_params["name"], req.params.get("id"), value)
    return client.create_check_status_response(req, instance)


@app.route(route="rewind/{id}")
@app.durable_client_input(client_name="client")
async def rewind(req: func.HttpRequest, client) -> func.HttpResponse:
    try:
        await client.rewind(req.route_params["id"], "mended")
    except Exception as error:
        return func.HttpResponse(str(error), status_code=400)
    return func.HttpResponse("ok")


@app.route(route="read/{name}/{key}")
@app.durable_client_input(client_name="client")
async def read(req: func.HttpRequest, client) -> func.HttpResponse:
    found = await client.read_entity_state(df.EntityId(req.route_params["name"], req.route_params["key"]))
    return func.HttpResponse(json.dumps([found.entity_exists, found.entity_state]))


@app.route(route="journal/{key}")
def read_journal(req: func.HttpRequest) -> str:
    return json.dumps(journal[req.route_params["key"]])


@app.route(route="mend/{key}")
def mend(req: func.HttpRequest) -> str:
    mended.add(req.route_params["key"])
    return "mended"


@app.activity_trigger(input_name="order")
def work(order):
    """Writes down that it ran; fails the first `fails` times, or until the key is mended."""
    key, value = order["key"], order["value"]
    with lock:
        journal[key].append(value)
        attempt = journal[key].count(value)
    if attempt <= order.get("fails", 0) and key not in mended:
        raise ValueError(f"attempt {attempt} at {value}")
    return value


def first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].strip()


@app.orchestration_trigger(context_name="context")
def retried(context):
    """An activity, or a child, with retries."""
    asked = context.get_input()
    options = df.RetryOptions(asked["interval"], asked["attempts"])
    try:
        if asked.get("child"):
            return (yield context.call_sub_orchestrator_with_retry("child", options, asked))
        return (yield context.call_activity_with_retry("work", options, asked))
    except Exception as error:
        if asked.get("uncaught"):
            raise
        return f"caught {first_line(error)}"


@app.orchestration_trigger(context_name="context")
def retried_together(context):
    options = df.RetryOptions(60_000, 3)
    return (yield context.task_all([context.call_activity_with_retry("work", options, o) for o in context.get_input()]))


@app.orchestration_trigger(context_name="context")
def child(context):
    return (yield context.call_activity("work", context.get_input()))


@app.orchestration_trigger(context_name="context")
def chain(context):
    results = []
    for order in context.get_input():
        results.append((yield context.call_activity("work", order)))  # noqa: PERF401  # a generator cannot yield in one
    return results


@app.orchestration_trigger(context_name="context")
def stubborn(context):
    """A chain that goes on after a failure."""
    results = []
    for order in context.get_input():
        try:
            results.append((yield context.call_activity("work", order)))
        except Exception as error:
            results.append(first_line(error))
    return results


@app.orchestration_trigger(context_name="context")
def fan(context):
    return (yield context.task_all([context.call_activity("work", order) for order in context.get_input()]))


@app.orchestration_trigger(context_name="context")
def race(context):
    """The results in the order in which they came."""
    tasks = [context.call_activity("work", order) for order in context.get_input()]
    results = []
    while tasks:
        first = yield context.task_any(tasks)
        tasks.remove(first)
        results.append(first.result)
    return results


@app.orchestration_trigger(context_name="context")
def parent(context):
    return (yield context.task_all([context.call_sub_orchestrator("child", order) for order in context.get_input()]))


@app.orchestration_trigger(context_name="context")
def grandparent(context):
    return (yield context.call_sub_orchestrator("parent", context.get_input()))


@app.orchestration_trigger(context_name="context")
def buggy(context):
    """Fails by itself until the key is mended, as if a new version were deployed."""
    order = context.get_input()
    done = yield context.call_activity("work", order)
    if order["key"] not in mended:
        raise ValueError("a bug")
    return done


@app.orchestration_trigger(context_name="context")
def timed(context):
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=1))
    yield context.call_activity("work", context.get_input())


@app.orchestration_trigger(context_name="context")
def collecting(context):
    """As many events as it was told, in the order in which they came."""
    items = []
    for _ in range(context.get_input()):
        items.append((yield context.wait_for_external_event("item")))  # noqa: PERF401  # a generator cannot yield in one
    return items


@app.orchestration_trigger(context_name="context")
def operating(context):
    """Operations on the ledger: `[operation, input, whether to wait]`; the results of those waited for."""
    asked, results = context.get_input(), []
    entity = df.EntityId(asked.get("name", "ledger"), asked["key"])
    for operation, value, waits in asked["operations"]:
        if not waits:
            context.signal_entity(entity, operation, value)
            continue
        try:
            results.append((yield context.call_entity(entity, operation, value)))
        except Exception as error:
            results.append(f"caught {error}")
    return results


@app.entity_trigger(context_name="context")
def ledger(context):
    """A list. What it is doing is in the journal, so that a test can see whether two operations overlapped."""
    operation, lines = context.operation_name, context.get_state(list)
    journal[context.entity_key].append(f"begin {operation}")
    if operation == "delete":
        context.destruct_on_exit()
    elif operation == "add":
        context.set_state([*lines, context.get_input()])
        context.set_result(len(lines) + 1)
    elif operation == "refuse":
        raise ValueError(f"no {context.get_input()}")
    elif operation == "get":
        context.set_result(lines)
    journal[context.entity_key].append(f"end {operation}")
