"""Which function a path is for, as ASP.NET Core decides it, and what reaches the client.

Sources: dotnet/aspnetcore, issue 30655 (what Kestrel decodes) and its documentation of route templates;
azure-functions-host, HomepageMiddleware.cs.
"""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.host.hosting import APPS, Host, running


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with running("routes", tmp_path_factory.mktemp("routes")) as started:
        yield started


@pytest.mark.parametrize(
    ("path", "chosen"),
    [
        ("caf%C3%A9", ["accented", {}]),
        ("hello%20world", ["spaced", {}]),
        ("alpha/%41b", ["letters", {"id": "Ab"}]),
        ("opt/x/y%2Fz", ["optional", {"a": "x", "b": "y%2Fz"}]),
        ("opt/x%20y", ["optional", {"a": "x y"}]),
        ("rest/a/b%2Fc/d%20e", ["rest", {"path": "a/b%2Fc/d e"}]),
        ("file/a.b.c", ["composite", {"name": "a.b", "ext": "c"}]),
        ("num/%35", ["small", {"id": "5"}]),
        ("num/2147483648", ["large", {"id": "2147483648"}]),
        ("num/9223372036854775808", ["any", {"id": "9223372036854775808"}]),
        ("dbl/1e5", ["fraction", {"id": "1e5"}]),
        ("dbl/.5", ["fraction", {"id": ".5"}]),
    ],
)
def test_a_path_is_decoded_before_it_is_matched(host: Host, path: str, chosen: object) -> None:
    assert host.http.get(f"/api/{path}").json() == chosen


def test_an_answer_is_framed_by_the_host_alone(host: Host) -> None:
    answer = host.http.get("/api/odd/200")

    assert (answer.text, answer.headers["Content-Length"]) == ("whole", "5")
    assert "Transfer-Encoding" not in answer.headers


@pytest.mark.parametrize("status", [99, 100, 600, 1000])
def test_a_status_that_is_no_answer_is_an_error(host: Host, status: int) -> None:
    assert host.http.get(f"/api/odd/{status}").status_code == 500


@pytest.mark.parametrize("name", ["a:b:c", "x:99999"])
def test_a_host_header_that_names_no_host_is_refused(host: Host, name: str) -> None:
    url = host.http.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=30) as connection:
        connection.sendall(f"GET /api/caf%C3%A9 HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        assert connection.makefile("rb").readline().split()[1] == b"400"


def test_the_host_s_own_page_is_where_an_app_has_nothing(host: Host, tmp_path: Path) -> None:
    assert "Your Functions host is up and running" in host.http.get("/").text
    with running("routes", tmp_path, AzureWebJobsDisableHomepage="true") as silent:
        assert silent.http.get("/").status_code == 204


def test_an_app_may_have_the_root_to_itself(tmp_path: Path) -> None:
    app = tmp_path / "app"
    shutil.copytree(APPS / "routes", app)
    (app / "host.json").write_text(json.dumps({"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}))
    code = (app / "function_app.py").read_text("utf-8")
    (app / "function_app.py").write_text(f'{code}\n\nadd("root", "/")\n', "utf-8")

    with running(app, tmp_path / "state") as host:
        assert host.http.get("/").json() == ["root", {}]
