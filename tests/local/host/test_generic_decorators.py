"""Generic decorators: what function.json could say of a binding, with only the members that somebody has given."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest

from testbed.eventually import eventually
from tests.local.host.azurites import storage
from tests.local.host.hosting import Host, running, written

APP = """
import logging

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.function_name("plain")
@app.generic_trigger(arg_name="req", type="httpTrigger", authLevel="anonymous")
@app.generic_output_binding(arg_name="$return", type="http")
def plain(req: func.HttpRequest) -> str:
    return req.method


@app.function_name("routed")
@app.generic_trigger(arg_name="req", type="httpTrigger", authLevel="anonymous", route="r/{id}", methods=["POST"])
@app.generic_output_binding(arg_name="$return", type="http")
def routed(req: func.HttpRequest) -> str:
    return req.route_params["id"]


@app.route("sent")
@app.generic_output_binding(arg_name="out", type="queue", queue_name="generic", connection="Storage")
def sent(req: func.HttpRequest, out: func.Out[str]) -> str:
    out.set(req.params["word"])
    return "sent"


@app.function_name("received")
@app.generic_trigger(arg_name="message", type="queueTrigger", queue_name="generic", connection="Storage")
def received(message: func.QueueMessage) -> None:
    logging.info("received %s", message.get_body().decode())


@app.function_name("ticks")
@app.generic_trigger(arg_name="timer", type="timerTrigger", schedule="0 0 0 1 1 *", run_on_startup=True)
def ticks(timer: func.TimerRequest) -> None:
    logging.info("ticked")


@app.route("echo")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), headers={"X-Encoding": req.headers.get("Content-Encoding", "")})
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("generic")
    app = written(folder, APP)
    with storage() as account, running(app, folder / "state", "--poll-ms", "100", Storage=account) as started:
        yield started


def test_an_http_trigger_without_route_or_methods_has_its_functions_name_and_takes_all(host: Host) -> None:
    assert [host.http.request(method, "/api/plain").text for method in ("GET", "PUT")] == ["GET", "PUT"]


def test_an_http_trigger_with_a_route_and_methods_takes_these(host: Host) -> None:
    assert host.http.post("/api/r/7").text == "7"
    assert host.http.get("/api/r/7").status_code == 404


def test_queues_are_written_and_read(host: Host) -> None:
    assert host.http.get("/api/sent", params={"word": "hello"}).text == "sent"

    eventually(lambda: "received hello" in host.log)


def test_a_timer_is_planned(host: Host) -> None:
    eventually(lambda: "ticked" in host.log)


def test_a_body_that_is_compressed_arrives_as_it_was_sent(host: Host) -> None:
    body = gzip.compress(b"words " * 100)

    answer = host.http.post("/api/echo", content=body, headers={"Content-Encoding": "gzip"})

    assert (answer.content, answer.headers["X-Encoding"]) == (body, "gzip")


def test_functions_are_described_as_the_real_host_describes_them(host: Host) -> None:
    listed = {one["name"]: one for one in host.http.get("/admin/functions").json()}
    url = str(host.http.base_url).rstrip("/")

    assert listed["routed"]["invoke_url_template"] == f"{url}/api/r/{{id}}"
    assert listed["routed"]["href"] == f"{url}/admin/functions/routed"
    assert (listed["routed"]["language"], listed["routed"]["isDisabled"]) == ("python", False)
    returned, trigger = sorted(listed["routed"]["config"]["bindings"], key=lambda one: str(one["type"]))
    assert (trigger["type"], trigger["direction"], trigger["name"]) == ("httpTrigger", "IN", "req")
    assert (returned["type"], returned["direction"]) == ("http", "OUT")
    assert listed["received"]["invoke_url_template"] is None
    assert host.http.get("/admin/functions/routed").json() == listed["routed"]
    assert host.http.get("/admin/functions/routed/status").json() == {}
    assert host.http.get("/admin/functions/nobody").status_code == 404
    assert host.http.get("/admin/functions/nobody/status").status_code == 404
    assert host.http.post("/admin/host/ping").status_code == 200
