"""Takes jobs through their states: prepare, wait for nodes, score, write the output, say how it ended."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from local.azureml.errors import Refusal
from local.azureml.execution.folders import JobFolders
from local.azureml.execution.joblogs import JobLogs
from local.azureml.execution.model_jobs import ModelJobs
from local.azureml.execution.nodes import Nodes
from local.azureml.execution.pipeline_jobs import PipelineJobs
from local.azureml.workspace.jobs import Job, JobError, JobFailed, Status, StepRun, error_of
from local.azureml.workspace.store import JobStore
from local.clock import Clock

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long the states around Running last."""

    preparing: timedelta
    queued: timedelta
    finalizing: timedelta
    canceling: timedelta


PACES = {
    "local": Pace(
        preparing=timedelta(seconds=0.3),
        queued=timedelta(0),
        finalizing=timedelta(seconds=0.2),
        canceling=timedelta(seconds=0.2),
    ),
    # A cluster that starts from zero nodes and pulls an image.
    "cluster": Pace(
        preparing=timedelta(seconds=30),
        queued=timedelta(minutes=3),
        finalizing=timedelta(seconds=20),
        canceling=timedelta(seconds=20),
    ),
}


class Runner:
    """One task per job that is under way. The record in the store is always what clients are told."""

    def __init__(
        self,
        *,
        store: JobStore,
        models: ModelJobs,
        pipelines: PipelineJobs,
        logs: JobLogs,
        nodes: Nodes,
        clock: Clock,
        pace: Pace,
        folder: Path,
    ) -> None:
        self._store = store
        self._models = models
        self._pipelines = pipelines
        self._logs = logs
        self._nodes = nodes
        self._clock = clock
        self._pace = pace
        self._folder = folder
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ending: set[str] = set()

    def start(self, job: Job) -> None:
        """Let a recorded job live; returns at once."""
        task = asyncio.create_task(self._live(job.name), name=job.name)
        self._tasks[job.name] = task
        task.add_done_callback(lambda _: self._tasks.pop(job.name, None))

    def resume(self) -> None:
        """Go on with the jobs that were under way when the last process ended.

        Their output was not written, so they start over, except where only the writing is left to be done.
        """
        for job in self._store.under_way():
            if job.status not in (Status.FINALIZING, Status.CANCEL_REQUESTED):
                self._move(job.name, Status.PREPARING)
            self.start(job)

    def cancel(self, job: Job) -> None:
        """Ask for the end of a job. Raises Refusal when it has ended already."""
        if job.is_final:
            raise Refusal(400, "UserError", f"The job {job.name} is {job.status} and cannot be canceled.")
        if job.status is Status.CANCEL_REQUESTED:
            return
        self._move(job.name, Status.CANCEL_REQUESTED)
        if job.name not in self._ending:
            self._tasks[job.name].cancel()

    async def close(self) -> None:
        """Stop all work, leaving the records as they are, so that the next process goes on."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _live(self, name: str) -> None:
        error: JobError | None = None
        try:
            await self._advance(self._job(name))
        except asyncio.CancelledError:
            if self._job(name).status is not Status.CANCEL_REQUESTED:
                raise  # this process ends, not the job
        except JobFailed as failure:
            error = failure.error
        except Exception as failure:
            logger.exception("The job %s could not be continued.", name)
            error = error_of(failure)
        self._ending.add(name)
        await self._end(name, error)
        self._ending.discard(name)

    async def _advance(self, job: Job) -> None:
        if job.status is Status.CANCEL_REQUESTED:
            return
        if job.status is not Status.FINALIZING:
            await self._tell(job.name)
            await self._pass(self._pace.preparing)
            if job.component:
                await self._run_pipeline(job)
            else:
                await self._wait_and_run(job)
            self._move(job.name, Status.FINALIZING)
        await self._tell(job.name)
        await self._pass(self._pace.finalizing)
        # Anew from the record: the steps of a pipeline have told of their outputs.
        job = self._job(job.name)
        await (self._pipelines if job.component else self._models).write(job, self.folders(job))

    async def _wait_and_run(self, job: Job) -> None:
        wanted = job.settings.instance_count
        if wanted > self._nodes.total:
            available = self._nodes.total
            raise JobFailed(
                f"The job asks for {wanted} nodes, but the compute has {available}.", "JobNodeCountExceedsCoreQuota"
            )
        surroundings = await self._models.surroundings(job)
        if self._pace.queued or not self._nodes.has_room_for(wanted):
            self._move(job.name, Status.QUEUED)
        async with self._nodes.reserved(wanted):
            await self._pass(self._pace.queued)
            self._move(job.name, Status.RUNNING)
            await self._tell(job.name)
            self._logs.note(self.folders(job), surroundings)
            async with self._logs.followed(job, self.folders(job)):
                await self._models.run(job, self.folders(job))

    async def _run_pipeline(self, job: Job) -> None:
        """The job itself takes no node; its steps do."""
        if self._pace.queued:
            self._move(job.name, Status.QUEUED)
            await self._pass(self._pace.queued)
        self._move(job.name, Status.RUNNING)
        await self._tell(job.name)

        def record(step: StepRun) -> None:
            self._store.replace(self._job(job.name).with_step(step))

        async with self._logs.followed(job, self.folders(job)):
            await self._pipelines.run(job, self.folders(job), record)

    async def _end(self, name: str, error: JobError | None) -> None:
        """The logs first, then the state: who sees the end finds the logs."""
        if self._job(name).status is Status.CANCEL_REQUESTED:
            await self._pass(self._pace.canceling)
        folders = self.folders(self._job(name))
        try:
            await self._logs.close(self._job(name), folders, self._outcome(name, error), error)
        except Exception:
            logger.exception("The logs of the job %s could not be uploaded; they are in %s.", name, folders.logs)
        status = self._outcome(name, error)
        self._move(name, status, error if status is Status.FAILED else None)
        await self._tell(name)
        await asyncio.to_thread(folders.clear)

    def _outcome(self, name: str, error: JobError | None) -> Status:
        """A cancellation wins as long as the end is not recorded."""
        if self._job(name).status is Status.CANCEL_REQUESTED:
            return Status.CANCELED
        return Status.FAILED if error else Status.COMPLETED

    async def _tell(self, name: str) -> None:
        """Bring the execution log up to date; a job does not fail because of it."""
        job = self._job(name)
        try:
            await self._logs.tell(job, self.folders(job))
        except Exception:
            logger.exception("The execution log of the job %s could not be uploaded.", name)

    def _job(self, name: str) -> Job:
        job = self._store.get(name)
        assert job is not None, f"the job {name} was recorded before it was started"
        return job

    def _move(self, name: str, status: Status, error: JobError | None = None) -> None:
        self._store.replace(self._job(name).moved(status, self._clock.now(), error))
        log = logger.warning if error else logger.info
        log("job %s is %s%s", name, status, f": {error.message}" if error else "")

    def folders(self, job: Job) -> JobFolders:
        return JobFolders(root=self._folder / job.name)

    async def _pass(self, duration: timedelta) -> None:
        await self._clock.wait_until(self._clock.now() + duration)
