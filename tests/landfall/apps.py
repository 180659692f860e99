"""An app that answers what it is told to, over real HTTP on this machine, and the command line that asks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from testbed.examples import ROOT

KEY = "a-key-that-nobody-may-see"


@dataclass
class Answers:
    """What is answered, by method and path; of several answers to the same, the last one is given for ever."""

    url: str = ""
    given: dict[str, list[tuple[int, Any, dict[str, str]]]] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)

    def add(self, what: str, body: Any, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.given.setdefault(what, []).append((status, body, named))


@contextmanager
def app_that_answers() -> Iterator[Answers]:
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            what = f"{self.command} {self.path.removeprefix('/api/')}"
            answers.asked.append((what, json.loads(content) if content else None))
            answers.keys.add(self.headers.get("x-functions-key"))
            known = answers.given.get(what) or [(404, {"error": f"no {what}"}, {})]
            status, body, headers = known.pop(0) if len(known) > 1 else known[0]
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(sent)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *args: Any) -> None:
            """Nothing is said of it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    answers.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def landfall(app: Answers, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """One command, asked of that app."""
    environment = {**os.environ, "LANDFALL_URL": app.url, "LANDFALL_KEY": KEY, "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, "-m", "landfall", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )
