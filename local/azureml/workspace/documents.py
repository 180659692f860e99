"""Endpoints and deployments in the form in which Resource Manager takes and keeps them.

Source: recordings of the Azure SDK's own tests; BatchDeploymentProperties of the ARM specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.azureml.workspace import pythons
from local.azureml.workspace.deployments import ENDPOINT_NAME, Deployment, Endpoint, InvalidDefinition, compute_path
from local.azureml.workspace.fields import Fields
from local.azureml.workspace.names import LOCATION, ForeignResource, asset_path, environment_path, id_of
from local.azureml.workspace.registry import Resource
from local.azureml.workspace.settings import (
    JobSettings,
    LoggingLevel,
    OutputAction,
    PipelineSettings,
    format_duration,
    parse_duration,
)

_ELSE = {"environments": ", or azureml://registries/<registry>/environments/<name>/versions/<version>"}
_PIPELINE_DEFAULTS = {
    "errorThreshold": 0,
    "miniBatchSize": 0,
    "maxConcurrencyPerInstance": 0,
    "outputAction": "SummaryOnly",
    "retrySettings": {"maxRetries": 0, "timeout": "PT0S"},
    "outputFileName": None,
    "loggingLevel": "Info",
    "model": None,
    "codeConfiguration": None,
    "environmentId": None,
    "environmentVariables": {},
    "resources": None,
}
"""What a pipeline component deployment shows for settings that it does not have: recorded so."""


def endpoint_document(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "location": LOCATION,
        "tags": dict(endpoint.tags),
        "properties": {
            "description": endpoint.description,
            "properties": {},
            "authMode": "AADToken",
            "defaults": {"deploymentName": endpoint.default},
        },
    }


def deployment_document(deployment: Deployment) -> dict[str, Any]:
    properties = _pipeline_properties(deployment) if deployment.component else _model_properties(deployment)
    return {"location": LOCATION, "tags": dict(deployment.tags), "properties": properties}


def _model_properties(deployment: Deployment) -> dict[str, Any]:
    settings = deployment.settings
    code = {"codeId": id_of(deployment.code), "scoringScript": deployment.scoring_script} if deployment.code else None
    return {
        "description": deployment.description,
        "properties": {pythons.PROPERTY: deployment.python} if deployment.python else {},
        "codeConfiguration": code,
        "environmentId": id_of(deployment.environment) if deployment.environment else None,
        "environmentVariables": dict(deployment.environment_variables),
        "model": {"referenceType": "Id", "assetId": id_of(deployment.model)} if deployment.model else None,
        "compute": id_of(compute_path(deployment.compute)) if deployment.compute else None,
        "errorThreshold": settings.error_threshold,
        "retrySettings": {"maxRetries": settings.max_retries, "timeout": format_duration(settings.timeout)},
        "miniBatchSize": settings.mini_batch_size,
        "loggingLevel": settings.logging_level.capitalize(),
        "maxConcurrencyPerInstance": settings.max_concurrency_per_instance,
        "outputAction": "AppendRow" if settings.output_action is OutputAction.APPEND_ROW else "SummaryOnly",
        "outputFileName": settings.output_file_name,
        "resources": {"instanceCount": settings.instance_count, "instanceType": None, "properties": None},
    }


def _pipeline_properties(deployment: Deployment) -> dict[str, Any]:
    assert deployment.component is not None
    chosen, component = deployment.pipeline, id_of(deployment.component)
    settings = {
        "ComponentDeployment.Settings.continue_on_step_failure": str(chosen.continue_on_step_failure),
        "default_datastore": chosen.default_datastore,
        "default_compute": chosen.default_compute,
        "force_rerun": str(chosen.force_rerun),
    }
    return {
        **_PIPELINE_DEFAULTS,
        "description": deployment.description,
        "compute": None,
        "properties": {
            "ComponentDeployment.ComponentId": component,
            "ComponentDeployment.Type": "pipeline",
            "ComponentDeployment.Settings.continue_on_step_failure": str(chosen.continue_on_step_failure),
            "ComponentDeployment.Name": deployment.component.split("/")[1],
        },
        "deploymentConfiguration": {
            "deploymentConfigurationType": "PipelineComponent",
            "componentId": {"referenceType": "Id", "assetId": component},
            "settings": {key: value for key, value in settings.items() if value is not None},
        },
    }


def parse_endpoint_document(name: str, document: Mapping[str, Any]) -> None:
    """Raises InvalidDefinition."""
    problems = []
    if not ENDPOINT_NAME.fullmatch(name):
        problems.append(f"name must have 3 to 32 letters, digits and hyphens, starting with a letter; not {name!r}")
    properties = document.get("properties") or {}
    if not isinstance(properties.get("defaults") or {}, dict):
        problems.append("defaults must be an object with a deploymentName")
    mode = str(properties.get("authMode") or "AADToken")
    if mode.lower() != "aadtoken":
        problems.append(f"authMode must be AADToken: batch endpoints have no keys; not {mode!r}")
    if problems:
        raise InvalidDefinition(problems)


def parse_deployment_document(path: str, document: Mapping[str, Any]) -> Deployment:
    """The deployment at `batchEndpoints/<endpoint>/deployments/<name>`. Raises InvalidDefinition with all problems."""
    fields = Fields(dict(document.get("properties") or {}), "", [])
    _, endpoint, _, name = path.split("/")
    common: dict[str, Any] = {
        "name": name,
        "endpoint": endpoint,
        "description": fields.text("description", "") or None,
        "tags": {str(key): str(value) for key, value in (document.get("tags") or {}).items()},
    }
    if fields.has("deploymentConfiguration"):
        deployment = _pipeline_deployment(fields, common)
    else:
        deployment = _model_deployment(fields, common)
    if fields.problems:
        raise InvalidDefinition(fields.problems)
    return deployment


def deployment_of(resource: Resource) -> Deployment:
    """A deployment that has been accepted before."""
    return parse_deployment_document(resource.path, resource.document)


def _model_deployment(fields: Fields, common: dict[str, Any]) -> Deployment:
    model = fields.section("model")
    code = fields.section("codeConfiguration")
    has_code = fields.has("codeConfiguration")
    compute = fields.text("compute")
    return Deployment(
        **common,
        model=_asset(fields, model.text("assetId"), "models", "model.assetId"),
        code=_asset(fields, code.text("codeId"), "codes", "codeConfiguration.codeId") if has_code else None,
        scoring_script=code.text("scoringScript") if has_code else None,
        compute=compute,
        environment=_asset(fields, fields.text("environmentId", ""), "environments", "environmentId"),
        environment_variables=fields.texts("environmentVariables"),
        python=pythons.chosen(fields, Path("/")),
        settings=_settings(fields),
    )


def _settings(fields: Fields) -> JobSettings:
    retries, resources = fields.section("retrySettings"), fields.section("resources")
    defaults = JobSettings()
    try:
        timeout = parse_duration(retries.text("timeout", format_duration(defaults.timeout)))
    except ValueError as error:
        fields.problem("retrySettings.timeout", str(error))
        timeout = defaults.timeout
    actions = {"appendrow": OutputAction.APPEND_ROW, "summaryonly": OutputAction.SUMMARY_ONLY}
    action = fields.text("outputAction", "AppendRow").replace("_", "").lower()
    if action not in actions:
        fields.problem("outputAction", f"must be AppendRow or SummaryOnly, not {action!r}")
    return JobSettings(
        instance_count=resources.whole("instanceCount", 1, least=1),
        max_concurrency_per_instance=fields.whole("maxConcurrencyPerInstance", 1, least=1),
        mini_batch_size=fields.whole("miniBatchSize", 10, least=1),
        max_retries=retries.whole("maxRetries", 3, least=1),
        timeout=timeout,
        error_threshold=fields.whole("errorThreshold", -1, least=-1),
        output_action=actions.get(action, OutputAction.APPEND_ROW),
        output_file_name=fields.text("outputFileName", "predictions.csv"),
        logging_level=fields.choice("loggingLevel", LoggingLevel.INFO),
    )


def _pipeline_deployment(fields: Fields, common: dict[str, Any]) -> Deployment:
    configuration = fields.section("deploymentConfiguration")
    component = configuration.section("componentId")
    chosen = {
        key.rpartition(".")[2].lower(): value
        for key, value in (configuration.any("settings") or {}).items()  # type: ignore[attr-defined]  # a JSON object
    }
    if not component.has("assetId"):
        fields.problem(
            "deploymentConfiguration.componentId",
            "is required: the id of a pipeline component; job_definition is not supported here",
        )
    return Deployment(
        **common,
        component=_asset(fields, component.text("assetId", ""), "components", "componentId"),
        compute=None,
        settings=JobSettings(),
        pipeline=PipelineSettings(
            default_compute=chosen.get("default_compute"),
            default_datastore=chosen.get("default_datastore"),
            continue_on_step_failure=str(chosen.get("continue_on_step_failure")).lower() == "true",
            force_rerun=str(chosen.get("force_rerun")).lower() == "true",
        ),
    )


def _asset(fields: Fields, text: str, kind: str, where: str) -> str | None:
    if not text:
        return None
    try:
        path = environment_path(text) if kind == "environments" else asset_path(text, kind)
    except ForeignResource as error:
        fields.problem(where, str(error))
        return None
    if path is None:
        fields.problem(
            where,
            f"is {text!r}; use the id of one of this workspace's {kind}{_ELSE.get(kind, '')}",
        )
    return path
