"""Functions that fail in odd ways: each of their invocations ends, the log tells why, and the host goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testbed.eventually import eventually
from tests.local.host.hosting import Host, running, written

APP = """
import asyncio
import sys

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


class Wordless(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class NoException(BaseException):
    pass


def fail(how):
    match how:
        case "canceled":
            raise asyncio.CancelledError("by itself")
        case "exit":
            sys.exit(3)
        case "base":
            raise NoException("of a kind of its own")
        case "wordless":
            raise Wordless
        case "plain":
            raise ValueError("plain on purpose")


@app.route("now/{how}/{sort}")
async def now(req: func.HttpRequest) -> str:
    how = req.route_params["how"]
    if req.route_params["sort"] == "sync":
        return await asyncio.to_thread(fail, how) or "fine"
    fail(how)
    return "fine"


@app.route("sync/{how}")
def sync(req: func.HttpRequest) -> str:
    fail(req.route_params["how"])
    return "fine"


@app.route("start/{name}")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:
    instance = await client.start_new(req.route_params["name"], client_input=req.get_json())
    return client.create_check_status_response(req, instance)


@app.orchestration_trigger(context_name="context")
def calls(context):
    return (yield context.call_activity(context.get_input()["activity"], context.get_input()["how"]))


@app.orchestration_trigger(context_name="context")
def fails(context):
    fail(context.get_input())
    return "fine"


@app.orchestration_trigger(context_name="context")
def signals(context):
    entity = df.EntityId("brittle", "one")
    context.signal_entity(entity, "break", context.get_input())
    return "sent"


@app.entity_trigger(context_name="context")
def brittle(context):
    fail(context.get_input())


@app.activity_trigger(input_name="how")
async def later(how: str) -> str:
    fail(how)
    return "fine"


@app.activity_trigger(input_name="how")
def at_once(how: str) -> str:
    fail(how)
    return "fine"
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("hostile")
    app = written(folder, APP)
    with running(app, folder / "state") as started:
        yield started


ODD = ["canceled", "exit", "base", "wordless", "plain"]


@pytest.mark.parametrize("how", ODD)
@pytest.mark.parametrize("path", ["now/{}/async", "sync/{}"])
def test_a_request_whose_function_ends_oddly_is_answered_and_the_next_one_served(
    host: Host, path: str, how: str
) -> None:
    for _ in range(3):
        assert host.http.get(f"/api/{path.format(how)}").status_code == 500

    assert host.http.get(f"/api/{path.format('fine')}").text == "fine"


@pytest.mark.parametrize("how", ODD)
@pytest.mark.parametrize("activity", ["later", "at_once"])
def test_activities_that_end_oddly_fail_their_orchestrations_and_stop_no_others(
    host: Host, activity: str, how: str
) -> None:
    """Three activities that raised CancelledError stopped all activities, also after a restart."""
    failed = [host.start("calls", {"activity": activity, "how": how}) for _ in range(25)]
    assert {host.finished(instance)["runtimeStatus"] for instance in failed} == {"Failed"}

    done = host.finished(host.start("calls", {"activity": activity, "how": "not at all"}))

    assert (done["runtimeStatus"], done["output"]) == ("Completed", "fine")


@pytest.mark.parametrize("how", ODD)
def test_orchestrators_that_end_oddly_fail_and_stop_no_others(host: Host, how: str) -> None:
    failed = [host.start("fails", how) for _ in range(25)]
    assert {host.finished(instance)["runtimeStatus"] for instance in failed} == {"Failed"}

    assert host.finished(host.start("fails", "not at all"))["runtimeStatus"] == "Completed"


def test_what_fails_is_logged_with_its_traceback(host: Host) -> None:
    instance = host.start("calls", {"activity": "later", "how": "plain"})
    host.finished(instance)
    orchestrator = host.start("fails", "plain")
    host.finished(orchestrator)

    assert "Exception while executing function: Functions.later" in host.log
    assert "Exception while executing function: Functions.fails" in host.log
    assert 'raise ValueError("plain on purpose")' in host.log
    assert "Executed 'Functions.later' (Failed, Id=" in host.log


def test_an_entity_operation_that_fails_is_logged(host: Host) -> None:
    host.finished(host.start("signals", "plain"))

    eventually(lambda: "@brittle@one: Function 'brittle (Entity)' failed to process an operation" in host.log)
    assert "plain on purpose" in host.log


def test_the_log_follows_an_orchestration_as_the_extension_does(host: Host) -> None:
    instance = host.start("calls", {"activity": "later", "how": "not at all"})
    host.finished(instance)

    lines = [line for line in host.log.splitlines() if f"{instance}: Function '" in line]
    told = [line.partition(f"{instance}: Function '")[2].split(".")[0] for line in lines]

    assert told == [
        "calls (Orchestrator)' scheduled",
        "calls (Orchestrator)' started",
        "later (Activity)' scheduled",
        "later (Activity)' started",
        "later (Activity)' completed",
        "calls (Orchestrator)' completed",
    ]
    assert all("IsReplay: False" in line for line in lines)
