"""The JSON of jobs, as the scoring host and Resource Manager show them.

Source: recordings of the Azure SDK's own tests (batch_services/e2etests, 2022-11 to 2023-04) and the RETURN samples of
azure.azcollection (2026-05). Null members are sent because the service sends them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from local.azure import Azure
from local.azureml.api.open_facts import began, shows_outputs, status_of
from local.azureml.execution.joblogs import artifacts_path
from local.azureml.workspace.jobs import InputKind, Job, JobInput, Status
from local.azureml.workspace.names import TYPE, WORKSPACE_ID, id_of
from local.azureml.workspace.settings import JobSettings, format_duration
from local.azureml.workspace.uris import ARTIFACTS, DEFAULT_DATASTORE, Places, UnresolvedUri, default_place

_NOT_YET: dict[str, str | None] = {"datastoreId": None, "path": None}


class Wire:
    """Bodies of one server; `base` is its URL, `studio` that of the pages for people."""

    def __init__(self, base: str, places: Places, azure: Azure, *, studio: str) -> None:
        self.base, self.studio = base, studio
        self.azure = azure
        self._places = places

    def _page_of(self, job: Job) -> str:
        wsid = WORKSPACE_ID.replace("resourceGroups", "resourcegroups").replace(
            "/providers/Microsoft.MachineLearningServices", ""
        )
        return f"{self.studio}/runs/{job.name}?wsid={wsid}"

    def scoring_uri(self, endpoint: str) -> str:
        """In Azure each endpoint has a host name of its own; here a path stands for it."""
        return f"{self.base}/endpoints/{endpoint}/jobs"

    def batch_job(self, job: Job, *, listed: bool = True) -> dict[str, Any]:
        """A job as the scoring host shows it.

        The id of a pipeline component's job has no endpoint where it is shown alone; source: recordings.
        """
        of_deployment = f"batchEndpoints/{job.endpoint}/deployments/{job.deployment}/jobs/{job.name}"
        is_alone = job.component is not None and not listed
        return {
            "id": id_of(f"batchEndpoints//jobs/{job.name}" if is_alone else of_deployment),
            "name": job.name,
            "type": f"{TYPE}/batchEndpoints/{'' if is_alone else 'deployments/'}jobs",
            "properties": {
                "provisioningState": _provisioning_state(job),
                **_inputs(job),
                **self._outputs(job),
                "compute": _compute(job),
                **({} if job.component else _overridable(job.settings)),
                "status": status_of(job, self.azure),
                "interactionEndpoints": {
                    "Tracking": _interaction("Tracking", self._tracking()),
                    "Studio": _interaction("Studio", self._page_of(job)),
                },
                "tags": tags(job),
                "properties": properties(job),
                "name": job.display_name,
            },
            "systemData": _system_data(job),
        }

    def arm_job(self, job: Job) -> dict[str, Any]:
        """A job as Azure Resource Manager shows it: without inputs and outputs."""
        services = {"Tracking": self._tracking(), "Studio": self._page_of(job)}
        return {
            "id": id_of(f"jobs/{job.name}"),
            "name": job.name,
            "type": f"{TYPE}/jobs",
            "properties": {
                "description": f"Pipeline submission for endpoint: {job.endpoint}, deployment: {job.deployment}.",
                "tags": tags(job),
                "properties": {**properties(job), "azureml.pipelines.stages": json.dumps(self._stages(job))},
                "displayName": job.display_name,
                "status": status_of(job, self.azure),
                "experimentName": experiment_of(job),
                "services": {name: _service(name, url) for name, url in services.items()},
                "computeId": None,
                "isArchived": False,
                "identity": None,
                "componentId": None,
                "jobType": "Pipeline",
                "settings": None,
                "jobs": None,
                "inputs": None,
                "outputs": None,
                "sourceJobId": None,
            },
            "systemData": {**_system_data(job), "createdByType": job.created_by_type},
        }

    def child_job(self, run: str) -> dict[str, Any]:
        """A run below a job's own: Resource Manager knows that it exists and no more. Source: recordings."""
        return {"id": id_of(f"jobs/{run}"), "name": run, "type": f"{TYPE}/jobs", "properties": None}

    def _outputs(self, job: Job) -> dict[str, Any]:
        """As the caller wrote them until the job has completed; then all of them in the service's form, and the logs.

        Whether named outputs are shown at all is one of the open facts.
        """
        wanted = [(output.key, output.uri, output.kind) for output in job.outputs if output.uri]
        if job.status is Status.COMPLETED:
            if not wanted and not job.component:
                wanted = [("score", job.output_uri, "UriFile")]
            wanted += [
                (output.key, default_place(job.pipeline, job.name, output.key), output.kind)
                for output in job.outputs
                if not output.uri
            ]
            output: dict[str, str | None] = {"datastoreId": ARTIFACTS.id, "path": artifacts_path(job)}
            wanted = [(key, self._canonical(uri), kind) for key, uri, kind in wanted]
        else:
            output = {} if job.component else dict(_NOT_YET)
        entries = {
            key: {"description": None, "uri": uri, "mode": "ReadWriteMount", "jobOutputType": kind}
            for key, uri, kind in wanted
        }
        is_shown = entries and shows_outputs(job, self.azure)
        return {"outputData": entries, "output": output} if is_shown else {"output": output}

    def _stages(self, job: Job) -> dict[str, Any]:
        start = began(job, self.azure)
        if start is None:
            return {"Initialization": None, "Execution": None}
        words = {Status.COMPLETED: "Finished", Status.FAILED: "Failed", Status.CANCELED: "Canceled"}
        execution = {
            "StartTime": start.isoformat(),
            "EndTime": job.modified.isoformat() if job.is_final else None,
            "Status": words.get(job.status, "Running"),
        }
        return {"Initialization": None, "Execution": execution}

    def _canonical(self, uri: str) -> str:
        try:
            found = self._places.on_datastore(uri)
        except UnresolvedUri:
            return uri  # its datastore has been deleted since
        return f"{found[0].id}/paths/{found[1]}" if found else uri

    def _tracking(self) -> str:
        return f"azureml://{self.base.partition('://')[2]}/mlflow/v1.0{WORKSPACE_ID}?"


def page(value: Sequence[dict[str, Any]], next_link: str | None) -> dict[str, Any]:
    return {"value": list(value), "nextLink": next_link}


def control(job: Job) -> dict[str, Any]:
    """A job in one flat object, for tests and people; not a form of Azure's."""
    return {
        "name": job.name,
        "endpoint": job.endpoint,
        "deployment": job.deployment,
        "status": job.status,
        "statuses": [change.status for change in job.changes],
        "input_uri": next((one.uri for one in job.inputs if one.uri), None),
        "output_uri": None if job.component else job.output_uri,
        "created": job.created.isoformat(),
        "error": job.error.message if job.error else None,
    }


def experiment_of(job: Job) -> str:
    """The name of the endpoint unless the caller chose another. Source: recordings."""
    return job.experiment or job.endpoint


def tags(job: Job) -> dict[str, str]:
    kind = "azureml.pipelinejob" if job.component else "azureml.batchjob"
    common = {
        "azureml.batchrun": "true",
        "azureml.deploymentname": job.deployment,
        "azureml.jobtype": kind,
    }
    return common if job.component else {"outputType": "output_data", "inputType": "input_data", **common}


def properties(job: Job) -> dict[str, str]:
    return _pipeline_properties(job) if job.component else _model_properties(job)


def _model_properties(job: Job) -> dict[str, str]:
    parameters = {
        "run_max_try": str(job.settings.max_retries),
        "run_invocation_timeout": str(round(job.settings.timeout.total_seconds())),
        "mini_batch_size": str(job.settings.mini_batch_size),
        "error_threshold": str(job.settings.error_threshold),
        "logging_level": job.settings.logging_level.upper(),
        "process_count_per_node": str(job.settings.max_concurrency_per_instance),
        "legacy_model_job": "False",
        "NodeCount": str(job.settings.instance_count),
        "append_row_file_name": job.settings.output_file_name,
    }
    return {
        "azureml.pipelineid": job.child,
        "azureml.runsource": "azureml.PipelineRun",
        "runSource": "Unavailable",
        "runType": "HTTP",
        "azureml.parameters": json.dumps(parameters, separators=(",", ":")),
        "azureml.continue_on_step_failure": "False",
        "azureml.continue_on_failed_optional_input": "False",
        "azureml.pipelineComponent": "pipelinerun",
    }


def _pipeline_properties(job: Job) -> dict[str, str]:
    literals = {one.key: str(one.value) for one in job.inputs if one.kind is InputKind.LITERAL}
    return {
        "azureml.pipelineid": job.child,
        "azureml.runsource": "azureml.PipelineRun",
        "runSource": "BatchDeployment",
        "runType": "HTTP",
        "azureml.parameters": json.dumps(literals, separators=(",", ":")),
        "azureml.continue_on_step_failure": str(job.pipeline.continue_on_step_failure),
        "azureml.continue_on_failed_optional_input": "True",
        "azureml.pipelineComponent": "pipelinerun",
        "azureml.DatasetAccessMode": "Asset",
        "azureml.DevPlatv2": "true",
        "azureml.SourceComponentId": id_of(job.component or ""),
        "azureml.defaultComputeName": job.pipeline.default_compute or "",
        "azureml.defaultDataStoreName": job.pipeline.default_datastore or DEFAULT_DATASTORE.name,
        "azureml.endpointname": job.endpoint,
        "azureml.deploymentname": job.deployment,
        "azureml.enforceRerun": str(job.pipeline.force_rerun),
        "azureml.runLineageType": "batchDeployment",
        "azureml.sourcepipelinerunid": job.name,
    }


def time_of(moment: datetime) -> str:
    return moment.isoformat()


def _provisioning_state(job: Job) -> str:
    return str(job.status) if job.status in (Status.FAILED, Status.CANCELED) else "Succeeded"


def _compute(job: Job) -> dict[str, Any]:
    if job.component:
        return {"isLocal": False}
    return {
        "target": job.compute,
        "instanceCount": job.settings.instance_count,
        "isLocal": False,
        "location": None,
        "instanceType": None,
        "properties": None,
    }


def _overridable(settings: JobSettings) -> dict[str, Any]:
    return {
        "miniBatchSize": settings.mini_batch_size,
        "errorThreshold": settings.error_threshold,
        "outputFileName": settings.output_file_name,
        "maxConcurrencyPerInstance": settings.max_concurrency_per_instance,
        "loggingLevel": settings.logging_level.capitalize(),
        "retrySettings": {"maxRetries": settings.max_retries, "timeout": format_duration(settings.timeout)},
    }


def _inputs(job: Job) -> dict[str, Any]:
    legacy = next((one for one in job.inputs if one.kind in (InputKind.DATA_URL, InputKind.DATASET)), None)
    if legacy and legacy.kind is InputKind.DATA_URL:
        return {"dataset": {"dataInputType": "DataUrl", "path": legacy.uri}}
    if legacy:
        return {"dataset": {"dataInputType": "DatasetId", "datasetId": legacy.uri}}
    return {"inputData": {one.key: _input(one) for one in job.inputs}}


def _input(one: JobInput) -> dict[str, Any]:
    if one.kind is InputKind.LITERAL:
        return {"description": one.description, "value": one.value, "jobInputType": one.kind}
    return {"description": one.description, "uri": one.uri, "mode": "ReadOnlyMount", "jobInputType": one.kind}


def _interaction(kind: str, url: str) -> dict[str, Any]:
    return {"jobEndpointType": kind, "port": None, "endpoint": url, "properties": None}


def _service(kind: str, url: str) -> dict[str, Any]:
    return {
        "jobServiceType": kind,
        "port": None,
        "endpoint": url,
        "status": None,
        "errorMessage": None,
        "properties": None,
        "nodes": None,
    }


def _system_data(job: Job) -> dict[str, Any]:
    return {
        "createdAt": time_of(job.created),
        "createdBy": job.created_by,
        "lastModifiedAt": time_of(job.modified),
        "lastModifiedBy": job.created_by,
    }
