"""How long a folder takes from its last file to `_SUCCESS`, on the whole local cloud.

What the route asks for (a quiet period of one second) and the job's own time are taken off: what is left is what
Landfall, the storage events and polling add. The job's times are Azure ML's, all others the app's and this program's;
on one machine they are one clock.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Row
from testbed.stack import Stack, running

QUIET = 1.0
"""Seconds; see testbed/routes.yaml."""
ROUTE = "lengths"
AT_A_TIME = 4
WITHIN = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """When one folder came through each stage, and the durable operations until all was at rest."""

    last_file: datetime
    claimed: datetime
    job_created: datetime
    job_ended: datetime
    published: datetime
    operations: int

    @property
    def job(self) -> float:
        """Seconds of the job itself."""
        return _seconds(self.job_created, self.job_ended)

    @property
    def noticing(self) -> float:
        """From the last file until the run was claimed, beyond the quiet period."""
        return _seconds(self.last_file, self.claimed) - QUIET

    @property
    def submitting(self) -> float:
        return _seconds(self.claimed, self.job_created)

    @property
    def publishing(self) -> float:
        """From the end of the job, which polling has to notice, until all is published."""
        return _seconds(self.job_ended, self.published)

    @property
    def beyond(self) -> float:
        """All of it."""
        return self.noticing + self.submitting + self.publishing


def measure(*, quick: bool = False) -> list[Row]:
    """Seconds for folders of few and of many files; the same folders' durable operations."""
    sizes = {3: 1, 30: 1} if quick else {10: 5, 500: 3}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack:
        _landed(stack, "warm", 2)
        found = {
            files: [_landed(stack, f"{files}-{turn}", files) for turn in range(repeats)]
            for files, repeats in sizes.items()
        }
    return [row for files, landed in found.items() for row in _rows(files, landed)]


def _landed(stack: Stack, name: str, files: int) -> Landed:
    before = _operations(stack)
    container = stack.cloud.landing.get_container_client("landing")
    names = [f"{ROUTE}/{name}/{number:04}.txt" for number in range(files)]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for _ in pool.map(lambda path: container.upload_blob(path, path.encode()), names):
            pass
    last_file = datetime.now(UTC)
    (run,) = stack.ended(f"{ROUTE}/{name}", within=WITHIN)
    assert (run["status"], run["snapshot"]["files"]) == ("published", files), run
    stack.quiet()
    job, timings = _job_times(stack, run["job"]["name"]), run["timings"]
    return Landed(
        last_file=last_file,
        claimed=_moment(timings["claimed"]),
        published=_moment(timings["published"]),
        job_created=_moment(job["createdAt"]),
        job_ended=_moment(job["lastModifiedAt"]),
        operations=_operations(stack) - before,
    )


def _operations(stack: Stack) -> int:
    counts = stack.cloud.durable_counts()
    return sum(counts[kind] for kind in ("orchestrations", "activities", "entity_operations", "timers"))


def _job_times(stack: Stack, name: str) -> Mapping[str, Any]:
    """What Azure ML itself says about a job."""
    uri = f"{stack.cloud.stack['azureml']['scoring_uris'][ROUTE]}/{name}"
    token = stack.cloud.token("https://ml.azure.com")
    answer = stack.cloud.http.get(uri, headers={"Authorization": f"Bearer {token}"})
    told: Mapping[str, Any] = answer.raise_for_status().json()["systemData"]
    return told


def _rows(files: int, landed: Sequence[Landed]) -> Iterator[Row]:
    """Of the folder that took the middle of all times, so that its stages add up."""
    one, n = sorted(landed, key=lambda one: one.beyond)[len(landed) // 2], len(landed)
    stages = {
        "from the last file to _SUCCESS, beyond quiet and job": one.beyond,
        "  noticing that it is complete, beyond quiet": one.noticing,
        "  claiming and submitting": one.submitting,
        "  noticing the job's end and publishing": one.publishing,
    }
    for stage, seconds in stages.items():
        yield Row(
            name=f"{files} files: {stage}",
            value=seconds,
            unit="s",
            ratio=seconds / one.job,
            against="the job's own time",
            n=n,
        )
    yield Row(
        name=f"{files} files: durable operations",
        value=one.operations,
        unit="",
        ratio=one.operations / files,
        against="the files",
        n=n,
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
