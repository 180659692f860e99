"""HTTP triggers, keys and administration, over HTTP.

Sources: Azure/azure-functions-host, WebScriptHostHttpRoutesManager.cs and SecretManager.cs; Azure docs,
functions-bindings-http-webhook-trigger and function-keys-how-to; azure-functions-core-tools (func start, --enableAuth).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.host.keys import keys_of
from testbed.eventually import eventually
from tests.local.host.hosting import Host, notes, running


def test_a_request_reaches_its_function_whole(host: Host) -> None:
    answer = host.http.post("/api/echo/caf%C3%A9/7?x=1&x=2&empty=", content="body", headers={"X-Word": "w"})

    told = answer.json()
    assert told["method"] == "POST"
    assert told["route"] == {"word": "café", "number": "7"}
    assert told["query"] == {"x": "1,2"}
    assert told["body"] == "body"
    assert told["header"] == "w"
    assert told["function"] == "echo"
    assert answer.headers["X-Answer"] == "yes"
    assert answer.headers["Content-Type"] == "application/json"
    assert told["id"] in host.log


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/api/echo/special", 200, "special"),
        ("GET", "/API/Echo/Special/", 200, "special"),
        ("GET", "/api/files/a/b/c.txt", 200, "a/b/c.txt"),
        ("GET", "/api/files/a%0Ab.txt", 200, "a\nb.txt"),
        ("GET", "/api/files", 200, ""),
        ("DELETE", "/api/silent", 204, ""),
        ("GET", "/api/broken", 500, ""),
        ("PUT", "/api/echo/word", 404, ""),
        ("GET", "/api/echo/word/not-a-number", 404, ""),
        ("GET", "/api/nothing", 404, ""),
        ("GET", "/", 200, "Your Functions host is up and running."),
    ],
    ids=[
        "literal first",
        "any case",
        "rest",
        "line break",
        "no rest",
        "no answer",
        "error",
        "verb",
        "constraint",
        "unknown",
        "home",
    ],
)
def test_routes_are_matched_as_in_azure(host: Host, method: str, path: str, status: int, text: str) -> None:
    answer = host.http.request(method, path)

    assert (answer.status_code, answer.text) == (status, text)


def test_the_log_has_invocations_and_the_apps_own_records(host: Host) -> None:
    host.http.get("/api/echo/word")
    host.http.get("/api/broken")

    assert "Executing 'Functions.echo' (Reason='This function was called via HTTP.'" in host.log
    assert "Executed 'Functions.echo' (Succeeded, Id=" in host.log
    assert "sample: echoing" in host.log
    assert "ValueError: broken on purpose" in host.log


def test_functions_are_printed_and_listed(host: Host) -> None:
    listed = {f["name"]: f for f in host.http.get("/admin/functions").json()}

    assert "echo: [GET,POST] http://127.0.0.1:" in host.said
    assert "chain: orchestrationTrigger" in host.said
    assert listed["on_timer"]["config"]["bindings"][0]["type"] == "timerTrigger"
    (trigger, *_) = listed["on_message"]["config"]["bindings"]
    assert {"type": "queueTrigger", "queueName": "%QUEUE%"}.items() <= trigger.items()
    assert listed["echo"]["isDisabled"] is False
    assert host.http.get("/admin/host/status").json()["state"] == "Running"


def test_a_function_without_an_http_trigger_can_be_started_by_hand(host: Host) -> None:
    event = json.dumps({"id": "by-hand", "subject": "good", "eventType": "t", "data": {}, "dataVersion": "1"})

    assert host.http.post("/admin/functions/on_event", json={"input": event}).status_code == 202
    assert host.http.post("/admin/functions/on_timer", json={}).status_code == 202

    file = host.state / "notes"
    eventually(lambda: any(note["id"] == "by-hand" for note in notes(file, "event")))
    eventually(lambda: notes(file, "timer"))
    refused = host.http.post("/admin/functions/chain", json={"input": ""})
    assert (refused.status_code, refused.text) == (
        400,
        "Durable orchestrator functions do not support direct invocation.",
    )
    assert host.http.post("/admin/functions/nobody", json={}).status_code == 404


def test_keys_are_asked_for_where_azure_asks(tmp_path: Path) -> None:
    with running("everything", tmp_path, "--auth") as host:
        keys = json.loads((tmp_path / "host" / "keys.json").read_text())
        get = host.http.get

        assert get("/api/echo/word").status_code == 200
        assert get("/api/locked").status_code == 401
        assert get("/api/locked", params={"code": keys["function"]}).status_code == 200
        assert get("/api/locked", headers={"x-functions-key": keys["master"]}).status_code == 200
        master = {"x-functions-key": keys["master"]}
        of_locked = get("/admin/functions/locked/keys", headers=master).json()["keys"][0]["value"]
        of_other = get("/admin/functions/echo/keys", headers=master).json()["keys"][0]["value"]
        assert get("/api/locked", params={"code": of_locked}).status_code == 200
        assert get("/api/locked", params={"code": of_other}).status_code == 401
        assert get("/admin/host/keys", headers=master).json()["keys"][0]["value"] == keys["function"]
        assert len(get("/admin/host/systemkeys", headers=master).json()["keys"]) == 3
        assert get("/admin/host/systemkeys").status_code == 401
        assert get("/admin/functions/nobody/keys", headers=master).status_code == 404
        wrong = {"x-functions-key": "wrong"}
        assert get("/api/locked", params={"code": keys["function"]}, headers=wrong).status_code == 401
        assert get("/admin/functions").status_code == 401
        assert get("/admin/functions", params={"code": keys["function"]}).status_code == 401
        assert get("/admin/functions", params={"code": keys["master"]}).status_code == 200
        hook = "/runtime/webhooks/eventgrid?functionName=on_event"
        assert host.http.options(hook).status_code == 401
        assert host.http.options(f"{hook}&code={keys['eventgrid_extension']}").status_code == 200
        blobs = "/runtime/webhooks/blobs?functionName=Host.Functions.on_blob"
        assert host.http.options(blobs).status_code == 401
        assert host.http.options(f"{blobs}&code={keys['eventgrid_extension']}").status_code == 401
        assert host.http.options(f"{blobs}&code={keys['blobs_extension']}").status_code == 200
        assert get("/runtime/webhooks/durabletask/instances").status_code == 401
        assert get("/durabletask/instances").status_code == 200
        assert host.finished_by(host.http.post("/api/start/chain").json()["statusQueryGetUri"]) == "Completed"
    with running("everything", tmp_path, "--auth") as host:
        assert json.loads((tmp_path / "host" / "keys.json").read_text()) == keys


def test_a_state_of_an_earlier_version_keeps_its_keys_and_gets_those_that_are_new(tmp_path: Path) -> None:
    first = keys_of(tmp_path, enforced=True)
    path = tmp_path / "host" / "keys.json"
    known = json.loads(path.read_text("utf-8"))
    del known["blobs_extension"]
    path.write_text(json.dumps(known), "utf-8")

    again = keys_of(tmp_path, enforced=True)

    assert (again.master, again.function) == (first.master, first.function)
    assert again.blobs_extension
    assert keys_of(tmp_path, enforced=True) == again


def test_a_disabled_function_is_not_there(tmp_path: Path) -> None:
    with running("everything", tmp_path, **{"AzureWebJobs.echo.Disabled": "true"}) as host:
        assert host.http.get("/api/echo/word").status_code == 404
        assert host.http.get("/api/echo/special").status_code == 200
        listed = {f["name"]: f["isDisabled"] for f in host.http.get("/admin/functions").json()}
        assert listed["echo"] is True


def test_a_disabled_function_can_be_started_by_hand(tmp_path: Path) -> None:
    settings = {"AzureWebJobs.on_timer.Disabled": "true", "NOTES": str(tmp_path / "notes")}
    with running("everything", tmp_path, **settings) as host:
        assert host.http.post("/admin/functions/on_timer", json={}).status_code == 202

        eventually(lambda: notes(tmp_path / "notes", "timer"))


def test_host_json_can_be_overridden_by_the_environment(tmp_path: Path) -> None:
    with running("everything", tmp_path, AzureFunctionsJobHost__extensions__http__routePrefix="") as host:
        assert host.http.get("/echo/special").text == "special"
