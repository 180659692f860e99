"""What a deployments folder describes: one folder per endpoint, one folder per deployment below it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class Catalog:
    """The endpoints that the folder describes, and of the folders that are no endpoint, why."""

    endpoints: Mapping[str, Endpoint]
    refused: Mapping[str, str]


def read(folder: Path) -> Catalog:
    """What `folder` holds. A broken file is refused by name and costs nothing but itself."""
    endpoints: dict[str, Endpoint] = {}
    refused: dict[str, str] = {}
    for path in sorted(folder.glob("*/endpoint.y*ml")):
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
        logger.warning("No endpoint is served: %s has no folder with a valid endpoint.yml.", folder)
    return Catalog(endpoints, refused)


def _read_endpoint(path: Path) -> Endpoint:
    name, description, tags, default = parse_endpoint(_load(path))
    deployments: dict[str, Deployment] = {}
    refused: dict[str, str] = {}
    for file in sorted(path.parent.glob("*/deployment.y*ml")):
        try:
            deployment = parse_deployment(_load(file), file.parent, name)
            if deployment.name in deployments:
                raise InvalidDefinition([f"name: there is another deployment named {deployment.name!r}"])
        except InvalidDefinition as error:
            refused[file.parent.name] = str(error)
            logger.error("The deployment in %s is not served: %s.", file, error)
        else:
            deployments[deployment.name] = deployment
    if default is None and len(deployments) + len(refused) == 1:
        # The CLI's --set-default is what a real endpoint needs; one deployment leaves no doubt which is meant.
        default = next(iter(deployments or refused))
    return Endpoint(
        name=name, description=description, tags=tags, default=default, deployments=deployments, refused=refused
    )


def _load(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidDefinition([f"{path.name} is not valid YAML: {error}"]) from error
