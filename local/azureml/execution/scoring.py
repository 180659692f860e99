"""Scores the downloaded files of one job: mini-batches over worker processes, with tries and the error threshold.

Source: Azure docs, how-to-debug-parallel-run-step; azureml-pipeline-steps' ParallelRunConfig.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter, deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.azureml.execution.batches import RUN_FAILED, MiniBatch, Tally, init_is_given_up, split
from local.azureml.execution.folders import JobFolders
from local.azureml.execution.script_errors import SHOWN, ScriptErrors
from local.azureml.execution.workers import Worker, WorkerFailed, WorkerHung, WorkerLost, WorkerSpec
from local.azureml.workspace.jobs import JobFailed
from local.azureml.workspace.settings import JobSettings, OutputAction


def init_timeout(settings: JobSettings) -> timedelta:
    """After this a stuck init() fails the job. Source: ParallelRunStep."""
    return 3 * settings.timeout + timedelta(seconds=30)


async def score(files: Sequence[Path], settings: JobSettings, spec: WorkerSpec, folders: JobFolders) -> Tally:
    """Run every mini-batch. Raises JobFailed when the job cannot have a result; no process is left in any case."""
    work = _Work(files, settings, spec, folders)
    work.write_overview()
    try:
        # There is no use for more processes than mini-batches.
        slots = min(settings.processes, len(work.pending))
        async with asyncio.TaskGroup() as group:
            for slot in range(slots):
                group.create_task(work.slot(str(slot % settings.instance_count)))
        work.fail_if_it_has()
    except ExceptionGroup as errors:
        work.write_overview(str(errors.exceptions[0]))
        raise errors.exceptions[0] from None
    except JobFailed as failure:
        work.write_overview(str(failure))
        raise
    work.write_overview()
    if settings.output_action is OutputAction.APPEND_ROW:
        merge(folders, work.tally.succeeded_batches)
    return work.tally


def merge(folders: JobFolders, batches: Sequence[int]) -> None:
    """Append the rows of all mini-batches in the order in which they were done, which is the order Azure gives."""
    with folders.result.open("wb") as whole:
        for index in batches:
            whole.write(_rows(folders, index).read_bytes())


def _rows(folders: JobFolders, index: int) -> Path:
    return folders.rows / f"{index:06}"


class _Work:
    """What the slots of one job share. A slot is one place for a process; a lost process is replaced in its slot."""

    def __init__(self, files: Sequence[Path], settings: JobSettings, spec: WorkerSpec, folders: JobFolders) -> None:
        self.settings = settings
        self.spec = spec
        self.folders = folders
        self.pending: deque[MiniBatch] = deque(split(files, settings.mini_batch_size))
        self.tally = Tally(len(files), settings.error_threshold, len(self.pending))
        self.errors = ScriptErrors(spec.logs)
        self.init_failures: Counter[str] = Counter()
        self._numbers = itertools.count()
        self._began = time.monotonic()
        self._overview = folders.logs / f"job_progress_overview.{datetime.now(UTC):%Y%m%dT%H%M%S}.txt"

    async def slot(self, node: str) -> None:
        worker: Worker | None = None
        try:
            while self.pending:
                batch = self.pending.popleft()
                worker = await self._try_all(batch, worker, node)
                self.write_overview()
                if self.tally.exceeded:
                    self.fail_if_it_has()
        finally:
            if worker:
                await worker.stop()

    async def _try_all(self, batch: MiniBatch, worker: Worker | None, node: str) -> Worker | None:
        """Try one mini-batch until it succeeds or its tries are used up; returns the process for the next one."""
        for attempt in range(1, self.settings.max_retries + 1):
            worker = worker or await self._start(node)
            try:
                came = await self._try(batch, worker, f"Mini-batch {batch.index}, try {attempt}", node)
            except BaseException:
                await worker.stop()
                raise
            if isinstance(came, int):
                self.tally.succeeded(batch, came)
                return worker
            if isinstance(came, WorkerLost):
                await worker.stop()
                worker = None
        self.tally.exhausted(batch)
        return worker

    async def _try(self, batch: MiniBatch, worker: Worker, what: str, node: str) -> int | WorkerFailed:
        """How many elements run() returned, or how it failed, which the logs have then."""
        wants_rows = self.settings.output_action is OutputAction.APPEND_ROW
        try:
            return await worker.run(batch.files, _rows(self.folders, batch.index) if wants_rows else None)
        except WorkerFailed as failure:
            self.errors.add(node, worker.number, what, failure)
            return failure

    async def _start(self, node: str) -> Worker:
        """A process whose init() succeeded. Raises JobFailed after too many that did not."""
        settings = self.settings
        while True:
            number = next(self._numbers)
            try:
                return await Worker.start(self.spec, node, number)
            except WorkerFailed as failure:
                self.errors.add(node, number, "init() failed", failure)
                self.init_failures[node] += 1
                if isinstance(failure, WorkerHung) or init_is_given_up(
                    self.init_failures[node],
                    self.init_failures.total(),
                    settings.instance_count,
                    settings.max_concurrency_per_instance,
                    timedelta(seconds=time.monotonic() - self._began),
                ):
                    raise JobFailed(f"{RUN_FAILED} init() failed: {failure.reason}") from failure

    def fail_if_it_has(self) -> None:
        """Raises JobFailed, with the first thing that the script has raised."""
        if failure := self.tally.failure(self.settings.output_action):
            raise JobFailed(f"{failure} The first error: {self.errors.first}." if self.errors.first else failure)

    def write_overview(self, failure: str | None = None) -> None:
        """What can be read of the job's progress at any time, and in the end how it went.

        Source: Azure docs, how-to-troubleshoot-batch-endpoints (mini-batches so far; the message of a failure).
        """
        lines = [self.tally.overview(), f"{time.monotonic() - self._began:.3f} s since the beginning."]
        if failure:
            lines.append(f"The job has failed: {failure}")
        self._overview.write_text("\n".join(lines) + "\n", "utf-8", SHOWN)
