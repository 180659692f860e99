"""Functions that end or block the process that runs them: the host stays, and everything else goes on.

Source of what must hold: Azure's host runs the Python worker as a process of its own, and starts it again when it has
ended; Azure docs, functions-bindings-storage-queue-trigger (maxDequeueCount).
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from testbed.eventually import eventually
from tests.local.host.azurites import storage
from tests.local.host.hosting import Host, notes, running, written
from tests.local.host.test_loading import complaint

APP = """
import ctypes
import json
import os
import time
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
NOTES = Path(os.environ["NOTES"])


def note(kind, **fields):
    with NOTES.open("a") as file:
        file.write(json.dumps({"kind": kind, **fields}) + "\\n")


def end(how):
    if how == "exit":
        print("its last words")
        os._exit(7)
    if how == "crash":
        ctypes.string_at(0)
    if how == "once":
        marker = NOTES.with_name("died")
        if not marker.exists():
            marker.touch()
            os._exit(7)


@app.route("end/{how}")
def ending(req: func.HttpRequest) -> str:
    end(req.route_params["how"])
    return "alive"


@app.route("block")
async def block(req: func.HttpRequest) -> str:
    note("blocked", pid=os.getpid())
    time.sleep(60)
    return "late"


@app.route("who")
def who(req: func.HttpRequest) -> str:
    return str(os.getpid())


@app.activity_trigger(input_name="how")
def act(how: str) -> str:
    note("act", how=how)
    end(how)
    return how


@app.activity_trigger(input_name="how")
def innocent(how: str) -> str:
    note("innocent")
    time.sleep(0.3)
    return "done"


@app.orchestration_trigger(context_name="context")
def calls(context):
    return (yield context.call_activity("act", context.get_input()))


@app.orchestration_trigger(context_name="context")
def patient(context):
    return (yield context.call_activity("innocent", ""))


@app.orchestration_trigger(context_name="context")
def ends(context):
    end(context.get_input())
    return "alive"


@app.orchestration_trigger(context_name="context")
def timed(context):
    import datetime
    yield context.create_timer(context.current_utc_datetime + datetime.timedelta(milliseconds=50))
    return "on time"
"""
API = "/runtime/webhooks/durabletask"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("deadly")
    with running(written(folder, APP), folder / "state", NOTES=str(folder / "notes")) as started:
        yield started


def noted(host: Host, kind: str) -> int:
    return len(notes(host.state.parent / "notes", kind))


def begun(host: Host, name: str, value: object) -> str:
    answer = host.http.post(f"{API}/orchestrators/{name}", json=json.dumps(value))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@pytest.mark.parametrize(("how", "told"), [("exit", "with exit code 7"), ("crash", "by signal SIGSEGV")])
def test_a_request_that_ends_its_worker_is_answered_with_500_and_the_next_one_served(
    host: Host, how: str, told: str
) -> None:
    assert host.http.get(f"/api/end/{how}").status_code == 500

    assert host.http.get("/api/end/not").text == "alive"
    assert host.process.poll() is None
    assert f"The worker process ended {told} meanwhile. It is started again." in host.log


def test_an_activity_whose_worker_died_runs_again(host: Host) -> None:
    found = host.finished(begun(host, "calls", "once"))

    assert (found["runtimeStatus"], found["output"]) == ("Completed", "once")
    assert "'Functions.act' is called again: the worker process ended with exit code 7 meanwhile." in host.log


@pytest.mark.long
def test_an_activity_that_kills_every_worker_fails_with_a_sentence_and_alone(host: Host) -> None:
    """What ran beside it is not taken for it."""
    beside = [begun(host, "patient", None) for _ in range(3)]
    deadly = host.finished(begun(host, "calls", "exit"))

    assert deadly["runtimeStatus"] == "Failed"
    assert "has ended 5 times while it ran 'act', and it is not called again" in deadly["output"]
    assert [host.finished(instance)["output"] for instance in beside] == ["done"] * 3


@pytest.mark.long
def test_an_orchestrator_that_kills_every_worker_fails_with_a_sentence(host: Host) -> None:
    found = host.finished(begun(host, "ends", "exit"))

    assert found["runtimeStatus"] == "Failed"
    assert "has ended 5 times while it ran 'ends', and it is not called again" in found["output"]


def test_what_blocks_the_app_stalls_neither_the_host_nor_what_is_durable(host: Host) -> None:
    with ThreadPoolExecutor(1) as pool:
        before = noted(host, "blocked")
        blocked = pool.submit(host.http.get, "/api/block")
        eventually(lambda: noted(host, "blocked") > before)

        began = time.monotonic()
        assert host.http.get("/admin/host/status").json()["state"] == "Running"
        instance = begun(host, "timed", None)
        assert host.status(instance)["runtimeStatus"] in ("Pending", "Running")
        assert time.monotonic() - began < 5

        os.kill(notes(host.state.parent / "notes", "blocked")[-1]["pid"], signal.SIGKILL)
        assert blocked.result().status_code == 500
    assert host.finished(instance)["output"] == "on time"


def test_a_worker_ends_with_its_host_even_if_a_function_blocks_it(tmp_path: Path) -> None:
    with running(written(tmp_path, APP), tmp_path / "state", NOTES=str(tmp_path / "notes")) as host:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(host.http.get, "/api/block")
            eventually(lambda: noted(host, "blocked"))
            worker = notes(tmp_path / "notes", "blocked")[0]["pid"]
            assert worker != host.process.pid
            host.process.kill()

        eventually(lambda: not alive(worker), "the worker to end")


def test_an_app_that_ends_its_process_while_it_is_loaded_is_refused(tmp_path: Path) -> None:
    app = written(tmp_path, "import os; os._exit(3)")

    assert "the worker process ended with exit code 3 while it loaded the app." in complaint(app, tmp_path / "state")


QUEUED = """
import os

import azure.functions as func

app = func.FunctionApp()


@app.queue_trigger(arg_name="message", queue_name="messages", connection="QueueStorage")
def deadly(message: func.QueueMessage):
    with open(os.environ["NOTES"], "a") as file:
        file.write('{"kind": "message"}\\n')
    os._exit(7)
"""


@pytest.mark.long
def test_a_message_that_kills_every_worker_is_poison_in_the_end(tmp_path: Path) -> None:
    with storage() as connection:
        with QueueClient.from_connection_string(connection, "messages") as queue:
            queue.create_queue()
            queue.send_message("ZGVhZGx5")
        with (
            running(written(tmp_path, QUEUED), tmp_path / "s", NOTES=str(tmp_path / "n"), QueueStorage=connection),
            QueueClient.from_connection_string(connection, "messages-poison") as poison,
        ):
            eventually(lambda: _peeked(poison) == ["ZGVhZGx5"], "the message to be moved", within=60)
    assert len(notes(tmp_path / "n", "message")) == 5


def _peeked(queue: QueueClient) -> list[str]:
    with suppress(ResourceNotFoundError):
        return [message.content for message in queue.peek_messages()]
    return []
