"""The JSON that clients see.

Source: recordings of the Azure SDK's own tests (batch_services/e2etests, 2022-11 to 2023-04) and the RETURN samples of
azure.azcollection (2026-05). Null members are sent because the service sends them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from local.azureml.deployments import Deployment, Endpoint
from local.azureml.jobs import InputKind, Job, Status
from local.azureml.settings import JobSettings, OutputAction, format_duration
from local.azureml.uris import DEFAULT_DATASTORE, WORKSPACE_ID, Datastore, on_datastore

_TYPE = "Microsoft.MachineLearningServices/workspaces"
LOCATION = "local"
_NOT_YET: dict[str, str | None] = {"datastoreId": None, "path": None}


class Wire:
    """Bodies of one server; `base` is its URL."""

    def __init__(self, base: str) -> None:
        self.base = base

    def scoring_uri(self, endpoint: str) -> str:
        """In Azure each endpoint has a host name of its own; here a path stands for it."""
        return f"{self.base}/endpoints/{endpoint}/jobs"

    def batch_job(self, job: Job) -> dict[str, Any]:
        """A job as the scoring host shows it."""
        return {
            "id": f"{WORKSPACE_ID}/batchEndpoints/{job.endpoint}/deployments/{job.deployment}/jobs/{job.name}",
            "name": job.name,
            "type": f"{_TYPE}/batchEndpoints/deployments/jobs",
            "properties": {
                "provisioningState": _provisioning_state(job),
                **_input(job),
                **_output(job),
                "compute": {
                    "target": f"{WORKSPACE_ID}/computes/local",
                    "instanceCount": job.settings.instance_count,
                    "isLocal": False,
                    "location": None,
                    "instanceType": None,
                    "properties": None,
                },
                "miniBatchSize": job.settings.mini_batch_size,
                "errorThreshold": job.settings.error_threshold,
                "outputFileName": job.settings.output_file_name,
                "maxConcurrencyPerInstance": job.settings.max_concurrency_per_instance,
                "loggingLevel": job.settings.logging_level.capitalize(),
                "retrySettings": _retries(job.settings),
                "status": job.status,
                "interactionEndpoints": {
                    "Tracking": _interaction("Tracking", self._tracking()),
                    "Studio": _interaction("Studio", _studio(job)),
                },
                "tags": _tags(job),
                "properties": _properties(job),
                "name": job.display_name,
            },
            "systemData": _system_data(job),
        }

    def arm_job(self, job: Job) -> dict[str, Any]:
        """A job as Azure Resource Manager shows it: without inputs and outputs."""
        services = {"Tracking": self._tracking(), "Studio": _studio(job)}
        return {
            "id": f"{WORKSPACE_ID}/jobs/{job.name}",
            "name": job.name,
            "type": f"{_TYPE}/jobs",
            "properties": {
                "description": f"Pipeline submission for endpoint: {job.endpoint}, deployment: {job.deployment}.",
                "tags": _tags(job),
                "properties": {**_properties(job), "azureml.pipelines.stages": json.dumps(_stages(job))},
                "displayName": job.display_name,
                "status": job.status,
                "experimentName": job.endpoint,
                "services": {name: _service(name, url) for name, url in services.items()},
                "computeId": None, "isArchived": False, "identity": None, "componentId": None, "jobType": "Pipeline",
                "settings": None, "jobs": None, "inputs": None, "outputs": None, "sourceJobId": None,
            },
            "systemData": {**_system_data(job), "createdByType": "User"},
        }  # fmt: skip

    def endpoint(self, endpoint: Endpoint) -> dict[str, Any]:
        return {
            "id": f"{WORKSPACE_ID}/batchEndpoints/{endpoint.name}",
            "name": endpoint.name,
            "type": f"{_TYPE}/batchEndpoints",
            "location": LOCATION,
            "tags": dict(endpoint.tags),
            "kind": None,
            "identity": None,
            "properties": {
                "description": endpoint.description,
                "properties": {},
                "authMode": "AADToken",
                "scoringUri": self.scoring_uri(endpoint.name),
                "swaggerUri": None,
                "provisioningState": "Succeeded",
                "defaults": {"deploymentName": endpoint.default},
            },
            "systemData": None,
        }

    def deployment(self, deployment: Deployment) -> dict[str, Any]:
        settings = deployment.settings
        is_append_row = settings.output_action is OutputAction.APPEND_ROW
        return {
            "id": f"{WORKSPACE_ID}/batchEndpoints/{deployment.endpoint}/deployments/{deployment.name}",
            "name": deployment.name,
            "type": f"{_TYPE}/batchEndpoints/deployments",
            "location": LOCATION,
            "tags": dict(deployment.tags),
            "kind": None,
            "identity": None,
            "properties": {
                "description": deployment.description,
                "properties": {},
                "codeConfiguration": {"codeId": str(deployment.code), "scoringScript": deployment.scoring_script},
                "environmentId": deployment.environment if isinstance(deployment.environment, str) else None,
                "environmentVariables": dict(deployment.environment_variables),
                "model": {"referenceType": "DataPath", "path": str(deployment.model)},
                "compute": deployment.compute,
                "errorThreshold": settings.error_threshold,
                "retrySettings": _retries(settings),
                "miniBatchSize": settings.mini_batch_size,
                "loggingLevel": settings.logging_level.capitalize(),
                "maxConcurrencyPerInstance": settings.max_concurrency_per_instance,
                "outputAction": "AppendRow" if is_append_row else "SummaryOnly",
                "outputFileName": settings.output_file_name,
                "resources": {"instanceCount": settings.instance_count, "instanceType": None, "properties": None},
                "provisioningState": "Succeeded",
            },
            "systemData": None,
        }

    def workspace(self) -> dict[str, Any]:
        return {
            "id": WORKSPACE_ID,
            "name": WORKSPACE_ID.rpartition("/")[2],
            "type": _TYPE,
            "location": LOCATION,
            "tags": {},
            "properties": {"provisioningState": "Succeeded", "discoveryUrl": f"{self.base}/discovery"},
        }

    def discovery(self) -> dict[str, str]:
        """Where the workspace's services are; all of those that exist here are this server."""
        return {"api": self.base, "history": self.base, "studio": "https://ml.azure.com"}

    def datastore(self, datastore: Datastore, endpoint: str) -> dict[str, Any]:
        return {
            "id": datastore.id,
            "name": datastore.name,
            "type": f"{_TYPE}/datastores",
            "properties": {
                "description": None, "tags": {}, "properties": None, "datastoreType": "AzureBlob",
                "isDefault": datastore == DEFAULT_DATASTORE, "accountName": datastore.account,
                "containerName": datastore.container, "endpoint": endpoint, "protocol": "https",
                "credentials": {"credentialsType": "None"},
                "serviceDataAccessAuthIdentity": "WorkspaceSystemAssignedIdentity",
            },
            "systemData": None,
        }  # fmt: skip

    def run(self, job: Job) -> dict[str, Any]:
        """A job's own run, as run history shows it."""
        return {
            **_any_run(job),
            "runId": job.name,
            "parentRunId": None,
            "name": None,
            "displayName": job.display_name,
            "runType": "azureml.PipelineRun",
            "properties": _properties(job),
            "tags": _tags(job),
        }

    def child_run(self, job: Job) -> dict[str, Any]:
        """The run below it, which does the scoring."""
        return {
            **_any_run(job),
            "runId": job.child,
            "parentRunId": job.name,
            "name": "batchscoring",
            "displayName": "batchscoring",
            "runType": "azureml.StepRun",
            "properties": {
                "azureml.moduleName": "batchscoring",
                "StepType": "PythonScriptStep",
                "azureml.parallelrunstep": "true",
                "azureml.pipelinerunid": job.name,
            },
            "tags": {},
        }

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
        "input_uri": job.input.uri,
        "output_uri": job.output_uri,
        "created": job.created.isoformat(),
        "error": job.error.message if job.error else None,
    }


def _provisioning_state(job: Job) -> str:
    return str(job.status) if job.status in (Status.FAILED, Status.CANCELED) else "Succeeded"


def _input(job: Job) -> dict[str, Any]:
    if job.input.kind is InputKind.DATA_URL:
        return {"dataset": {"dataInputType": "DataUrl", "path": job.input.uri}}
    if job.input.kind is InputKind.DATASET:
        return {"dataset": {"dataInputType": "DatasetId", "datasetId": job.input.uri}}
    entry = {
        "description": job.input.description,
        "uri": job.input.uri,
        "mode": "ReadOnlyMount",
        "jobInputType": job.input.kind,
    }
    return {"inputData": {job.input.key: entry}}


def _output(job: Job) -> dict[str, Any]:
    """As the caller wrote it until the job has completed; then the service's own form, and where the logs are.

    In Azure the logs are on the datastore workspaceartifactstore; here they are where `output` says.
    """
    key = job.output.key if job.output else "score"
    uri = job.output_uri
    if job.status is Status.COMPLETED:
        found = on_datastore(uri)
        uri = f"{found[0].id}/paths/{found[1]}" if found else uri
        output: dict[str, str | None] = {"datastoreId": DEFAULT_DATASTORE.id, "path": f"azureml/{job.name}"}
    elif job.output is None:
        return {"output": dict(_NOT_YET)}
    else:
        output = dict(_NOT_YET)
    entry = {"description": None, "uri": uri, "mode": "ReadWriteMount", "jobOutputType": "UriFile"}
    return {"outputData": {key: entry}, "output": output}


def _retries(settings: JobSettings) -> dict[str, Any]:
    return {"maxRetries": settings.max_retries, "timeout": format_duration(settings.timeout)}


def _tags(job: Job) -> dict[str, str]:
    return {
        "outputType": "output_data",
        "inputType": "input_data",
        "azureml.batchrun": "true",
        "azureml.deploymentname": job.deployment,
        "azureml.jobtype": "azureml.batchjob",
    }


def _properties(job: Job) -> dict[str, str]:
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
        "azureml.runsource": "azureml.PipelineRun",
        "runSource": "Unavailable",
        "runType": "HTTP",
        "azureml.parameters": json.dumps(parameters, separators=(",", ":")),
        "azureml.continue_on_step_failure": "False",
        "azureml.continue_on_failed_optional_input": "False",
        "azureml.pipelineComponent": "pipelinerun",
    }


def _any_run(job: Job) -> dict[str, Any]:
    began = job.began(Status.RUNNING)
    return {
        "rootRunId": job.name,
        "status": job.status,
        "createdUtc": _time(job.created),
        "startTimeUtc": _time(began) if began else None,
        "endTimeUtc": _time(job.modified) if job.is_final else None,
        "error": _run_error(job),
        "warnings": [],
        "inputs": None,
        "outputs": None,
        "logFiles": {},  # the logs are blobs of the default datastore; signed URLs to them are not made here
    }


def _stages(job: Job) -> dict[str, Any]:
    began = job.began(Status.RUNNING)
    if began is None:
        return {"Initialization": None, "Execution": None}
    words = {Status.COMPLETED: "Finished", Status.FAILED: "Failed", Status.CANCELED: "Canceled"}
    execution = {
        "StartTime": began.isoformat(),
        "EndTime": job.modified.isoformat() if job.is_final else None,
        "Status": words.get(job.status, "Running"),
    }
    return {"Initialization": None, "Execution": execution}


def _run_error(job: Job) -> dict[str, Any] | None:
    if job.error is None:
        return None
    inner: dict[str, Any] = {"code": job.error.code, "message": job.error.message, "details": [], "innerError": None}
    return {"error": inner, "correlation": None, "environment": LOCATION, "time": _time(job.modified)}


def _interaction(kind: str, url: str) -> dict[str, Any]:
    return {"jobEndpointType": kind, "port": None, "endpoint": url, "properties": None}


def _service(kind: str, url: str) -> dict[str, Any]:
    return {
        "jobServiceType": kind, "port": None, "endpoint": url, "status": None, "errorMessage": None, "properties": None,
        "nodes": None,
    }  # fmt: skip


def _studio(job: Job) -> str:
    wsid = WORKSPACE_ID.replace("resourceGroups", "resourcegroups").replace(
        "/providers/Microsoft.MachineLearningServices", ""
    )
    return f"https://ml.azure.com/runs/{job.name}?wsid={wsid}"


def _system_data(job: Job) -> dict[str, Any]:
    return {
        "createdAt": _time(job.created),
        "createdBy": job.created_by,
        "lastModifiedAt": _time(job.modified),
        "lastModifiedBy": job.created_by,
    }


def _time(moment: datetime) -> str:
    return moment.isoformat()
