"""What `drop` warns of and `explain` prints, with an app that answers what a test says; tests/e2e has the real one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from local.commands import CommandFailed
from local.explaining import explanation, lines_of, one_of_each_kind, told_by

MISS = {"text": "No route takes it.", "miss": {"message": "'A.PNG' does not match *.png", "do": "Rename it."}}


@contextmanager
def app(answer: Callable[[str], tuple[int, Any]]) -> Iterator[httpx.Client]:
    """A client of an app that answers so to each path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            status, told = answer(parse_qs(asked.query)["path"][0])
            self.send_response(status if asked.path == "/api/explain" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests' output is for failures."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", trust_env=False) as client:
            yield client
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def warned(blobs: list[str], answer: Callable[[str], tuple[int, Any]]) -> list[str]:
    with app(answer) as client:
        return lines_of(client, "https://account/landing", "landing", blobs)


def test_each_file_that_no_route_takes_has_its_line() -> None:
    told = warned(["d/A.PNG", "d/b.png"], lambda path: (200, MISS if path.endswith("PNG") else {"miss": None}))

    assert told == ["Warning: no route takes landing/d/A.PNG: 'A.PNG' does not match *.png. Rename it."]


def test_many_lines_are_cut_and_counted() -> None:
    told = warned([f"d/{i}.PNG" for i in range(30)], lambda path: (200, MISS))

    assert len(told) == 11
    assert told[-1] == "Warning: no route takes 20 more of them."


def test_of_ten_thousand_files_one_of_each_kind_is_asked_about() -> None:
    asked = list[str]()

    def answer(path: str) -> tuple[int, Any]:
        asked.append(path)
        return 200, MISS

    told = warned([*(f"d/{i}.PNG" for i in range(10_000)), "e/x.csv"], answer)

    assert sorted(asked) == ["https://account/landing/d/0.PNG", "https://account/landing/e/x.csv"]
    assert told[0].startswith("Warning: no route takes landing/d/0.PNG, and maybe others like it: ")


def test_one_of_each_kind_is_the_first_of_its_folder_and_ending() -> None:
    assert one_of_each_kind(["a/1.png", "a/2.png", "b/1.png", "a/1.csv"]) == ["a/1.csv", "a/1.png", "b/1.png"]


def test_names_are_sent_as_they_are_and_shown_without_control_characters() -> None:
    asked = list[str]()

    def answer(path: str) -> tuple[int, Any]:
        asked.append(path)
        return 400, {"error": "It is no path."}

    told = warned(["d/a b?#%.png", "d/\x1b[31m.png"], answer)

    assert sorted(asked) == ["https://account/landing/d/%1B%5B31m.png", "https://account/landing/d/a%20b%3F%23%25.png"]
    assert told[1] == "Warning: no route takes landing/'d/\\x1b[31m.png': It is no path."


def test_an_app_that_explains_nothing_is_no_reason_for_a_warning() -> None:
    assert warned(["d/A.PNG"], lambda path: (404, {})) == []


def test_an_app_that_is_in_trouble_is_said_and_the_upload_stands() -> None:
    (told,) = warned(["d/A.PNG"], lambda path: (503, {"error": "The storage does not answer."}))

    assert told.startswith("Could not ask whether a route takes what was uploaded: /api/explain answered 503:")


def test_the_text_of_an_explanation_is_what_is_printed() -> None:
    with app(lambda path: (200, MISS)) as client:
        assert told_by(client, "landing/d/A.PNG") == "No route takes it."


@pytest.mark.parametrize(("status", "said"), [(404, "is it Landfall"), (400, "It is no path."), (503, "answered 503")])
def test_an_explanation_that_is_not_to_be_had_is_said(status: int, said: str) -> None:
    with (
        app(lambda path: (status, {"error": "It is no path."})) as client,
        pytest.raises(CommandFailed, match=said),
    ):
        told_by(client, "landing/x")


def test_without_a_cloud_there_is_a_hint(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="No local cloud is running"):
        explanation(tmp_path, "landing/x")
