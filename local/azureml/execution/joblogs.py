"""What a job tells people: files laid out as the service lays them out, uploaded where the service keeps them, while
the job runs.

Source: Azure docs, how-to-debug-parallel-run-step and how-to-troubleshoot-batch-endpoints (the layout); RETURN samples
of azure.azcollection (the place: workspaceartifactstore, ExperimentRun/dcid.<run>).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

from local.azureml.execution.execution_log import EXECUTION, ExecutionLog
from local.azureml.execution.folders import JobFolders
from local.azureml.execution.script_errors import SHOWN
from local.azureml.workspace.data import Storage
from local.azureml.workspace.jobs import Job, JobError, Status
from local.azureml.workspace.uris import ARTIFACTS, BlobPath
from local.clock import Clock

logger = logging.getLogger(__name__)

_LINKS_LAST = timedelta(hours=1)
_EVERY_SECONDS = 0.5
_SHARE = 10
"""A round of uploads is followed by a pause of at least so many times its own length: large logs come less often."""
_LAYOUT = """\
job_result.txt                            how the job ended
job_error.txt                             why it failed
job_progress_overview.<time>.txt          files and mini-batches that succeeded and failed
azureml/executionlogs.txt                 the states of the job, with their times, and what was printed meanwhile
user/stdout/<node>/process<n>.stdout.txt  what the scoring script printed
user/stderr/<node>/process<n>.stderr.txt  what it wrote to stderr and logged
user/error/<node>/process<n>.txt          every try that failed, with its traceback
user/error.txt                            what was raised, how often, and where it was first
user/<step>/std_log.txt                   what a step of a pipeline printed
"""


def artifacts_path(job: Job) -> str:
    """The folder of a job's logs, on the datastore of artifacts."""
    return f"ExperimentRun/dcid.{job.name}"


class JobLogs:
    """The logs of all jobs. What storage has of those that have not ended is remembered here; of the others it has
    everything."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._uploaded: dict[str, dict[str, tuple[int, int]]] = {}

    async def tell(self, job: Job, folders: JobFolders) -> None:
        """Bring the execution log up to the job's present state."""
        ExecutionLog(folders.logs).tell(job)
        try:
            await self._upload(job, folders, [EXECUTION])
        finally:
            if job.is_final:
                self._uploaded.pop(job.name, None)

    def note(self, folders: JobFolders, sentence: str) -> None:
        """Add a sentence of the service's own to the execution log; it is uploaded with what comes next."""
        ExecutionLog(folders.logs).note(self._clock.now(), sentence)

    @contextlib.asynccontextmanager
    async def followed(self, job: Job, folders: JobFolders) -> AsyncIterator[None]:
        """Meanwhile storage gets what is logged, soon after it is, and the execution log what is printed."""
        folders.forget_printed()
        log = ExecutionLog(folders.logs)
        following = asyncio.create_task(self._follow(job, folders, log), name=f"logs of {job.name}")
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            log.take_over(self._clock.now(), is_last=True)

    async def _follow(self, job: Job, folders: JobFolders, log: ExecutionLog) -> None:
        while True:
            began = time.monotonic()
            try:
                log.take_over(self._clock.now())
                await self._upload(job, folders, _names(folders.logs))
            except Exception:
                # Not the job's fault; the next round, or the end of the job, makes up for it.
                logger.exception("The logs of the job %s could not be uploaded while it runs.", job.name)
            await asyncio.sleep(max(_EVERY_SECONDS, _SHARE * (time.monotonic() - began)))

    async def close(self, job: Job, folders: JobFolders, status: Status, error: JobError | None) -> None:
        """Write how the job ends, and upload everything."""
        logs = folders.logs
        logs.mkdir(parents=True, exist_ok=True)
        (logs / "readme.txt").write_text(_LAYOUT, "utf-8")
        (logs / "job_result.txt").write_text(f"{status}\n", "utf-8")
        if error:
            (logs / "job_error.txt").write_text(f"{error.code}: {error.message}\n", "utf-8", SHOWN)
        await self._upload(job, folders, _names(logs))

    def links(self, job: Job, run: str, folders: JobFolders) -> dict[str, str]:
        """A signed URL for every file of a run that has been uploaded, by the name that clients know it by."""
        signature = self._storage.signature(ARTIFACTS.account, _LINKS_LAST, write=False)
        known = _names(folders.logs) if job.is_final else sorted(self._uploaded.get(job.name, ()))
        names = files_of(job, run, known)
        return {shown: f"{self._storage.url(_blob(job, name))}?{signature}" for shown, name in names.items()}

    async def _upload(self, job: Job, folders: JobFolders, names: Sequence[str]) -> None:
        """Those of the files that are not in storage as they are now."""
        known = self._uploaded.setdefault(job.name, {})

        async def one(name: str) -> None:
            file = folders.logs / name
            found = file.stat()
            mark = (found.st_size, found.st_mtime_ns)
            if known.get(name) != mark:
                await self._storage.put(file, _blob(job, name))
                known[name] = mark

        await asyncio.gather(*(one(name) for name in names))


def files_of(job: Job, run: str, names: Sequence[str]) -> dict[str, str]:
    """Those of a job's log files that belong to the run `run`, by the name under which that run shows them.

    The job's own run has what `jobs.stream` prints; what was logged while the work was done is at the run that did it.
    """
    if run == job.name:
        return {f"logs/{EXECUTION}": EXECUTION} if EXECUTION in names else {}
    if step := next((step for step in job.steps if step.run == run), None):
        folder = f"user/{step.name}/"
        return {f"user_logs/{name.removeprefix(folder)}": name for name in names if name.startswith(folder)}
    return {f"logs/{name}": name for name in names if name != EXECUTION}


def _names(logs: Path) -> list[str]:
    return sorted(file.relative_to(logs).as_posix() for file in logs.rglob("*") if file.is_file())


def _blob(job: Job, name: str) -> BlobPath:
    return BlobPath(ARTIFACTS.account, ARTIFACTS.container, f"{artifacts_path(job)}/logs/{name}")
