"""What the storage front costs: requests through it, against the same requests to Azurite itself.

One client with a kept connection asks both in turns: through the front with TLS, a bearer token and a role, and on the
landing account with an event for each write; of Azurite with a SAS.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

from azure.storage.blob import ContainerSasPermissions, generate_container_sas

from bench.figures import Row
from local import addresses, tls
from local.addresses import ACCOUNT, ACCOUNT_KEY
from local.storage.access import FIRST_VERSION_WITH_TOKENS
from local.tokens import STORAGE, Issuer

AIM = 1.3
SIZE = 2048
LISTED = 20
VERSION = {"x-ms-version": FIRST_VERSION_WITH_TOKENS}


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to the container."""

    connection: HTTPConnection
    query: str
    headers: dict[str, str]

    def ask(self, method: str, blob: str, query: str, body: bytes | None, headers: dict[str, str]) -> float:
        """Milliseconds until the whole answer is there."""
        target = f"/{ACCOUNT}/landing{blob}?{'&'.join(filter(None, (query, self.query)))}"
        began = time.perf_counter()
        self.connection.request(method, target, body, VERSION | self.headers | headers)
        answer = self.connection.getresponse()
        told = answer.read()
        spent = 1000 * (time.perf_counter() - began)
        assert answer.status < 300, f"{method} {target}: {answer.status} {told[:300]!r}"
        return spent


def measure(*, quick: bool = False) -> list[Row]:
    """Milliseconds for a request through the front."""
    count = 100 if quick else 600
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        front, direct = stack.enter_context(_running(Path(folder)))
        return [_row(name, front, direct, ask, count) for name, ask in _REQUESTS.items()]


def _put(way: _Way, turn: int) -> float:
    blob = {"x-ms-blob-type": "BlockBlob", "Content-Type": "image/png"}
    return way.ask("PUT", f"/bench/{turn % LISTED}.png", "", bytes(SIZE), blob)


def _get(way: _Way, turn: int) -> float:
    return way.ask("GET", f"/bench/{turn % LISTED}.png", "", None, {})


def _list(way: _Way, _: int) -> float:
    return way.ask("GET", "", "restype=container&comp=list&prefix=bench/", None, {})


_REQUESTS: dict[str, Callable[[_Way, int], float]] = {
    f"PUT of a blob of {SIZE // 1024} KiB": _put,
    f"GET of a blob of {SIZE // 1024} KiB": _get,
    f"list of {LISTED} blobs": _list,
}


def _row(name: str, front: _Way, direct: _Way, ask: Callable[[_Way, int], float], count: int) -> Row:
    ours: list[float] = []
    theirs: list[float] = []
    for turn in range(-LISTED, count):
        for way, found in ((front, ours), (direct, theirs))[:: 1 if turn % 2 else -1]:
            spent = ask(way, turn)
            if turn >= 0:  # the turns before are for warming up
                found.append(spent)
    ratio = median(one / other for one, other in zip(ours, theirs, strict=True))
    return Row(name=name, value=median(ours), unit="ms", ratio=ratio, against="Azurite itself", n=count, aim=AIM)


@contextmanager
def _running(state: Path) -> Iterator[tuple[_Way, _Way]]:
    """Storage with something in the place of Event Grid, and both ways to it."""
    where = addresses.settle(state)
    grid = ThreadingHTTPServer(("127.0.0.1", addresses.port_of(where.eventgrid)), _Taking)
    threading.Thread(target=grid.serve_forever, daemon=True).start()
    with subprocess.Popen(
        [sys.executable, "-m", "local.storage", "--state", str(state), "--with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", "storage did not start"
        secure = HTTPSConnection("127.0.0.1", addresses.port_of(where.storage), context=tls.client_context(state))
        plain = HTTPConnection("127.0.0.1", addresses.port_of(where.azurite_blob))
        token = {"Authorization": f"Bearer {Issuer.of(state).issue(STORAGE)}"}
        try:
            yield _Way(secure, "", token), _Way(plain, _sas(), {})
        finally:
            secure.close()
            plain.close()
            grid.shutdown()
            process.stdin.close()
            process.wait(30)


def _sas() -> str:
    return generate_container_sas(
        ACCOUNT,
        "landing",
        account_key=ACCOUNT_KEY,
        permission=ContainerSasPermissions(read=True, write=True, create=True, list=True),
        expiry=datetime.now(UTC) + timedelta(days=1),
    )


class _Taking(BaseHTTPRequestHandler):
    """Takes all events, as Event Grid does."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
