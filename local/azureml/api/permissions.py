"""What each request to Azure ML needs, and on what. Pure.

Source: Azure docs, role-based-access-control/permissions/ai-machine-learning (the actions) and
how-to-authenticate-batch-endpoint, "Configure RBAC for Batch Endpoints invoke" (what an invocation needs). Which action
belongs to which request of the scoring host and of run history is inferred from the actions' descriptions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from local.azureml.workspace.names import TYPE, WORKSPACE_ID, type_of
from local.roles.definitions import Needs, Permission, action

_INVOKING = (
    "batchEndpoints/jobs/write",
    "batchEndpoints/deployments/jobs/write",
    "batchEndpoints/read",
    "batchEndpoints/write",
    "batchEndpoints/deployments/read",
    "batchEndpoints/deployments/write",
    "read",
    "data/versions/write",
    "datasets/registered/read",
    "datasets/registered/write",
    "datasets/unregistered/read",
    "datasets/unregistered/write",
    "datastores/read",
    "datastores/write",
    "datastores/listsecrets/action",
    "listStorageAccountKeys/action",
    "computes/read",
    "metadata/secrets/read",
    "metadata/snapshots/read",
    "metadata/artifacts/read",
    "metadata/artifacts/write",
    "experiments/read",
    "experiments/runs/submit/action",
    "experiments/runs/read",
    "experiments/runs/write",
    "metrics/resource/write",
    "modules/read",
    "models/read",
    "endpoints/pipelines/read",
    "endpoints/pipelines/write",
    "environments/read",
    "environments/write",
    "environments/build/action",
    "environments/readSecrets/action",
)
"""The documented list but for `computes/listKeys/action`: AzureML Data Scientist excludes it and can invoke all the
same. The actions that name what is missing best come first."""
_METHODS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
_SCORING = re.compile(
    rf"/(?:endpoints|mferp/managementfrontend{re.escape(WORKSPACE_ID)}/batchEndpoints)/(?P<endpoint>[^/]+)"
    r"(?:/deployments/(?P<deployment>[^/]+))?(?P<jobs>/jobs(?:/[^/]+)?)?",
    re.IGNORECASE,
)
_BELOW = re.compile(rf"{re.escape(WORKSPACE_ID)}(?P<path>/.*)?", re.IGNORECASE)
_ASSET = re.compile(r"[^/]+/[^/]+/versions/[^/]+/startPendingUpload", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request needs on which resource; Resource Manager words its refusals in its own way."""

    needs: Needs
    scope: str
    of_resource_manager: bool = False


def asked(method: str, path: str) -> Asked | None:
    """What a request needs; None for what nobody needs a role for."""
    path = path.rstrip("/")
    if match := _SCORING.fullmatch(path):
        return _of_scoring(method, match)
    if path.startswith("/history/"):
        return Asked(_in_workspace("experiments/runs/read"), WORKSPACE_ID)
    if path.startswith("/data/"):
        return Asked(_in_workspace("data/versions/read"), WORKSPACE_ID)
    # Operations of a location are open to whoever has got their URL from the request that began them.
    if match := _BELOW.fullmatch(path):
        return _of_resource(method, (match["path"] or "").lstrip("/"))
    return None


def _of_scoring(method: str, match: re.Match[str]) -> Asked:
    endpoint = f"{WORKSPACE_ID}/batchEndpoints/{match['endpoint']}"
    scope = f"{endpoint}/deployments/{match['deployment']}" if match["deployment"] else endpoint
    if not match["jobs"]:
        return Asked(_in_workspace("batchEndpoints/deployments/read"), scope)
    if method == "POST":
        return Asked(_all_in_workspace(_INVOKING), WORKSPACE_ID)
    inner = "deployments/jobs" if match["deployment"] else "jobs"
    return Asked(_in_workspace(f"batchEndpoints/{inner}/read"), scope)


def _of_resource(method: str, path: str) -> Asked:
    """`path` is below the workspace: collections and names by turns, and maybe the name of an action."""
    if method == "POST":
        resource, _, verb = path.rpartition("/")
        if _ASSET.fullmatch(path):
            # Where the files of an asset go that is about to be written; there is no action of that name.
            return _of_resource("PUT", resource)
        return Asked(action(f"{type_of(resource)}/{verb}/action"), _id(resource), of_resource_manager=True)
    # A collection is the business of what it belongs to.
    is_collection = bool(path) and len(path.split("/")) % 2 == 1
    scope = path.rpartition("/")[0] if is_collection else path
    verb = _METHODS.get(method, "write")
    return Asked(action(f"{type_of(path) if path else TYPE}/{verb}"), _id(scope), of_resource_manager=True)


def _id(path: str) -> str:
    return f"{WORKSPACE_ID}/{path}" if path else WORKSPACE_ID


def _in_workspace(name: str) -> Needs:
    return action(f"{TYPE}/{name}")


def _all_in_workspace(names: tuple[str, ...]) -> Needs:
    return (tuple(Permission(f"{TYPE}/{name}") for name in names),)
