"""Run history's view of jobs: a job's own run, and the runs below it that do the work.

Source: recorded run documents; what azure-ai-ml reads of them for `jobs.stream` and `jobs.download`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from local.azureml.api.wire import properties, tags, time_of
from local.azureml.workspace.jobs import Job, Status, StepRun
from local.azureml.workspace.names import LOCATION
from local.azureml.workspace.uris import datastore_name


def run_of(job: Job, run: str) -> dict[str, Any]:
    """The run with the id `run`: the job's own, or one below it."""
    if run == job.name:
        return _own(job)
    step = next((step for step in job.steps if step.run == run), None)
    return _step(job, step) if step else _scoring(job)


def children_of(job: Job) -> list[dict[str, Any]]:
    return [_step(job, step) for step in job.steps] if job.component else [_scoring(job)]


def run_data(job: Job, run: str) -> dict[str, Any]:
    """Where named outputs are: those of a pipeline. A scoring run's outputs are null; recorded so."""
    metadata = run_of(job, run)
    if job.component and run == job.name and job.status is Status.COMPLETED:
        metadata["outputs"] = {
            name: {"assetId": asset_id(job, name), "type": kind} for name, (_, kind) in output_places(job).items()
        }
    return {"runMetadata": metadata, "runDefinition": None, "jobSpecification": None}


def asset_id(job: Job, output: str) -> str:
    return f"azureml://locations/{LOCATION}/workspaces/local/data/azureml_{job.name}_output_{output}/versions/1"


def output_places(job: Job) -> dict[str, tuple[str, str]]:
    """The URI and type of each output of a pipeline; the type as azure-ai-ml compares it, in lower case."""
    given = {one.key: (one.uri, "uri_file" if one.kind == "UriFile" else "uri_folder") for one in job.outputs}
    bound = {name.partition("=")[2] for step in job.steps for name in step.outputs}
    root = f"azureml://datastores/{datastore_name(job.pipeline)}/paths/azureml/{job.name}"
    return {name: given.get(name, (f"{root}/{name}", "uri_folder")) for name in sorted(bound - {""})}


def details(run: Mapping[str, Any], links: Mapping[str, str]) -> dict[str, Any]:
    """A run with its logs."""
    return {**run, "logFiles": dict(links)}


def _own(job: Job) -> dict[str, Any]:
    return {
        **_any(job, job.status, job.began(Status.RUNNING), job.modified if job.is_final else None),
        "runId": job.name,
        "parentRunId": None,
        "name": None,
        "displayName": job.display_name,
        "runType": "azureml.PipelineRun",
        "properties": properties(job),
        "tags": tags(job),
        "error": _error(job),
    }


def _scoring(job: Job) -> dict[str, Any]:
    return {
        **_any(job, job.status, job.began(Status.RUNNING), job.modified if job.is_final else None),
        **_below(job, job.child, "batchscoring", {"azureml.parallelrunstep": "true"}),
        "error": _error(job),
        "scriptName": "driver/amlbi_main.py",
    }


def _step(job: Job, step: StepRun) -> dict[str, Any]:
    return {
        **_any(job, step.status, step.began, step.ended),
        **_below(job, step.run, step.name, {"azureml.parallelrunstep": "false"}),
        "error": None,
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


def _error(job: Job) -> dict[str, Any] | None:
    if job.error is None:
        return None
    inner: dict[str, Any] = {"code": job.error.code, "message": job.error.message, "details": [], "innerError": None}
    return {"error": inner, "correlation": None, "environment": LOCATION, "time": time_of(job.modified)}
