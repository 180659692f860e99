"""`python -m testbed.soak [--landings N] [--state DIR]`: many landings on the whole local cloud, hundreds at once, with
forged events, parts that are killed and documents that are overwritten with rubbish; then all has to be in order.

What is checked: every landing is published, once; no output is written by two jobs; nothing is under way, in line, or
watched; and the host has grown by no more than so many landings leave behind. Takes about a second for each landing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient, ContainerClient

from local import addresses
from local.addresses import STATE_ACCOUNT, STORAGE_TOPIC
from shared.core.job import FINAL, STAGES
from shared.core.pointer import Pointer
from testbed.eventually import eventually
from testbed.stack import Stack, running

ROUTES = ("lengths", "split", "flattened", "marked")
WRITERS = 8
AT_ONCE = 200
"""Landings that are under way at a time: many times as many as the endpoint has nodes."""
EVENTS_FOR_EACH_LANDING = 2
GROWTH_FOR_EACH_LANDING = 200 * 1024
"""Bytes of the host's memory: instances that have ended are kept for thirty days, and read when they are asked for."""
HOST_MAY_GROW = 200 * 1024 * 1024
RUBBISH = (b"", b"[]", b'{"version": 99}', b"\xff\xfe", b"{" * 5000)
ENDED = frozenset(status for status, stage in STAGES.items() if stage in FINAL)
OVER = ("published", "failed", "canceled")
"""How a run of content that stays may end."""
SPOILED = ("tallies/", "landings/")
"""Documents that the app can do without."""
SECONDS_FOR_EACH_LANDING = 5
"""At the most, on a slow machine."""
TURN = 5.0
"""Seconds between two things that go wrong."""


@dataclass
class Soak:
    """What a soak has seen. `wrong`: what is not as it should be, in sentences."""

    landings: int
    seconds: float = 0.0
    events: int = 0
    kills: int = 0
    spoiled: int = 0
    published: int = 0
    most_jobs: int = 0
    host_before: int = 0
    host_after: int = 0
    wrong: list[str] = field(default_factory=list)

    def told(self) -> str:
        mib = (self.host_after - self.host_before) / 2**20
        return (
            f"{self.published} of {self.landings} landings published in {self.seconds:.0f} s, with {self.events} "
            f"forged events, {self.kills} kills and {self.spoiled} spoiled documents; {self.most_jobs} jobs at once "
            f"at the most; the host has grown by {mib:.0f} MiB."
        )


def soak(stack: Stack, landings: int, *, seed: int = 0) -> Soak:
    """Put a local cloud under load and trouble, and say what came of it."""
    found, chance = Soak(landings), random.Random(seed)
    where = {f"{ROUTES[number % len(ROUTES)]}/soak-{number:05}": number for number in range(landings)}
    stack.drop("lengths/first", {"a.txt": b"1"})
    stack.ended("lengths/first")
    found.host_before = _memory_of(stack)
    began = time.monotonic()
    with (
        _meanwhile(lambda: _flood(stack, found, landings * EVENTS_FOR_EACH_LANDING)),
        _meanwhile(_repeated(lambda turn: _harm(stack, found, chance, turn), landings)),
        ThreadPoolExecutor(WRITERS) as writers,
    ):
        for some in _in_turn(stack, list(where)):
            list(writers.map(lambda path: _land(stack, path, where[path]), some))
    eventually(
        lambda: _is_over(stack, found, where),
        "the end of all runs",
        within=600 + SECONDS_FOR_EACH_LANDING * AT_ONCE,
        every=15.0,
    )
    stack.quiet()
    found.seconds = time.monotonic() - began
    found.host_after = _memory_of(stack)
    found.wrong += _wrong(stack, found, set(where))
    return found


def _in_turn(stack: Stack, paths: list[str]) -> Iterator[list[str]]:
    """The landings, some at a time, as others end."""
    most, some = SECONDS_FOR_EACH_LANDING * AT_ONCE, AT_ONCE // 4
    for start in range(0, len(paths), some):
        due = start + some - AT_ONCE
        eventually(partial(_have_ended, stack, due), "the end of some runs", within=most, every=8.0)
        yield paths[start : start + some]


def _have_ended(stack: Stack, count: int) -> bool:
    """Whether so many runs have. Pointers are listed: reading all records is most of what a busy app has to do."""
    with _ledger(stack) as ledger:
        return sum(1 for _ in ledger.list_blob_names(name_starts_with="ended/")) >= count


def _land(stack: Stack, path: str, number: int) -> None:
    files = {f"{name}.txt": b"x" * (1 + number % 7) for name in range(1 + number % 3)}
    below = "deeper/" if path.startswith(("split", "flattened")) and number % 2 else ""
    stack.drop(path, {f"{below}{name}": content for name, content in files.items()})
    if path.startswith("marked"):
        stack.drop(path, {"_SUCCESS": b""})


def _flood(stack: Stack, found: Soak, events: int) -> None:
    """Events of folders that do not exist."""
    account = stack.cloud.stack["storage"]["account_url"]
    for number in range(events):
        url = f"{account}/landing/lengths/nowhere-{number}/a.txt"
        event = {
            "id": f"forged-{number}",
            "topic": STORAGE_TOPIC,
            "subject": f"/blobServices/default/containers/landing/blobs/lengths/nowhere-{number}/a.txt",
            "eventType": "Microsoft.Storage.BlobCreated",
            "eventTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z",
            "dataVersion": "",
            "metadataVersion": "1",
            "data": {"api": "PutBlob", "blobType": "BlockBlob", "contentLength": 1, "url": url},
        }
        with _whatever_is_down():
            stack.cloud.send_event("on_blob_event", event)
            found.events += 1


def _harm(stack: Stack, found: Soak, chance: random.Random, turn: int) -> None:
    if turn % 3 == 2:
        part = chance.choice(("host", "azureml", "eventgrid"))
        with _whatever_is_down():
            os.kill(stack.cloud.fresh_stack()["pids"][part], signal.SIGKILL)
            found.kills += 1
        return
    with _whatever_is_down(), _ledger(stack) as ledger:
        names = [name for below in SPOILED for name in ledger.list_blob_names(name_starts_with=below)]
        names.append(f"open/lengths-stray-{turn}")
        ledger.upload_blob(chance.choice(names), chance.choice(RUBBISH), overwrite=True)
        found.spoiled += 1


def _is_over(stack: Stack, found: Soak, where: dict[str, int]) -> bool:
    found.most_jobs = max(found.most_jobs, sum(job["status"] not in ENDED for job in stack.cloud.jobs()))
    if not _have_ended(stack, len(where)):
        return False
    ended = {path for path, status in _statuses(stack) if status in OVER}
    found.published = len(ended & set(where))
    return ended >= set(where)


def _statuses(stack: Stack) -> Iterator[tuple[str, str]]:
    """Of all runs, the landing (of `split`, the folder above) and how it stands."""
    continuation: str | None = None
    while True:
        params = {"limit": "1000", **({"continuation": continuation} if continuation else {})}
        runs = stack.cloud.api("runs", **params)
        for run in runs:
            path = str(run.get("landing", "")).removeprefix("landing/").removesuffix("/deeper")
            yield path, str(run["status"])
        if len(runs) < 1000:
            return
        last = datetime.fromisoformat(runs[-1]["timings"]["claimed"])
        continuation = Pointer(last, runs[-1]["run_id"]).name


def _wrong(stack: Stack, found: Soak, landings: set[str]) -> Iterator[str]:
    statuses: dict[str, list[str]] = {}
    for path, status in _statuses(stack):
        statuses.setdefault(path, []).append(status)
    for path in sorted(landings):
        published = statuses.get(path, []).count("published")
        if published != 1:
            yield f"{path} was published {published} times: {statuses.get(path)}"
    if doubled := stack.doubled():
        yield f"{len(doubled)} outputs were written by more than one job: {doubled[:3]}"
    if forged := [path for path in statuses if "nowhere" in path]:
        yield f"Runs of folders that do not exist: {forged[:3]}"
    with _ledger(stack) as ledger:
        for folder in ("open/", "line/"):
            names = [name for name in ledger.list_blob_names(name_starts_with=folder) if "stray" not in name]
            if left := [name for name in names if not _is_awaited(stack, name.removeprefix(folder))]:
                yield f"The ledger still has {len(left)} documents in {folder}: {left[:3]}"
        for name in ledger.list_blob_names(name_starts_with="slots/"):
            if held := json.loads(ledger.download_blob(name).readall()).get("holders"):
                yield f"{name} still has {len(held)} holders"
    watched = stack.cloud.instances("@landing", status="Running")
    if watched:
        yield f"{len(watched)} landings still have an entity: {watched[:3]}"
    grown = found.host_after - found.host_before
    if grown > HOST_MAY_GROW + found.landings * GROWTH_FOR_EACH_LANDING:
        yield f"The host has grown by {grown / 2**20:.0f} MiB."


def _is_awaited(stack: Stack, run_id: str) -> bool:
    """Whether a run has ended and jobs of it may still turn up, because nobody answered when they were asked for."""
    run = stack.cloud.api(f"runs/{run_id}")
    return run["status"] in OVER and bool(run["abandoned"])


def _memory_of(stack: Stack) -> int:
    """Bytes that the host has in memory."""
    pid = stack.cloud.fresh_stack()["pids"]["host"]
    pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def _ledger(stack: Stack) -> Iterator[ContainerClient]:
    """The ledger's container, past every check of who asks."""
    connection = addresses.load(stack.cloud.state).connection_string(STATE_ACCOUNT)
    with BlobServiceClient.from_connection_string(connection) as service:
        yield service.get_container_client("landfall")


@contextmanager
def _whatever_is_down() -> Iterator[None]:
    """A part that was killed does not answer for a moment; that is no matter of whoever does harm."""
    try:
        yield
    except Exception as trouble:
        print(f"({type(trouble).__name__}: {str(trouble)[:100]})", file=sys.stderr)  # noqa: T201


@contextmanager
def _meanwhile(act: Callable[[], Any]) -> Iterator[None]:
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    yield
    thread.join()


def _repeated(act: Callable[[int], None], landings: int) -> Callable[[], None]:
    """Some turns for some landings, a few seconds apart."""

    def all_of_them() -> None:
        for turn in range(min(60, 6 + landings // 50)):
            time.sleep(TURN)
            act(turn)

    return all_of_them


def main(arguments: list[str]) -> int:
    """1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m testbed.soak", description=__doc__)
    parser.add_argument("--landings", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--state", type=Path)
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, running(args.state or Path(folder) / "state") as stack:
        found = soak(stack, args.landings, seed=args.seed)
    print(found.told())  # noqa: T201
    for sentence in found.wrong:
        print(f"WRONG: {sentence}")  # noqa: T201
    return 1 if found.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
