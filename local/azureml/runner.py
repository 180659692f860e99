"""Takes jobs through their states: prepare, wait for nodes, score, write the output, say how it ended."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from local.azureml.catalog import Catalog
from local.azureml.data import AlreadyThere, Storage
from local.azureml.deployments import Deployment
from local.azureml.errors import Refusal
from local.azureml.jobs import InputKind, Job, JobError, JobFailed, Status
from local.azureml.nodes import Nodes
from local.azureml.scoring import Workspace, init_timeout, score
from local.azureml.settings import OutputAction
from local.azureml.store import JobStore
from local.azureml.uris import DEFAULT_DATASTORE, BlobPath, resolve
from local.azureml.workers import WorkerSpec
from local.clock import Clock

logger = logging.getLogger(__name__)

UNSUPPORTED_INPUT = (
    "Data set node [code] references parameter `dataset_param`, "
    "which doesn't have a specified value or a default value."
)
"""Source: Azure docs, how-to-troubleshoot-batch-endpoints."""

LOG_LAYOUT = """\
job_result.txt                          how the job ended
job_error.txt                           why it failed
job_progress_overview.txt               files and mini-batches that succeeded and failed
user/stdout/<node>/process<n>.stdout.txt  what the scoring script printed
user/stderr/<node>/process<n>.stderr.txt  what it wrote to stderr and logged
user/error/<node>/errors.txt            every try that failed, with its traceback
"""


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
        self, *, store: JobStore, storage: Storage, catalog: Catalog, clock: Clock, pace: Pace, nodes: Nodes,
        folder: Path, storage_url: str,
    ) -> None:  # fmt: skip
        self._store = store
        self._storage = storage
        self._catalog = catalog
        self._clock = clock
        self._pace = pace
        self._nodes = nodes
        self._folder = folder
        self._storage_url = storage_url
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
            logger.exception("The job %s could not be carried on.", name)
            error = JobError("ServiceError", f"{type(failure).__name__}: {failure}")
        self._ending.add(name)
        await self._end(name, error)
        self._ending.discard(name)

    async def _advance(self, job: Job) -> None:
        if job.status is Status.CANCEL_REQUESTED:
            return
        if job.status is not Status.FINALIZING:
            await self._pass(self._pace.preparing)
            await self._wait_and_run(job)
        await self._pass(self._pace.finalizing)
        await self._write_output(job)

    async def _wait_and_run(self, job: Job) -> None:
        wanted = job.settings.instance_count
        if wanted > self._nodes.total:
            available = self._nodes.total
            raise JobFailed(
                f"The job asks for {wanted} nodes and the compute has {available}.", "JobNodeCountExceedsCoreQuota"
            )
        if self._pace.queued or not self._nodes.has_room_for(wanted):
            self._move(job.name, Status.QUEUED)
        async with self._nodes.reserved(wanted):
            await self._pass(self._pace.queued)
            self._move(job.name, Status.RUNNING)
            await self._run(job)
        self._move(job.name, Status.FINALIZING)

    async def _run(self, job: Job) -> None:
        if job.input.kind in (InputKind.TABLE, InputKind.DATASET):
            raise JobFailed(UNSUPPORTED_INPUT)
        target = resolve(job.output_uri, self._storage_url)
        if job.settings.output_action is OutputAction.APPEND_ROW and await self._storage.exists(target):
            raise AlreadyThere(target)
        try:
            deployment = self._catalog.deployment(job.endpoint, job.deployment)
        except Refusal as refusal:
            raise JobFailed(refusal.message) from refusal
        folders = self._folders(job)
        await asyncio.to_thread(_lay_out, folders, deployment)
        sources = await self._storage.list_input(resolve(job.input.uri, self._storage_url), job.input.kind)
        files = await self._storage.download(sources, folders.input)
        await score(files, job.settings, _spec(job, deployment, folders), folders)

    async def _write_output(self, job: Job) -> None:
        """Everything at once and only now, so that nobody reads half a result."""
        folders = self._folders(job)
        target = resolve(job.output_uri, self._storage_url)
        if job.settings.output_action is OutputAction.APPEND_ROW:
            await self._storage.create(folders.result, target, job.child)
        for file in sorted(path for path in folders.output.rglob("*") if path.is_file()):
            path = file.relative_to(folders.output).as_posix()
            await self._storage.create(file, target.beside(path), job.child)

    async def _end(self, name: str, error: JobError | None) -> None:
        """The logs first, then the state: who sees the end finds the logs."""
        if self._job(name).status is Status.CANCEL_REQUESTED:
            await self._pass(self._pace.canceling)
        folders = self._folders(self._job(name))
        try:
            _write_summary(folders.logs, self._outcome(name, error), error)
            await self._upload_logs(name, folders.logs)
        except Exception:
            logger.exception("The logs of the job %s could not be uploaded; they are in %s.", name, folders.logs)
        status = self._outcome(name, error)
        self._move(name, status, error if status is Status.FAILED else None)
        await asyncio.to_thread(_clear, folders)

    def _outcome(self, name: str, error: JobError | None) -> Status:
        """A cancellation wins as long as the end is not recorded."""
        if self._job(name).status is Status.CANCEL_REQUESTED:
            return Status.CANCELED
        return Status.FAILED if error else Status.COMPLETED

    async def _upload_logs(self, name: str, logs: Path) -> None:
        root = BlobPath(DEFAULT_DATASTORE.account, DEFAULT_DATASTORE.container, f"azureml/{name}/logs/readme.txt")
        files = {file: file.relative_to(logs).as_posix() for file in logs.rglob("*") if file.is_file()}
        await asyncio.gather(*(self._storage.put(file, root.beside(path)) for file, path in files.items()))

    def _job(self, name: str) -> Job:
        job = self._store.get(name)
        assert job is not None, f"the job {name} was recorded before it was started"
        return job

    def _move(self, name: str, status: Status, error: JobError | None = None) -> None:
        self._store.replace(self._job(name).moved(status, self._clock.now(), error))
        log = logger.warning if error else logger.info
        log("job %s is %s%s", name, status, f": {error.message}" if error else "")

    def _folders(self, job: Job) -> Workspace:
        return Workspace(root=self._folder / job.name)

    async def _pass(self, duration: timedelta) -> None:
        await self._clock.wait_until(self._clock.now() + duration)


def _lay_out(folders: Workspace, deployment: Deployment) -> None:
    """Make the job's folders anew: what an interrupted try has left must not reach this one."""
    shutil.rmtree(folders.root, ignore_errors=True)
    for folder in (folders.input, folders.output, folders.rows, folders.models, folders.logs):
        folder.mkdir(parents=True)
    # Scripts may write into their folder; in Azure that is a snapshot too.
    shutil.copytree(deployment.code, folders.code, ignore=shutil.ignore_patterns("__pycache__"))
    (folders.models / deployment.model.name).symlink_to(deployment.model)


def _write_summary(logs: Path, status: Status, error: JobError | None) -> None:
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "readme.txt").write_text(LOG_LAYOUT, "utf-8")
    (logs / "job_result.txt").write_text(f"{status}\n", "utf-8")
    if error:
        (logs / "job_error.txt").write_text(f"{error.code}: {error.message}\n", "utf-8")


def _clear(folders: Workspace) -> None:
    for folder in (folders.input, folders.output, folders.rows, folders.models, folders.code):
        shutil.rmtree(folder, ignore_errors=True)
    folders.result.unlink(missing_ok=True)


def _spec(job: Job, deployment: Deployment, folders: Workspace) -> WorkerSpec:
    """How the worker processes of a job start. Source: Azure docs, how-to-batch-scoring-script."""
    return WorkerSpec(
        code=folders.code,
        script=folders.code / deployment.scoring_script,
        environment={
            **os.environ,
            **deployment.environment_variables,
            "AZUREML_MODEL_DIR": str(folders.models),
            "AZUREML_BI_OUTPUT_PATH": str(folders.output),
        },
        arguments=("--logging_level", job.settings.logging_level.upper()),
        logs=folders.logs,
        init_timeout=init_timeout(job.settings),
        run_timeout=job.settings.timeout,
    )
