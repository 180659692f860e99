"""Files and directories through the Data Lake Storage client, on accounts with a hierarchy."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.filedatalake import ContentSettings, DataLakeFileClient

from local.addresses import ACCOUNT
from tests.local.storage.accounts import Accounts, code_of

VERSION = {"x-ms-version": "2024-08-04"}


def written(accounts: Accounts, path: str, data: bytes = b"data") -> DataLakeFileClient:
    file = accounts.lake().create_file(path)
    file.append_data(data, 0, len(data))
    file.flush_data(len(data))
    return file


def names(accounts: Accounts, directory: str, **options: Any) -> list[str | None]:
    return [path.name for path in accounts.lake().get_paths(directory, **options)]


def refusal(accounts: Accounts, method: str, path: str, **headers: str) -> tuple[int, str]:
    sent = {**VERSION, "Authorization": accounts.bearer(), "Accept": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    answer = accounts.request(method, f"/{ACCOUNT}/landing{path}", sent)
    assert answer.status_code >= 400, answer.text
    assert answer.json()["error"]["code"] == answer.headers["x-ms-error-code"]
    return answer.status_code, answer.headers["x-ms-error-code"]


def test_appended_data_is_not_visible_before_it_is_flushed(lakes: Accounts) -> None:
    file = lakes.lake().create_file("append/unseen")

    file.append_data(b"hel", 0)
    file.append_data(b"lo", 3)
    before = (file.download_file().readall(), file.get_file_properties().size)
    file.flush_data(5)

    assert before == (b"", 0)
    assert (file.download_file().readall(), file.get_file_properties().size) == (b"hello", 5)


def test_a_file_grows_by_flush_after_flush(lakes: Accounts) -> None:
    file = written(lakes, "append/growing", b"one")
    etag = file.get_file_properties().etag

    file.append_data(b" two", 3)
    flushed = file.flush_data(7)

    assert file.download_file().readall() == b"one two"
    assert flushed["etag"] == file.get_file_properties().etag != etag


def test_appends_may_arrive_in_any_order_but_leave_no_gap(lakes: Accounts) -> None:
    file = lakes.lake().create_file("append/gap")
    file.append_data(b"c", 2)
    file.append_data(b"a", 0)

    with pytest.raises(HttpResponseError) as refused:
        file.flush_data(3)
    file.append_data(b"b", 1)
    file.flush_data(3)

    assert code_of(refused.value) == "InvalidFlushPosition"
    assert file.download_file().readall() == b"abc"


def test_what_a_flush_leaves_out_is_dropped_unless_it_is_retained(lakes: Accounts) -> None:
    file = lakes.lake().create_file("append/rest")
    for position, data in enumerate((b"a", b"b", b"c")):
        file.append_data(data, position)

    file.flush_data(1, retain_uncommitted_data=True)
    file.flush_data(2)

    assert file.download_file().readall() == b"ab"
    with pytest.raises(HttpResponseError) as refused:
        file.flush_data(3)
    assert code_of(refused.value) == "InvalidFlushPosition"


def test_appending_can_flush_at_once(lakes: Accounts) -> None:
    file = lakes.lake().create_file("append/at-once")

    file.append_data(b"all", 0, flush=True)

    assert file.download_file().readall() == b"all"


def test_a_file_that_is_not_there_takes_no_data(lakes: Accounts) -> None:
    with pytest.raises(ResourceNotFoundError) as refused:
        lakes.lake().get_file_client("append/nothing").append_data(b"x", 0)

    assert code_of(refused.value) == "PathNotFound"


def test_damage_on_the_way_is_noticed_when_the_client_sends_an_md5(lakes: Accounts) -> None:
    lakes.lake().create_file("append/damaged")
    headers = {**VERSION, "Authorization": lakes.bearer(), "Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}

    answer = lakes.request("PATCH", f"/{ACCOUNT}/landing/append/damaged?action=append&position=0", headers, b"x")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "Md5Mismatch")


def test_no_md5_is_kept_unless_the_writer_sets_one_and_that_is_not_verified(lakes: Accounts) -> None:
    plain, claimed = written(lakes, "md5/plain"), lakes.lake().create_file("md5/claimed")
    wrong = hashlib.md5(b"something else").digest()

    claimed.append_data(b"data", 0)
    claimed.flush_data(4, content_settings=ContentSettings(content_type="text/csv", content_md5=bytearray(wrong)))

    settings = claimed.get_file_properties().content_settings
    assert plain.get_file_properties().content_settings.content_md5 is None
    assert (bytes(settings.content_md5 or b""), settings.content_type) == (wrong, "text/csv")
    with lakes.landing as landing:
        listed = {blob.name: blob.content_settings.content_md5 for blob in landing.list_blobs("md5/")}
    assert (listed["md5/plain"], bytes(listed["md5/claimed"] or b"")) == (None, wrong)


def test_an_upload_in_one_call_creates_appends_and_flushes(lakes: Accounts) -> None:
    data = bytes(range(256)) * 40

    file = lakes.lake().get_file_client("upload/in-parts")
    file.upload_data(data, overwrite=True, chunk_size=1024, max_concurrency=2, metadata={"made": "here"})

    properties = file.get_file_properties()
    assert file.download_file().readall() == data
    assert (properties.size, properties.metadata) == (len(data), {"made": "here"})


def test_a_new_file_replaces_an_old_one_unless_it_may_not(lakes: Accounts) -> None:
    file = written(lakes, "replace/file")

    with pytest.raises(ResourceExistsError) as refused:
        file.create_file(match_condition=MatchConditions.IfMissing)
    kept = file.download_file().readall()
    file.create_file()

    assert (code_of(refused.value), kept) == ("PathAlreadyExists", b"data")
    assert file.download_file().readall() == b""


def test_a_flush_on_a_condition_is_judged(lakes: Accounts) -> None:
    file = written(lakes, "replace/condition")
    file.append_data(b"!", 4)

    with pytest.raises(ResourceModifiedError):
        file.flush_data(5, etag='"0x0123456789ABCDEF"', match_condition=MatchConditions.IfNotModified)

    assert file.download_file().readall() == b"data"


def test_creating_a_file_makes_the_directories_above_it(lakes: Accounts) -> None:
    written(lakes, "made/a/b/c.txt")

    listed = {path.name: path.is_directory for path in lakes.lake().get_paths("made")}

    assert listed == {"made/a": True, "made/a/b": True, "made/a/b/c.txt": False}
    assert lakes.lake().get_directory_client("made/a").exists()


def test_a_listing_goes_down_only_if_it_is_recursive(lakes: Accounts) -> None:
    for name in ("x/1", "x/2", "y"):
        written(lakes, f"level/{name}")

    assert names(lakes, "level", recursive=False) == ["level/x", "level/y"]
    assert names(lakes, "level", recursive=True) == ["level/x", "level/x/1", "level/x/2", "level/y"]


def test_a_listing_is_continued_page_by_page(lakes: Accounts) -> None:
    for number in range(5):
        written(lakes, f"pages/{number}")

    pages = [[path.name for path in page] for page in lakes.lake().get_paths("pages", max_results=2).by_page()]

    assert pages == [["pages/0", "pages/1"], ["pages/2", "pages/3"], ["pages/4"]]


def test_a_listing_has_what_the_file_says_of_itself(lakes: Accounts) -> None:
    file = written(lakes, "listed/file")

    (listed,) = lakes.lake().get_paths("listed")

    properties = file.get_file_properties()
    assert (listed.content_length, f'"{listed.etag}"') == (properties.size, properties.etag)
    assert listed.last_modified == properties.last_modified.replace(tzinfo=None)


def test_a_listing_of_what_is_not_there_is_refused(lakes: Accounts) -> None:
    with pytest.raises(ResourceNotFoundError) as refused:
        names(lakes, "no-such-directory")

    assert code_of(refused.value) == "PathNotFound"


def test_a_directory_can_be_made_twice_and_keeps_what_is_in_it(lakes: Accounts) -> None:
    lakes.lake().create_directory("twice")
    written(lakes, "twice/file")

    lakes.lake().create_directory("twice")

    assert names(lakes, "twice") == ["twice/file"]
    with pytest.raises(ResourceExistsError):
        lakes.lake().create_directory("twice", match_condition=MatchConditions.IfMissing)


def test_a_file_is_in_the_way_of_a_directory_and_the_other_way_round(lakes: Accounts) -> None:
    written(lakes, "way/file")

    assert refusal(lakes, "PUT", "/way/file/below?resource=file") == (409, "PathConflict")
    assert refusal(lakes, "PUT", "/way/file?resource=directory") == (409, "PathConflict")
    assert refusal(lakes, "PUT", "/way?resource=file") == (409, "PathConflict")


def test_a_directory_is_deleted_with_all_that_is_in_it_if_that_is_said(lakes: Accounts) -> None:
    written(lakes, "gone/a/b")

    assert refusal(lakes, "DELETE", "/gone?recursive=false") == (409, "DirectoryNotEmpty")
    lakes.lake().delete_directory("gone")

    assert not lakes.lake().get_directory_client("gone/a").exists()
    assert refusal(lakes, "DELETE", "/gone") == (404, "PathNotFound")


def test_a_deleted_file_leaves_its_directories(lakes: Accounts) -> None:
    written(lakes, "emptied/a/file").delete_file()

    assert names(lakes, "emptied") == ["emptied/a"]


def test_names_may_have_any_letters(lakes: Accounts) -> None:
    name = "letters/ä b#%+&.txt"

    written(lakes, name)

    assert names(lakes, "letters") == [name]
    assert lakes.lake().get_file_client(name).download_file().readall() == b"data"


def test_a_filesystem_is_created_and_deleted(lakes: Accounts) -> None:
    headers = {**VERSION, "Authorization": lakes.bearer()}
    path = f"/{ACCOUNT}/another?resource=filesystem"

    statuses = [lakes.request(method, path, headers).status_code for method in ("PUT", "PUT", "HEAD", "DELETE")]

    assert statuses == [201, 409, 200, 202]


def test_a_filesystem_that_is_not_there_has_no_paths(lakes: Accounts) -> None:
    with pytest.raises(ResourceNotFoundError) as refused:
        lakes.lake(filesystem="no-such-one").create_file("x")

    assert code_of(refused.value) == "FilesystemNotFound"


def test_a_file_says_to_both_apis_what_it_is(lakes: Accounts) -> None:
    headers = {**VERSION, "Authorization": lakes.bearer()}
    file = written(lakes, "typed/file")

    kinds = [
        lakes.request("HEAD", f"/{ACCOUNT}/landing/{path}", headers).headers["x-ms-resource-type"]
        for path in ("typed", "typed/file", "typed?action=getStatus", "typed/file?action=getStatus")
    ]

    assert kinds == ["directory", "file"] * 2
    assert file.get_file_properties()["permissions"] == "rw-r-----"


def test_a_writer_like_hadoop_commits_by_renaming(lakes: Accounts) -> None:
    """What its ABFS driver sends: all to the dfs endpoint, and PUT instead of PATCH, with the method in a header."""
    headers = {**VERSION, "Authorization": lakes.bearer(), "Host": f"{ACCOUNT}.dfs.localhost"}
    patch = {**headers, "X-Http-Method-Override": "PATCH"}
    part = "/landing/hadoop/_temporary/part-0"
    move = {**headers, "x-ms-rename-source": "/landing/hadoop/_temporary"}

    statuses = [
        lakes.request("PUT", "/landing/hadoop/_temporary?resource=directory", headers).status_code,
        lakes.request("PUT", f"{part}?resource=file", {**headers, "If-None-Match": "*"}).status_code,
        lakes.request("PUT", f"{part}?action=append&position=0", patch, b"a,b\n").status_code,
        lakes.request("PUT", f"{part}?action=flush&position=4&close=true", patch).status_code,
        lakes.request("PUT", "/landing/hadoop/day=1", move).status_code,
        lakes.request("HEAD", "/landing/hadoop/_temporary?action=getStatus", headers).status_code,
        lakes.request("HEAD", "/landing/hadoop/day=1/part-0?action=getStatus&upn=false", headers).status_code,
    ]

    assert statuses == [201, 201, 202, 200, 201, 404, 200]
    assert lakes.lake().get_file_client("hadoop/day=1/part-0").download_file().readall() == b"a,b\n"


def test_the_endpoint_can_be_in_the_name_of_the_host(lakes: Accounts) -> None:
    file = written(lakes, "host/file")
    headers = {**VERSION, "Authorization": lakes.bearer(), "Host": f"{ACCOUNT}.dfs.localhost"}

    status = lakes.request("HEAD", "/landing/host/file", headers)
    read = lakes.request("GET", "/landing/host/file", headers)
    directory = lakes.request("HEAD", "/landing/host?action=getStatus", headers)
    root = lakes.request("HEAD", "/landing/?action=getAccessControl", headers)

    assert (read.status_code, read.content) == (200, b"data")
    assert status.headers["ETag"] == file.get_file_properties().etag
    types = [answer.headers["x-ms-resource-type"] for answer in (status, directory, root)]
    assert types == ["file", "directory", "directory"]


def test_only_tokens_open_it_and_a_foreign_operation_is_named_unsupported(lakes: Accounts) -> None:
    assert refusal(lakes, "PUT", "/x?resource=file", Authorization="") == (403, "AuthenticationFailed")
    assert refusal(lakes, "PATCH", "/x?action=setAccessControl") == (501, "NotImplemented")


@pytest.mark.parametrize("position", ["", "-1", "x"])
def test_a_position_is_a_number(lakes: Accounts, position: str) -> None:
    assert refusal(lakes, "PATCH", f"/x?action=flush&position={position}") == (400, "InvalidQueryParameterValue")
