"""One function of every kind that the host supports; driven over HTTP by the conformance tests."""

import asyncio
import json
import logging
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func
from azure.storage.queue import QueueClient

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
NOTES = Path(os.environ["NOTES"]) if "NOTES" in os.environ else None
lock = threading.Lock()


def note(kind: str, **fields) -> None:
    """Leave a line that the test can read, whatever happens to this process."""
    if NOTES:
        with lock, NOTES.open("a") as file:
            file.write(json.dumps({"kind": kind, **fields}) + "\n")


@app.route(route="echo/{word}/{number:int?}", methods=["GET", "POST"])
def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    logging.getLogger("sample").info("echoing")
    told = {
        "method": req.method,
        "url": req.url,
        "route": dict(req.route_params),
        "query": dict(req.params),
        "body": req.get_body().decode(),
        "header": req.headers.get("X-Word"),
        "function": context.function_name,
        "id": context.invocation_id,
    }
    return func.HttpResponse(json.dumps(told), mimetype="application/json", headers={"X-Answer": "yes"})


@app.route(route="echo/special")
def special(req: func.HttpRequest) -> str:
    return "special"


@app.route()
async def silent(req: func.HttpRequest):
    return None


@app.route(route="files/{*path}")
def files(req: func.HttpRequest) -> str:
    return req.route_params.get("path", "")


@app.route(route="broken")
def broken(req: func.HttpRequest) -> str:
    raise ValueError("broken on purpose")


@app.route(route="locked", auth_level=func.AuthLevel.FUNCTION)
def locked(req: func.HttpRequest) -> str:
    return "open"


@app.event_grid_trigger(arg_name="event")
def on_event(event: func.EventGridEvent):
    note("event", id=event.id, subject=event.subject)
    if event.subject == "bad":
        raise RuntimeError("a bad event")


@app.event_grid_trigger(arg_name="event")
def on_cloud_event(event: func.CloudEvent):
    note("cloud", id=event.id, type=event.type)


@app.timer_trigger(arg_name="timer", schedule="%WHEN%", run_on_startup=False)
def on_timer(timer: func.TimerRequest):
    note("timer", past_due=timer.past_due, status=timer.schedule_status)


@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="QueueStorage")
def on_message(message: func.QueueMessage):
    note("message", body=message.get_body().decode(), count=message.dequeue_count)
    if message.get_body() == b"slow":
        time.sleep(30)
    if message.get_body() == b"mine":
        with QueueClient.from_connection_string(os.environ["QueueStorage"], os.environ["QUEUE"]) as queue:  # noqa: SIM112  # a setting
            queue.delete_message(message.id, message.pop_receipt)
    if message.get_body() == b"poison":
        raise RuntimeError("a bad message")


@app.route(route="start/{name}")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:
    value = json.loads(req.get_body() or b"null")
    try:
        instance = await client.start_new(req.route_params["name"], req.params.get("id"), value)
    except Exception as error:
        return func.HttpResponse(str(error), status_code=400)
    return client.create_check_status_response(req, instance)


@app.route(route="client/{what}/{id}")
@app.durable_client_input(client_name="client")
async def use_client(req: func.HttpRequest, client) -> func.HttpResponse:
    what, instance = req.route_params["what"], req.route_params["id"]
    value = json.loads(req.get_body() or b"null")
    try:
        if what == "raise":
            await client.raise_event(instance, req.params["event"], value)
        elif what in ("terminate", "suspend", "resume", "rewind"):
            await getattr(client, what)(instance, req.params.get("reason", ""))
        elif what == "signal":
            await client.signal_entity(df.EntityId("counter", instance), req.params["op"], value)
        elif what == "read":
            found = await client.read_entity_state(df.EntityId("Counter", instance))
            return func.HttpResponse(json.dumps([found.entity_exists, found.entity_state]))
        elif what == "status":
            found = await client.get_status(instance, show_history=True, show_input=True)
            return func.HttpResponse(json.dumps(found.to_json() if found else None))
        elif what == "restart":
            return func.HttpResponse(json.dumps(await client.restart(instance, req.params.get("same") is None)))
        elif what == "query":
            found = await client.get_status_by(runtime_status=[df.OrchestrationRuntimeStatus(req.params["status"])])
            return func.HttpResponse(json.dumps([i.instance_id for i in found]))
        elif what == "purge-before":
            found = await client.purge_instance_history_by(
                created_time_from=datetime(2020, 1, 1, tzinfo=UTC),
                runtime_status=[df.OrchestrationRuntimeStatus(req.params["status"])],
            )
            return func.HttpResponse(str(found.instances_deleted))
        elif what == "purge":
            found = await client.purge_instance_history(instance)
            return func.HttpResponse(str(found.instances_deleted))
    except Exception as error:
        return func.HttpResponse(str(error), status_code=400)
    return func.HttpResponse("ok")


@app.activity_trigger(input_name="city")
def hello(city: str) -> str:
    return f"Hello {city}!"


@app.activity_trigger(input_name="value")
async def same(value):
    return value


@app.activity_trigger(input_name="value")
def fail(value):
    raise ValueError(f"This activity failed: {value}")


@app.activity_trigger(input_name="value", activity="marked")
def mark(value) -> int:
    note("activity", value=value)
    return value


@app.activity_trigger(input_name="value")
async def linger(value) -> None:
    note("begun")
    await asyncio.sleep(0.5)
    note("ended")


@app.orchestration_trigger(context_name="context")
def lingering(context):
    yield context.call_activity("linger", None)


@app.orchestration_trigger(context_name="context")
def chain(context):
    first = yield context.call_activity("Hello", "Tokyo")
    second = yield context.call_activity("hello", "Seattle")
    return [first, second]


@app.orchestration_trigger(context_name="context", orchestration="Rethrow")
def rethrow(context):
    yield context.call_activity("fail", "x")


@app.orchestration_trigger(context_name="context")
def retrying(context):
    try:
        yield context.call_activity_with_retry("fail", df.RetryOptions(1, 3), "x")
    except Exception as error:
        return f"caught {error}"


@app.orchestration_trigger(context_name="context")
def waiting(context):
    context.set_custom_status({"waits": "for go"})
    return (yield context.wait_for_external_event("go"))


@app.orchestration_trigger(context_name="context")
def parent(context):
    children = [context.call_sub_orchestrator("child", n) for n in range(3)]
    results = yield context.task_all(children)
    try:
        yield context.call_sub_orchestrator("Rethrow", None)
    except Exception as error:
        results.append(str(error).split("\n", 1)[0].strip())
    return results


@app.orchestration_trigger(context_name="context")
def child(context):
    return (yield context.call_activity("same", context.get_input() * 10))


@app.orchestration_trigger(context_name="context")
def counting(context):
    counter = df.EntityId("Counter", context.instance_id)
    context.signal_entity(counter, "add", 1)
    yield context.call_entity(counter, "add", 2)
    try:
        yield context.call_entity(counter, "explode")
    except Exception as error:
        return [(yield context.call_entity(counter, "get")), str(error)]


@app.entity_trigger(context_name="context")
def counter(context):
    state = context.get_state(lambda: 0)
    if context.operation_name == "add":
        state += context.get_input()
    elif context.operation_name == "explode":
        raise ValueError("boom")
    elif context.operation_name == "delete":
        context.destruct_on_exit()
        return
    context.set_state(state)
    context.set_result(state)


@app.orchestration_trigger(context_name="context")
def survivor(context):
    """A chain, a counter and timers: ends with every step having counted once."""
    total = df.EntityId("counter", "total")
    for step in range(context.get_input()):
        yield context.call_activity("marked", step)
        yield context.call_entity(total, "add", 1)
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
    return (yield context.call_entity(total, "get"))


@app.activity_trigger(input_name="value")
def mended(value) -> str:
    if not NOTES or not NOTES.with_name("mended").exists():
        raise RuntimeError("not mended yet")
    return "mended"


@app.orchestration_trigger(context_name="context")
def fragile(context):
    return (yield context.call_activity("mended", None))


@app.orchestration_trigger(context_name="context")
def heavy(context):
    """Several megabytes in, through an activity, an event, an entity, and out."""
    first = yield context.call_activity("same", context.get_input())
    second = yield context.wait_for_external_event("more")
    entity = df.EntityId("keeper", context.instance_id)
    yield context.call_entity(entity, "keep", second)
    kept = yield context.call_entity(entity, "get")
    return first + kept


@app.entity_trigger(context_name="context")
def keeper(context):
    if context.operation_name == "keep":
        context.set_state(context.get_input())
    context.set_result(context.get_state(lambda: ""))
