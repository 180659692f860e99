"""What each operation of the Blob and Queue services needs, and on what. Pure.

Source: Azure docs, rest/api/storageservices/authorize-with-azure-active-directory, "Permissions for Blob service
operations" and "Permissions for Queue service operations". An operation that is not listed there needs what writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from local.roles import scopes
from local.roles.definitions import Needs, Permission, action, data_action
from local.storage.datalake import Task

_BLOB_SERVICE = "Microsoft.Storage/storageAccounts/blobServices"
_CONTAINERS = f"{_BLOB_SERVICE}/containers"
_BLOBS = f"{_CONTAINERS}/blobs"
_QUEUE_SERVICE = "Microsoft.Storage/storageAccounts/queueServices"
_QUEUES = f"{_QUEUE_SERVICE}/queues"
_MESSAGES = f"{_QUEUES}/messages"

READ_BLOB = data_action(f"{_BLOBS}/read")
WRITE_BLOB = data_action(f"{_BLOBS}/write")
_WRITE_NEW_BLOB = data_action(f"{_BLOBS}/write", f"{_BLOBS}/add/action")
_FIND_BY_TAGS = data_action(f"{_BLOBS}/filter/action")
_TAKE_MESSAGES: Needs = (
    (Permission(f"{_MESSAGES}/process/action", is_data=True),),
    (Permission(f"{_MESSAGES}/delete", is_data=True), Permission(f"{_MESSAGES}/read", is_data=True)),
)
_READING = ("GET", "HEAD")


def resource_of_blob(raw_path: str) -> str:
    """The id of the container, or else of the account, that a path below the Blob endpoint is in."""
    account, container, _ = _split(raw_path)
    return scopes.container(account, container) if container else scopes.account(account)


def resource_of_queue(raw_path: str) -> str:
    """The id of the queue, or else of the account, that a path below the Queue endpoint is in."""
    account, queue, _ = _split(raw_path)
    return scopes.queue(account, queue) if queue else scopes.account(account)


def blob_needs(method: str, raw_path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Needs:
    """What a request to the Blob service needs; what a copy needs on its source is another question."""
    _, container, blob = _split(raw_path)
    comp = query.get("comp")
    if blob:
        needs = _on_blob(method, comp)
        return _with_tags(needs) if "x-ms-tags" in headers else needs
    return _on_container(method, comp) if container else _on_blob_service(method, comp)


def _on_blob(method: str, comp: str | None) -> Needs:
    match method, comp:
        case _, "tags":
            return data_action(f"{_BLOBS}/tags/{'read' if method in _READING else 'write'}")
        case ("GET" | "HEAD", _) | ("POST", "query"):
            return READ_BLOB
        case "DELETE", None:
            return data_action(f"{_BLOBS}/delete")
        case "PUT", None | "snapshot" | "appendblock":
            return _WRITE_NEW_BLOB
        case "PUT", "undelete" | "legalhold":
            return action(f"{_CONTAINERS}/write")
        case _, "immutabilityPolicies":
            return data_action(f"{_BLOBS}/immutableStorage/runAsSuperUser/action")
    return WRITE_BLOB


def _on_container(method: str, comp: str | None) -> Needs:
    match method, comp:
        case "GET", "list":
            return READ_BLOB
        case "GET", "blobs":
            return _FIND_BY_TAGS
        case _, "acl":
            return action(f"{_CONTAINERS}/{'getAcl' if method in _READING else 'setAcl'}/action")
    return action(f"{_CONTAINERS}/{_verb(method)}")


def _on_blob_service(method: str, comp: str | None) -> Needs:
    match method, comp:
        case "GET", "list":
            return action(f"{_CONTAINERS}/read")
        case "GET", "blobs":
            return _FIND_BY_TAGS
        case "POST", "userdelegationkey":
            return action(f"{_BLOB_SERVICE}/generateUserDelegationKey/action")
    return action(f"{_BLOB_SERVICE}/{_verb(method)}")


def path_needs(task: Task) -> Needs:
    """What a request of the Data Lake Storage API needs. Where no role allows it, access control lists would count in
    Azure; here there are none. Source: Azure docs, data-lake-storage-access-control-model."""
    match task:
        case Task.LIST | Task.PROPERTIES | Task.READ:
            return READ_BLOB
        case Task.CREATE_FILE | Task.CREATE_DIRECTORY | Task.APPEND | Task.FLUSH:
            return WRITE_BLOB
        case Task.RENAME:
            return data_action(f"{_BLOBS}/move/action")
        case Task.DELETE:
            return data_action(f"{_BLOBS}/delete")
        case Task.FILESYSTEM_PROPERTIES:
            return action(f"{_CONTAINERS}/read")
        case Task.DELETE_FILESYSTEM:
            return action(f"{_CONTAINERS}/delete")
    return action(f"{_CONTAINERS}/write")


def queue_needs(method: str, raw_path: str, query: Mapping[str, str]) -> Needs:
    """What a request to the Queue service needs."""
    _, queue, inside = _split(raw_path)
    if inside:
        return _on_messages(method, query, is_one="/" in inside)
    comp = query.get("comp")
    match method, comp:
        case _, "acl" if queue:
            return action(f"{_QUEUES}/{'getAcl' if method in _READING else 'setAcl'}/action")
        case "GET", "list" if not queue:
            return action(f"{_QUEUES}/read")
    return action(f"{_QUEUES if queue else _QUEUE_SERVICE}/{_verb(method)}")


def _on_messages(method: str, query: Mapping[str, str], *, is_one: bool) -> Needs:
    match method:
        case "POST":
            return data_action(f"{_MESSAGES}/add/action", f"{_MESSAGES}/write")
        case "DELETE":
            processing = (f"{_MESSAGES}/process/action",) if is_one else ()
            return data_action(*processing, f"{_MESSAGES}/delete")
        case "GET":
            return data_action(f"{_MESSAGES}/read") if query.get("peekonly", "").lower() == "true" else _TAKE_MESSAGES
    return data_action(f"{_MESSAGES}/write")


def _with_tags(needs: Needs) -> Needs:
    tagging = Permission(f"{_BLOBS}/tags/write", is_data=True)
    return tuple((*needed, tagging) for needed in needs)


def _verb(method: str) -> str:
    return "read" if method in _READING else "delete" if method == "DELETE" else "write"


def _split(raw_path: str) -> tuple[str, str, str]:
    account, _, rest = raw_path.lstrip("/").partition("/")
    first, _, inside = rest.partition("/")
    return unquote(account), unquote(first), inside
