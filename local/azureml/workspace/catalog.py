"""What a deployments folder describes: one folder per endpoint, or the endpoint itself; below it one folder per
deployment, or a deployment beside it. So are Microsoft's own examples laid out (azureml-examples, cli/endpoints/batch).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from local.azureml.workspace import yaml_text
from local.azureml.workspace.deployments import (
    Deployment,
    Endpoint,
    InvalidDefinition,
    parse_deployment,
    parse_endpoint,
)
from local.azureml.workspace.nearby import Nearby

logger = logging.getLogger(__name__)

MOST_LOOKED_AT, LOOKED_AT = 1000, 64 * 1024
"""Files, and bytes of each, that are looked through for what has to be said to be passed over."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The endpoints that the folder describes, and of the folders that are no endpoint, why."""

    endpoints: Mapping[str, Endpoint]
    refused: Mapping[str, str]


def endpoint_files(folder: Path) -> list[Path]:
    """The files that are endpoints by their place: in the folder itself, and in the folders directly below it."""
    return [*sorted(folder.glob("endpoint.y*ml")), *sorted(folder.glob("*/endpoint.y*ml"))]


def endpoint_names(folder: Path) -> list[str]:
    """How the endpoints of a folder are called, each once, whatever else is wrong with them."""
    names: dict[str, str] = {}
    for path in endpoint_files(folder):
        try:
            raw = _load(path)
        except InvalidDefinition:
            continue
        if isinstance(raw, dict) and raw.get("name"):
            names.setdefault(str(raw["name"]).lower(), str(raw["name"]))
    return list(names.values())


def read(folder: Path) -> Catalog:
    """What `folder` holds. A broken file is refused by name and costs nothing but itself."""
    endpoints: dict[str, Endpoint] = {}
    refused: dict[str, str] = {}
    for path in endpoint_files(folder):
        try:
            endpoint = _read_endpoint(path)
            if endpoint.name.lower() in endpoints:
                raise InvalidDefinition([f"name: there is another endpoint named {endpoint.name!r}"])
        except InvalidDefinition as error:
            refused[path.parent.name] = str(error)
            logger.error("The endpoint in %s is not served: %s.", path, error)
        else:
            endpoints[endpoint.name.lower()] = endpoint
    if not endpoints:
        logger.warning("No endpoint is served: %s has no valid endpoint.yml, and no folder with one.", folder)
    for path, what in _passed_over(folder):
        logger.warning("The file %s %s, and is not served: %s.", path, *what)
    return Catalog(endpoints, refused)


def _read_endpoint(path: Path) -> Endpoint:
    name, description, tags, default = parse_endpoint(_load(path))
    deployments: dict[str, Deployment] = {}
    refused: dict[str, str] = {}
    main: str | None = None
    for file in _deployments_of(path):
        try:
            deployment = _read_deployment(file, path, name)
            if deployment.name in deployments:
                raise InvalidDefinition([f"name: there is another deployment named {deployment.name!r}"])
        except InvalidDefinition as error:
            refused[file.parent.name if file.parent != path.parent else file.stem] = str(error)
            logger.error("The deployment in %s is not served: %s.", file, error)
        else:
            deployments[deployment.name] = deployment
            if file.parent == path.parent and file.stem == "deployment":
                main = deployment.name
    if default is None and len(deployments) + len(refused) == 1:
        # The CLI's --set-default is what a real endpoint needs; one deployment leaves no doubt which is meant.
        main = next(iter(deployments or refused))
    default = default or main
    return Endpoint(
        name=name, description=description, tags=tags, default=default, deployments=deployments, refused=refused
    )


def _read_deployment(file: Path, endpoint_file: Path, endpoint: str) -> Deployment:
    raw = _load(file)
    named = raw.get("endpoint_name") if isinstance(raw, dict) else None
    if isinstance(raw, dict) and isinstance(named, str) and named != endpoint:
        # As --endpoint-name overrides the file; some of Microsoft's own examples are never used without.
        logger.warning("The deployment in %s is of %s, as its place says, and not of %s.", file, endpoint, named)
        raw = {**raw, "endpoint_name": endpoint}
    return parse_deployment(raw, file.parent, endpoint, Nearby.of(file.parent, endpoint_file.parent))


def _deployments_of(endpoint: Path) -> list[Path]:
    """The files of an endpoint's deployments: beside it, and in folders of their own that are no endpoints."""
    folder = endpoint.parent
    own = (path for path in folder.glob("*/*deployment*.y*ml") if not list(path.parent.glob("endpoint.y*ml")))
    return [*sorted(folder.glob("*deployment*.y*ml")), *sorted(own)]


def _passed_over(folder: Path) -> Iterator[tuple[Path, tuple[str, str]]]:
    """Files that say by their content that they are endpoints or deployments, and are none by their place."""
    served = set(endpoint_files(folder))
    served |= {file for endpoint in list(served) for file in _deployments_of(endpoint)}
    for path in sorted(folder.rglob("*.y*ml"))[:MOST_LOOKED_AT]:
        kind = _kind_of(path) if path not in served else ""
        if kind == "endpoint" and path.name in ("endpoint.yml", "endpoint.yaml"):
            yield path, ("describes an endpoint", f"it is too deep; start with --deployments {path.parent.parent}")
        elif kind == "endpoint":
            yield path, ("describes an endpoint", "it has to be endpoint.yml, in this folder or one directly below it")
        elif kind == "deployment" and _is_alone(path, folder):
            yield path, ("describes a deployment", f"there is no endpoint.yml in {path.parent} or above it")
        elif kind == "deployment":
            where = "beside endpoint.yml or in a folder next to it"
            yield path, ("describes a deployment", f"it has to be called *deployment*.yml, {where}")


def _is_alone(path: Path, folder: Path) -> bool:
    """Whether no folder from that of `path` up to `folder` is an endpoint's."""
    above = [one for one in path.parents if one == folder or folder in one.parents]
    return not any(list(one.glob("endpoint.y*ml")) for one in above)


def _kind_of(path: Path) -> str:
    """What a file outside of every place says that it is: `endpoint`, `deployment` or, for all others, nothing."""
    try:
        with path.open("rb") as file:
            text = file.read(LOOKED_AT)
    except OSError:
        return ""
    found = re.search(rb"^\$schema:\s*(\S+)", text, re.MULTILINE)
    schema = found[1].lower() if found else b""
    if b"batchendpoint" in schema:
        return "endpoint"
    names_endpoint = re.search(rb"^endpoint_name:", text, re.MULTILINE) is not None
    is_named_so = not schema and "deployment" in path.name and names_endpoint
    return "deployment" if b"batchdeployment" in schema or is_named_so else ""


def _load(path: Path) -> object:
    try:
        return yaml_text.load(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidDefinition([f"{path.name} cannot be read: {error.strerror}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidDefinition([f"{path.name} is not valid YAML: {error}"]) from error
