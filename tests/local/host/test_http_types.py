"""Every kind of request and response that azure-functions offers.

Source: azure-functions, azure/functions/http.py, _http_asgi.py, _http_wsgi.py; Azure docs, functions-reference-python.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.host.hosting import Host, running

ASGI = """
import azure.functions as func
async def web(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
    body = (await receive())["body"]
    headers = [(b"content-type", b"text/plain"), (b"x-path", scope["path"].encode())]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": scope["method"].encode() + b" " + body})
app = func.AsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)
"""
WSGI = """
import azure.functions as func
def web(environ, start_response):
    start_response("201 Created", [("Content-Type", "text/plain"), ("X-Path", environ["PATH_INFO"])])
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return [environ["REQUEST_METHOD"].encode() + b" " + environ["wsgi.input"].read(length)]
app = func.WsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    settings = {"Store": "UseDevelopmentStorage=true", "CONTAINER": "c"}
    with running("bindings", tmp_path_factory.mktemp("host"), **settings) as started:
        yield started


def test_bytes_come_as_they_are(host: Host) -> None:
    answer = host.http.get("/api/answer/bytes")

    assert (answer.content, answer.headers["content-type"]) == (b"\x00\xff", "application/octet-stream")


def test_a_status_without_a_body(host: Host) -> None:
    answer = host.http.get("/api/answer/status")

    assert (answer.status_code, answer.content) == (418, b"")


def test_text_has_the_charset_that_was_asked_for(host: Host) -> None:
    answer = host.http.get("/api/answer/charset")

    assert answer.headers["content-type"] == "text/plain; charset=latin-1"
    assert answer.content.decode("latin-1") == "grüß"


def test_plain_text_is_an_answer(host: Host) -> None:
    assert host.http.get("/api/answer/text").text == "a plain text"


def test_every_cookie_is_set(host: Host) -> None:
    cookies = host.http.get("/api/answer/cookies").headers.get_list("set-cookie")

    assert [c.split(";")[0] for c in cookies] == ["a=1", "b=2"]
    assert "HttpOnly" in cookies[0]


def test_forms_and_files_are_parsed(host: Host) -> None:
    answer = host.http.post("/api/answer/form", data={"field": "v"}, files={"file": ("n.txt", b"content")})

    assert answer.json() == ["v", "n.txt", "content"]


def test_json_is_parsed_or_refused(host: Host) -> None:
    assert host.http.post("/api/answer/json", json={"a": [1]}).json() == {"a": [1]}
    refused = host.http.post("/api/answer/json", content=b"{")
    assert (refused.status_code, refused.text) == (400, "HTTP request does not contain valid JSON data")


def test_without_a_list_of_methods_all_are_served(host: Host) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"):
        assert host.http.request(method, "/api/answer/text").status_code == 200, method


@pytest.mark.parametrize("body", [ASGI, WSGI], ids=["ASGI", "WSGI"])
def test_whole_web_applications_are_served(tmp_path: Path, body: str) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text(body)
    (app / "host.json").write_text('{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}')

    with running(app, tmp_path / "state") as host:
        answer = host.http.put("/some/path?x=1", content=b"body")

    assert (answer.status_code, answer.text, answer.headers["x-path"]) == (201, "PUT body", "/some/path")
