"""Which apps load, and what is said about those that do not; the reasons are the Python worker's."""

from __future__ import annotations

import json
import socket
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


HTTP = "@app.route()\ndef f(req: func.HttpRequest) -> str: return ''"
TIMER = "@app.timer_trigger(arg_name='t', schedule='{}')\ndef f(t: func.TimerRequest): pass"
QUEUE = "@app.queue_trigger(arg_name='m', queue_name='q', connection='C')\n"
REFUSED = {
    "what the worker refuses": (
        "@app.route()\ndef f(req: func.HttpRequest, other) -> str: return ''",
        "but not in the function definition (function.json or function decorators):  {'other'}",
    ),
    "broken import": ("raise RuntimeErrr('typo')", "NameError: name 'RuntimeErrr' is not defined"),
    "unsupported trigger": (
        "@app.service_bus_queue_trigger(arg_name='m', queue_name='q', connection='C')\ndef f(m: str): pass",
        (
            "The function 'f' uses the binding 'serviceBusTrigger' (parameter 'm'), which this host does not support. "
            "Call that service with its own client inside the function"
        ),
    ),
    "unsupported change feed": (
        (
            "@app.cosmos_db_trigger(arg_name='d', database_name='d', container_name='c', connection='C')\n"
            "def f(d: func.DocumentList): pass"
        ),
        "The function 'f' uses the binding 'cosmosDBTrigger' (parameter 'd'), which this host does not support.",
    ),
    "unsupported input": (
        "@app.table_input(arg_name='t', table_name='t', connection='C')\n"
        + HTTP.replace("HttpRequest", "HttpRequest, t: str"),
        "The function 'f' uses the binding 'table' (parameter 't'), which this host does not support.",
    ),
    "unsupported output": (
        "@app.generic_output_binding(arg_name='s', type='signalR', hubName='h')\n"
        + HTTP.replace("HttpRequest", "HttpRequest, s: func.Out[str]"),
        "The function 'f' uses the binding 'signalR' (parameter 's'), which this host does not support.",
    ),
    "unsupported way": (
        "@app.generic_input_binding(arg_name='q', type='queue', queueName='q', connection='C')\n"
        + HTTP.replace("HttpRequest", "HttpRequest, q: str"),
        "The function 'f' uses the binding 'queue (input)' (parameter 'q'), which this host does not support.",
    ),
    "blob path": (
        "@app.blob_trigger(arg_name='b', path='{any}/{n}', connection='C')\ndef f(b: func.InputStream): pass",
        "The function 'f' has the blob path '{any}/{n}', in which the container has no plain name",
    ),
    "blob trigger without an account": (
        "@app.blob_trigger(arg_name='b', path='c/{n}', connection='Nowhere')\ndef f(b: func.InputStream): pass",
        "The function 'f' uses a blob through the connection 'Nowhere', but there is neither a setting 'Nowhere'",
    ),
    "blob input without an account": (
        "@app.blob_input(arg_name='b', path='c/n', connection='Nowhere')\n"
        + HTTP.replace("HttpRequest", "HttpRequest, b: str"),
        "The function 'f' uses a blob through the connection 'Nowhere', but there is neither a setting 'Nowhere'",
    ),
    "no such day": (TIMER.format("0 0 0 31 4 *"), "The schedule '0 0 0 31 4 *' is not a valid NCRONTAB expression"),
    "bad schedule": (TIMER.format("every day"), "is neither a TimeSpan nor an NCRONTAB expression of 5 or 6 fields."),
    "missing setting": (TIMER.format("%NOWHERE%"), "'%NOWHERE%' does not resolve to a value"),
    "bad constraint": (
        "@app.route(route='{a:strange}')\ndef f(req: func.HttpRequest) -> str: return ''",
        "The route of function 'f' uses the constraint 'strange'",
    ),
    "names that differ in case": (
        "@app.route()\ndef f(req): return ''\n@app.route()\ndef F(req): return ''",
        "its name differs only in case",
    ),
    "bad name": ("@app.function_name('1st')\n" + HTTP, "'1st' is not a valid function name."),
    "retry where Azure has none": (
        QUEUE + "@app.retry(strategy='fixed_delay', max_retry_count='1', delay_interval='00:00:01')\n"
        "def f(m: func.QueueMessage): pass",
        "has a retry policy, but Azure has none for triggers of type 'queueTrigger'",
    ),
    "warm-up by another name": ("@app.warm_up_trigger('w')\ndef f(w): pass", "only if it is named 'warmup'"),
    "output without an account": (
        "@app.queue_output(arg_name='o', queue_name='q', connection='Nowhere')\n"
        + HTTP.replace("HttpRequest", "HttpRequest, o: func.Out[str]"),
        "uses a queue through the connection 'Nowhere', but there is neither a setting 'Nowhere'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_app_that_cannot_run_as_in_azure_is_refused_with_the_reason(tmp_path: Path, case: str) -> None:
    body, reason = REFUSED[case]

    assert reason in complaint(make_app(tmp_path, body), tmp_path / "state")


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("functionTimeout", "00:00:00", "functionTimeout in host.json must be hh:mm:ss, at least one second, or -1"),
        ("logging__logLevel__default", "Loud", "logging.logLevel.default is 'Loud'; use one of trace, debug"),
        ("extensions__durableTask__versionMatchStrategy", "Strict", "versionMatchStrategy is not supported"),
        ("extensions__durableTask__overridableExistingInstanceStates", "Some", "must be NonRunningStates or AnyState"),
    ],
)
def test_host_json_that_cannot_be_followed_is_refused(tmp_path: Path, path: str, value: str, reason: str) -> None:
    settings = {f"AzureFunctionsJobHost__{path}": value}

    assert reason in complaint(make_app(tmp_path, HTTP), tmp_path / "state", **settings)


def test_an_app_needs_a_host_json_that_can_be_read(tmp_path: Path) -> None:
    app = make_app(tmp_path, "")
    (app / "host.json").write_text("{")
    assert "host.json is not valid JSON" in complaint(app, tmp_path / "a")
    (app / "host.json").unlink()
    assert "There is no host.json" in complaint(app, tmp_path / "b")


def test_a_folder_without_an_app_is_refused_by_its_name(tmp_path: Path) -> None:
    """Landfall's own app was started instead, since the import fell back to the working directory."""
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "host.json").write_text('{"version": "2.0"}')

    assert f"{empty} has no function_app.py" in complaint(empty, tmp_path / "a")
    assert f"There is no host.json in {tmp_path / 'nowhere'}" in complaint(tmp_path / "nowhere", tmp_path / "b")


def test_an_app_of_the_v1_model_is_refused_with_that_word(tmp_path: Path) -> None:
    app = tmp_path / "v1"
    (app / "HttpExample").mkdir(parents=True)
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "HttpExample" / "function.json").write_text('{"scriptFile": "__init__.py", "bindings": []}')

    assert "is an app of the v1 model" in complaint(app, tmp_path / "state")


def test_a_state_directory_is_for_one_host_at_a_time(tmp_path: Path) -> None:
    """Two hosts on one state completed 18 of 30 orchestrations, and counted twice."""
    app = make_app(tmp_path, HTTP)
    with running(app, tmp_path / "state") as host:
        told = complaint(app, tmp_path / "state")

        assert f"another host (process {host.process.pid}, {str(host.http.base_url).rstrip('/')}) works on" in told
        assert host.http.get("/api/f").status_code == 200
        assert "Traceback" not in told

    with running(app, tmp_path / "state") as again:
        assert again.http.get("/api/f").status_code == 200


def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path: Path) -> None:
    app = make_app(tmp_path, HTTP)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process, log = spawn(app, tmp_path / "state", "--port", str(port))
        process.communicate(timeout=30)

    assert process.returncode == 1
    assert f"port {port} cannot be used" in log.read_text()
    assert "Traceback" not in log.read_text()


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
