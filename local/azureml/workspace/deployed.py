"""Everything that is deployed, whether the deployments folder described it or Resource Manager was told over HTTP."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local.azureml.errors import Refusal
from local.azureml.workspace.assets import find, latest
from local.azureml.workspace.catalog import Catalog
from local.azureml.workspace.deployments import MLFLOW, Deployment, LocalAsset, compute_path
from local.azureml.workspace.documents import deployment_document, deployment_of, endpoint_document
from local.azureml.workspace.registry import FOLDER, Registry, Resource

logger = logging.getLogger(__name__)

NO_DEPLOYMENT = (
    "No valid deployments to route to. Please check that the endpoint has at least one deployment with positive weight "
    "values or use a deployment specific header to route."
)
"""Source: Azure docs, how-to-troubleshoot-batch-endpoints."""


class Deployed:
    """Endpoints and deployments by name; the refusals of the folder's broken files are remembered for who asks."""

    def __init__(self, registry: Registry, folder: Catalog, *, nodes: int = 8) -> None:
        """`nodes`: of the one pool that every compute stands for."""
        self._registry = registry
        self._nodes = nodes
        self._refused_endpoints = dict(folder.refused)
        self._refused = {(e.name.lower(), d): why for e in folder.endpoints.values() for d, why in e.refused.items()}
        self._waiting: dict[tuple[str, str], Deployment] = {}
        self._described: dict[str, None] = {}
        self._describe(folder)

    def endpoint(self, name: str) -> Resource:
        """Raises Refusal 404."""
        if found := self._registry.get(f"batchEndpoints/{name}"):
            return found
        why = f" It was refused: {self._refused_endpoints[name]}." if name in self._refused_endpoints else ""
        raise Refusal(404, "UserError", f"The endpoint {name!r} does not exist in this workspace.{why}")

    def deployment(self, endpoint: str, name: str) -> Deployment:
        """Raises Refusal 404."""
        owner = self.endpoint(endpoint)
        if found := self._registry.get(f"{owner.path}/deployments/{name}"):
            return deployment_of(found)
        refused = self._refused.get((owner.name.lower(), name))
        why = f" It was refused: {refused}." if refused else ""
        raise Refusal(404, "UserError", f"The endpoint {owner.name!r} has no deployment {name!r}.{why}")

    def route(self, endpoint: str, named: str | None) -> Deployment:
        """The deployment that takes an invocation: the one the header names, else the default. Raises Refusal 404."""
        owner = self.endpoint(endpoint)
        wanted = named or default_of(owner)
        if wanted and (found := self._registry.get(f"{owner.path}/deployments/{wanted}")):
            return deployment_of(found)
        problem = self._refused.get((owner.name.lower(), wanted or ""))
        why = f" The deployment {wanted!r} was refused: {problem}." if problem else ""
        raise Refusal(404, "UserError", NO_DEPLOYMENT + why)

    def names(self) -> list[str]:
        return [endpoint.name for endpoint in self._registry.children("batchEndpoints")]

    def look_again(self) -> None:
        """Serve what the folder describes and what had to wait for an asset that is registered by now."""
        for (endpoint, name), deployment in list(self._waiting.items()):
            if self._registry.get(f"batchEndpoints/{endpoint}") is None:
                continue
            problem = self._deployment(f"batchEndpoints/{endpoint}", deployment)
            if problem is None:
                del self._waiting[endpoint, name], self._refused[endpoint.lower(), name]
                logger.info("The deployment %s/%s is served from now on.", endpoint, name)
            else:
                self._refused[endpoint.lower(), name] = problem

    def _describe(self, folder: Catalog) -> None:
        """Record what the folder says, as `az ml ... create -f` would, and drop what it has said before."""
        for endpoint in folder.endpoints.values():
            path = f"batchEndpoints/{endpoint.name}"
            self._record(path, endpoint_document(endpoint))
            for deployment in endpoint.deployments.values():
                if problem := self._deployment(path, deployment):
                    logger.error("The deployment %s/%s is not served: %s.", endpoint.name, deployment.name, problem)
                    self._refused[endpoint.name.lower(), deployment.name] = problem
                    self._waiting[endpoint.name, deployment.name] = deployment
        self._registry.retain(self._described)

    def _deployment(self, endpoint: str, deployment: Deployment) -> str | None:
        """Record a deployment with its assets; why it is refused, or None. Whatever is wrong with one keeps no other
        from being served."""
        try:
            return self._recorded(endpoint, deployment)
        except Exception as error:
            logger.exception("%s/%s cannot be recorded.", endpoint, deployment.name)
            return f"it cannot be recorded: {type(error).__name__}: {error}"

    def _recorded(self, endpoint: str, deployment: Deployment) -> str | None:
        assets = [one for one in deployment.assets if not (one.is_nearby and self._is_registered(one.path))]
        renamed = {asset.path: self._place(asset) for asset in assets}
        for asset in assets:
            if asset.path.startswith("components/") and renamed[asset.path] != asset.path:
                return f"{asset.path} is defined twice with different content: give one of them another name or version"
        placed = replace(
            deployment,
            model=renamed.get(deployment.model or "", deployment.model),
            code=renamed.get(deployment.code or "", deployment.code),
            component=renamed.get(deployment.component or "", deployment.component),
            environment=renamed.get(deployment.environment or "", deployment.environment),
        )
        if missing := _missing(self._registry, deployment, renamed):
            return _how_to_register(missing)
        model = find(self._registry, deployment.model) if deployment.model and deployment.model not in renamed else None
        if model and not deployment.code and model.properties.get("modelType") != MLFLOW:
            kind = model.properties.get("modelType")
            return (
                f"code_configuration is required: {deployment.model} is a {kind}, and only an {MLFLOW} needs no script"
            )
        for asset in assets:
            self._record(renamed[asset.path], {"properties": dict(asset.properties)}, asset)
            if asset.is_nearby:
                logger.info("%s is made of %s, because none was registered.", asset.path, asset.files)
        if deployment.compute:
            self._need_compute(compute_path(deployment.compute))
        self._record(f"{endpoint}/deployments/{deployment.name}", deployment_document(placed))
        return None

    def _is_registered(self, path: str) -> bool:
        """Whether somebody else than the folder has registered an asset of that name."""
        last = latest(self._registry, path.partition("/versions/")[0])
        return last is not None and last.author != FOLDER

    def _place(self, asset: LocalAsset) -> str:
        """Where an asset is registered: two of one name that are not alike are two versions."""
        container, version = asset.path.split("/versions/")
        while (path := f"{container}/versions/{version}") in self._described:
            known = self._registry.get(path)
            if known and known.files == asset.files and known.properties == json.loads(json.dumps(asset.properties)):
                break
            version = str(int(version) + 1) if version.isdecimal() else f"{version}-1"
        return path

    def _need_compute(self, path: str) -> None:
        """The CLI would want it to exist before; here it comes with the first file that names it."""
        if self._registry.get(path) is None:
            self._record(path, _compute(self._nodes))
        self._described[path] = None

    def _record(self, path: str, document: dict[str, Any], asset: LocalAsset | None = None) -> None:
        files = asset.files if asset else None
        digest = hashlib.sha256(json.dumps([document, str(files)], sort_keys=True).encode()).hexdigest()
        self._registry.describe(path, document, digest, files=files)
        self._described[path] = None


def _compute(nodes: int) -> dict[str, Any]:
    return {
        "location": "local",
        "tags": {},
        "properties": {
            "computeType": "AmlCompute",
            "provisioningState": "Succeeded",
            "properties": {
                "vmSize": "LOCAL",
                "vmPriority": "Dedicated",
                "scaleSettings": {"minNodeCount": 0, "maxNodeCount": nodes, "nodeIdleTimeBeforeScaleDown": "PT120S"},
            },
        },
    }


def default_of(endpoint: Resource) -> str | None:
    defaults = endpoint.properties.get("defaults") or {}
    return defaults.get("deploymentName") or None


def _missing(registry: Registry, deployment: Deployment, renamed: Mapping[str, str]) -> str | None:
    """The first asset that is to be used and is not there. Environments are recorded only, so they may be anything."""
    wanted = [path for path in (deployment.model, deployment.code, deployment.component) if path]
    coming = {*renamed, *(f"{path.partition('/versions/')[0]}/labels/latest" for path in renamed)}
    return next((path for path in wanted if path not in coming and find(registry, path) is None), None)


def _how_to_register(path: str) -> str:
    """What is missing, and what to do, in words for people."""
    kind, name, collection, version = path.split("/")
    one = {"models": "model", "components": "component"}.get(kind.lower())
    told = f"{path} is not registered in this workspace"
    if one is None:
        return told
    own = f" --version {version}" if collection.lower() == "versions" else ""
    if one == "model":
        beside, command = f"there is no models/{name} beside it", f"az ml model create --name {name}{own} --path FOLDER"
    else:
        beside, command = f"no YAML file near it is named {name}", f"az ml component create --file FILE{own}"
    return f"{told}, and {beside}; add that and start again, or register it ({command}), then it is served at once"
