"""Output bindings, retries, time-outs, warm-up, and every way to answer a request."""

import asyncio
import json
import logging
import os
import time
import typing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
NOTES = Path(os.environ["NOTES"]) if "NOTES" in os.environ else None


def note(kind: str, **fields) -> None:
    if NOTES:
        with NOTES.open("a") as file:
            file.write(json.dumps({"kind": kind, **fields}) + "\n")


@app.warm_up_trigger("warm")
def warmup(warm):
    note("warm")
    raise RuntimeError("a warm-up may fail")


@app.route(route="store/{name}")
@app.blob_output(arg_name="blob", path="%CONTAINER%/{name}/{Query.part}.txt", connection="Store")
@app.queue_output(arg_name="messages", queue_name="%CONTAINER%-told", connection="Store")
def store(req: func.HttpRequest, blob: func.Out[str], messages: func.Out[typing.List[str]]) -> str:  # noqa: UP006  # the worker refuses list[str]
    if req.params.get("part"):
        blob.set(req.get_body().decode())
    messages.set([req.route_params["name"], "second"])
    if req.params.get("fail"):
        raise ValueError("after setting its outputs")
    return "stored"


@app.route(route="unresolved")
@app.blob_output(arg_name="blob", path="%CONTAINER%/{nothing}", connection="Store")
def unresolved(req: func.HttpRequest, blob: func.Out[str]) -> str:
    blob.set("x")
    return "stored"


@app.event_grid_trigger(arg_name="event")
@app.blob_output(arg_name="$return", path="%CONTAINER%/events/{data.name}", connection="Store")
def on_event(event: func.EventGridEvent) -> bytes:
    return event.id.encode()


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
def retried(timer: func.TimerRequest, context: func.Context) -> None:
    state = context.retry_context
    note("attempt", count=state.retry_count, limit=state.max_retry_count, error=str(state.exception))
    raise RuntimeError("not yet")


@app.route(route="slow/{how}")
async def slow(req: func.HttpRequest) -> str:
    if req.route_params["how"] == "own":
        raise TimeoutError("the function's own")
    await asyncio.sleep(30)
    return "too late"


@app.activity_trigger(input_name="value")
def blocked(value) -> str:
    time.sleep(5)
    return "too late"


@app.orchestration_trigger(context_name="context")
def patient(context):
    try:
        yield context.call_activity("blocked", None)
    except Exception as error:
        return str(error).split(" \n ")[0]


@app.route(route="start/{name}")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:
    return client.create_check_status_response(req, await client.start_new(req.route_params["name"]))


@app.route(route="loud")
def loud(req: func.HttpRequest) -> str:
    logging.getLogger("mine").info("loud and clear")
    return ""


def say(text: str) -> None:
    logging.getLogger("mine").info(text)


@app.route(route="threads/sync")
def threads_sync(req: func.HttpRequest) -> str:
    say("sync, itself")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(say, "sync, in a thread of its own").result()
    return ""


@app.route(route="threads/async")
async def threads_async(req: func.HttpRequest) -> str:
    say("async, itself")
    await asyncio.create_task(say_later("async, in a task of its own"))
    await asyncio.to_thread(say, "async, in a thread of its own")
    return ""


async def say_later(text: str) -> None:
    await asyncio.sleep(0)
    say(text)


@app.route(route="quiet")
def quiet(req: func.HttpRequest) -> str:
    return ""


@app.route(route="answer/{how}")
def answer(req: func.HttpRequest) -> func.HttpResponse:
    match req.route_params["how"]:
        case "bytes":
            return func.HttpResponse(b"\x00\xff", mimetype="application/octet-stream")
        case "status":
            return func.HttpResponse(status_code=418)
        case "charset":
            return func.HttpResponse("gr\u00fc\u00df", charset="latin-1", mimetype="text/plain")
        case "cookies":
            response = func.HttpResponse("ok")
            response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
            response.headers.add("Set-Cookie", "b=2")
            return response
        case "form":
            upload = req.files["file"]
            return func.HttpResponse(json.dumps([req.form["field"], upload.filename, upload.read().decode()]))
        case "json":
            try:
                return func.HttpResponse(json.dumps(req.get_json()))
            except ValueError as error:
                return func.HttpResponse(str(error), status_code=400)
    return "a plain text"
