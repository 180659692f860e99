"""What Resource Manager accepts for each kind of resource, and how it shows it.

Source: Microsoft.MachineLearningServices ARM specification; what azure-ai-ml sends and expects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.addresses import ACCOUNTS
from local.azureml.api.wire import Wire, time_of
from local.azureml.errors import Refusal
from local.azureml.execution.pipelines import InvalidPipeline, parse_command, parse_pipeline
from local.azureml.workspace.assets import find
from local.azureml.workspace.deployments import MLFLOW, Deployment, InvalidDefinition, compute_path
from local.azureml.workspace.documents import parse_deployment_document, parse_endpoint_document
from local.azureml.workspace.names import ForeignResource, id_of, type_of
from local.azureml.workspace.registry import Registry, Resource
from local.azureml.workspace.uris import Places, UnresolvedUri

Document = Mapping[str, Any]
_DATA_TYPES = ("uri_file", "uri_folder", "mltable")
_DATASTORE_TYPES = ("AzureBlob", "AzureDataLakeGen2", "AzureFile", "AzureDataLakeGen1", "OneLake")


@dataclass(frozen=True, slots=True)
class Rules:
    """Checks against what the workspace has. Each takes a path and a document, and raises Refusal."""

    registry: Registry
    places: Places

    def model(self, path: str, document: Document) -> None:
        self._files_at(path, document, "modelUri")

    def code(self, path: str, document: Document) -> None:
        self._files_at(path, document, "codeUri")

    def environment(self, path: str, document: Document) -> None:
        """Environments are recorded only, so anything goes."""

    def data(self, path: str, document: Document) -> None:
        properties = document["properties"]
        if properties.get("dataType") not in _DATA_TYPES:
            raise _invalid(f"dataType must be one of {', '.join(_DATA_TYPES)}, not {properties.get('dataType')!r}.")
        self._files_at(path, document, "dataUri")

    def component(self, _path: str, document: Document) -> None:
        specification = document["properties"].get("componentSpec") or {}
        if not isinstance(specification, dict):
            raise _invalid("componentSpec must be an object.")
        try:
            if specification.get("type") == "pipeline":
                parse_pipeline(specification)
            else:
                parse_command(specification)
        except InvalidPipeline as error:
            raise _invalid(str(error)) from error

    def compute(self, _path: str, document: Document) -> None:
        if not document["properties"].get("computeType"):
            raise _invalid("computeType is required.")

    def datastore(self, _path: str, document: Document) -> None:
        properties = document["properties"]
        if properties.get("datastoreType") not in _DATASTORE_TYPES:
            raise _invalid(f"datastoreType must be one of {', '.join(_DATASTORE_TYPES)}.")
        if properties.get("accountName") not in ACCOUNTS:
            raise _invalid(
                f"The storage account {properties.get('accountName')!r} does not exist here; there are "
                f"{', '.join(ACCOUNTS)}."
            )

    def endpoint(self, path: str, document: Document) -> None:
        try:
            parse_endpoint_document(path.rpartition("/")[2], document)
        except InvalidDefinition as error:
            raise _invalid(f"{error}.") from error
        default = (document["properties"].get("defaults") or {}).get("deploymentName")
        if default and self.registry.get(f"{path}/deployments/{default}") is None:
            raise _invalid(f"The default deployment {default!r} does not exist.")

    def deployment(self, path: str, document: Document) -> None:
        owner = path.partition("/deployments/")[0]
        if self.registry.get(owner) is None:
            raise Refusal(404, "UserError", f"The endpoint {owner.rpartition('/')[2]!r} does not exist.")
        try:
            deployment = parse_deployment_document(path, document)
            self._used(deployment)
        except (InvalidDefinition, ForeignResource) as error:
            raise _invalid(f"{error}.") from error

    def _used(self, deployment: Deployment) -> None:
        for used in (deployment.model, deployment.code, deployment.component):
            if used and find(self.registry, used) is None:
                raise _invalid(f"{id_of(used)} does not exist.")
        if deployment.compute and self.registry.get(compute_path(deployment.compute)) is None:
            raise _invalid(f"The compute {deployment.compute} does not exist.")
        model = find(self.registry, deployment.model) if deployment.model else None
        if model and not deployment.code and model.properties.get("modelType") != MLFLOW:
            raise _invalid("codeConfiguration is required: only an MLflow model can do without a scoring script.")

    def _files_at(self, path: str, document: Document, member: str) -> None:
        uri = str(document["properties"].get(member) or "")
        try:
            self.places.resolve(uri)
        except UnresolvedUri as error:
            raise _invalid(f"{member}: {error}") from error
        known = self.registry.get(path)
        if known and known.properties.get(member) != uri:
            # The words that azure-ai-ml looks for.
            raise Refusal(409, "UserError", "Asset paths cannot be updated.")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource. `collection` is its path with `{}` for the names above it."""

    collection: str
    check: Callable[[str, Document], None]
    is_long_running: bool = False
    is_asset: bool = False


def kinds(rules: Rules) -> tuple[Kind, ...]:
    assets = (
        ("models", rules.model),
        ("codes", rules.code),
        ("environments", rules.environment),
        ("data", rules.data),
        ("components", rules.component),
    )
    return (
        *(Kind(f"{name}/{{}}/versions", check, is_asset=True) for name, check in assets),
        Kind("computes", rules.compute, is_long_running=True),
        Kind("datastores", rules.datastore),
        Kind("batchEndpoints", rules.endpoint, is_long_running=True),
        Kind("batchEndpoints/{}/deployments", rules.deployment, is_long_running=True),
    )


def named_by(path: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a resource at that path: a component is called, inside too, what its URL says. A YAML without
    `version:` has none, and the client asks a component that it got by a label for its version."""
    kind, *names = path.split("/")
    specification = properties.get("componentSpec")
    if kind.lower() != "components" or len(names) != 3 or not isinstance(specification, dict):
        return dict(properties)
    return {**properties, "componentSpec": {**specification, "name": names[0], "version": names[2]}}


def shown(resource: Resource, bodies: Wire) -> dict[str, Any]:
    """A resource as Resource Manager shows it."""
    properties = {**resource.properties, "provisioningState": "Succeeded"}
    if isinstance(credentials := properties.get("credentials"), dict):
        properties["credentials"] = {key: value for key, value in credentials.items() if key != "secrets"}
    collection = resource.path.split("/")[-2].lower()
    if collection == "batchendpoints":
        properties |= {"scoringUri": bodies.scoring_uri(resource.name), "swaggerUri": None}
        properties["properties"] = properties.get("properties") or {}
        # Never null: the docs' walk-through sets the name in what it has got, also for the first time.
        properties["defaults"] = properties.get("defaults") or {"deploymentName": None}
    if isinstance(configuration := properties.get("deploymentConfiguration"), dict):
        # Never missing: azure-ai-ml reads them without asking whether they are there.
        properties["deploymentConfiguration"] = {**configuration, "settings": configuration.get("settings") or {}}
    if resource.path.lower().startswith("models/"):
        properties["flavors"] = properties.get("flavors") or {}
    body: dict[str, Any] = {
        "id": id_of(resource.path),
        "name": resource.name,
        "type": type_of(resource.path),
        "properties": properties,
        "systemData": {
            "createdAt": time_of(resource.created),
            "createdBy": resource.author,
            "createdByType": "User",
            "lastModifiedAt": time_of(resource.modified),
            "lastModifiedBy": resource.author,
            "lastModifiedByType": "User",
        },
    }
    if collection in ("batchendpoints", "deployments"):
        body |= {"kind": None, "identity": resource.document.get("identity")}
    if collection in ("batchendpoints", "deployments", "computes"):
        body |= {"location": resource.document.get("location"), "tags": resource.document.get("tags") or {}}
    return body


def being_created(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the service answers before a long-running creation is done. Source: recordings."""
    properties = {**body["properties"], "provisioningState": "Creating"}
    if "scoringUri" in properties:
        properties["scoringUri"] = None
    return {**body, "properties": properties}


def _invalid(message: str) -> Refusal:
    return Refusal(400, "UserError", message)
