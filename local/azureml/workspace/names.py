"""Ids of resources, in the forms in which callers write them."""

from __future__ import annotations

import re

from local.addresses import RESOURCE_GROUP, SUBSCRIPTION, WORKSPACE
from local.roles import scopes

WORKSPACE_ID = scopes.WORKSPACE
TYPE = "Microsoft.MachineLearningServices/workspaces"
LOCATION = "local"

_BELOW_WORKSPACE = re.compile(
    r"(?:azureml:)?(?://)?/?subscriptions/(?P<s>[^/]+)/resourcegroups/(?P<rg>[^/]+)/(?:providers/[^/]+/)?"
    r"workspaces/(?P<ws>[^/]+)/(?P<path>.+)",
    re.IGNORECASE,
)
_IN_LOCATION = re.compile(r"azureml://locations/[^/]+/workspaces/[^/]+/(?P<path>.+)", re.IGNORECASE)
_IN_REGISTRY = re.compile(r"azureml://registries/[^/]+/environments/[^/]+/(?:versions|labels)/[^/]+", re.IGNORECASE)
_SHORT = re.compile(r"(?:azureml:)?(?P<name>[^/:@]+)(?::(?P<version>[^/:@]+)|@(?P<label>[^/:@]+))")


class ForeignResource(ValueError):
    """An id named another workspace."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} names another workspace; this one is {WORKSPACE_ID}.")


def path_of(text: str) -> str | None:
    """The path below the workspace that a full id names, or None when it is no full id. Raises ForeignResource."""
    if match := _IN_LOCATION.fullmatch(text):
        return match["path"]
    match = _BELOW_WORKSPACE.fullmatch(text)
    if match is None:
        return None
    here = (SUBSCRIPTION, RESOURCE_GROUP, WORKSPACE)
    if [match[group].lower() for group in ("s", "rg", "ws")] != [name.lower() for name in here]:
        raise ForeignResource(text)
    return match["path"]


def asset_path(text: str, kind: str) -> str | None:
    """`<kind>/<name>/versions/<version>` or `<kind>/<name>/labels/<label>` for any form of an asset's id, or None.

    The forms are the full id, `azureml://locations/...`, `azureml:name:version` and `azureml:name@label`.
    Raises ForeignResource.
    """
    path = path_of(text)
    if path is None:
        match = _SHORT.fullmatch(text)
        if match is None:
            return None
        tail = f"versions/{match['version']}" if match["version"] else f"labels/{match['label']}"
        return f"{kind}/{match['name']}/{tail}"
    return path if re.fullmatch(rf"{kind}/[^/]+/(versions|labels)/[^/]+", path, re.IGNORECASE) else None


def environment_path(text: str) -> str | None:
    """The path of any form of an environment's id, or None; what is in a registry is its own path, as it is written.

    Environments are only recorded, so nobody asks a registry for them. Raises ForeignResource.
    """
    return text if _IN_REGISTRY.fullmatch(text) else asset_path(text, "environments")


def id_of(path: str) -> str:
    return path if _IN_REGISTRY.fullmatch(path) else f"{WORKSPACE_ID}/{path}"


def type_of(path: str) -> str:
    """The resource type of a path: its collections, without the names between them."""
    return "/".join((TYPE, *path.split("/")[::2]))
