"""What a job tells people: files laid out as the service lays them out, uploaded where the service keeps them.

Source: Azure docs, how-to-debug-parallel-run-step and how-to-troubleshoot-batch-endpoints (the layout); RETURN samples
of azure.azcollection (the place: workspaceartifactstore, ExperimentRun/dcid.<run>).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from local.azureml.execution.folders import JobFolders
from local.azureml.workspace.data import Storage
from local.azureml.workspace.jobs import Job, JobError, Status
from local.azureml.workspace.uris import ARTIFACTS, BlobPath

EXECUTION = "azureml/executionlogs.txt"
"""What `jobs.stream` prints."""
_LINKS_LAST = timedelta(hours=1)
_LAYOUT = """\
job_result.txt                            how the job ended
job_error.txt                             why it failed
job_progress_overview.<time>.txt          files and mini-batches that succeeded and failed
azureml/executionlogs.txt                 the states of the job, with their times
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
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def tell(self, job: Job, folders: JobFolders) -> None:
        """Bring the execution log up to the job's present state."""
        file = folders.logs / EXECUTION
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"[{change.at:%Y-%m-%d %H:%M:%SZ}] {change.status}" for change in job.changes]
        if error := job.own_error:
            lines.append(f"{error.reference or error.code}: {error.message}")
        file.write_text("\n".join(lines) + "\n", "utf-8")
        await self._storage.put(file, _blob(job, EXECUTION))

    async def close(self, job: Job, folders: JobFolders, status: Status, error: JobError | None) -> None:
        """Write how the job ends, and upload everything."""
        logs = folders.logs
        logs.mkdir(parents=True, exist_ok=True)
        (logs / "readme.txt").write_text(_LAYOUT, "utf-8")
        (logs / "job_result.txt").write_text(f"{status}\n", "utf-8")
        if error:
            (logs / "job_error.txt").write_text(f"{error.code}: {error.message}\n", "utf-8")
        names = _names(logs)
        await asyncio.gather(*(self._storage.put(logs / name, _blob(job, name)) for name in names))

    def links(self, job: Job, run: str, folders: JobFolders) -> dict[str, str]:
        """A signed URL for every file of a run that has been uploaded, by the name that clients know it by."""
        signature = self._storage.signature(ARTIFACTS.account, _LINKS_LAST, write=False)
        names = files_of(job, run, _names(folders.logs) if job.is_final else [])
        return {shown: f"{self._storage.url(_blob(job, name))}?{signature}" for shown, name in names.items()}


def files_of(job: Job, run: str, names: Sequence[str]) -> dict[str, str]:
    """Those of a job's log files that belong to the run `run`, by the name under which that run shows them.

    The job's own run has what `jobs.stream` prints; what was logged while the work was done is at the run that did it.
    """
    if run == job.name:
        return {f"logs/{EXECUTION}": EXECUTION}
    if step := next((step for step in job.steps if step.run == run), None):
        folder = f"user/{step.name}/"
        return {f"user_logs/{name.removeprefix(folder)}": name for name in names if name.startswith(folder)}
    return {f"logs/{name}": name for name in names if name != EXECUTION}


def _names(logs: Path) -> list[str]:
    return sorted(file.relative_to(logs).as_posix() for file in logs.rglob("*") if file.is_file())


def _blob(job: Job, name: str) -> BlobPath:
    return BlobPath(ARTIFACTS.account, ARTIFACTS.container, f"{artifacts_path(job)}/logs/{name}")
