"""An app that notes the events it gets, and shows the runs that a test has written down."""

import json
import logging
import os
from pathlib import Path

import azure.functions as func

app = func.FunctionApp()
notes = Path(os.environ["NOTES"])


@app.event_grid_trigger(arg_name="event")
def on_blob(event: func.EventGridEvent) -> None:
    """Fails as long as there is a file `refuse`."""
    if (notes / "refuse").exists():
        raise RuntimeError("told to refuse")
    if (notes / "lines").exists():
        for line in (notes / "lines").read_text().splitlines():
            logging.getLogger("landfall").info(line)
    with (notes / "subjects").open("a") as file:
        file.write(f"{event.subject}\n")


@app.blob_trigger(
    arg_name="blob", path="landing/read/{name}", connection="LandingStorage", source=func.BlobSource.EVENT_GRID
)
def on_read(blob: func.InputStream) -> None:
    with (notes / "read").open("a") as file:
        file.write(f"{blob.name}: {blob.read().decode()}\n")


@app.route(route="health", methods=["GET"])
def health(req: func.HttpRequest) -> func.HttpResponse:
    path = notes / "problems.json"
    problems = json.loads(path.read_text()) if path.exists() else []
    return func.HttpResponse(json.dumps({"problems": problems}), status_code=503 if problems else 200)


@app.route(route="runs", methods=["GET"])
def runs(req: func.HttpRequest) -> func.HttpResponse:
    path = notes / "runs.json"
    listed = json.loads(path.read_text()) if path.exists() else []
    status = req.params.get("status")
    return func.HttpResponse(json.dumps([one for one in listed if status in (None, one["status"])]))


@app.route(route="settings/{name}", methods=["GET"])
def setting(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(os.environ.get(req.route_params["name"], ""))
