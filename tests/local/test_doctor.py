"""The doctor's command line, without an app: what it refuses, shows and puts together. tests/e2e has the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from local.__main__ import main
from local.doctor import lines_of, merged

UNKNOWN = {"answer": "unknown", "seen": "it was not looked at"}
SHOWN = {"answer": "at_once", "seen": "while it was Running"}


def check(name: str, verdict: str = "ok", *, route: str | None = None, advice: str | None = None) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "route": route, "tried": "t", "came_back": "c", "advice": advice}


def report(*checks: dict[str, Any], ended: bool | None = None, shown: dict[str, str] = UNKNOWN) -> dict[str, Any]:
    probe = None if ended is None else {"id": "0" * 32, "job": "batchjob-1", "status": "Running", "ended": ended}
    is_ok = all(one["verdict"] != "failed" for one in checks)
    return {
        "ok": is_ok,
        "identity": ["1234"],
        "checks": list(checks),
        "open_questions": {"outputs_shown": shown},
        "probe": probe,
    }


@contextmanager
def app(*answers: tuple[int, dict[str, Any]]) -> Iterator[tuple[str, list[tuple[str | None, Any]]]]:
    """An app that gives these answers in turn: its URL, and the key and body of each request."""
    left, asked = list(answers), list[tuple[str | None, Any]]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.headers.get("x-functions-key"), json.loads(body)))
            status, answer = left.pop(0)
            self.send_response(status if self.path == "/api/doctor" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests' output is for failures."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def test_a_probe_is_followed_until_it_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    going, over = (
        report(check("landing listed"), check("probe job", "skipped"), ended=False, shown=SHOWN),
        report(check("probe job"), ended=True),
    )
    with app((200, going), (200, going), (200, over)) as (url, asked):
        code = main(["doctor", "--url", url, "--key", "secret", "--route", "digits", "--submit", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert asked == [
        ("secret", {"route": "digits", "submit": True}),
        ("secret", {"probe": "0" * 32}),
        ("secret", {"probe": "0" * 32}),
    ]
    assert told["open_questions"]["outputs_shown"] == SHOWN
    assert [one["name"] for one in told["checks"]] == ["landing listed", "landing listed", "probe job"]


def test_a_failed_check_does_not_end_the_following_but_a_probe_that_cannot_be_followed_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    going = report(check("queue read", "failed"), check("probe job", "skipped"), ended=False)
    stuck = report(check("probe job", "failed", advice="Wait."), ended=False)
    with app((200, going), (200, stuck)) as (url, asked):
        code = main(["doctor", "--url", url, "--key", "secret", "--route", "digits", "--submit"])

    assert code == 1
    assert len(asked) == 2
    assert f"--probe {'0' * 32}" in capsys.readouterr().err


def test_stopping_is_asked_for_until_it_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with app((200, report(ended=False)), (200, report(ended=True))) as (url, asked):
        code = main(["doctor", "--url", url, "--key", "secret", "--probe", "0" * 32, "--stop"])

    assert code == 0
    assert [body for _, body in asked] == [{"probe": "0" * 32, "stop": True}] * 2
    assert "batchjob-1" in capsys.readouterr().err


def test_a_check_that_failed_is_shown_with_what_to_do_and_makes_the_command_fail(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = report(check("ledger written"), check("landing listed", "failed", route="digits", advice="Give a role."))
    monkeypatch.setattr("local.doctor.os.environ", {"LANDFALL_KEY": "secret"})
    with app((200, lines)) as (url, asked):
        code = main(["doctor", "--url", url])

    shown = capsys.readouterr().out
    assert code == 1
    assert asked == [("secret", {})]
    assert "failed   digits: landing listed: c\n         tried: t\n         Give a role.\n" in shown


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (401, {}, "asks for the master key"),
        (400, {"error": "route is 'x'; it must be one that can be used: digits."}, "it must be one that can be used"),
        (404, {}, "answered 404"),
    ],
)
def test_an_app_that_does_not_answer_as_a_doctor_is_told_of(
    status: int, answer: dict[str, Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with app((status, answer)) as (url, _):
        code = main(["doctor", "--url", url, "--key", "wrong"])

    assert code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--url", "https://app.azurewebsites.net"], "--key, or the environment variable LANDFALL_KEY"),
        (["--url", "http://app.azurewebsites.net", "--key", "k"], "it must begin with https://"),
        (["--url", "http://localhost.attacker.invalid", "--key", "k"], "it must begin with https://"),
    ],
)
def test_a_key_is_needed_and_goes_over_https_only(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LANDFALL_KEY", raising=False)

    assert main(["doctor", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_without_a_local_cloud_it_is_said_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--state", str(tmp_path)]) == 2
    assert "No local cloud is running" in capsys.readouterr().err


def test_several_answers_make_one_report_and_what_was_learned_on_the_way_stays() -> None:
    first = report(check("endpoint read", "failed"), check("probe job", "skipped"), ended=False, shown=SHOWN)
    last = report(check("probe job"), ended=True)

    whole = merged([first, last])

    assert (whole["ok"], whole["probe"]["ended"]) == (False, True)
    assert [one["name"] for one in whole["checks"]] == ["endpoint read", "probe job"]
    assert whole["open_questions"]["outputs_shown"] == SHOWN


def test_a_check_that_went_well_is_one_line() -> None:
    assert lines_of(check("ledger written")) == ["ok       ledger written: c"]
