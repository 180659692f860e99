"""Starts the local cloud as a user would, and drops, waits and asks as a user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.cloud import ROOT
from testbed.cloud import TestedCloud
from testbed.eventually import eventually

HERE = Path(__file__).parent
ENDED = ("published", "failed", "canceled", "superseded")
NO_SWEEP = {"AzureWebJobs.sweep.Disabled": "true"}
"""App settings for a test of what is told before a sweep has been: one begins at every quarter of an hour."""


@dataclass
class Stack:
    """A running local cloud."""

    process: subprocess.Popen[str]
    cloud: TestedCloud

    def drop(self, path: str, files: dict[str, bytes]) -> None:
        container = self.cloud.landing.get_container_client("landing")
        for name, content in files.items():
            container.upload_blob(f"{path}/{name}", content, overwrite=True)

    def runs_of(self, route: str) -> list[dict[str, Any]]:
        return list(self.cloud.api("runs", route=route))

    def runs_at(self, landing: str) -> list[dict[str, Any]]:
        """The runs of one landing, newest first. Costs little, however many others there are."""
        return list(self.cloud.api("runs", landing=f"landing/{landing}"))

    def ended(self, landing: str, *, count: int = 1, within: float = 60.0) -> list[dict[str, Any]]:
        """The runs of a landing, newest first, once there are `count` and all have ended."""

        def found() -> list[dict[str, Any]]:
            runs = self.runs_at(landing)
            return runs if len(runs) >= count and all(run["status"] in ENDED for run in runs) else []

        return list(eventually(found, f"{count} ended run(s) of {landing}", within=within, every=0.25))

    def jobs_of(self, endpoint: str) -> list[dict[str, Any]]:
        return [job for job in self.cloud.jobs() if job["endpoint"] == endpoint]

    def doubled(self) -> list[str]:
        """Outputs that more than one job writes. There are none: a POST is sent once per attempt."""
        jobs = Counter(job["output_uri"] for job in self.cloud.jobs())
        return [output for output, count in jobs.items() if count > 1]

    def quiet(self) -> None:
        """Return when no event, watch or run is under way. What the command `wait` is for."""
        done = self.local("wait", "--timeout", "90")
        assert done.returncode in (0, 2), done.stdout + done.stderr

    def local(self, *command: str) -> subprocess.CompletedProcess[str]:
        """What a command of the local cloud does with it."""
        arguments = [sys.executable, "-m", "local", *command, "--state", str(self.cloud.state)]
        return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)

    def lines(self, run: dict[str, Any]) -> list[tuple[str, str]]:
        """What was published for a run, as pairs from `append_row` lines."""
        files = self.cloud.published(run["publication"]["container"], run["publication"]["path"])
        rows = files["predictions.csv"].decode().splitlines()
        return sorted((row.split()[0], row.split()[1]) for row in rows)

    def break_with(self, part: str, *rules: dict[str, Any]) -> None:
        """Set the faults of an emulator: `eventgrid`, `azureml` or `storage`. No rules: none."""
        stack = self.cloud.stack
        urls = {
            "eventgrid": stack["eventgrid"]["control_url"],
            "azureml": stack["azureml"]["management_url"],
            "storage": stack["storage"]["account_url"].rpartition("/")[0],
            "identity": stack["identity"]["endpoint"].removesuffix("/msi/token"),
        }
        self.cloud.http.put(f"{urls[part]}/_faults", json=list(rules)).raise_for_status()


@contextmanager
def running(state: Path, *more: str, folder: Path = ROOT, settings: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """The local cloud on a state directory, with the deployments and routes of these tests unless `more` says else.

    Relative paths in `more` start at `folder`; `settings` are more app settings.
    """
    # Of an option that is given twice the last one counts, unless it is one that can be repeated.
    arguments = ["--deployments", str(HERE / "deployments"), "--routes", str(HERE / "routes.yaml"), *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "up", "--quiet", "--state", str(state), *arguments],
        cwd=folder,
        env={**os.environ, **(settings or {}), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline(), "the local cloud did not start"
        cloud = TestedCloud.of(state)
        try:
            yield Stack(process, cloud)
        finally:
            cloud.close()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def read_stack(state: Path) -> dict[str, Any]:
    return dict(json.loads((state / "stack.json").read_text("utf-8")))
