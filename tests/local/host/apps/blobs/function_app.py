"""Blob triggers of both sources, and blob inputs of every type."""

import json
import os
import time
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
NOTES = Path(os.environ["NOTES"])


def note(kind: str, **fields) -> None:
    with NOTES.open("a") as file:
        file.write(json.dumps({"kind": kind, **fields}) + "\n")


@app.blob_trigger(arg_name="blob", path="%LANDING%/in/{name}.{ext}", connection="Data")
@app.blob_output(arg_name="copy", path="%LANDING%/out/{name}-{metadata.batch}.{ext}", connection="Data")
def on_blob(blob: func.InputStream, copy: func.Out[bytes]) -> None:
    body = blob.read()
    facts = {"name": blob.name, "uri": blob.uri, "length": blob.length, "metadata": blob.metadata}
    note("blob", body=body.decode(), type=blob.blob_properties["ContentType"], **facts)
    if body == b"slow":
        time.sleep(60)
    if body == b"broken":
        raise ValueError("a blob that cannot be read")
    if blob.metadata:
        copy.set(body.upper())


@app.blob_trigger(arg_name="text", path="%LANDING%/events/{name}", connection="Data", source=func.BlobSource.EVENT_GRID)
@app.blob_input(arg_name="beside", path="%LANDING%/beside/{name}", connection="Data")
def on_event(text: str, beside: str) -> None:
    note("event", text=text, beside=beside)


@app.queue_trigger(arg_name="message", queue_name="%LANDING%-names", connection="Data")
@app.blob_input(arg_name="blob", path="%LANDING%/{queueTrigger}", connection="Data")
def on_message(message: func.QueueMessage, blob: func.InputStream) -> None:
    note("message", body=blob.read().decode(), name=blob.name)


@app.route(route="read/{name}")
@app.blob_input(arg_name="text", path="%LANDING%/{name}", connection="Data", data_type="string")
@app.blob_input(arg_name="raw", path="%LANDING%/{name}", connection="Data", data_type="binary")
@app.blob_input(arg_name="stream", path="%LANDING%/{name}", connection="Data")
@app.generic_input_binding(arg_name="generic", type="blob", path="%LANDING%/{name}", connection="Data")
def read(req: func.HttpRequest, text: str, raw: bytes, stream: func.InputStream, generic: bytes) -> str:
    if stream is None:
        return json.dumps([text, raw, None, generic])
    return json.dumps([text, raw.hex(), stream.read().hex(), generic.hex()])
