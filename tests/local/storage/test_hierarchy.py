"""The Blob API on accounts with a hierarchy, and the Data Lake API on accounts without."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.storage.blob import BlobPrefix, ContainerClient
from azure.storage.filedatalake import DataLakeDirectoryClient

from local import addresses
from local.addresses import ACCOUNT, LAKEHOUSE_ACCOUNT, STATE_ACCOUNT
from tests.local.storage.accounts import Accounts, code_of, opened
from tests.local.storage.test_paths import names, written

VERSION = {"x-ms-version": "2024-08-04"}


def flat(landing: ContainerClient, prefix: str) -> list[tuple[str, int, bool]]:
    blobs = landing.list_blobs(prefix, include=["metadata"])
    return [(blob.name, blob.size, (blob.metadata or {}).get("hdi_isfolder") == "true") for blob in blobs]


def test_a_blob_makes_directories_that_show_up_in_flat_listings(lakes: Accounts) -> None:
    with lakes.landing as landing:
        landing.upload_blob("dirs/a/b/c.txt", b"12345")

        listed = flat(landing, "dirs")

    assert listed == [
        ("dirs", 0, True),
        ("dirs/a", 0, True),
        ("dirs/a/b", 0, True),
        ("dirs/a/b/c.txt", 5, False),
    ]


def test_what_one_api_writes_the_other_reads_copies_and_deletes(lakes: Accounts) -> None:
    written(lakes, "both/by-path", b"path")
    with lakes.landing as landing:
        landing.upload_blob("both/by-blob", b"blob")
        copy = landing.get_blob_client("both/copies/of-path")
        copy.start_copy_from_url(landing.get_blob_client("both/by-path").url)

        assert landing.download_blob("both/by-path").readall() == b"path"
        assert lakes.lake().get_file_client("both/by-blob").download_file().readall() == b"blob"
        assert copy.download_blob().readall() == b"path"
        assert names(lakes, "both") == ["both/by-blob", "both/by-path", "both/copies", "both/copies/of-path"]
        landing.delete_blob("both/by-path")
        lakes.lake().delete_file("both/by-blob")
        assert [name for name, _, _ in flat(landing, "both/")] == ["both/copies", "both/copies/of-path"]


def test_put_blob_from_url_makes_directories_too(lakes: Accounts) -> None:
    with lakes.landing as landing, lakes.lakehouse as lakehouse:
        source = landing.upload_blob("put-source", b"x")
        target = lakehouse.get_blob_client("put/deep/copy")

        target.upload_blob_from_url(source.url, source_authorization=lakes.bearer())

        assert [name for name, _, _ in flat(lakehouse, "put")] == ["put", "put/deep", "put/deep/copy"]


def test_a_listing_by_level_shows_directories_as_prefixes_the_empty_ones_too(lakes: Accounts) -> None:
    lakes.lake().create_directory("walk/empty")
    written(lakes, "walk/full/file")
    written(lakes, "walk/file")
    with lakes.landing as landing:
        pages = landing.walk_blobs("walk/", results_per_page=2).by_page()
        found = [[(one.name, isinstance(one, BlobPrefix)) for one in page] for page in pages]
        of_directory = [one.name for one in landing.walk_blobs("walk")]

    assert sorted(found[0] + found[1]) == [("walk/empty/", True), ("walk/file", False), ("walk/full/", True)]
    assert [len(page) for page in found] == [2, 1]
    assert "walk/" in of_directory


@pytest.mark.parametrize("delimiter", ["", "&delimiter=/"], ids=["flat", "by level"])
def test_a_listing_may_start_from_a_name(lakes: Accounts, delimiter: str) -> None:
    with lakes.landing as landing:
        for version in range(3):
            landing.upload_blob(f"log{len(delimiter)}/{version}.json", b"")

    path = f"/{ACCOUNT}/landing?restype=container&comp=list&prefix=log{len(delimiter)}/&startFrom=log{len(delimiter)}/1"
    answer = lakes.request("GET", path + delimiter, {**VERSION, "Authorization": lakes.bearer()})

    assert re.findall(r"/(\d)\.json</Name>", answer.text) == ["1", "2"]


def test_only_a_slash_is_a_delimiter(lakes: Accounts) -> None:
    headers = {**VERSION, "Authorization": lakes.bearer()}
    path = f"/{ACCOUNT}/landing?restype=container&comp=list&delimiter=-"

    answer = lakes.request("GET", path, headers)

    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (400, "InvalidQueryParameterValue")


def test_a_blob_cannot_be_where_a_directory_is_nor_below_a_file(lakes: Accounts) -> None:
    with lakes.landing as landing:
        landing.upload_blob("place/dir/file", b"x")

        for name in ("place/dir", "place/dir/file/below"):
            with pytest.raises(ResourceExistsError) as refused:
                landing.upload_blob(name, b"x", overwrite=True)
            assert code_of(refused.value) == "PathConflict"
        assert [name for name, _, _ in flat(landing, "place/")] == ["place/dir", "place/dir/file"]


def test_names_that_look_like_numbers_are_told_apart(lakes: Accounts) -> None:
    every = ["1", "01", "1.0", "1e3", "1f", "2", "10", "9a"]
    with lakes.container(LAKEHOUSE_ACCOUNT, "numbers") as numbers:
        numbers.create_container()
        for name in every:
            numbers.upload_blob(f"{name}/file", name.encode())
        lakes.lake(LAKEHOUSE_ACCOUNT, "numbers").get_directory_client("1e3").rename_directory("numbers/1000")

        found = {name: numbers.download_blob(f"{name}/file").readall().decode() for name in [*every[:3], "1000", "1f"]}

    assert found == {"1": "1", "01": "01", "1.0": "1.0", "1000": "1e3", "1f": "1f"}


def test_a_marker_that_a_hadoop_writer_puts_is_a_directory(lakes: Accounts) -> None:
    with lakes.landing as landing:
        landing.upload_blob("marked", b"", metadata={"hdi_isfolder": "true"})
        landing.upload_blob("marked/file", b"x")

    assert {path.name: path.is_directory for path in lakes.lake().get_paths(recursive=False)}["marked"]
    assert names(lakes, "marked") == ["marked/file"]


def test_a_directory_that_is_not_empty_is_no_blob_to_delete(lakes: Accounts) -> None:
    with lakes.landing as landing:
        landing.upload_blob("full/file", b"x")

        with pytest.raises(ResourceExistsError) as refused:
            landing.delete_blob("full")
        landing.delete_blob("full/file")
        landing.delete_blob("full")

        assert code_of(refused.value) == "DirectoryIsNotEmpty"
        assert flat(landing, "full") == []


def test_metadata_does_not_turn_a_directory_into_a_file(lakes: Accounts) -> None:
    directory: DataLakeDirectoryClient = lakes.lake().create_directory("described")

    directory.set_metadata({"owner": "me"})

    properties = directory.get_directory_properties()
    assert properties.metadata == {"owner": "me", "hdi_isfolder": "true"}
    assert lakes.lake().get_directory_client("described").create_sub_directory("below").exists()


def test_a_file_of_the_blob_api_takes_no_appended_data(lakes: Accounts) -> None:
    with lakes.landing as landing:
        landing.upload_blob("foreign", b"blob")
    file = lakes.lake().get_file_client("foreign")

    with pytest.raises(HttpResponseError) as append:
        file.append_data(b"x", 4)
    with pytest.raises(HttpResponseError) as flush:
        file.flush_data(4)

    assert code_of(append.value) == "InvalidAppendOperation"
    assert code_of(flush.value) == "InvalidFlushOperation"
    assert file.download_file().readall() == b"blob"


def test_an_account_says_whether_it_has_a_hierarchy(lakes: Accounts) -> None:
    headers = {**VERSION, "Authorization": lakes.bearer()}

    said = {
        account: lakes.request("HEAD", f"/{account}/{container}?resource=filesystem", headers)
        for account, container in addresses.CONTAINERS.items()
    }

    assert {account: answer.headers["x-ms-namespace-enabled"] for account, answer in said.items()} == {
        account: "true" if account in (ACCOUNT, LAKEHOUSE_ACCOUNT) else "false" for account in addresses.ACCOUNTS
    }
    assert {answer.status_code for answer in said.values()} == {200}


def test_an_account_without_a_hierarchy_refuses_paths_and_stays_flat(lakes: Accounts) -> None:
    container = addresses.CONTAINERS[STATE_ACCOUNT]
    headers = {**VERSION, "Authorization": lakes.bearer()}

    created = lakes.request("PUT", f"/{STATE_ACCOUNT}/{container}/a/b?resource=file", headers)
    asked = lakes.request("HEAD", f"/{STATE_ACCOUNT}/{container}/?action=getAccessControl", headers)
    with lakes.container(STATE_ACCOUNT, container) as state:
        state.upload_blob("a", b"x")
        state.upload_blob("a/b//c", b"x")

        assert flat(state, "a") == [("a", 1, False), ("a/b//c", 1, False)]
    assert (created.status_code, created.json()["error"]["code"]) == (409, "EndpointUnsupportedAccountFeatures")
    assert f"--hierarchical {STATE_ACCOUNT}" in created.json()["error"]["message"]
    assert asked.status_code == 400


def test_an_account_that_was_flat_gets_its_directories_when_it_gets_a_hierarchy(tmp_path: Path) -> None:
    with opened(tmp_path, LAKEHOUSE_ACCOUNT) as accounts, accounts.landing as landing:
        landing.upload_blob("old/a/b", b"x")
        assert flat(landing, "") == [("old/a/b", 1, False)]

    with opened(tmp_path, ACCOUNT) as accounts, accounts.landing as landing:
        assert flat(landing, "") == [("old", 0, True), ("old/a", 0, True), ("old/a/b", 1, False)]
        accounts.lake().get_directory_client("old").rename_directory("landing/new")
        assert landing.download_blob("new/a/b").readall() == b"x"
