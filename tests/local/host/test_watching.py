"""`--watch` and `--bind`: the app is loaded again when its files change, and nothing durable is lost by it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from testbed.eventually import eventually
from tests.local.host.hosting import running, spawn, written

APP = """
import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("word")
def word(req: func.HttpRequest) -> str:
    return "WORD"


@app.activity_trigger(input_name="given")
def act(given: str) -> str:
    return f"{given} WORD"


@app.orchestration_trigger(context_name="context")
def waits(context):
    go = yield context.wait_for_external_event("go")
    return (yield context.call_activity("act", go))
"""
MORE = """

@app.route("more")
def more(req: func.HttpRequest) -> str:
    return "more"
"""
API = "/runtime/webhooks/durabletask"


def test_a_change_of_the_code_is_served_by_the_same_host_and_durable_state_stays(tmp_path: Path) -> None:
    app = written(tmp_path, APP.replace("WORD", "first"))
    script = app / "function_app.py"
    with running(app, tmp_path / "state", "--watch") as host:
        assert host.http.get("/api/word").text == "first"
        assert host.http.post(f"{API}/orchestrators/waits/w").status_code == 202
        eventually(lambda: host.status("w")["runtimeStatus"] == "Running")

        script.write_text("this is no Python")
        eventually(lambda: "The app stays as it was before its files changed." in host.log)
        assert "SyntaxError" in host.log
        assert host.http.get("/api/word").text == "first"

        script.write_text(APP.replace("WORD", "second"))
        eventually(lambda: host.http.get("/api/word").text == "second")

        script.write_text(APP.replace("WORD", "third") + MORE)  # a function that the host has to know of, too
        eventually(lambda: host.http.get("/api/more").text == "more")
        assert host.process.poll() is None, "it is still the same process"

        assert host.http.post(f"{API}/instances/w/raiseEvent/go", json="and then").status_code == 202
        assert host.finished("w")["output"] == "and then third"


@pytest.mark.parametrize(("flags", "elsewhere"), [((), False), (("--bind", "0.0.0.0"), True)])
def test_the_host_listens_to_this_machine_alone_unless_told_otherwise(
    tmp_path: Path, flags: tuple[str, ...], *, elsewhere: bool
) -> None:
    """127.0.0.2 stands for any other address of this machine."""
    with running(written(tmp_path, APP), tmp_path / "state", *flags) as host, socket.socket() as asking:
        assert host.http.get("/api/word").status_code == 200
        assert (asking.connect_ex(("127.0.0.2", host.http.base_url.port)) == 0) is elsewhere


def test_an_address_that_this_machine_does_not_have_is_told_in_a_sentence(tmp_path: Path) -> None:
    process, log = spawn(written(tmp_path, APP), tmp_path / "state", "--bind", "192.0.2.1")
    process.communicate(timeout=30)

    assert process.returncode == 1
    assert "--bind 192.0.2.1, port " in log.read_text()
    assert "Traceback" not in log.read_text()
