"""Run history's view of jobs: a job's own run, and the runs below it that do the work.

Why a job failed is told by the run below it that failed; its own run only says that one did.

Source: recorded run documents; what azure-ai-ml reads of them for `jobs.stream` and `jobs.download`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from local.azure import Azure
from local.azureml.api import open_facts
from local.azureml.api.wire import properties, tags, time_of
from local.azureml.workspace.jobs import Job, JobError, Status, StepRun
from local.azureml.workspace.names import LOCATION
from local.azureml.workspace.uris import default_place


def run_of(job: Job, run: str, azure: Azure) -> dict[str, Any]:
    """The run with the id `run`: the job's own, or one below it."""
    if run == job.name:
        return _own(job, azure)
    step = next((step for step in job.steps if step.run == run), None)
    return _step(job, step) if step else _scoring(job)


def children_of(job: Job) -> list[dict[str, Any]]:
    return [_step(job, step) for step in job.steps] if job.component else [_scoring(job)]


def run_data(job: Job, run: str, azure: Azure) -> dict[str, Any]:
    """Where named outputs are: those of a pipeline. A scoring run's outputs are null; recorded so."""
    metadata = run_of(job, run, azure)
    if job.component and run == job.name and job.status is Status.COMPLETED:
        metadata["outputs"] = {
            name: {"assetId": asset_id(job, name), "type": kind} for name, (_, kind) in output_places(job).items()
        }
    return {"runMetadata": metadata, "runDefinition": None, "jobSpecification": None}


def asset_id(job: Job, output: str) -> str:
    return f"azureml://locations/{LOCATION}/workspaces/local/data/azureml_{job.name}_output_{output}/versions/1"


def output_places(job: Job) -> dict[str, tuple[str, str]]:
    """The URI and type of each output of a pipeline; the type as azure-ai-ml compares it, in lower case."""
    return {
        one.key: (
            one.uri or default_place(job.pipeline, job.name, one.key),
            "uri_file" if one.kind == "UriFile" else "uri_folder",
        )
        for one in job.outputs
    }


def details(run: Mapping[str, Any], links: Mapping[str, str]) -> dict[str, Any]:
    """A run with its logs."""
    return {**run, "logFiles": dict(links)}


def _own(job: Job, azure: Azure) -> dict[str, Any]:
    ended = job.modified if job.is_final else None
    return {
        **_any(job, open_facts.status_of(job, azure), open_facts.began(job, azure), ended),
        "runId": job.name,
        "parentRunId": None,
        "name": None,
        "displayName": job.display_name,
        "runType": "azureml.PipelineRun",
        "properties": properties(job),
        "tags": tags(job),
        "error": _error(job.own_error, ended),
    }


def _scoring(job: Job) -> dict[str, Any]:
    ended = job.modified if job.is_final else None
    return {
        **_any(job, job.status, job.began(Status.RUNNING), ended),
        **_below(job, job.child, "batchscoring", {"azureml.parallelrunstep": "true"}),
        "error": _error(job.error, ended),
        "scriptName": "driver/amlbi_main.py",
    }


def _step(job: Job, step: StepRun) -> dict[str, Any]:
    return {
        **_any(job, step.status, step.began, step.ended),
        **_below(job, step.run, step.name, {"azureml.parallelrunstep": "false"}),
        "error": _error(step.error, step.ended),
        "scriptName": None,
    }


def _below(job: Job, run: str, name: str, more: Mapping[str, str]) -> dict[str, Any]:
    return {
        "runId": run,
        "parentRunId": job.name,
        "name": name,
        "displayName": name,
        "runType": "azureml.StepRun",
        "target": (job.compute or job.pipeline.default_compute or "").rpartition("/")[2].removeprefix("azureml:"),
        "properties": {
            "azureml.moduleName": name,
            "StepType": "PythonScriptStep",
            "azureml.nodeid": run[:8],
            "azureml.pipelinerunid": job.name,
            **more,
        },
        "tags": {},
    }


def _any(job: Job, status: Status, began: datetime | None, ended: datetime | None) -> dict[str, Any]:
    return {
        "rootRunId": job.name,
        "status": status,
        "createdUtc": time_of(job.created),
        "startTimeUtc": time_of(began) if began else None,
        "endTimeUtc": time_of(ended) if ended else None,
        "warnings": [],
        "inputs": None,
        "outputs": None,
    }


def _error(error: JobError | None, at: datetime | None) -> dict[str, Any] | None:
    if error is None or at is None:
        return None
    inner: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "referenceCode": error.reference,
        "details": [],
        "innerError": None,
    }
    return {"error": inner, "correlation": None, "environment": LOCATION, "time": time_of(at)}
