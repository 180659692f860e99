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

from local.azureml.workspace.deployments import (
    Deployment,
    Endpoint,
    InvalidDefinition,
    parse_deployment,
    parse_endpoint,
)

logger = logging.getLogger(__name__)

MOST_LOOKED_AT, LOOKED_AT = 1000, 64 * 1024
"""Files, and bytes of each, that are looked through for what has to be said to be passed over."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The endpoints that the folder describes, and of the folders that are no endpoint, why."""

    endpoints: Mapping[str, Endpoint]
    refused: Mapping[str, str]


def read(folder: Path) -> Catalog:
    """What `folder` holds. A broken file is refused by name and costs nothing but itself."""
    endpoints: dict[str, Endpoint] = {}
    refused: dict[str, str] = {}
    for path in [*sorted(folder.glob("endpoint.y*ml")), *sorted(folder.glob("*/endpoint.y*ml"))]:
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
    for file in _deployments_of(path):
        try:
            deployment = parse_deployment(_load(file), file.parent, name)
            if deployment.name in deployments:
                raise InvalidDefinition([f"name: there is another deployment named {deployment.name!r}"])
        except InvalidDefinition as error:
            refused[file.parent.name if file.parent != path.parent else file.stem] = str(error)
            logger.error("The deployment in %s is not served: %s.", file, error)
        else:
            deployments[deployment.name] = deployment
    if default is None and len(deployments) + len(refused) == 1:
        # The CLI's --set-default is what a real endpoint needs; one deployment leaves no doubt which is meant.
        default = next(iter(deployments or refused))
    return Endpoint(
        name=name, description=description, tags=tags, default=default, deployments=deployments, refused=refused
    )


def _deployments_of(endpoint: Path) -> list[Path]:
    """The files of an endpoint's deployments: beside it, and in folders of their own."""
    folder = endpoint.parent
    return [*sorted(folder.glob("deployment*.y*ml")), *sorted(folder.glob("*/deployment*.y*ml"))]


def _passed_over(folder: Path) -> Iterator[tuple[Path, tuple[str, str]]]:
    """Files that say by their schema that they are endpoints or deployments, and are none by their place."""
    served = {*folder.glob("endpoint.y*ml"), *folder.glob("*/endpoint.y*ml")}
    served |= {file for endpoint in list(served) for file in _deployments_of(endpoint)}
    for path in sorted(folder.rglob("*.y*ml"))[:MOST_LOOKED_AT]:
        schema = _schema_of(path) if path not in served else ""
        if "batchendpoint" in schema:
            yield path, ("describes an endpoint", "it has to be endpoint.yml, in this folder or one directly below it")
        elif "batchdeployment" in schema:
            yield path, ("describes a deployment", "it has to be deployment*.yml, beside endpoint.yml or one below it")


def _schema_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            found = re.search(rb"^\$schema:\s*(\S+)", file.read(LOOKED_AT), re.MULTILINE)
    except OSError:
        return ""
    return found[1].decode(errors="replace").lower() if found else ""


def _load(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidDefinition([f"{path.name} is not valid YAML: {error}"]) from error
