"""Pipeline and command components, read from their YAML files into the form in which the service keeps them.

Source: Azure docs, reference-yaml-component-pipeline, reference-yaml-component-command; the component specifications
that azure-ai-ml sends for the same files.
"""

from __future__ import annotations

import json
import reprlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.azureml.workspace import conda, yaml_text
from local.azureml.workspace.names import asset_path, id_of
from local.azureml.workspace.nearby import Nearby

ANONYMOUS = "azureml_anonymous"
"""The name of all components that have none; their versions tell them apart. Source: azure-ai-ml."""


class InvalidComponent(Exception):
    """A file did not describe a component that can run here."""


@dataclass(frozen=True, slots=True)
class FoundComponent:
    """A component, or the code of one, as a resource."""

    path: str
    properties: Mapping[str, Any]
    files: Path | None = None


def by_place(files: Path) -> str:
    """The resource path of code that stays where it is."""
    return f"codes/{uuid.uuid5(uuid.NAMESPACE_URL, files.as_uri())}/versions/1"


class ComponentReader:
    """Reads one component with all that it is made of; `found` has everything, steps first.

    Components that are only named are looked for `nearby`. `code_path` gives the resource path of a folder of code.
    """

    def __init__(
        self, fallback_name: str, nearby: Nearby | None = None, code_path: Callable[[Path], str] = by_place
    ) -> None:
        self._fallback_name = fallback_name
        self._nearby = nearby or Nearby()
        self._code_path = code_path
        self.found: list[FoundComponent] = []

    def component(self, given: Mapping[str, Any], folder: Path) -> str:
        """The resource path of a pipeline or command component. Raises InvalidComponent."""
        if given.get("type") == "pipeline":
            return self.pipeline(given, folder)
        return self._named_command(given, folder, self._fallback_name)

    def pipeline(self, given: str | Mapping[str, Any], folder: Path) -> str:
        """The resource path of the pipeline component. Raises InvalidComponent."""
        raw, base = _load(given, folder)
        if raw.get("type") != "pipeline":
            raise InvalidComponent(f"is of type {raw.get('type')!r}; a deployment needs a component of type pipeline")
        name = str(raw.get("name") or self._fallback_name)
        jobs = _mapping(raw.get("jobs"), "jobs")
        if not jobs:
            raise InvalidComponent(f"{name!r} has no jobs")
        specification = {
            "type": "pipeline",
            "name": name,
            "version": str(raw.get("version") or 1),
            "display_name": raw.get("display_name"),
            "inputs": _mapping(raw.get("inputs"), "inputs"),
            "outputs": _mapping(raw.get("outputs"), "outputs"),
            "jobs": {step: self._step(step, _mapping(job, f"jobs.{step}"), base) for step, job in jobs.items()},
        }
        return self._add(specification, raw)

    def _step(self, step: str, job: Mapping[str, Any], base: Path) -> dict[str, Any]:
        given = job.get("component")
        if job.get("type", "command") != "command" or given is None:
            raise InvalidComponent(f"jobs.{step} is not a step with a command component; only those run here")
        if isinstance(given, str) and given.startswith(("azureml:", "/")):
            path = asset_path(given, "components")
            if path is None:
                raise InvalidComponent(f"jobs.{step}.component is {given!r}, which is not in this workspace")
            if found := self._nearby.component_at(path):
                path = self._named_command(str(found), base, f"{self._fallback_name}-{step}")
        else:
            path = self._anonymous_command(given, base, f"{self._fallback_name}-{step}")
        inputs = {key: _step_input(value) for key, value in _mapping(job.get("inputs"), "inputs").items()}
        outputs = {key: _step_output(value) for key, value in _mapping(job.get("outputs"), "outputs").items() if value}
        return {
            "type": "command",
            "name": step,
            "componentId": id_of(path),
            "inputs": inputs,
            "outputs": outputs,
            "environment_variables": dict(_mapping(job.get("environment_variables"), "environment_variables")),
        }

    def _named_command(self, given: str | Mapping[str, Any], folder: Path, fallback_name: str) -> str:
        specification, raw = self._command(given, folder, fallback_name)
        name = {"name": str(raw.get("name") or fallback_name), "version": str(raw.get("version") or 1)}
        return self._add({**specification, **name}, raw)

    def _anonymous_command(self, given: str | Mapping[str, Any], folder: Path, fallback_name: str) -> str:
        """What only its pipeline uses is known by what it says: the name in its file may be that of others, too."""
        specification, raw = self._command(given, folder, fallback_name)
        specification["display_name"] = raw.get("display_name") or raw.get("name")
        text = json.dumps(specification, sort_keys=True, default=str)
        name = {"name": ANONYMOUS, "version": str(uuid.uuid5(uuid.NAMESPACE_URL, text))}
        return self._add({**specification, **name}, raw)

    def _command(
        self, given: str | Mapping[str, Any], folder: Path, called: str
    ) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """The specification of a command component, still without a name, and what its file says."""
        raw, base = _load(given, folder)
        if raw.get("type", "command") != "command" or not isinstance(raw.get("command"), str):
            raise InvalidComponent(f"{called} is not a command component: it needs type: command and a command")
        code = None
        if raw.get("code") is not None:
            files = (base / str(raw["code"])).resolve()
            if not files.exists():
                raise InvalidComponent(f"code names {raw['code']!r}, which does not exist in {base}")
            code = self._code_path(files)
            self.found.append(FoundComponent(code, {"codeUri": files.as_uri()}, files))
        specification = {
            "type": "command",
            "display_name": raw.get("display_name"),
            "command": raw["command"],
            "code": id_of(code) if code else None,
            "inputs": _mapping(raw.get("inputs"), "inputs"),
            "outputs": _mapping(raw.get("outputs"), "outputs"),
            "environment": _environment(raw.get("environment"), base),
        }
        return specification, raw

    def _add(self, specification: dict[str, Any], raw: Mapping[str, Any]) -> str:
        path = f"components/{specification['name']}/versions/{specification['version']}"
        properties = {
            "componentSpec": specification,
            "description": raw.get("description"),
            "tags": raw.get("tags") or {},
            "properties": {},
            "isAnonymous": raw.get("name") is None or specification["name"] == ANONYMOUS,
        }
        self.found.append(FoundComponent(path, properties))
        return path


def _load(given: str | Mapping[str, Any], folder: Path) -> tuple[Mapping[str, Any], Path]:
    """A component that is written in place or in a file of its own, and where its relative paths start."""
    if not isinstance(given, str):
        return given, folder
    path = (folder / given).resolve()
    try:
        raw = yaml_text.load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidComponent(f"{given!r} cannot be read: {error}") from error
    return _mapping(raw, given), path.parent


def _mapping(raw: object, where: str) -> Mapping[str, Any]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise InvalidComponent(f"{where} must be a mapping, not {reprlib.repr(raw)}")
    return raw


def _environment(given: object, folder: Path) -> object:
    """As it is given; one that is written in place has its conda file in it."""
    if not isinstance(given, dict) or not given.get("conda_file"):
        return given
    return {**given, "conda_file": conda.content(given["conda_file"], folder)}


def _step_input(value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"job_input_type": value.get("type", "uri_folder"), "uri": value.get("path"), "mode": value.get("mode")}
    return {"job_input_type": "literal", "value": _text(value)}


def _step_output(value: object) -> dict[str, Any]:
    bound = value.get("path") if isinstance(value, dict) else value
    return {"value": bound, "type": "literal"} if bound else {}


def _text(value: object) -> str:
    """Literals are texts in a specification; booleans are written as Python writes them, as azure-ai-ml does."""
    return value if isinstance(value, str) else str(value)
