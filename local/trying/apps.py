"""A function app on the local Functions host: it loads, its functions answer, its orchestrators begin.

Its storage (AzureWebJobsStorage) is a local one, whatever its settings say; all other settings are its own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from local import addresses
from local.parts import PartEnded, part
from local.trying.checklist import Line, Verdict

ANSWER_SECONDS = 30.0
"""How long a function may take to begin its answer."""
BEGIN_SECONDS = 5.0
"""How long orchestrations are looked at."""
MOST_SAID = 300
"""Characters of an answer that are shown."""
STREAMED = 64 * 1024
"""Bytes of an answer that are waited for: a stream may never end."""
_PLACE = re.compile(r"\{\*?(\w+)(?::(\w+))?[^}]*\}")
_OF_TYPES = {"alpha": "a", "bool": "true", "datetime": "2026-01-01", "guid": "00000000-0000-4000-8000-000000000001"}
_MANAGEMENT = "/runtime/webhooks/durabletask"
_UNDER_WAY = ("Pending", "Running")
Function = Mapping[str, Any]


def lines(app: Path, state: Path) -> Iterator[Line]:
    """The checklist of an app, one line as soon as it is known."""
    where = addresses.settle(state)
    settings = {"AzureWebJobsStorage": where.connection_string()}
    with ExitStack() as stack:
        try:
            stack.enter_context(part("local.storage", state))
            log = stack.enter_context(part("local.host", state, "--app", str(app), settings=settings))
        except PartEnded as error:
            yield Line(Verdict.FAILED, "loads", str(error))
            return
        http = stack.enter_context(httpx.Client(base_url=where.host, timeout=ANSWER_SECONDS, trust_env=False))
        answer = http.get("/admin/functions")
        functions: Sequence[Function] = answer.json() if answer.is_success else []
        if not functions:
            yield Line(Verdict.FAILED, "has functions", f"/admin/functions answers {answer.status_code} with none")
            return
        yield Line(Verdict.WORKS, "loads", f"{len(functions)} functions")
        for function in functions:
            yield Line(Verdict.WORKS, f"{function['name']} is indexed", _described(function))
        enabled = [function for function in functions if not function["isDisabled"]]
        orchestrators = [f["name"] for f in enabled if _trigger(f)["type"] == "orchestrationTrigger"]
        for function in enabled:
            if _trigger(function)["type"] == "httpTrigger":
                yield _answers(http, function, orchestrators, log)
        yield from _begin(http, orchestrators)


def _trigger(function: Function) -> Mapping[str, Any]:
    bindings: list[Mapping[str, Any]] = function["config"]["bindings"]
    return next((one for one in bindings if str(one["type"]).lower().endswith("trigger")), {"type": "no trigger"})


def _methods(function: Function) -> list[str]:
    """Those that it takes; a function that names none takes all."""
    return [str(method).upper() for method in _trigger(function).get("methods") or ["GET"]]


def _described(function: Function) -> str:
    kind = str(_trigger(function)["type"])
    if kind == "httpTrigger":
        kind = f"{kind} {' '.join(_methods(function))} {_path(function['invoke_url_template'])}"
    return f"{kind}, disabled" if function["isDisabled"] else kind


def _path(url: str) -> str:
    """Not as a URL: a template may have question marks."""
    return "/" + url.split("/", 3)[3]


def filled(template: str, orchestrators: Sequence[str]) -> str:
    """A route with something for each of its parameters: the name of an orchestrator where one is asked for."""

    def value(found: re.Match[str]) -> str:
        if re.search("function|orchestrat", found[1], re.IGNORECASE) and orchestrators:
            return orchestrators[0]
        return _OF_TYPES.get(found[2] or "", "1")

    return _PLACE.sub(value, template)


def _answers(http: httpx.Client, function: Function, orchestrators: Sequence[str], log: Path) -> Line:
    name = function["name"]
    if "GET" not in _methods(function):
        return Line(Verdict.OPEN, f"{name} answers", f"not tried: it takes only {' '.join(_methods(function))}")
    url, before = filled(function["invoke_url_template"], orchestrators), log.stat().st_size
    what = f"{name} answers GET {_path(url)}"
    try:
        with http.stream("GET", url) as answer:
            body = _beginning(answer)
    except httpx.HTTPError as error:
        return Line(Verdict.FAILED, what, f"{type(error).__name__} {error}")
    if answer.status_code < 500:
        return Line(Verdict.WORKS, what, f"{answer.status_code}, {len(body)} bytes")
    logged = log.read_bytes()[before:].decode("utf-8", "replace").strip().splitlines()
    said = " ".join(body.decode(errors="replace").split())[:MOST_SAID]
    # The last line of what went wrong; where nothing did, the answer itself says why.
    went_wrong = any(" ERROR " in line for line in logged)
    return Line(Verdict.FAILED, what, f"{answer.status_code}: {logged[-1] if went_wrong else said}")


def _beginning(answer: httpx.Response) -> bytes:
    body = b""
    for piece in answer.iter_raw():
        body += piece
        if len(body) >= STREAMED:
            break
    return body


def _begin(http: httpx.Client, orchestrators: Sequence[str]) -> Iterator[Line]:
    """All at once, because some wait for what nobody does."""
    started: dict[str, str] = {}
    for name in orchestrators:
        answer = http.post(f"{_MANAGEMENT}/orchestrators/{name}")
        if answer.status_code == 202:
            started[name] = answer.json()["id"]
        else:
            yield Line(Verdict.FAILED, f"{name} begins", f"{answer.status_code}: {answer.text}")
    deadline = time.monotonic() + BEGIN_SECONDS
    for name, instance in started.items():
        while (told := _instance(http, instance))["runtimeStatus"] in _UNDER_WAY and time.monotonic() < deadline:
            time.sleep(0.1)
        yield _began(name, told)


def _instance(http: httpx.Client, instance: str) -> Mapping[str, Any]:
    told: Mapping[str, Any] = http.get(f"{_MANAGEMENT}/instances/{instance}").json()
    return told


def _began(name: str, told: Mapping[str, Any]) -> Line:
    status, output = told["runtimeStatus"], told.get("output")
    if status == "Completed":
        return Line(Verdict.WORKS, f"{name} begins and ends", str(output))
    if status == "Failed" and "Non-Deterministic workflow" in str(output):
        return Line(Verdict.FAILED, f"{name} begins", str(output))
    if status == "Failed":
        # It was given no input, which it may need: that is not to be told from a defect here.
        return Line(Verdict.OPEN, f"{name} begins", f"it failed, without an input: {output}")
    if status == "Pending":
        return Line(Verdict.FAILED, f"{name} begins", f"nothing happened within {BEGIN_SECONDS:g} s")
    return Line(Verdict.WORKS, f"{name} begins", f"{status} after {BEGIN_SECONDS:g} s; it may wait for something")
