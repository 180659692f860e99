"""A small HTTP server that notes what it is sent and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Receiver:
    """`answers`: the statuses of the next notifications, then 200. `proves`: whether it passes validation."""

    url: str
    answers: list[int] = field(default_factory=list)
    proves: bool = True
    received: list[tuple[dict[str, str], Any]] = field(default_factory=list)

    @property
    def events(self) -> list[Any]:
        """The events of all notifications, whatever they were answered."""
        bodies = (body for _, body in self.received)
        return [event for body in bodies for event in (body if isinstance(body, list) else [body])]


NOBODY = Receiver("nowhere")
"""For tests in which nothing listens."""


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver that serves until the block ends."""
    server = _Server(("127.0.0.1", port), _Handler)
    receiver = server.receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        receiver = self.server.receiver
        if self.headers.get("aeg-event-type") == "SubscriptionValidation":
            code = body[0]["data"]["validationCode"] if receiver.proves else "something else"
            self._answer(200, json.dumps({"validationResponse": code}).encode())
            return
        receiver.received.append((dict(self.headers), body))
        self._answer(receiver.answers.pop(0) if receiver.answers else 200)

    def do_OPTIONS(self) -> None:
        receiver = self.server.receiver
        self._answer(200, headers={"WebHook-Allowed-Origin": "*"} if receiver.proves else {})

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass
