"""Batch endpoints and model deployments, as `az ml batch-endpoint|batch-deployment create -f` takes them.

Source: Azure docs, reference-yaml-endpoint-batch and reference-yaml-deployment-batch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from local.azureml.fields import Fields
from local.azureml.settings import JobSettings, LoggingLevel, OutputAction

ENDPOINT_NAME = re.compile(r"(?=.{3,32}$)[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?")


class InvalidDefinition(Exception):
    """A YAML file did not describe something that can be served."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One model with its scoring script. Paths are absolute and existed when it was read."""

    name: str
    endpoint: str
    model: Path
    code: Path
    scoring_script: str
    compute: str
    settings: JobSettings
    description: str | None
    tags: Mapping[str, str]
    environment: object
    environment_variables: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One batch endpoint. `refused` says of each broken deployment why it is not served."""

    name: str
    description: str | None
    tags: Mapping[str, str]
    default: str | None
    deployments: Mapping[str, Deployment]
    refused: Mapping[str, str]


def parse_endpoint(raw: object) -> tuple[str, str | None, dict[str, str], str | None]:
    """Name, description, tags and the declared default deployment. Raises InvalidDefinition with all problems."""
    fields = Fields(raw, "", [])
    name = fields.text("name")
    if name and not ENDPOINT_NAME.fullmatch(name):
        fields.problem("name", f"has 3 to 32 letters, digits and hyphens, a letter first; not {name!r}")
    description = fields.text("description", "") or None
    if fields.text("auth_mode", "aad_token") != "aad_token":
        fields.problem("auth_mode", "is aad_token: batch endpoints have no keys")
    defaults = fields.section("defaults")
    default = defaults.text("deployment_name", "") or None
    tags = fields.texts("tags")
    fields.any("properties")
    for part in (defaults, fields):
        part.finish()
    if fields.problems:
        raise InvalidDefinition(fields.problems)
    return name, description, tags, default


def parse_deployment(raw: object, folder: Path, endpoint: str) -> Deployment:
    """A model deployment whose relative paths start at `folder`. Raises InvalidDefinition with all problems."""
    fields = Fields(raw, "", [])
    _refuse_what_is_not_a_script(fields)
    named = fields.text("endpoint_name", endpoint)
    if named != endpoint:
        fields.problem("endpoint_name", f"is {named!r}, but endpoint.yml is named {endpoint!r}")
    model = _model(fields, folder)
    code, script = _code(fields, folder)
    settings, variables = _settings(fields)
    deployment = Deployment(
        name=fields.text("name"),
        endpoint=endpoint,
        model=model,
        code=code,
        scoring_script=script,
        compute=fields.text("compute"),
        settings=settings,
        description=fields.text("description", "") or None,
        tags=fields.texts("tags"),
        environment=fields.any("environment"),
        environment_variables=variables,
    )
    fields.any("properties")
    fields.finish()
    if fields.problems:
        raise InvalidDefinition(fields.problems)
    return deployment


def _refuse_what_is_not_a_script(fields: Fields) -> None:
    kind = str(fields.any("type") or "model").lower()
    if kind == "pipeline":
        raise InvalidDefinition(["type: pipeline component deployments are not supported here yet; use type: model"])
    if kind != "model":
        raise InvalidDefinition([f"type is model or pipeline, not {kind!r}"])
    if not fields.has("code_configuration"):
        raise InvalidDefinition(
            ["code_configuration is missing: MLflow models without a scoring script are not supported here yet"]
        )


def _model(fields: Fields, folder: Path) -> Path:
    if isinstance(reference := fields.any("model"), str):
        fields.problem("model", f"is {reference!r}; there is no model registry here, so give model.path, a local path")
        return folder
    model = fields.section("model")
    given = model.text("path")
    for recorded in ("name", "version", "type", "description", "tags", "properties", "flavors", "stage"):
        model.any(recorded)
    model.finish()
    path = (folder / given).resolve()
    if given and not path.exists():
        fields.problem("model.path", f"names {given!r}, which does not exist in {folder}")
    return path


def _code(fields: Fields, folder: Path) -> tuple[Path, str]:
    configuration = fields.section("code_configuration")
    given, script = configuration.text("code"), configuration.text("scoring_script")
    configuration.finish()
    code = (folder / given).resolve()
    if given and not code.is_dir():
        fields.problem("code_configuration.code", f"names {given!r}, which is not a folder in {folder}")
    elif script and not (code / script).is_file():
        fields.problem("code_configuration.scoring_script", f"names {script!r}, which does not exist in {code}")
    return code, script


def _settings(fields: Fields) -> tuple[JobSettings, dict[str, str]]:
    resources = fields.section("resources")
    instances = resources.whole("instance_count", 1, least=1)
    for recorded in ("instance_type", "properties"):
        resources.any(recorded)
    # Without a type this is the layout from before settings had a section of their own.
    part = fields.section("settings") if fields.has("type") or fields.has("settings") else fields
    retries = part.section("retry_settings")
    settings = JobSettings(
        instance_count=instances,
        max_concurrency_per_instance=part.whole("max_concurrency_per_instance", 1, least=1),
        mini_batch_size=part.whole("mini_batch_size", 10, least=1),
        max_retries=retries.whole("max_retries", 3, least=1),
        timeout=timedelta(seconds=retries.whole("timeout", 30, least=1)),
        error_threshold=part.whole("error_threshold", -1, least=-1),
        output_action=part.choice("output_action", OutputAction.APPEND_ROW),
        output_file_name=part.text("output_file_name", "predictions.csv"),
        logging_level=part.choice("logging_level", LoggingLevel.INFO),
    )
    variables = part.texts("environment_variables")
    if part is not fields:
        variables = fields.texts("environment_variables") | variables
        part.finish()
    retries.finish()
    resources.finish()
    if "/" in settings.output_file_name:
        fields.problem(part.path_of("output_file_name"), "is a file name, without a folder")
    return settings, variables
