"""Where data is: the forms in which Azure ML names a file or folder, resolved to a blob.

Source: Azure docs, how-to-access-data-batch-endpoints-jobs; azure-ai-ml's LONG_URI_FORMAT.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from local.addresses import ACCOUNT, ACCOUNTS, RESOURCE_GROUP, SUBSCRIPTION, WORKSPACE, WORKSPACE_ACCOUNT

WORKSPACE_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
    f"/providers/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"
)


class UnresolvedUri(ValueError):
    """A URI did not name anything that can be reached from here; the message says what would."""


@dataclass(frozen=True, slots=True)
class Datastore:
    """A name for a container, registered in the workspace."""

    name: str
    account: str
    container: str

    @property
    def id(self) -> str:
        return f"{WORKSPACE_ID}/datastores/{self.name}"


DEFAULT_DATASTORE = Datastore("workspaceblobstore", WORKSPACE_ACCOUNT, "azureml-blobstore-local")
DATASTORES = {store.name: store for store in (DEFAULT_DATASTORE, Datastore("landing", ACCOUNT, "landing"))}


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
_ASSET = re.compile(r"azureml:[^/].*|azureml://locations/.*|(?:azureml:)?/subscriptions/.*/data/.*", re.IGNORECASE)


def on_datastore(uri: str) -> tuple[Datastore, str] | None:
    """The datastore and path that `uri` names, or None when it has another form. Raises UnresolvedUri."""
    match = next((found for form in _DATASTORE_FORMS if (found := form.fullmatch(uri))), None)
    if match is None:
        return None
    named = match.groupdict()
    here = {"s": SUBSCRIPTION, "rg": RESOURCE_GROUP, "ws": WORKSPACE}
    for part, expected in here.items():
        if named.get(part) and named[part].lower() != expected.lower():
            raise UnresolvedUri(f"{uri!r} names another workspace; this one is {WORKSPACE_ID}.")
    datastore = DATASTORES.get(named["datastore"].lower())
    if datastore is None:
        raise UnresolvedUri(f"The datastore {named['datastore']!r} does not exist; there are {', '.join(DATASTORES)}.")
    # The SDK makes paths such as paths//ep1//p1.csv and the service takes them.
    return datastore, _checked(uri, re.sub("/+", "/", named["path"]).strip("/"))


def resolve(uri: str, storage: str) -> BlobPath:
    """The blob or folder that `uri` names. `storage` is the base URL of the storage front. Raises UnresolvedUri."""
    if found := on_datastore(uri):
        datastore, path = found
        return BlobPath(datastore.account, datastore.container, path)
    if _ASSET.fullmatch(uri):
        raise UnresolvedUri(f"{uri!r} names a data asset, which is not supported here; name a datastore path or URL.")
    return _of_url(uri, storage)


def _of_url(uri: str, storage: str) -> BlobPath:
    parts = urlsplit(uri)
    if parts.scheme not in ("https", "http"):
        raise UnresolvedUri(f"{uri!r} is neither an azureml: URI nor the URL of a storage account.")
    if parts.query:
        raise UnresolvedUri(f"{uri!r} carries a query; signed URLs are not supported, name the blob without it.")
    account, _, path = parts.path.lstrip("/").partition("/")
    if f"{parts.scheme}://{parts.netloc}" != storage:
        account, _, host = (parts.hostname or "").partition(".")
        path = parts.path.lstrip("/")
        if not host.startswith(("blob.", "dfs.")):
            raise UnresolvedUri(f"{uri!r} is not the URL of a storage account.")
    if account not in ACCOUNTS:
        raise UnresolvedUri(f"The storage account {account!r} does not exist here; there are {', '.join(ACCOUNTS)}.")
    container, _, blob = path.partition("/")
    if not container:
        raise UnresolvedUri(f"{uri!r} names no container.")
    return BlobPath(account, container, _checked(uri, unquote(blob).strip("/")))


def _checked(uri: str, path: str) -> str:
    if any(segment in (".", "..") for segment in path.split("/")):
        raise UnresolvedUri(f"{uri!r} has a . or .. segment, which storage does not resolve.")
    return path
