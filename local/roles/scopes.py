"""The ids of what roles are assigned on and what requests are for."""

from __future__ import annotations

import re

from local import addresses

SUBSCRIPTION = f"/subscriptions/{addresses.SUBSCRIPTION}"
GROUP = f"{SUBSCRIPTION}/resourceGroups/{addresses.RESOURCE_GROUP}"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/{addresses.WORKSPACE}"
_NAME = r"[^/\s]+"
_SHORT = re.compile(
    rf"(?P<kind>subscription|workspace)|(?P<one>account|topic) (?P<name>{_NAME})"
    rf"|(?P<inner>container|queue) (?P<account>{_NAME})/(?P<part>{_NAME})"
)


class InvalidScope(ValueError):
    """Something that is neither a resource id nor one of the short forms."""


def account(name: str) -> str:
    return f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{name}"


def container(of_account: str, name: str) -> str:
    return f"{account(of_account)}/blobServices/default/containers/{name}"


def queue(of_account: str, name: str) -> str:
    return f"{account(of_account)}/queueServices/default/queues/{name}"


def topic(name: str) -> str:
    """A custom topic of Event Grid."""
    return f"{GROUP}/providers/Microsoft.EventGrid/topics/{name}"


def parse(text: str) -> str:
    """The resource id that `text` means. Raises InvalidScope.

    `text` is such an id, `subscription`, `workspace`, `account A`, `container A/C`, `queue A/Q` or `topic T`.
    """
    if text.lower().startswith("/subscriptions/"):
        return text.rstrip("/")
    match = _SHORT.fullmatch(text)
    if match is None:
        raise InvalidScope(
            f"{text!r} is no scope: use subscription, workspace, account A, container A/C, queue A/Q, topic T, or the "
            "id of a resource."
        )
    found = match.groupdict()
    if found["kind"]:
        return SUBSCRIPTION if found["kind"] == "subscription" else WORKSPACE
    if found["one"]:
        return (account if found["one"] == "account" else topic)(found["name"])
    return (container if found["inner"] == "container" else queue)(found["account"], found["part"])


def covers(scope: str, resource: str) -> bool:
    """Whether an assignment on `scope` counts for `resource`: for the same one and for what is below it."""
    wide, narrow = scope.lower(), resource.lower()
    return narrow == wide or narrow.startswith(f"{wide}/")
