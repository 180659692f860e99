"""`kill -9` at any instant loses nothing and counts nothing twice.

Source of what must hold: Azure docs, durable-functions-overview (reliability) and durable-functions-entities:
activities run at least once, everything else takes effect exactly once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from testbed.eventually import eventually
from tests.local.host.hosting import APPS, ROOT

API = "/runtime/webhooks/durabletask"
KILLS = 110
LOAD = {"chain": (36, 20), "fan": (12, 12), "eternal": (6, 200), "stubborn": (9, 10)}
"""How many instances of each kind, and the input of each."""
EXPECTED = {"chain": 20, "fan": 12 * (0 + 1 + 2 + 3 + 1), "eternal": "over", "stubborn": 10}
SIGNALS = sum(count * size for count, size in LOAD.values())
"""Every kind signals the tally once for each unit of its input."""


@contextmanager
def lives(state: Path, kills: int, seed: int) -> Iterator[subprocess.Popen[str]]:
    """The host, living again and again."""
    script = Path(__file__).parent / "probes" / "lives.py"
    command = [sys.executable, "-W", "ignore", str(script), str(APPS / "crashing"), str(state), str(kills), str(seed)]
    state.mkdir(exist_ok=True)
    with (
        (state / "stderr.txt").open("w") as log,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)


def read_until(stream: IO[str] | None, line: str) -> None:
    assert stream is not None
    assert any(found.strip() == line for found in stream), f"it ended without saying '{line}'"


def every(http: httpx.Client) -> dict[str, Any]:
    """All instances that the test has started, by id; children have ids of their own making."""
    found = http.get(f"{API}/instances", params={"top": 5000}).json()
    return {i["instanceId"]: i for i in found if i["instanceId"].count("-") == 1}


def running(http: httpx.Client) -> list[str]:
    return [name for name, one in every(http).items() if one["runtimeStatus"] in ("Pending", "Running")]


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1])
def test_a_hundred_kills_lose_nothing_and_count_nothing_twice(tmp_path: Path, seed: int) -> None:
    with lives(tmp_path, KILLS, seed) as process:
        read_until(process.stdout, "ready")
        port = (tmp_path / "host" / "port").read_text()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            for name, (count, size) in LOAD.items():
                for n in range(count):
                    started = http.post(f"{API}/orchestrators/{name}/{name}-{n}", json=str(size))
                    assert started.status_code == 202, started.text
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            read_until(process.stdout, "killed")
            read_until(process.stdout, "ready")
            assert running(http), "the load must last longer than the killing, or the last kills hit nothing"

            eventually(lambda: not running(http), "all instances to end", within=120)
            assert {name: i["output"] for name, i in every(http).items()} == {
                f"{name}-{n}": EXPECTED[name] for name, (count, _) in LOAD.items() for n in range(count)
            }
            eventually(lambda: http.get(f"{API}/entities/tally/all").json() >= SIGNALS)
            assert http.get(f"{API}/entities/tally/all").json() == SIGNALS
            for n in range(LOAD["chain"][0]):
                assert http.get(f"{API}/entities/tally/chain-{n}").json() == LOAD["chain"][1]
