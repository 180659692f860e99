"""Batch endpoints and deployments, as `az ml batch-endpoint|batch-deployment create -f` takes them.

What the CLI would upload and register first (model, code, environment, component) is described along with each
deployment, as assets whose files are where they are. Source: Azure docs, reference-yaml-endpoint-batch,
reference-yaml-deployment-batch, how-to-use-batch-pipeline-deployments.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.azureml.workspace import conda, pythons
from local.azureml.workspace.components import ComponentReader, InvalidComponent
from local.azureml.workspace.fields import Fields
from local.azureml.workspace.names import ForeignResource, asset_path, environment_path, path_of
from local.azureml.workspace.nearby import Nearby
from local.azureml.workspace.settings import JobSettings, LoggingLevel, OutputAction, PipelineSettings

NAME = re.compile(r"[a-zA-Z0-9][-\w]{0,254}", re.ASCII)
"""Of deployments. Source: ARM specification."""
ENDPOINT_NAME = re.compile(r"(?=.{3,32}$)[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?")
MLFLOW = "mlflow_model"


class InvalidDefinition(Exception):
    """A YAML file did not describe something that can be served."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAsset:
    """A model, code folder, environment or component that stands in a YAML file; `path` is its path as a resource.

    One that is `nearby` is only named there, and its files were found; what is registered under its name goes before.
    """

    path: str
    properties: Mapping[str, Any]
    files: Path | None = None
    is_nearby: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment: a model, with a scoring script or an MLflow model without one, or a pipeline component.

    Assets are named by their paths as resources, such as `models/digits/versions/1`. `python`: the program that runs
    its script, if it is not the one that runs this.
    """

    name: str
    endpoint: str
    compute: str | None
    settings: JobSettings
    model: str | None = None
    code: str | None = None
    scoring_script: str | None = None
    component: str | None = None
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    environment: str | None = None
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    python: str | None = None
    assets: tuple[LocalAsset, ...] = ()


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
        fields.problem("name", f"must have 3 to 32 letters, digits and hyphens, starting with a letter; not {name!r}")
    description = fields.text("description", "") or None
    if fields.text("auth_mode", "aad_token") != "aad_token":
        fields.problem("auth_mode", "must be aad_token: batch endpoints have no keys")
    defaults = fields.section("defaults")
    default = defaults.text("deployment_name", "") or None
    tags = fields.texts("tags")
    fields.any("properties")
    for part in (defaults, fields):
        part.finish()
    if fields.problems:
        raise InvalidDefinition(fields.problems)
    return name, description, tags, default


def parse_deployment(raw: object, folder: Path, endpoint: str, nearby: Nearby | None = None) -> Deployment:
    """A deployment whose relative paths start at `folder`. Raises InvalidDefinition with all problems.

    What it names without a path is looked for `nearby`.
    """
    fields = Fields(raw, "", [])
    kind = str(fields.any("type") or "model").lower()
    if kind not in ("model", "pipeline"):
        raise InvalidDefinition([f"type must be model or pipeline, not {kind!r}"])
    named = fields.text("endpoint_name", endpoint)
    if named != endpoint:
        fields.problem("endpoint_name", f"is {named!r}, but endpoint.yml is named {endpoint!r}")
    common: dict[str, Any] = {
        "name": _name_in(fields),
        "endpoint": endpoint,
        "description": fields.text("description", "") or None,
        "tags": fields.texts("tags"),
    }
    reader = _Reader(fields, folder, f"{endpoint}-{common['name']}", nearby or Nearby())
    deployment = reader.pipeline(common) if kind == "pipeline" else reader.model(common)
    fields.any("properties")
    fields.finish()
    if fields.problems:
        raise InvalidDefinition(fields.problems)
    return deployment


class _Reader:
    """Reads one deployment and collects the assets that it describes."""

    def __init__(self, fields: Fields, folder: Path, fallback_name: str, nearby: Nearby) -> None:
        self._fields = fields
        self._folder = folder
        self._fallback_name = fallback_name
        self._nearby = nearby
        self._assets: list[LocalAsset] = []

    def model(self, common: dict[str, Any]) -> Deployment:
        code, script = self._code()
        model = self._model(needs_mlflow=script is None)
        settings, variables = _settings(self._fields)
        return Deployment(
            **common,
            model=model,
            code=code,
            scoring_script=script,
            compute=self._compute(self._fields.text("compute")),
            settings=settings,
            environment=self._environment(),
            environment_variables=variables,
            python=pythons.chosen(self._fields, self._folder),
            assets=tuple(self._assets),
        )

    def pipeline(self, common: dict[str, Any]) -> Deployment:
        fields = self._fields
        part = fields.section("settings")
        chosen = PipelineSettings(
            default_compute=part.text("default_compute", "") or None,
            default_datastore=part.text("default_datastore", "") or None,
            continue_on_step_failure=part.flag("continue_on_step_failure"),
            force_rerun=part.flag("force_rerun"),
        )
        part.finish()
        component = self._component()
        return Deployment(
            **common,
            component=component,
            pipeline=chosen,
            compute=self._compute(fields.text("compute", "")) or None,
            settings=JobSettings(),
            assets=tuple(self._assets),
        )

    def _component(self) -> str | None:
        if self._fields.any("job_definition") is not None:
            self._fields.problem("job_definition", "is not supported here; use component with a pipeline component")
            return None
        given = self._fields.any("component")
        if isinstance(given, str) and given.startswith("azureml:"):
            path = self._reference("component", given, "components")
            found = self._nearby.component_at(path) if path else None
            if found is None:
                return path
            given = str(found)
        if not isinstance(given, str | dict):
            self._fields.problem("component", "is required: a file, an asset's name or a pipeline component")
            return None
        reader = ComponentReader(self._fallback_name, self._nearby)
        try:
            path = reader.pipeline(given, self._folder)
        except InvalidComponent as error:
            self._fields.problem("component", str(error))
            return None
        self._assets += [LocalAsset(path=one.path, properties=one.properties, files=one.files) for one in reader.found]
        return path

    def _model(self, *, needs_mlflow: bool) -> str | None:
        reference = self._fields.any("model")
        if isinstance(reference, str):
            path = self._reference("model", reference, "models")
            if path is not None:
                self._find_model(path, needs_mlflow=needs_mlflow)
            return path
        model = self._fields.section("model")
        given = model.text("path")
        path = f"models/{model.text('name', self._fallback_name)}/versions/{model.any('version') or 1}"
        kind = model.text("type", "custom_model")
        recorded = {key: model.any(key) for key in ("description", "tags", "properties", "flavors")}
        model.any("stage")
        model.finish()
        files = (self._folder / given).resolve()
        if given and not files.exists():
            self._fields.problem("model.path", f"names {given!r}, which does not exist in {self._folder}")
        elif given and needs_mlflow and not (files / "MLmodel").is_file():
            self._fields.problem(
                "code_configuration", "is required, except for an MLflow model (a folder with an MLmodel file)"
            )
        properties = {"modelType": MLFLOW if needs_mlflow else kind, "modelUri": files.as_uri(), **recorded}
        self._assets.append(LocalAsset(path=path, properties=properties, files=files))
        return path

    def _find_model(self, path: str, *, needs_mlflow: bool) -> None:
        """Take the files of a model that is only named, if they are nearby."""
        _, name, collection, version = path.split("/")
        files = self._nearby.model(name)
        if files is None or (needs_mlflow and not (files / "MLmodel").is_file()):
            return
        own = f"models/{name}/versions/{version if collection.lower() == 'versions' else 1}"
        kind = MLFLOW if (files / "MLmodel").is_file() else "custom_model"
        properties = {"modelType": kind, "modelUri": files.as_uri()}
        self._assets.append(LocalAsset(path=own, properties=properties, files=files, is_nearby=True))

    def _code(self) -> tuple[str | None, str | None]:
        fields, folder = self._fields, self._folder
        if not fields.has("code_configuration"):
            fields.any("code_configuration")
            return None, None
        configuration = fields.section("code_configuration")
        given, script = configuration.text("code"), configuration.text("scoring_script")
        configuration.finish()
        files = (folder / given).resolve()
        if given and not files.is_dir():
            fields.problem("code_configuration.code", f"names {given!r}, which is not a folder in {folder}")
        elif script and not (files / script).is_file():
            fields.problem("code_configuration.scoring_script", f"names {script!r}, which does not exist in {files}")
        path = f"codes/{uuid.uuid5(uuid.NAMESPACE_URL, files.as_uri())}/versions/1"
        self._assets.append(LocalAsset(path=path, properties={"codeUri": files.as_uri()}, files=files))
        return path, script

    def _compute(self, compute: str) -> str:
        try:
            compute_path(compute)
        except ForeignResource as error:
            self._fields.problem("compute", str(error))
        return compute

    def _environment(self) -> str | None:
        """Environments are recorded; which Python a script runs in does not follow from them (pythons.py)."""
        given = self._fields.any("environment")
        if isinstance(given, str):
            return self._reference("environment", given, "environments")
        if not isinstance(given, dict):
            return None
        name = given.get("name") or self._fallback_name
        path = f"environments/{name}/versions/{given.get('version') or 1}"
        conda_file = conda.content(given.get("conda_file"), self._folder)
        properties = {"image": given.get("image"), "condaFile": conda_file}
        self._assets.append(LocalAsset(path=path, properties={"environmentType": "UserCreated", **properties}))
        return path

    def _reference(self, field_name: str, text: str, kind: str) -> str | None:
        try:
            path = environment_path(text) if kind == "environments" else asset_path(text, kind)
        except ForeignResource as error:
            self._fields.problem(field_name, str(error))
            return None
        if path is None:
            self._fields.problem(
                field_name, f"is {text!r}, which is not in this workspace: write azureml:<name>:<version>"
            )
        return path


def _name_in(fields: Fields) -> str:
    name = fields.text("name")
    if name and not NAME.fullmatch(name):
        fields.problem("name", f"must have letters, digits, hyphens and underscores, up to 255; not {name[:80]!r}")
    return name


def compute_path(compute: str) -> str:
    """The resource path of a compute, from its id or `azureml:<name>`. Raises ForeignResource."""
    return path_of(compute) or f"computes/{compute.removeprefix('azureml:')}"


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
        fields.problem(part.path_of("output_file_name"), "must be a file name without a folder")
    return settings, variables
