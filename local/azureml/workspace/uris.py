"""Where data is: the forms in which Azure ML names a file or folder, resolved to a blob.

Source: Azure docs, how-to-access-data-batch-endpoints-jobs; azure-ai-ml's LONG_URI_FORMAT.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from local.addresses import ACCOUNT, ACCOUNTS, RESOURCE_GROUP, SUBSCRIPTION, WORKSPACE, WORKSPACE_ACCOUNT
from local.azure import InputUrls
from local.azureml.workspace.assets import find
from local.azureml.workspace.names import WORKSPACE_ID, ForeignResource, asset_path
from local.azureml.workspace.registry import Registry, Resource
from local.azureml.workspace.settings import PipelineSettings


class UnresolvedUri(ValueError):
    """A URI did not name anything that can be reached from here; the message says what would."""


@dataclass(frozen=True, slots=True)
class Datastore:
    """A name for a container, registered in the workspace."""

    name: str
    account: str
    container: str
    kind: str = "AzureBlob"

    @property
    def id(self) -> str:
        return f"{WORKSPACE_ID}/datastores/{self.name}"


DEFAULT_DATASTORE = Datastore("workspaceblobstore", WORKSPACE_ACCOUNT, "azureml-blobstore-local")
ARTIFACTS = Datastore("workspaceartifactstore", WORKSPACE_ACCOUNT, "azureml")
"""Where the service keeps what runs leave behind, such as logs."""
DATASTORES = (DEFAULT_DATASTORE, ARTIFACTS, Datastore("landing", ACCOUNT, "landing"))
"""What the workspace has from the start."""


@dataclass(frozen=True, slots=True)
class BlobPath:
    """One blob, or the prefix that stands for a folder (without a slash at its end)."""

    account: str
    container: str
    path: str

    def beside(self, name: str) -> BlobPath:
        """Another blob in the same folder."""
        folder = self.path.rpartition("/")[0]
        return BlobPath(self.account, self.container, f"{folder}/{name}" if folder else name)

    def within(self, name: str) -> BlobPath:
        """A blob in the folder that this path stands for."""
        return BlobPath(self.account, self.container, f"{self.path}/{name}" if self.path else name)

    def __str__(self) -> str:
        return f"{self.account}/{self.container}/{self.path}"


_WORKSPACE = r"subscriptions/(?P<s>[^/]+)/resourcegroups/(?P<rg>[^/]+)/(?:providers/[^/]+/)?workspaces/(?P<ws>[^/]+)/"
_ON_DATASTORE = r"datastores/(?P<datastore>[^/]+)/paths/(?P<path>.*)"
_DATASTORE_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"azureml://{_ON_DATASTORE}",
        rf"azureml://{_WORKSPACE}{_ON_DATASTORE}",
        rf"(?:azureml:)?/{_WORKSPACE}{_ON_DATASTORE}",
    )
)


class Places:
    """Leads from names to blobs. `storage` is the base URL of the storage front."""

    def __init__(self, registry: Registry, storage: str, urls: InputUrls) -> None:
        self._registry = registry
        self._urls = urls
        self.storage = storage

    def datastore(self, name: str) -> Datastore:
        """Raises UnresolvedUri."""
        found = self._registry.get(f"datastores/{name}")
        if found is None:
            known = ", ".join(store.name for store in self._registry.children("datastores"))
            raise UnresolvedUri(f"The datastore {name!r} does not exist; the datastores are {known}.")
        return as_datastore(found)

    def on_datastore(self, uri: str) -> tuple[Datastore, str] | None:
        """The datastore and path that `uri` names, or None when it has another form. Raises UnresolvedUri."""
        match = next((found for form in _DATASTORE_FORMS if (found := form.fullmatch(uri))), None)
        if match is None:
            return None
        named = match.groupdict()
        here = {"s": SUBSCRIPTION, "rg": RESOURCE_GROUP, "ws": WORKSPACE}
        for part, expected in here.items():
            if named.get(part) and named[part].lower() != expected.lower():
                raise UnresolvedUri(str(ForeignResource(uri)))
        datastore = self.datastore(named["datastore"])
        # The SDK makes paths such as paths//ep1//p1.csv and the service takes them.
        return datastore, _checked(uri, re.sub("/+", "/", named["path"]).strip("/"))

    def resolve(self, uri: str) -> BlobPath:
        """The blob or folder that `uri` names. Raises UnresolvedUri."""
        if found := self.on_datastore(uri):
            datastore, path = found
            return self._reachable(BlobPath(datastore.account, datastore.container, path), uri)
        if asset := self.data_asset(uri):
            return self.resolve(str(asset.properties.get("dataUri")))
        return self._reachable(self._of_url(uri), uri)

    def data_asset(self, uri: str) -> Resource | None:
        """The data asset that `uri` names, or None when it has another form. Raises UnresolvedUri."""
        try:
            path = asset_path(uri, "data")
        except ForeignResource as error:
            raise UnresolvedUri(str(error)) from error
        if path is None:
            return None
        asset = find(self._registry, path)
        if asset is None:
            raise UnresolvedUri(f"The data asset {uri!r} does not exist in this workspace.")
        return asset

    def _of_url(self, uri: str) -> BlobPath:
        try:
            parts = urlsplit(uri)
        except ValueError as error:
            raise UnresolvedUri(f"{uri!r} is no URL: {error}.") from error
        if parts.scheme not in ("https", "http"):
            raise UnresolvedUri(f"{uri!r} is neither an azureml: URI nor the URL of a storage account.")
        if parts.query:
            raise UnresolvedUri(f"{uri!r} has a query string; signed URLs are not supported. Use the URL without it.")
        account, _, path = parts.path.lstrip("/").partition("/")
        if f"{parts.scheme}://{parts.netloc}" != self.storage:
            account, _, host = (parts.hostname or "").partition(".")
            path = parts.path.lstrip("/")
            if not host.startswith(("blob.", "dfs.")):
                raise UnresolvedUri(f"{uri!r} is not the URL of a storage account.")
        container, _, blob = path.partition("/")
        if not container:
            raise UnresolvedUri(f"{uri!r} does not name a container.")
        named = unquote(blob) if self._urls is InputUrls.DECODED else blob
        return BlobPath(account, container, _checked(uri, named.strip("/")))

    @staticmethod
    def _reachable(path: BlobPath, uri: str) -> BlobPath:
        if path.account in ACCOUNTS:
            return path
        raise UnresolvedUri(
            f"The storage account {path.account!r} of {uri!r} does not exist here; use one of {', '.join(ACCOUNTS)}."
        )


def as_datastore(resource: Resource) -> Datastore:
    """What a registered datastore leads to."""
    properties = resource.properties
    container = properties.get("containerName") or properties.get("filesystem") or properties.get("fileShareName")
    return Datastore(
        resource.name, str(properties.get("accountName")), str(container), str(properties["datastoreType"])
    )


def datastore_document(datastore: Datastore, endpoint: str) -> dict[str, object]:
    """How one of the first datastores is registered. `endpoint` stands where Azure has core.windows.net."""
    return {
        "properties": {
            "datastoreType": datastore.kind,
            "isDefault": datastore == DEFAULT_DATASTORE,
            "accountName": datastore.account,
            "containerName": datastore.container,
            "endpoint": endpoint,
            "protocol": "https",
            "credentials": {"credentialsType": "Sas"},
            "serviceDataAccessAuthIdentity": "WorkspaceSystemAssignedIdentity",
            "description": None,
            "tags": {},
            "properties": None,
        }
    }


def _checked(uri: str, path: str) -> str:
    if any(segment in (".", "..") for segment in path.split("/")):
        raise UnresolvedUri(f"{uri!r} has a . or .. segment, which storage does not resolve.")
    return path


def default_place(settings: PipelineSettings, run: str, output: str) -> str:
    """Where a run of a pipeline writes an output that nobody has placed."""
    return f"azureml://datastores/{datastore_name(settings)}/paths/azureml/{run}/{output}"


def datastore_name(settings: PipelineSettings) -> str:
    """Where outputs go that the caller does not place, as the name of a datastore."""
    return (settings.default_datastore or DEFAULT_DATASTORE.name).removeprefix("azureml:").rpartition("/")[2]
