"""Which apps load, and what is said about those that do not; the reasons are the Python worker's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.local.host.hosting import running, spawn

HEAD = """
import typing
import azure.functions as func
import azure.durable_functions as df
app = func.FunctionApp()
"""


def make_app(folder: Path, body: str, **files: object) -> Path:
    app = folder / "app"
    app.mkdir()
    (app / "function_app.py").write_text(HEAD + body)
    (app / "host.json").write_text('{"version": "2.0"}')
    for name, content in files.items():
        (app / f"{name}.json").write_text(json.dumps(content))
    return app


def complaint(app: Path, state: Path, **settings: str) -> str:
    """What the host says when it ends by itself, as it must."""
    process, log = spawn(app, state, **settings)
    process.communicate(timeout=30)
    assert process.returncode == 1, log.read_text()
    return log.read_text()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "@app.route()\ndef f(req: func.HttpRequest, other) -> str: return ''",
            "but not in the function definition (function.json or function decorators):  {'other'}",
        ),
        (
            "@app.route()\ndef f(request: func.HttpRequest) -> str: return ''",
            "declared in Python but not in the function definition",
        ),
        (
            "@app.route()\ndef f() -> str: return ''",
            "declared as bindings but are not present in Python: {'req'}",
        ),
        (
            "@app.activity_trigger(input_name='x')\ndef f(x: dict[str, int]) -> str: return ''",
            "binding x has invalid non-type annotation dict[str, int]",
        ),
        (
            "@app.activity_trigger(input_name='x')\ndef f(x: typing.Optional[str]) -> str: return ''",
            "binding x has invalid non-type annotation typing.Optional[str]",
        ),
        (
            "@app.route()\ndef f(req: int) -> str: return ''",
            'and dataType "httpTrigger" in the binding decorator do not match the corresponding function parameter',
        ),
        (
            "@app.route()\ndef f(req: func.HttpRequest) -> int: return 1",
            'Python return annotation "int" does not match binding type "http"',
        ),
        (
            "@app.route()\ndef f(req: func.HttpRequest, context: str) -> str: return ''",
            'the "context" parameter is expected to be of type azure.functions.Context',
        ),
        (
            "@app.route()\ndef f(req: func.Out[str]) -> str: return ''",
            "annotation is azure.functions.Out in Python",
        ),
        (
            "@app.blob_trigger(arg_name='b', path='c/{n}', connection='C')\ndef f(b: func.InputStream): pass",
            "The function 'f' uses the binding 'blobTrigger' (parameter 'b'), which this host does not support.",
        ),
        (
            "@app.timer_trigger(arg_name='t', schedule='0 0 0 31 4 *')\ndef f(t: func.TimerRequest): pass",
            "The schedule '0 0 0 31 4 *' is not a valid NCRONTAB expression",
        ),
        ("app = None", "Could not find top level function app instances in function_app.py."),
        ("other = func.FunctionApp()", "More than one"),
        ("raise RuntimeErrr('typo')", "NameError: name 'RuntimeErrr' is not defined"),
        (
            "@app.timer_trigger(arg_name='t', schedule='every day')\ndef f(t: func.TimerRequest): pass",
            "The schedule 'every day' is neither a TimeSpan nor an NCRONTAB expression of 5 or 6 fields.",
        ),
        (
            "@app.timer_trigger(arg_name='t', schedule='%NOWHERE%')\ndef f(t: func.TimerRequest): pass",
            "'%NOWHERE%' does not resolve to a value",
        ),
        (
            "@app.route(route='{a:strange}')\ndef f(req: func.HttpRequest) -> str: return ''",
            "The route of function 'f' uses the constraint 'strange'",
        ),
        (
            "@app.route()\ndef f(req): return ''\n@app.route()\ndef F(req): return ''",
            "its name differs only in case",
        ),
    ],
    ids=[
        "extra parameter", "another parameter", "missing parameter", "parametrised builtin", "optional", "wrong type",
        "wrong return", "context", "out of an input", "unsupported binding", "no such day", "no app", "two apps",
        "broken import", "bad schedule", "missing setting", "bad constraint", "same name",
    ],
)  # fmt: skip
def test_an_app_that_azure_would_refuse_is_refused_with_the_reason(tmp_path: Path, body: str, reason: str) -> None:
    assert reason in complaint(make_app(tmp_path, body), tmp_path / "state")


def test_an_app_needs_a_host_json_that_can_be_read(tmp_path: Path) -> None:
    app = make_app(tmp_path, "")
    (app / "host.json").write_text("{")
    assert "host.json is not valid JSON" in complaint(app, tmp_path / "a")
    (app / "host.json").unlink()
    assert "There is no host.json" in complaint(app, tmp_path / "b")


def test_settings_come_from_the_file_and_the_environment_wins(tmp_path: Path) -> None:
    body = """
import os
@app.route()
def f(req: func.HttpRequest) -> str: return os.environ["FILE_ONLY"] + os.environ["BOTH"]
"""
    values = {"Values": {"FILE_ONLY": "file ", "BOTH": "file"}}
    app = make_app(tmp_path, body, **{"local.settings": values})

    with running(app, tmp_path / "state", BOTH="environment") as host:
        assert host.http.get("/api/f").text == "file environment"


def test_a_return_value_without_a_binding_is_an_error(tmp_path: Path) -> None:
    body = """
@app.event_grid_trigger(arg_name="event")
def f(event: func.EventGridEvent): return 1
"""
    with running(make_app(tmp_path, body), tmp_path / "state") as host:
        hook = "/runtime/webhooks/eventgrid?functionName=f"
        answer = host.http.post(hook, json=[{"id": "1"}], headers={"aeg-event-type": "Notification"})

    assert answer.text == "RuntimeError: function 'f' without a $return binding returned a non-None value"


def test_the_script_file_can_have_another_name(tmp_path: Path) -> None:
    app = make_app(tmp_path, "@app.route()\ndef f(req: func.HttpRequest) -> str: return 'ok'")
    (app / "function_app.py").rename(app / "main_app.py")

    with running(app, tmp_path / "state", PYTHON_SCRIPT_FILE_NAME="main_app.py") as host:
        assert host.http.get("/api/f").text == "ok"
