from __future__ import annotations

import pytest
from multidict import CIMultiDict

from local.storage.operations import Kind, Operation, recognise

BLOB = "/acct/box/a/b%20c.png"


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "kind"),
    [
        ("PUT", BLOB, {}, {"x-ms-blob-type": "BlockBlob"}, Kind.PUT_BLOB),
        ("PUT", BLOB, {}, {"x-ms-copy-source": "u", "x-ms-blob-type": "BlockBlob"}, Kind.PUT_BLOB_FROM_URL),
        ("PUT", BLOB, {}, {"X-Ms-Copy-Source": "u"}, Kind.COPY_BLOB),
        ("PUT", BLOB, {"comp": "block", "blockid": "AA"}, {}, Kind.OTHER),
        ("PUT", BLOB, {"comp": "block", "blockid": "AA"}, {"x-ms-copy-source": "u"}, Kind.PUT_BLOCK_FROM_URL),
        ("PUT", BLOB, {"comp": "blocklist"}, {}, Kind.PUT_BLOCK_LIST),
        ("PUT", BLOB, {"comp": "metadata"}, {}, Kind.OTHER),
        ("DELETE", BLOB, {}, {}, Kind.DELETE_BLOB),
        ("DELETE", BLOB, {"snapshot": "2026"}, {}, Kind.OTHER),
        ("DELETE", BLOB, {}, {"x-ms-delete-snapshots": "only"}, Kind.OTHER),
        ("GET", BLOB, {}, {}, Kind.OTHER),
        ("PUT", "/acct/box", {"restype": "container"}, {}, Kind.OTHER),
        ("DELETE", "/acct/box", {"restype": "container"}, {}, Kind.OTHER),
        ("GET", "/acct/box", {"restype": "container", "comp": "list"}, {}, Kind.LIST),
        ("GET", "/acct", {"comp": "list"}, {}, Kind.LIST),
        ("GET", "/acct", {"comp": "blobs"}, {}, Kind.LIST),
        ("POST", "/acct", {"comp": "batch"}, {}, Kind.BATCH),
        ("POST", "/acct/box", {"restype": "container", "comp": "batch"}, {}, Kind.BATCH),
        ("PUT", BLOB, {"comp": "undelete"}, {}, Kind.UNDELETE_BLOB),
        ("PUT", "/acct/box", {"restype": "container", "comp": "undelete"}, {}, Kind.UNDELETE_CONTAINER),
        ("PUT", "/acct/box", {"restype": "container", "comp": "rename"}, {}, Kind.RENAME_CONTAINER),
        ("POST", BLOB, {"comp": "query"}, {}, Kind.QUERY),
        ("PUT", BLOB, {"comp": "expiry"}, {}, Kind.EXPIRY),
        ("DELETE", BLOB, {"comp": "immutabilityPolicies"}, {}, Kind.IMMUTABILITY),
        ("PUT", BLOB, {"comp": "legalhold"}, {}, Kind.LEGAL_HOLD),
        ("PUT", BLOB, {"comp": "incrementalcopy"}, {"x-ms-copy-source": "u"}, Kind.INCREMENTAL_COPY),
        ("PUT", BLOB, {"comp": "page"}, {"x-ms-copy-source": "u"}, Kind.PAGES_FROM_URL),
        ("PUT", BLOB, {"comp": "appendblock"}, {"x-ms-copy-source": "u"}, Kind.APPEND_FROM_URL),
        ("PUT", BLOB, {"comp": "appendblock"}, {}, Kind.OTHER),
        ("POST", "/acct", {"restype": "service", "comp": "userdelegationkey"}, {}, Kind.DELEGATION_KEY),
    ],
)
def test_a_request_is_recognised_by_method_query_and_headers(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], kind: Kind
) -> None:
    assert recognise(method, path, query, CIMultiDict(headers)).kind is kind


def test_account_container_and_blob_are_taken_from_the_path_and_decoded() -> None:
    assert recognise("GET", BLOB, {}, {}) == Operation(Kind.OTHER, "acct", "box", "a/b c.png")
    assert recognise("GET", "/", {}, {}) == Operation(Kind.OTHER, "")


@pytest.mark.parametrize(
    ("kind", "api"),
    [
        (Kind.PUT_BLOB, "PutBlob"),
        (Kind.PUT_BLOB_FROM_URL, "PutBlobFromUrl"),
        (Kind.PUT_BLOCK_LIST, "PutBlockList"),
        (Kind.COPY_BLOB, "CopyBlob"),
        (Kind.DELETE_BLOB, "DeleteBlob"),
        (Kind.PUT_BLOCK_FROM_URL, None),
        (Kind.OTHER, None),
    ],
)
def test_only_what_commits_a_blob_has_an_event(kind: Kind, api: str | None) -> None:
    assert Operation(kind, "acct", "box", "blob").event_api == api
    assert Operation(kind, "acct", "box").event_api is None
