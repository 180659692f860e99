from __future__ import annotations

import pytest
from multidict import CIMultiDict

from local.storage.access import Refused
from local.storage.datalake import Asked, Task, after, continuation, is_for_paths, metadata, recognise, rename_source

PATH = "/acct/box/a/b%20c"
ROOT = "/acct/box/"
RENAMED = {"x-ms-rename-source": "/box/old"}


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "task"),
    [
        ("PUT", "/acct/box", {"resource": "filesystem"}, {}, Task.CREATE_FILESYSTEM),
        ("HEAD", "/acct/box", {"resource": "filesystem"}, {}, Task.FILESYSTEM_PROPERTIES),
        ("DELETE", "/acct/box", {"resource": "filesystem"}, {}, Task.DELETE_FILESYSTEM),
        ("GET", "/acct/box", {"resource": "filesystem", "recursive": "false"}, {}, Task.LIST),
        ("PATCH", "/acct/box", {"resource": "filesystem"}, {}, Task.UNSUPPORTED),
        ("GET", "/acct", {"resource": "account"}, {}, Task.UNSUPPORTED),
        ("PUT", PATH, {"resource": "file"}, {}, Task.CREATE_FILE),
        ("PUT", PATH, {"resource": "directory"}, {}, Task.CREATE_DIRECTORY),
        ("PUT", PATH, {"mode": "legacy"}, RENAMED, Task.RENAME),
        ("PUT", PATH, {}, {}, Task.UNSUPPORTED),
        ("PUT", ROOT, {"resource": "directory"}, {}, Task.UNSUPPORTED),
        ("PATCH", PATH, {"action": "append", "position": "0"}, {}, Task.APPEND),
        ("PATCH", PATH, {"action": "flush", "position": "0"}, {}, Task.FLUSH),
        ("PATCH", PATH, {"action": "setProperties"}, {}, Task.UNSUPPORTED),
        ("HEAD", PATH, {}, {}, Task.PROPERTIES),
        ("HEAD", PATH, {"action": "getStatus"}, {}, Task.PROPERTIES),
        ("HEAD", ROOT, {"action": "getAccessControl"}, {}, Task.PROPERTIES),
        ("HEAD", PATH, {"action": "checkAccess"}, {}, Task.UNSUPPORTED),
        ("GET", PATH, {}, {}, Task.READ),
        ("DELETE", PATH, {"recursive": "true"}, {}, Task.DELETE),
        ("DELETE", ROOT, {"recursive": "true"}, {}, Task.UNSUPPORTED),
        ("POST", PATH, {}, {"x-ms-lease-action": "acquire"}, Task.UNSUPPORTED),
    ],
)
def test_a_task_is_recognised_by_method_path_query_and_headers(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], task: Task
) -> None:
    assert recognise(method, path, query, CIMultiDict(headers)).task is task


def test_account_filesystem_and_path_are_decoded_and_a_slash_at_the_end_says_nothing() -> None:
    assert recognise("HEAD", f"{PATH}/", {}, {}) == Asked(Task.PROPERTIES, "acct", "box", "a/b c")


@pytest.mark.parametrize(
    ("host", "method", "query", "headers", "on_paths"),
    [
        ("127.0.0.1:1", "PUT", {"resource": "file"}, {}, True),
        ("127.0.0.1:1", "HEAD", {"action": "getStatus"}, {}, True),
        ("127.0.0.1:1", "DELETE", {"recursive": "true"}, {}, True),
        ("127.0.0.1:1", "DELETE", {}, {"Accept": "application/json"}, True),
        ("127.0.0.1:1", "DELETE", {}, {"Accept": "application/xml"}, False),
        ("127.0.0.1:1", "PATCH", {}, {}, True),
        ("127.0.0.1:1", "PUT", {}, RENAMED, True),
        ("127.0.0.1:1", "POST", {}, {"x-ms-lease-action": "acquire"}, True),
        ("127.0.0.1:1", "PUT", {"comp": "lease"}, {"x-ms-lease-action": "acquire"}, False),
        ("127.0.0.1:1", "PUT", {"comp": "block"}, {}, False),
        ("127.0.0.1:1", "GET", {}, {}, False),
        ("acct.dfs.localhost:1", "GET", {}, {}, True),
        ("acct.blob.localhost:1", "GET", {}, {}, False),
    ],
)
def test_the_dialect_of_a_request_shows_in_its_host_or_its_parameters(
    host: str, method: str, query: dict[str, str], headers: dict[str, str], on_paths: bool
) -> None:
    assert is_for_paths(host, method, query, CIMultiDict(headers)) is on_paths


def test_a_rename_names_filesystem_and_path_encoded() -> None:
    assert rename_source({"x-ms-rename-source": "/box/a%20b/c?sv=1&sig=x"}) == ("box", "a b/c")
    with pytest.raises(Refused):
        rename_source({"x-ms-rename-source": "/box"})


def test_metadata_is_pairs_with_base64_values() -> None:
    assert metadata({"x-ms-properties": "made=aGVyZQ==, empty="}) == {"made": "here", "empty": ""}
    for value in ("not Base64", "né"):
        with pytest.raises(Refused):
            metadata({"x-ms-properties": f"made={value}"})


def test_a_listing_goes_on_after_a_token_of_its_own_and_no_other() -> None:
    assert after({"continuation": continuation("a/ü?>")}) == "a/ü?>"
    with pytest.raises(Refused):
        after({"continuation": "%%%"})
