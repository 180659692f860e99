"""local.settings.json and host.json as people write them: comments, CORS, a port, the name of the environment."""

from __future__ import annotations

from pathlib import Path

from local.ports import free
from tests.local.host.hosting import running
from tests.local.host.test_loading import HTTP, complaint, make_app

ENVIRONMENT = """
import os
@app.route()
def f(req: func.HttpRequest) -> str: return os.environ["AZURE_FUNCTIONS_ENVIRONMENT"]
"""


def test_json_may_have_comments_and_strings_may_look_like_them(tmp_path: Path) -> None:
    """Without Durable Functions, whose SDK reads host.json itself and takes no comments."""
    app = make_app(tmp_path, "")
    (app / "function_app.py").write_text(f"import azure.functions as func\napp = func.FunctionApp()\n{HTTP}\n")
    (app / "host.json").write_text(
        """{ // of version 2
        "version": "2.0", /* with
        a prefix */ "extensions": {"http": {"routePrefix": "a"}},
        "note": "see https://x /* there */ \\" ,} // here", }"""
    )

    with running(app, tmp_path / "state") as host:
        assert host.http.get("/a/f").status_code == 200


def test_the_environment_is_called_as_func_start_calls_it(tmp_path: Path) -> None:
    with running(make_app(tmp_path, ENVIRONMENT), tmp_path / "state") as host:
        assert host.http.get("/api/f").text == "Development"


def test_the_port_and_the_origins_are_those_of_the_file(tmp_path: Path) -> None:
    port, page = free()[0], "https://portal.azure.com"
    settings = {"Host": {"LocalHttpPort": port, "CORS": f"{page}, http://localhost:3000"}}
    app = make_app(tmp_path, HTTP, **{"local.settings": settings})

    with running(app, tmp_path / "state") as host:
        asked = {"Origin": page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a"}
        preflight = host.http.options("/api/f", headers=asked)
        called = host.http.get("/api/f", headers={"Origin": page})
        foreign = host.http.get("/api/f", headers={"Origin": "https://elsewhere.example"})

    assert f"http://127.0.0.1:{port}/" in host.said
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Methods"]) == (204, "POST")
    assert preflight.headers["Access-Control-Allow-Headers"] == "x-a"
    assert (called.status_code, called.headers["Access-Control-Allow-Origin"]) == (200, page)
    assert "Access-Control-Allow-Origin" not in foreign.headers


def test_encrypted_settings_are_refused_with_what_to_do(tmp_path: Path) -> None:
    app = make_app(tmp_path, HTTP, **{"local.settings": {"IsEncrypted": True, "Values": {}}})

    assert "is encrypted, which only func can read; run `func settings decrypt`" in complaint(app, tmp_path / "state")


def test_a_task_hub_may_be_named_by_a_setting(tmp_path: Path) -> None:
    app = make_app(tmp_path, HTTP, host={"version": "2.0", "extensions": {"durableTask": {"hubName": "%HUB%"}}})

    assert "'%HUB%' does not resolve to a value" in complaint(app, tmp_path / "a")
    with running(app, tmp_path / "b", HUB="mine") as host:
        assert host.http.get("/api/f").status_code == 200
