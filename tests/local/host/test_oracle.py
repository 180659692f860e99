"""The official worker library as oracle: both index the same functions and refuse the same apps.

Source of the behaviour: azure-functions-runtime 1.3.0, which `make setup` installs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.local.host.hosting import ROOT

HEAD = """
import typing
import azure.functions as func
import azure.durable_functions as df
app = func.FunctionApp()
"""
HTTP = "@app.route()\n"
VALID = {
    "http": HTTP + "def f(req: func.HttpRequest) -> func.HttpResponse: return ''",
    "http without annotations": HTTP + "def f(req): return ''",
    "http request as text": HTTP + "def f(req: str) -> str: return ''",
    "context": HTTP + "def f(req: func.HttpRequest, context: func.Context) -> str: return ''",
    "context without annotation": HTTP + "def f(req, context) -> str: return ''",
    "named": "@app.function_name('other')\n" + HTTP + "def f(req) -> str: return ''",
    "async": HTTP + "async def f(req: func.HttpRequest) -> str: return ''",
    "event grid": "@app.event_grid_trigger(arg_name='e')\ndef f(e: func.EventGridEvent): pass",
    "timer": "@app.timer_trigger(arg_name='t', schedule='0 * * * * *')\ndef f(t: func.TimerRequest) -> None: pass",
    "retried timer": (
        "@app.timer_trigger(arg_name='t', schedule='0 * * * * *')\n"
        "@app.retry(strategy='fixed_delay', max_retry_count='3', delay_interval='00:00:01')\n"
        "def f(t: func.TimerRequest) -> None: pass"
    ),
    "queue": "@app.queue_trigger(arg_name='m', queue_name='q', connection='C')\ndef f(m: func.QueueMessage): pass",
    "queue as text": "@app.queue_trigger(arg_name='m', queue_name='q', connection='C')\ndef f(m: str): pass",
    "queue output": (
        "@app.queue_output(arg_name='o', queue_name='q', connection='C')\n"
        + HTTP
        + "def f(req: func.HttpRequest, o: func.Out[str]) -> str: return ''"
    ),
    "queue list output": (
        "@app.queue_output(arg_name='o', queue_name='q', connection='C')\n"
        + HTTP
        + "def f(req: func.HttpRequest, o: func.Out[typing.List[str]]) -> str: return ''"
    ),
    "blob": "@app.blob_trigger(arg_name='b', path='c/{n}', connection='C')\ndef f(b: func.InputStream): pass",
    "blob as bytes": "@app.blob_trigger(arg_name='b', path='c/{n}', connection='C')\ndef f(b: bytes): pass",
    "blob input": (
        "@app.blob_input(arg_name='b', path='c/b', connection='C')\n"
        + HTTP
        + "def f(req: func.HttpRequest, b: func.InputStream) -> str: return ''"
    ),
    "blob input as text": (
        "@app.generic_input_binding(arg_name='b', type='blob', path='c/b', connection='C')\n"
        + HTTP
        + "def f(req: func.HttpRequest, b: str) -> str: return ''"
    ),
    "blob output": (
        "@app.blob_output(arg_name='o', path='c/b', connection='C')\n"
        + HTTP
        + "def f(req: func.HttpRequest, o: func.Out[bytes]) -> str: return ''"
    ),
    "blob as return": (
        "@app.blob_output(arg_name='$return', path='c/b', connection='C')\n"
        "@app.timer_trigger(arg_name='t', schedule='0 * * * * *')\n"
        "def f(t: func.TimerRequest) -> bytes: return b''"
    ),
    "warm-up": "@app.warm_up_trigger('warm')\ndef warmup(warm): pass",
    "orchestrator": "@app.orchestration_trigger(context_name='context')\ndef f(context): yield",
    "typed orchestrator": (
        "@app.orchestration_trigger(context_name='context')\ndef f(context: df.DurableOrchestrationContext): yield"
    ),
    "activity": "@app.activity_trigger(input_name='x')\ndef f(x: dict) -> dict: return x",
    "activity of a list": "@app.activity_trigger(input_name='x')\ndef f(x: typing.List[str]) -> list: return x",
    "entity": "@app.entity_trigger(context_name='context')\ndef f(context): pass",
    "durable client": (
        HTTP + "@app.durable_client_input(client_name='client')\n"
        "async def f(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> str: return ''"
    ),
    "blueprint": (
        "bp = func.Blueprint()\n@bp.route()\ndef g(req: func.HttpRequest) -> str: return ''\n"
        "app.register_functions(bp)\n" + HTTP + "def f(req) -> str: return ''"
    ),
    "no functions": "",
}
INVALID = {
    "extra parameter": HTTP + "def f(req: func.HttpRequest, other) -> str: return ''",
    "missing parameter": HTTP + "def f() -> str: return ''",
    "two blueprints": (
        "bp = df.Blueprint()\n@bp.durable_client_input(client_name='client')\n"
        + HTTP
        + "async def f(req: func.HttpRequest, client) -> str: return ''"
    ),
    "parametrised builtin": "@app.activity_trigger(input_name='x')\ndef f(x: dict[str, int]) -> str: return ''",
    "optional": "@app.activity_trigger(input_name='x')\ndef f(x: typing.Optional[str]) -> str: return ''",
    "union": "@app.activity_trigger(input_name='x')\ndef f(x: str | None) -> str: return ''",
    "wrong type": HTTP + "def f(req: int) -> str: return ''",
    "wrong return": HTTP + "def f(req: func.HttpRequest) -> int: return 1",
    "out as return": HTTP + "def f(req: func.HttpRequest) -> func.Out[str]: return 1",
    "optional return": HTTP + "def f(req: func.HttpRequest) -> typing.Optional[str]: return ''",
    "wrong context": HTTP + "def f(req: func.HttpRequest, context: str) -> str: return ''",
    "out of an input": HTTP + "def f(req: func.Out[str]) -> str: return ''",
    "output without out": (
        "@app.queue_output(arg_name='o', queue_name='q', connection='C')\n"
        + HTTP
        + "def f(req: func.HttpRequest, o: str) -> str: return ''"
    ),
    "wrong out": (
        "@app.blob_output(arg_name='o', path='c/b', connection='C')\n"
        + HTTP
        + "def f(req: func.HttpRequest, o: func.Out[int]) -> str: return ''"
    ),
    "wrong event": "@app.event_grid_trigger(arg_name='e')\ndef f(e: func.HttpRequest): pass",
    "wrong blob": "@app.blob_trigger(arg_name='b', path='c/{n}', connection='C')\ndef f(b: int): pass",
    "wrong timer": "@app.timer_trigger(arg_name='t', schedule='0 * * * * *')\ndef f(t: func.HttpRequest): pass",
    "two apps": "other = func.FunctionApp()",
    "one app, two names": "same = app\n" + HTTP + "def f(req) -> str: return ''",
    "no app": "app = None",
    "orchestrator with another context": "@app.orchestration_trigger(context_name='c')\ndef f(c): yield",
    "same name": HTTP + "def f(req) -> str: return ''\n" + HTTP.replace("()", "(route='g')") + "def f(req): return ''",
    "no trigger": "@app.queue_output(arg_name='o', queue_name='q', connection='C')\ndef f(o: func.Out[str]): pass",
    "two triggers": (
        HTTP + "@app.timer_trigger(arg_name='t', schedule='0 * * * * *')\ndef f(req, t) -> str: return ''"
    ),
    "broken import": "raise RuntimeErrr('typo')",
    "unknown module": "import nowhere_to_be_found",
    "syntax": "def f(:",
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the oracle and the host say of each app."""
    folder = tmp_path_factory.mktemp("apps")
    for name, body in (VALID | INVALID).items():
        (folder / name).mkdir()
        (folder / name / "function_app.py").write_text(HEAD + body)
        (folder / name / "host.json").write_text('{"version": "2.0"}')
    return {who: asked(who, folder) for who in ("oracle", "host")}


def asked(who: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", str(Path(__file__).parent / "probes" / "index.py"), who, str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("app", VALID)
def test_what_the_worker_indexes_is_indexed_with_the_same_bindings(verdicts: dict[str, Any], app: str) -> None:
    assert "functions" in verdicts["oracle"][app], verdicts["oracle"][app]
    assert verdicts["host"][app] == verdicts["oracle"][app]


@pytest.mark.parametrize("app", INVALID)
def test_what_the_worker_refuses_is_refused_with_its_reason(verdicts: dict[str, Any], app: str) -> None:
    expected, found = verdicts["oracle"][app], verdicts["host"][app]

    assert "refused" in expected, expected
    assert found.get("kind") == expected["kind"]
    # To a module that is not there the worker adds advice, and the whole search path.
    assert found["refused"] == expected["refused"] or found["kind"] == "ModuleNotFoundError"
