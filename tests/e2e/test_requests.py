"""Runs on request, asked for by clients that behave as their originals do, with what docs/coming-from.md has."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from testbed.eventually import eventually
from testbed.examples import ROOT
from testbed.stack import HERE, Stack, running
from tests.e2e.callers import ActivityFailed, ActivityTimedOut, DataFactory, blocks, json_blocks, logic_app
from tests.e2e.test_landings import lengths, texts

PAGE = (ROOT / "docs/coming-from.md").read_text("utf-8")
APP = "https://APP.azurewebsites.net"
SECRET = "https://VAULT.vault.azure.net/secrets/landfall-function-key?api-version=7.4"
ON_REQUEST = """
  asked:
    landing: {folder: "asked/{batch}", files: ["*.txt"]}
    ready: null
    on_request: true
  asked-failing:
    landing: {folder: "asked-failing/{batch}"}
    ready: null
    on_request: true
    endpoint: {scoring_uri: "${FAILING_SCORING_URI}"}
  asked-flow:
    landing: {folder: "asked-flow/{batch}", files: ["*.txt"]}
    ready: null
    on_request: true
    endpoint: {scoring_uri: "${FLOW_SCORING_URI}"}
    inputs:
      files: null
      data: {type: uri_folder, path: "${LANDING_ACCOUNT_URL}/landing/{landing}"}
      limit: {type: integer, default: 4}
    outputs:
      predictions: null
      scores: {type: uri_folder, path: "azureml://datastores/workspaceblobstore/paths/landfall/{run_id}/{attempt}/scores"}
      summary: {type: uri_file, path: "azureml://datastores/workspaceblobstore/paths/landfall/{run_id}/{attempt}/summary/all.txt"}
"""
"""Routes that are scored only if somebody asks."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("requests")
    routes = folder / "routes.yaml"
    routes.write_text((HERE / "routes.yaml").read_text("utf-8").rstrip() + ON_REQUEST, "utf-8")
    with running(folder / "state", "--routes", str(routes)) as started:
        yield started


@pytest.fixture(autouse=True)
def mended(stack: Stack) -> Iterator[None]:
    yield
    assert stack.doubled() == []


def base(stack: Stack) -> str:
    return str(stack.cloud.stack["host"]["base_url"])


@cache
def _keys(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def key(stack: Stack) -> str:
    """The host's function key: no master key."""
    return str(_keys(stack.cloud.state / "host" / "keys.json")["function"])


def sender(stack: Stack, seen: list[httpx.Request] | None = None) -> Any:
    def send(method: str, url: str, **more: Any) -> httpx.Response:
        answer = stack.cloud.http.request(method, url, **more)
        if seen is not None:
            seen.append(answer.request)
        return answer

    return send


def wait(seconds: float) -> None:
    """Clients wait here a tenth as long as they are told to: what they were told is in their `pauses`."""
    deadline = time.monotonic() + seconds / 10
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(left)


def pipeline(stack: Stack, route: str) -> Any:
    """The page's, for this app and that route."""
    text = json.dumps(json_blocks(PAGE)[0]).replace(APP, base(stack))
    return json.loads(text.replace('"route": "digits"', f'"route": "{route}"'))


def factory(stack: Stack, run_id: str, **more: Any) -> DataFactory:
    return DataFactory(sender(stack), wait, {SECRET: key(stack)}, run_id, **more)


def ask(stack: Stack, *, headers: dict[str, str] | None = None, query: str = "", **body: Any) -> httpx.Response:
    own = {"x-functions-key": key(stack), **(headers or {})}
    return stack.cloud.http.post(f"{base(stack)}/api/runs{query}", json=body, headers=own)


def ended(stack: Stack, location: str) -> httpx.Response:
    def found() -> httpx.Response | None:
        answer = stack.cloud.http.get(location, headers={"x-functions-key": key(stack)})
        return answer if answer.status_code != 202 else None

    return eventually(found, f"an end at {location}")


@pytest.mark.parametrize("resends_headers", [True, False], ids=["sends headers again", "sends none again"])
def test_one_web_activity_scores_a_folder_and_has_the_run_as_its_output(stack: Stack, resends_headers: bool) -> None:
    landing = f"asked/web-{resends_headers}"
    stack.drop(landing, texts(3))

    output = factory(stack, f"web-{resends_headers}", resends_headers=resends_headers).run(
        pipeline(stack, "asked"), landing=landing
    )

    assert output["status"] == "published"
    assert stack.lines(output) == lengths(texts(3))
    assert [file["name"] for file in output["snapshot"]["list"]] == sorted(texts(3))


@pytest.mark.long
def test_a_web_activity_waits_as_long_as_it_is_told(stack: Stack) -> None:
    stack.drop("asked/patient", texts(2))
    client = factory(stack, "patient")

    client.run(pipeline(stack, "asked"), landing="asked/patient")

    pauses = client.followers["Score"].pauses
    assert pauses
    assert all(1 <= pause <= 60 for pause in pauses)


def test_a_failed_run_fails_the_web_activity_with_its_reason_and_a_retry_costs_no_second_job(stack: Stack) -> None:
    stack.drop("asked-failing/monday", texts(2))
    before = len(stack.jobs_of("failing"))

    with pytest.raises(ActivityFailed) as caught:
        factory(stack, "failing").run(pipeline(stack, "asked-failing"), landing="asked-failing/monday")

    answer = caught.value.answer
    assert answer.status_code == 500
    assert "Azure ML reports:" in answer.json()["error"]["message"]
    assert len(stack.jobs_of("failing")) == before + 1


@pytest.mark.long
def test_a_web_activity_that_times_out_finds_its_run_when_the_pipeline_runs_again(stack: Stack) -> None:
    stack.drop("asked/slow", texts(2))
    impatient = pipeline(stack, "asked")
    impatient["properties"]["activities"][1]["policy"].update({"timeout": "0.00:00:00", "retry": 0})

    with pytest.raises(ActivityTimedOut):
        factory(stack, "slow").run(impatient, landing="asked/slow")
    output = factory(stack, "slow").run(pipeline(stack, "asked"), landing="asked/slow")

    assert output["status"] == "published"
    assert len([run for run in stack.runs_of("asked") if run["landing"] == "landing/asked/slow"]) == 1


@pytest.mark.long
def test_a_logic_app_waits_for_the_run_and_looks_at_its_status(stack: Stack) -> None:
    stack.drop("asked/logic", texts(2))
    stack.drop("asked-failing/logic", texts(1))
    text = json.dumps(json_blocks(PAGE)[1]["Score"]).replace(APP, base(stack))
    seen: list[httpx.Request] = []

    def run(route: str, landing: str) -> dict[str, Any]:
        action = json.loads(text.replace('"route": "digits"', f'"route": "{route}"'))
        return logic_app(action, sender(stack, seen), wait, f"run-of-{route}", functionKey=key(stack), landing=landing)

    assert run("asked", "asked/logic")["status"] == "published"
    assert run("asked-failing", "asked-failing/logic")["status"] == "failed"
    assert {request.method for request in seen} == {"POST", "GET"}


def test_curl_is_all_that_it_takes(stack: Stack, tmp_path: Path) -> None:
    stack.drop("asked/curl", texts(2))
    (script,) = blocks(PAGE, "sh")
    script = script.replace("https://$APP.azurewebsites.net", base(stack)).replace("sleep 10", "sleep 1")
    body = '{"route": "asked", "landing": "asked/curl"}'
    script = re.sub(r"-d '\{[^']*'", f"-d '{body}'", script)
    assert body in script

    if shutil.which("curl"):
        environment = {"KEY": key(stack), "PATH": "/usr/bin:/bin:/usr/local/bin"}
        done = subprocess.run(
            ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=90
        )
        outcome = json.loads(done.stdout)
    else:
        outcome = by_hand(stack, body)

    assert outcome["status"] == "published"
    assert stack.lines(outcome) == lengths(texts(2))


def by_hand(stack: Stack, body: str) -> Any:
    """What the script does, with nothing but an HTTP connection."""
    headers = {"x-functions-key": key(stack), "Content-Type": "application/json", "Idempotency-Key": "monday-1"}

    def send(method: str, url: str, content: str | None = None) -> tuple[int, str | None, bytes]:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        try:
            connection.request(method, url.removeprefix(base(stack)), content, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location"), answer.read()
        finally:
            connection.close()

    _, location, _ = send("POST", f"{base(stack)}/api/runs", body)
    assert location is not None

    def outcome() -> bytes | None:
        status, _, content = send("GET", location)
        return content if status != 202 else None

    return json.loads(eventually(outcome, "the outcome"))


def test_a_request_that_is_repeated_is_the_same_run_also_when_both_come_at_once(stack: Stack) -> None:
    stack.drop("asked/repeated", texts(2))
    same = {"Repeatability-Request-ID": "f1b6a5d0-1"}

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, stack, headers=same, route="asked", landing="asked/repeated") for _ in range(2)]
    answers = [one.result() for one in asked]
    stack.drop("asked/repeated", {"more.txt": b"more"})
    answers.append(ask(stack, headers=same, route="asked", landing="asked/repeated"))

    assert {answer.status_code for answer in answers} == {202}
    assert {answer.headers["Repeatability-Result"] for answer in answers} == {"accepted"}
    assert len({answer.json()["run_id"] for answer in answers}) == 1
    shown = ended(stack, answers[0].headers["Location"]).json()
    assert (shown["status"], shown["snapshot"]["files"]) == ("published", 2)


@pytest.mark.long
def test_content_is_scored_again_for_who_says_so(stack: Stack) -> None:
    stack.drop("asked/again", texts(2))
    first, same = (ask(stack, route="asked", landing="asked/again") for _ in range(2))
    ended(stack, first.headers["Location"])

    again = ask(stack, route="asked", landing="asked/again", again=True)

    assert first.json()["run_id"] == same.json()["run_id"] != again.json()["run_id"]
    published = ended(stack, again.headers["Location"]).json()
    assert (published["status"], published["job"] is not None) == ("published", True)
    assert len([run for run in stack.runs_of("asked") if run["landing"] == "landing/asked/again"]) == 2


def test_a_route_that_is_watched_is_asked_as_well_and_its_event_finds_the_run(stack: Stack) -> None:
    stack.drop("lengths/asked-too", texts(3))

    answer = ask(stack, route="lengths", landing="lengths/asked-too")

    assert ended(stack, answer.headers["Location"]).json()["status"] == "published"
    stack.quiet()
    assert all(run["status"] != "failed" for run in stack.ended("lengths/asked-too"))


@pytest.mark.long
def test_a_value_of_the_callers_reaches_the_pipeline_and_the_manifest(stack: Stack) -> None:
    stack.drop("asked-flow/limited", texts(6))

    answer = ask(stack, route="asked-flow", landing="asked-flow/limited", inputs={"limit": 2})

    shown = ended(stack, answer.headers["Location"]).json()
    assert shown["status"] == "published"
    files = stack.cloud.published(shown["publication"]["container"], shown["publication"]["path"])
    manifest = json.loads(files["_run.json"])
    assert manifest["request"] == {"changes": {"inputs": {"limit": 2}}}
    assert {"name": "limit", "type": "integer", "value": 2} in manifest["inputs"]


@pytest.mark.long
def test_what_lands_in_a_route_on_request_only_is_left_alone(stack: Stack) -> None:
    stack.drop("asked/nobody", texts(2))
    stack.quiet()

    stack.cloud.trigger("sweep")
    stack.quiet()

    assert not [run for run in stack.runs_of("asked") if run["landing"] == "landing/asked/nobody"]


@pytest.mark.parametrize(
    ("body", "status", "hint"),
    [
        ({"route": "nobody", "landing": "asked/x"}, 404, "There is no route 'nobody'"),
        ({"route": "asked", "landing": "asked/empty"}, 409, "holds no files"),
        ({"route": "lengths", "landing": "lengths/x", "settings": {"mini_batch_size": 1}}, 422, "on_request: true"),
        ({"route": "asked", "landing": "asked/x", "more": 1}, 400, "unknown field `more`"),
    ],
)
def test_what_cannot_be_followed_is_refused(stack: Stack, body: dict[str, Any], status: int, hint: str) -> None:
    answer = ask(stack, **body)

    assert answer.status_code == status
    assert hint in answer.json()["error"]


def test_without_a_key_nobody_asks(stack: Stack) -> None:
    answer = stack.cloud.http.post(f"{base(stack)}/api/runs", json={"route": "asked", "landing": "asked/x"})

    assert answer.status_code == 401
