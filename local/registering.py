"""`python -m local azureml register PATH`: a model, an environment or a component for a local Azure ML that runs.

It goes the way of any client: files to the default datastore, at a place that their content names, then the resource
by the management API. So the same content is the same version, and a version never changes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from local.azureml.workspace import yaml_text
from local.azureml.workspace.components import ComponentReader, InvalidComponent
from local.azureml.workspace.deployments import MLFLOW
from local.azureml.workspace.names import ForeignResource
from local.azureml.workspace.uris import DEFAULT_DATASTORE
from local.commands import CommandFailed, NoAnswer, files_in, where_is
from local.scoring import Cloud, asked

MODEL_TYPES = ("custom_model", MLFLOW)
_NAME = re.compile(r"[a-zA-Z0-9][-\w.]{0,254}", re.ASCII)
"""Source: ARM specification, names of assets and of their versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be registered, and as what. Without a version it is the next one."""

    path: Path
    name: str | None = None
    version: str | None = None
    model_type: str | None = None


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--name", help="of what is registered; a YAML file may have it")
    command.add_argument("--version", help="of what is registered (default: the YAML file's, else the next one)")
    command.add_argument("--type", choices=MODEL_TYPES, help="of a model (default: by whether it has an MLmodel file)")


def wanted(args: argparse.Namespace) -> Wanted:
    return Wanted(path=Path(args.what), name=args.name, version=args.version, model_type=args.type)


def register(state: Path, what: Wanted) -> str:
    """Register it; returns what was done. Raises CommandFailed, also for a version that has other content."""
    if not what.path.exists():
        raise CommandFailed(f"{what.path} does not exist.")
    with asked(state, where_is(state)) as cloud:
        try:
            return _Registration(cloud, what).carry_out()
        except httpx.TransportError as error:
            raise NoAnswer(f"The local Azure ML did not answer: {error}") from error
        except httpx.HTTPStatusError as error:
            raise CommandFailed(f"The files could not be uploaded: {error}") from error
        except OSError as error:
            raise CommandFailed(f"{error.filename or what.path} cannot be read: {error.strerror}.") from error


def kind_of(raw: Mapping[str, Any]) -> str | None:
    """What a YAML file describes, `environments` or `components`; None: nothing that can be registered."""
    schema = str(raw.get("$schema", "")).lower()
    if ("jobs" in raw or "command" in raw) and (not schema or "component" in schema):
        return "components"  # a job has the same members, and another schema
    if any(member in raw for member in ("image", "build", "conda_file")) and (not schema or "environment" in schema):
        return "environments"
    return None


@dataclass(frozen=True, slots=True)
class _Registration:
    cloud: Cloud
    what: Wanted

    def carry_out(self) -> str:
        path = self.what.path
        if path.is_dir() or path.suffix.lower() not in (".yml", ".yaml") or self.what.model_type:
            return self._model()
        raw = _read(path)
        kind = kind_of(raw)
        if kind is None:
            raise CommandFailed(
                f"{path} describes no environment and no component; with --type it is registered as a model."
            )
        return self._component(raw) if kind == "components" else self._environment(raw)

    def _model(self) -> str:
        path = self.what.path.resolve()
        found = MLFLOW if (path / "MLmodel").is_file() else "custom_model"
        name, version = self._named("models", {})
        content = _Content.of(path)
        properties = {"modelType": self.what.model_type or found, "modelUri": content.uri}
        return self._put(f"models/{name}/versions/{version}", properties, content)

    def _environment(self, raw: Mapping[str, Any]) -> str:
        folder = self.what.path.parent
        name, version = self._named("environments", raw)
        properties: dict[str, Any] = {"osType": "Linux", "image": raw.get("image"), "tags": raw.get("tags") or {}}
        conda = raw.get("conda_file")
        if conda is not None:
            text = (folder / conda).read_text("utf-8") if isinstance(conda, str) else yaml.safe_dump(conda)
            properties["condaFile"] = text
        context = None
        if isinstance(build := raw.get("build"), dict) and build.get("path"):
            context = _Content.of((folder / str(build["path"])).resolve())
            properties["build"] = {"contextUri": context.uri, "dockerfilePath": build.get("dockerfile_path")}
        return self._put(f"environments/{name}/versions/{version}", properties, context)

    def _component(self, raw: Mapping[str, Any]) -> str:
        name, version = self._named("components", raw)
        reader = ComponentReader(name, code_path=_code_path)
        try:
            reader.component({**raw, "name": name, "version": version}, self.what.path.parent.resolve())
        except (InvalidComponent, ForeignResource) as error:
            raise CommandFailed(f"{self.what.path}: {error}.") from error
        done = ""
        for one in reader.found:
            content = _Content.of(one.files) if one.files else None
            done = self._put(one.path, {"codeUri": content.uri} if content else one.properties, content)
        return done

    def _named(self, kind: str, raw: Mapping[str, Any]) -> tuple[str, str]:
        """The name and the version, by the command line, else the file, else what comes next."""
        name = self.what.name or raw.get("name")
        if name is None:
            raise CommandFailed(f"What is {self.what.path} to be called? Add --name NAME.")
        version = self.what.version or raw.get("version") or self._next_version(kind, _checked("name", str(name)))
        return _checked("name", str(name)), _checked("version", str(version))

    def _next_version(self, kind: str, name: str) -> str:
        answer = self.cloud.manage(f"{kind}/{name}")
        return "1" if answer.status_code == 404 else str(_accepted(answer)["properties"]["nextVersion"])

    def _put(self, path: str, properties: Mapping[str, Any], content: _Content | None) -> str:
        """Register one resource, its files first, unless it is there; returns what was done."""
        kind, name, _, version = path.split("/")
        called = f"azureml:{name}:{version}"
        described: dict[str, Any] = json.loads(json.dumps(properties, default=str))
        answer = self.cloud.manage(path)
        if answer.status_code != 404:
            known = _accepted(answer)["properties"]
            if any(known.get(member) != value for member, value in described.items()):
                raise CommandFailed(
                    f"{called} exists among the {kind} with other content; a version does not change, so give "
                    f"another with --version, or none for the next one."
                )
            return f"{called} is among the {kind} already, with this content."
        for file, blob in content.files if content else ():
            with file.open("rb") as data:
                self.cloud.put(f"{DEFAULT_DATASTORE.account}/{DEFAULT_DATASTORE.container}/{blob}", data)
        _accepted(self.cloud.manage(path, described))
        return f"{called} is registered among the {kind}{f', with {content}' if content else ''}."


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = yaml_text.load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{path} is no YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(raw, dict):
        raise CommandFailed(f"{path} is no YAML mapping.")
    return raw


def _checked(word: str, value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise CommandFailed(
            f"The {word} {value!r} must have letters, digits, '-', '_' and '.' only, and begin with a letter or digit."
        )
    return value


@dataclass(frozen=True, slots=True)
class _Content:
    """The files of an asset with the names of their blobs, and where they are put, which their content decides."""

    uri: str
    files: tuple[tuple[Path, str], ...]

    @classmethod
    def of(cls, source: Path) -> _Content:
        """Without what Python leaves beside its source. Raises CommandFailed if there is no file, OSError."""
        found = [(file, name) for file, name in files_in(source, "any") if "__pycache__" not in name.split("/")]
        if not found:
            raise CommandFailed(f"{source} has no files.")
        root = f"LocalUpload/{_digest(found)}"
        folder = f"{root}/{source.name}" if source.is_dir() else root
        uri = f"azureml://datastores/{DEFAULT_DATASTORE.name}/paths/{root}/{source.name}"
        return cls(uri, tuple((file, f"{folder}/{name}") for file, name in found))

    def __str__(self) -> str:
        size = sum(file.stat().st_size for file, _ in self.files)
        return f"{len(self.files)} {'file' if len(self.files) == 1 else 'files'}, {size:,} bytes"


def _digest(files: Sequence[tuple[Path, str]]) -> str:
    """Of their names and their content."""
    whole = hashlib.sha256()
    for path, name in files:
        with path.open("rb") as file:
            whole.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()[:32]


def _code_path(source: Path) -> str:
    return f"codes/{uuid.uuid5(uuid.NAMESPACE_URL, _Content.of(source).uri)}/versions/1"


def _accepted(answer: httpx.Response) -> dict[str, Any]:
    """The body of an answer. Raises CommandFailed with the words of a refusal."""
    if not answer.is_error:
        return dict(answer.json())
    try:
        words = str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        words = answer.text[:500]
    raise CommandFailed(f"The local Azure ML refused it: {words}")
