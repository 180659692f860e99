"""Starts the host as a process of its own, as its users do, and waits for what it does."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx

from testbed.eventually import eventually

APPS = Path(__file__).parent / "apps"
ROOT = Path(__file__).parents[3]
PATIENCE = 30.0
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Loading those that httpx trusts by itself takes longer than many requests, and nothing here is encrypted."""


class Host:
    """A running host. `log` is what it wrote to stderr, `said` what it printed before it was ready."""

    def __init__(self, process: subprocess.Popen[str], state: Path, log: Path, said: str) -> None:
        self.process, self.state, self._log, self.said = process, state, log, said
        url = f"http://127.0.0.1:{(state / 'host' / 'port').read_text()}"
        self.http = httpx.Client(base_url=url, timeout=PATIENCE, verify=NO_AUTHORITIES)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.process.wait()
        self.http.close()

    def stop(self) -> int:
        """As Ctrl-C does; returns the exit code."""
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        self.http.close()
        return code

    def start(self, name: str, value: object = None, **query: str) -> str:
        """Start an orchestration through the app's own starter function; returns the instance id."""
        answer = self.http.post(f"/api/start/{name}", params=query, json=value)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def status(self, instance: str, **query: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(
            f"/runtime/webhooks/durabletask/instances/{instance}", params=query
        ).json()
        return found

    def finished_by(self, url: str) -> str:
        """The status that a check-status URL comes to."""
        status: str = eventually(
            lambda: (s := self.http.get(url).json()["runtimeStatus"]) not in ("Pending", "Running") and s
        )
        return status

    def finished(self, instance: str) -> dict[str, Any]:
        """The status, once the instance has ended."""
        return eventually(lambda: (s := self.status(instance))["runtimeStatus"] not in ("Pending", "Running") and s)


def spawn(app: str | Path, state: Path, *flags: str, **settings: str) -> tuple[subprocess.Popen[str], Path]:
    """The host as a process, and the file that its log goes to."""
    state.mkdir(parents=True, exist_ok=True)
    log = state / "stderr.txt"
    folder = APPS / app if isinstance(app, str) else app
    command = [sys.executable, "-m", "local.host", "--app", str(folder), "--state", str(state), *flags]
    environment = os.environ | {"WHEN": "0 0 0 1 1 *", "QUEUE": "messages", "PYTHONPATH": str(ROOT)} | settings
    with log.open("a") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True
        )
    return process, log


@contextmanager
def running(app: str | Path, state: Path, *flags: str, **settings: str) -> Iterator[Host]:
    """A host that accepts requests. `settings` are added to the environment."""
    process, log = spawn(app, state, *flags, **settings)
    assert process.stdout is not None
    host = None
    try:
        said = _until_ready(process.stdout)
        assert said is not None, log.read_text()
        host = Host(process, state, log, said)
        yield host
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        if process.stdin:
            process.stdin.close()
        if host is not None:
            host.http.close()


def notes(path: Path, kind: str) -> list[dict[str, Any]]:
    """What the sample app wrote down; it does so at once, so a killed host's notes are there too."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [note for line in lines if (note := json.loads(line))["kind"] == kind]


def _until_ready(stream: IO[str]) -> str | None:
    lines: list[str] = []
    for line in stream:
        if line.strip() == "ready":
            return "".join(lines)
        lines.append(line)
    return None


def written(folder: Path, text: str) -> Path:
    """The folder of an app with that function_app.py."""
    app = folder / "app"
    app.mkdir()
    (app / "function_app.py").write_text(text)
    (app / "host.json").write_text('{"version": "2.0"}')
    return app
