"""Which operation needs which permission: the rows of Microsoft's two tables that clients of the local cloud use."""

from __future__ import annotations

import pytest

from local.roles import scopes
from local.roles.definitions import Needs
from local.storage.permissions import blob_needs, queue_needs, resource_of_blob, resource_of_queue

PREFIX = "Microsoft.Storage/storageAccounts/"


def told(needs: Needs) -> list[str]:
    """Each alternative, without what all names have in common; `!` marks data actions."""
    return [
        " and ".join(f"{'!' if one.is_data else ''}{one.name.removeprefix(PREFIX).split('/', 1)[1]}" for one in needed)
        for needed in needs
    ]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/a/?comp=list", ["containers/read"]),
        ("POST", "/a/?comp=userdelegationkey", ["generateUserDelegationKey/action"]),
        ("PUT", "/a/c?restype=container", ["containers/write"]),
        ("GET", "/a/c?restype=container", ["containers/read"]),
        ("DELETE", "/a/c?restype=container", ["containers/delete"]),
        ("GET", "/a/c?restype=container&comp=list", ["!containers/blobs/read"]),
        ("GET", "/a/c?restype=container&comp=acl", ["containers/getAcl/action"]),
        ("PUT", "/a/c?restype=container&comp=acl", ["containers/setAcl/action"]),
        ("GET", "/a/c/b", ["!containers/blobs/read"]),
        ("HEAD", "/a/c/b", ["!containers/blobs/read"]),
        ("GET", "/a/c/b?comp=blocklist", ["!containers/blobs/read"]),
        ("PUT", "/a/c/b", ["!containers/blobs/write", "!containers/blobs/add/action"]),
        ("PUT", "/a/c/b?comp=block", ["!containers/blobs/write"]),
        ("PUT", "/a/c/b?comp=blocklist", ["!containers/blobs/write"]),
        ("PUT", "/a/c/b?comp=metadata", ["!containers/blobs/write"]),
        ("PUT", "/a/c/b?comp=lease", ["!containers/blobs/write"]),
        ("DELETE", "/a/c/b", ["!containers/blobs/delete"]),
        ("GET", "/a/c/b?comp=tags", ["!containers/blobs/tags/read"]),
        ("PUT", "/a/c/b?comp=tags", ["!containers/blobs/tags/write"]),
    ],
)
def test_an_operation_on_blobs(method: str, path: str, expected: list[str]) -> None:
    assert told(blob_needs(method, *split(path), {})) == expected


def test_tags_that_are_written_with_a_blob_need_their_own_permission() -> None:
    assert told(blob_needs("PUT", "/a/c/b", {"comp": "blocklist"}, {"x-ms-tags": "a=b"})) == [
        "!containers/blobs/write and !containers/blobs/tags/write"
    ]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/a/?comp=list", ["queues/read"]),
        ("PUT", "/a/q", ["queues/write"]),
        ("GET", "/a/q?comp=metadata", ["queues/read"]),
        ("DELETE", "/a/q", ["queues/delete"]),
        ("POST", "/a/q/messages", ["!queues/messages/add/action", "!queues/messages/write"]),
        (
            "GET",
            "/a/q/messages",
            ["!queues/messages/process/action", "!queues/messages/delete and !queues/messages/read"],
        ),
        ("GET", "/a/q/messages?peekonly=true", ["!queues/messages/read"]),
        ("DELETE", "/a/q/messages", ["!queues/messages/delete"]),
        ("DELETE", "/a/q/messages/1", ["!queues/messages/process/action", "!queues/messages/delete"]),
        ("PUT", "/a/q/messages/1", ["!queues/messages/write"]),
    ],
)
def test_an_operation_on_queues(method: str, path: str, expected: list[str]) -> None:
    assert told(queue_needs(method, *split(path))) == expected


def split(path: str) -> tuple[str, dict[str, str]]:
    before, _, query = path.partition("?")
    return before, dict(part.split("=") for part in query.split("&") if part)


def test_a_request_is_about_the_container_or_queue_that_it_names_and_else_about_the_account() -> None:
    assert resource_of_blob("/a/c/b/d") == resource_of_blob("/a/%63") == scopes.container("a", "c")
    assert resource_of_queue("/a/q/messages/1") == scopes.queue("a", "q")
    assert resource_of_blob("/a/") == resource_of_queue("/a") == scopes.account("a")
