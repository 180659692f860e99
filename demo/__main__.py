"""The demo: a folder of handwritten digits lands, is scored by a real model and appears in the lakehouse storage.

Everything runs on this machine and is real: blobs, events, tokens, a model that is trained here, durable
orchestrations. Ends with 0 only if the published result is complete and correct.
"""

from __future__ import annotations

import csv
import io
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from demo.cloud import ROOT, Cloud
from demo.digits import write_held_back
from demo.train import train

STATE = ROOT / ".local-demo"
BATCH = "digits/tuesday"
CONTAINER = "landing"
NEEDED_ACCURACY = 0.95
PATIENCE = 150.0
"""Seconds, for the landing to be published; it usually takes about 25."""
ENDED = ("published", "failed", "canceled", "superseded")


class Disappointment(Exception):
    """The demo did not show what it promises."""


def main() -> int:
    """Run the demo; the exit code."""
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder, started_cloud() as cloud:
            truth = write_held_back(Path(folder))
            drop(cloud, Path(folder), len(truth))
            run = follow(cloud)
            show(cloud, run, truth)
            if sys.stdin.isatty() and sys.stdout.isatty():
                offer(cloud)
    except Disappointment as reason:
        print(f"\nThe demo failed: {reason}\nLogs of every part are in {STATE / 'logs'}.", file=sys.stderr)
        return 1
    print(f"\nDone in {time.monotonic() - began:.0f} s. `make up` starts the same cloud for you to play with.")
    return 0


@contextmanager
def started_cloud() -> Iterator[Cloud]:
    """The local cloud, new, with the freshly trained model deployed; stopped in the end."""
    step("Training a digit classifier on scikit-learn's handwritten digits")
    say(f"recognises {train():.1%} of 600 held-back images; deployed by demo/deployments/digits")
    step("Starting the local cloud")
    shutil.rmtree(STATE, ignore_errors=True)
    command = [sys.executable, "-m", "local", "up", "--quiet", "--state", str(STATE)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise Disappointment("the local cloud did not start")
        cloud = Cloud.of(STATE)
        for part in cloud.parts:
            say(part)
        with closing(cloud):
            yield cloud
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def drop(cloud: Cloud, folder: Path, count: int) -> None:
    """Upload the images with the ordinary storage client."""
    step(f"Uploading {count} images of digits to {CONTAINER}/{BATCH}")
    container = cloud.landing.get_container_client(CONTAINER)

    def upload(path: Path) -> int:
        content = path.read_bytes()
        container.upload_blob(f"{BATCH}/{path.name}", content, overwrite=True)
        return len(content)

    with ThreadPoolExecutor(8) as pool:
        size = sum(pool.map(upload, sorted(folder.iterdir())))
    say(f"{count} files, {size:,} bytes; each one raises its own event")


def follow(cloud: Cloud) -> dict[str, Any]:
    """Tell what happens until the run has ended; the run."""
    step("Waiting until the folder is complete and scored")
    told: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        runs = cloud.runs()
        for line in [line for run in runs for line in progress(run) if line not in told]:
            say(line)
            told.append(line)
        if runs and all(run["status"] in ENDED for run in runs):
            break
        time.sleep(0.2)
    else:
        raise Disappointment(f"nothing was published within {PATIENCE:.0f} s")
    if len(runs) != 1 or runs[0]["status"] != "published":
        raise Disappointment(f"expected one published run, got {[(run['status'], run['error']) for run in runs]}")
    jobs = cloud.jobs()
    if len(jobs) != 1:
        raise Disappointment(f"expected one job, got {len(jobs)}")
    step(f"{cloud.delivered_events()} events became {len(runs)} run and {len(jobs)} job")
    return runs[0]


def progress(run: dict[str, Any]) -> list[str]:
    """Lines that tell where a run stands."""
    name = run["run_id"]
    lines = [f"run {name} claimed: {run['snapshot']['files']} files, {run['snapshot']['bytes']:,} bytes"]
    if run["job"]:
        lines.append(f"job {run['job']['name']}: {run['job']['status']}")
    if run["status"] in ("publishing", *ENDED):
        lines.append(f"run {name}: {run['status']}")
    return lines


def show(cloud: Cloud, run: dict[str, Any], truth: dict[str, int]) -> None:
    """The published folder, a preview, and the accuracy that its predictions really have."""
    place = run["publication"]
    step(f"Published to {place['container']}/{place['path']}")
    files = cloud.published(place["container"], place["path"])
    for name, content in files.items():
        say(f"{name:<18} {len(content):>9,} bytes")
    for needed in ("predictions.csv", "_run.json", "_SUCCESS"):
        if needed not in files:
            raise Disappointment(f"{needed} is missing from the run folder")
    rows = list(csv.reader(io.StringIO(files["predictions.csv"].decode()), delimiter=" "))
    step("The first predictions (file, digit, confidence)")
    for row in rows[:5]:
        say(f"{row[0]}  {row[1]}  {float(row[2]):.2f}")
    predicted = {row[0]: int(row[1]) for row in rows}
    if len(rows) != len(truth) or predicted.keys() != truth.keys():
        raise Disappointment(f"{len(truth)} files were uploaded, but {len(rows)} rows were published")
    accuracy = sum(predicted[name] == digit for name, digit in truth.items()) / len(truth)
    step(f"Accuracy against the true labels: {accuracy:.1%} of {len(truth)}")
    if accuracy < NEEDED_ACCURACY:
        raise Disappointment(f"expected at least {NEEDED_ACCURACY:.0%}")


def offer(cloud: Cloud) -> None:
    """Name the status page, and leave the cloud running until somebody has seen it."""
    step("See it on the status page")
    say(cloud.page)
    with suppress(EOFError, KeyboardInterrupt):
        input("\nPress Enter to stop the local cloud. ")


def step(text: str) -> None:
    print(f"\n▸ {text}", flush=True)


def say(text: str) -> None:
    print(f"    {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
