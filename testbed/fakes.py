"""Fakes with behaviour for the ports: what they are told they remember, and they refuse what Azure would refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.core.deployment import Deployment
from shared.core.finding import CLOCKS_DIFFER, Candidate
from shared.core.job import Job
from shared.core.location import Location
from shared.core.references import Asset
from shared.core.route import Endpoint
from shared.core.submission import Accepted, Deferred, Submission
from shared.errors import InputRefused, Unavailable
from shared.ports import JobListing
from testbed.storage import NOON, FakeBlobs, FakeClock

__all__ = ["NOON", "WORKSPACE", "FakeAnnouncer", "FakeBlobs", "FakeClock", "FakeEndpoint"]

WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


@dataclass
class FakeEndpoint:
    """A batch endpoint whose jobs go through `statuses`, one look each, and write their output when they complete.

    `answers` are given to submissions first, in order; a callable is called with the endpoint and the body. `jobs` are
    the bodies that jobs were made of, `looks` how often each was looked at, `made_for` the endpoint and deployment that
    it was sent to. `shows_outputs`: from when on a job shows what it writes. `is_own`: whether the service tells that
    the app made it. `listing`: how much of the jobs can be listed. `deployed`: what the deployment takes, if that can
    be found out. `assets`: data assets with their versions, the latest last.
    """

    blobs: FakeBlobs | None = None
    output: Callable[[str], Location] | None = None
    statuses: tuple[str, ...] = ("Preparing", "Running", "Completed")
    answers: list[Submission | Callable[[FakeEndpoint, Mapping[str, Any]], Submission]] = field(default_factory=list)
    posts: list[Mapping[str, Any]] = field(default_factory=list)
    jobs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    looks: dict[str, int] = field(default_factory=dict)
    created: dict[str, datetime] = field(default_factory=dict)
    made_for: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    canceled: list[str] = field(default_factory=list)
    reason: str | None = None
    down: str | None = None
    problem: str | None = None
    lists_jobs: bool = True
    shows_outputs: str = "at_once"
    is_own: bool | None = True
    deployed: Deployment | None = field(default_factory=lambda: Deployment(name="classic", is_pipeline=False))
    assets: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def deployment(self, endpoint: Endpoint) -> Deployment | None:
        return self.deployed if self.down is None else None

    def data_asset(self, endpoint: Endpoint, asset: Asset) -> str:
        self._answer()
        versions = self.assets.get(asset.name, ())
        version = asset.version or (versions[-1] if versions else None)
        if version not in versions:
            raise InputRefused(f"The workspace has no data asset {asset.name!r} of that version.")
        return f"{WORKSPACE}/data/{asset.name}/versions/{version}"

    def outputs(self, endpoint: Endpoint, job: Job, names: Sequence[str]) -> dict[str, list[str]]:
        self._answer()
        return {name: [self.default_place(job.name, name)] for name in names}

    def default_place(self, name: str, output: str) -> str:
        """Where a job writes an output for which it was given no path."""
        root = f"azureml://datastores/workspaceblobstore/paths/azureml/{name}"
        return f"{root}/{output}" if name.startswith("pipelinejob-") else f"{root}/score/predictions.csv"

    def submit(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Submission:
        if self.down is not None:
            return Deferred(30.0, self.down)
        self.posts.append(body)
        if self.answers:
            answer = self.answers.pop(0)
            return answer(self, body) if callable(answer) else answer
        return Accepted(self.make_job(body, endpoint))

    def make_job(self, body: Mapping[str, Any], endpoint: Endpoint | None = None) -> Job:
        """A job that nobody was told of; without an endpoint it is known wherever it is asked for."""
        kind = "pipelinejob" if self.deployed is not None and self.deployed.is_pipeline else "batchjob"
        name = f"{kind}-{len(self.jobs) + 1}"
        self.jobs[name], self.looks[name] = body, 0
        if self.blobs is not None:
            self.created[name] = self.blobs.clock()
        uri, deployment = (endpoint.scoring_uri, endpoint.deployment) if endpoint is not None else (None, None)
        self.made_for[name] = (uri, deployment or "classic")
        return self._described(name, "NotStarted")

    def job(self, endpoint: Endpoint, job: Job, *, has_run: bool = False) -> Job | None:
        self._answer()
        return self._look_at(job.name) if self._is_there(job.name, endpoint) else None

    def jobs_since(self, endpoint: Endpoint, since: datetime, *, whole: bool = True) -> JobListing:
        self._answer()
        if not self.lists_jobs:
            return JobListing((), complete=False, reason="it does not list them")
        names = [name for name in self.jobs if self._is_there(name, endpoint) and self._is_since(name, since)]
        return JobListing(tuple(self._candidate(name) for name in names))

    def cancel(self, endpoint: Endpoint, job: Job) -> bool:
        self._answer()
        if job.name not in self.jobs or Job(name=job.name, status=self._status(job.name)).is_final:
            return False
        self.canceled.append(job.name)
        return True

    def explain(self, endpoint: Endpoint, job: Job) -> str | None:
        self._answer()
        return self.reason if job.name in self.jobs and self._status(job.name) == "Failed" else None

    def logs(self, endpoint: Endpoint, job: Job) -> Mapping[str, str]:
        self._answer()
        return {"logs/user/error/0/process000.txt": f"{self.reason}\n"} if self.reason and job.name in self.jobs else {}

    def check(self, endpoint: Endpoint) -> None:
        self._answer()
        if self.problem is not None:
            raise InputRefused(self.problem)

    def output_of(self, name: str) -> str:
        """The URI that a job was asked to write, or else its default place; of several, the first."""
        return next(iter(self.outputs_of(name).values()))

    def outputs_of(self, name: str) -> dict[str, str]:
        """Where a job writes, by the names of its outputs."""
        given = {key: str(one["uri"]) for key, one in self.jobs[name]["properties"].get("outputData", {}).items()}
        known = [port.name for port in (self.deployed.outputs or ())] if self.deployed is not None else []
        default = {} if given and not known else {key: self.default_place(name, key) for key in known or ["score"]}
        return {**default, **given}

    def _look_at(self, name: str) -> Job:
        self.looks[name] += 1
        status = self._status(name)
        if status == "Completed" and name not in self.written and self.blobs is not None and self.output is not None:
            self.written.add(name)
            for uri in self.outputs_of(name).values():
                self.blobs.put(self.output(uri), b"0.png 7\n")
        return self._described(name, status)

    def _candidate(self, name: str) -> Candidate:
        """As it is listed. A job that does not show what it writes has to be looked at."""
        job = self._described(name, self._status(name))
        is_shown = self.shows_outputs == "at_once"
        if not is_shown:
            job = self._look_at(name)
            is_shown = self.shows_outputs == "when_completed" and job.status == "Completed"
        given = self.jobs[name]["properties"]["inputData"].values()
        asked = self.jobs[name]["properties"].get("outputData", {}).values()
        return Candidate(
            job=job,
            created=self.created.get(name),
            is_own=self.is_own,
            inputs=tuple(one["uri"] for one in given if "uri" in one),
            outputs=tuple(one["uri"] for one in asked) if is_shown else (),
        )

    def _is_there(self, name: str, endpoint: Endpoint) -> bool:
        return name in self.jobs and self.made_for[name][0] in (None, endpoint.scoring_uri)

    def _is_since(self, name: str, since: datetime) -> bool:
        return name not in self.created or self.created[name] >= since - CLOCKS_DIFFER

    def _status(self, name: str) -> str:
        """As of the last look; a job that nobody has looked at yet is running."""
        if name in self.canceled:
            return "Canceled"
        looks = self.looks[name]
        return self.statuses[min(looks, len(self.statuses)) - 1] if looks else "Running"

    def _described(self, name: str, status: str) -> Job:
        _, deployment = self.made_for[name]
        return Job(
            name=name,
            status=status,
            id=f"{WORKSPACE}/batchEndpoints/digits/deployments/{deployment}/jobs/{name}",
            studio_url=f"https://ml.azure.com/runs/{name}",
            deployment=deployment,
        )

    def _answer(self) -> None:
        if self.down is not None:
            raise Unavailable(self.down)


@dataclass
class FakeAnnouncer:
    """Keeps what it is told, as JSON has it, and of when; fails as often as `failures` says."""

    failures: int = 0
    told: list[tuple[str, str, Mapping[str, Any], str]] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)

    def announce(self, kind: str, subject: str, data: Mapping[str, Any], *, event_id: str, time: datetime) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable("the topic does not answer")
        self.told.append((kind, subject, json.loads(json.dumps(data)), event_id))
        self.times.append(time)
