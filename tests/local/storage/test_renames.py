"""Renames: what they keep, what they replace, and that nobody ever sees half of one."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError
from azure.storage.blob import BlobBlock

from local import addresses
from local.addresses import ACCOUNT
from local.storage import settings
from tests.local.parts import running
from tests.local.receiver import NOBODY
from tests.local.storage.accounts import Accounts, code_of
from tests.local.storage.processes import azurite_of
from tests.local.storage.test_paths import names, refusal, written

FILES = 60


def test_a_renamed_file_keeps_etag_last_modified_and_content(lakes: Accounts) -> None:
    file = written(lakes, "kept/before")
    before = file.get_file_properties()

    renamed = file.rename_file("landing/kept/after")

    after = renamed.get_file_properties()
    assert (after.etag, after.last_modified, after.size) == (before.etag, before.last_modified, before.size)
    assert renamed.download_file().readall() == b"data"
    assert names(lakes, "kept") == ["kept/after"]


def test_a_renamed_directory_takes_everything_below_it_along(lakes: Accounts) -> None:
    for name in ("a", "b/c", "b/d/e"):
        written(lakes, f"moved/{name}")
    written(lakes, "moved-not/f")
    etag = lakes.lake().get_file_client("moved/b/c").get_file_properties().etag

    lakes.lake().get_directory_client("moved").rename_directory("landing/arrived")

    listed = ["arrived/a", "arrived/b", "arrived/b/c", "arrived/b/d", "arrived/b/d/e"]
    assert names(lakes, "arrived") == listed
    assert names(lakes, "moved-not") == ["moved-not/f"]
    assert not lakes.lake().get_directory_client("moved").exists()
    with lakes.landing as landing:
        assert [blob.name for blob in landing.list_blobs("arrived/")] == listed
        assert landing.get_blob_client("arrived/b/c").get_blob_properties().etag == etag


def test_data_that_waits_for_its_flush_goes_along(lakes: Accounts) -> None:
    file = written(lakes, "waiting/before", b"one")
    file.append_data(b" two", 3)

    renamed = file.rename_file("landing/waiting/after")
    renamed.flush_data(7)

    assert renamed.download_file().readall() == b"one two"


def test_a_blob_of_the_blob_api_can_be_renamed_with_its_md5_and_blocks(lakes: Accounts) -> None:
    with lakes.landing as landing:
        landing.upload_blob("blobs/put", b"put")
        staged = landing.get_blob_client("blobs/staged")
        staged.stage_block("YQ==", b"staged")
        staged.commit_block_list([BlobBlock("YQ==")])

        lakes.lake().get_directory_client("blobs").rename_directory("landing/renamed-blobs")

        put = landing.get_blob_client("renamed-blobs/put")
        assert put.get_blob_properties().content_settings.content_md5 is not None
        assert put.download_blob().readall() == b"put"
        assert landing.download_blob("renamed-blobs/staged").readall() == b"staged"


def test_a_rename_replaces_a_file_unless_it_may_not(lakes: Accounts) -> None:
    source = written(lakes, "over/source", b"new")
    written(lakes, "over/target", b"old")

    with pytest.raises(ResourceExistsError) as refused:
        source.rename_file("landing/over/target", match_condition=MatchConditions.IfMissing)
    source.rename_file("landing/over/target")

    assert code_of(refused.value) == "PathAlreadyExists"
    assert names(lakes, "over") == ["over/target"]
    assert lakes.lake().get_file_client("over/target").download_file().readall() == b"new"


def test_a_condition_on_the_source_is_judged(lakes: Accounts) -> None:
    source = written(lakes, "source-condition/a")

    with pytest.raises((ResourceModifiedError, HttpResponseError)) as refused:
        source.rename_file(
            "landing/source-condition/b",
            source_etag='"0x0123456789ABCDEF"',
            source_match_condition=MatchConditions.IfNotModified,
        )

    assert (refused.value.status_code, code_of(refused.value)) == (412, "SourceConditionNotMet")
    assert names(lakes, "source-condition") == ["source-condition/a"]


def test_what_cannot_be_renamed_says_why(lakes: Accounts) -> None:
    written(lakes, "why/dir/file")
    written(lakes, "why/full/file")

    def of(source: str, target: str) -> tuple[int, str]:
        return refusal(lakes, "PUT", f"/why/{target}", x_ms_rename_source=f"/landing/why/{source}")

    assert of("nothing", "else") == (404, "SourcePathNotFound")
    assert of("dir/file", "no/such/parent") == (404, "RenameDestinationParentPathNotFound")
    assert of("dir/file", "full/file/below") == (409, "PathConflict")
    assert of("dir", "dir/below") == (409, "InvalidRenameSourcePath")
    assert of("dir/file", "full") == (409, "InvalidSourceOrDestinationResourceType")
    assert of("dir", "full") == (409, "PathAlreadyExists")
    assert names(lakes, "why") == ["why/dir", "why/dir/file", "why/full", "why/full/file"]


def test_a_rename_in_legacy_mode_replaces_a_directory_with_what_is_in_it(lakes: Accounts) -> None:
    written(lakes, "legacy/new/a")
    written(lakes, "legacy/old/b")

    lakes.lake().get_directory_client("legacy/new").rename_directory("landing/legacy/old")

    assert names(lakes, "legacy") == ["legacy/old", "legacy/old/a"]


def test_a_listing_sees_a_directory_before_or_after_its_rename_and_never_in_between(lakes: Accounts) -> None:
    with lakes.landing as landing:
        for number in range(FILES):
            landing.upload_blob(f"atomic-0/{number:03}", b"x")
    stop = threading.Event()
    renames: list[str] = []

    def rename() -> None:
        with lakes.lake() as lake:
            while not stop.is_set():
                here, there = f"atomic-{len(renames) % 2}", f"atomic-{(len(renames) + 1) % 2}"
                lake.get_directory_client(here).rename_directory(f"landing/{there}")
                renames.append(there)

    worker = threading.Thread(target=rename)
    worker.start()
    try:
        with lakes.landing as landing:
            for _ in range(25):
                seen = [blob.name for blob in landing.list_blobs("atomic-")]
                directories = {name.partition("/")[0] for name in seen}
                assert (len(seen), len(directories)) == (FILES + 1, 1)
    finally:
        stop.set()
        worker.join()
    assert len(renames) > 2


def _opened(state: Path, process: object) -> Accounts:
    return Accounts(state, addresses.load(state), NOBODY, process)  # type: ignore[arg-type]  # the part's process


def _settled(state: Path) -> None:
    addresses.settle(state)
    settings.settle(state, hierarchical=(ACCOUNT,))


def _fill(accounts: Accounts, directory: str) -> None:
    with accounts.landing as landing:
        for number in range(FILES):
            landing.upload_blob(f"{directory}/{number:03}", str(number).encode())


def _top(accounts: Accounts) -> list[str]:
    """Where the files are; all of them have their content."""
    with accounts.landing as landing:
        blobs = [blob.name for blob in landing.list_blobs() if "/" in blob.name]
        assert len(blobs) == FILES
        for name in blobs:
            assert landing.download_blob(name).readall() == str(int(name.partition("/")[2])).encode()
    return sorted({name.partition("/")[0] for name in blobs})


@pytest.mark.long
def test_a_rename_that_was_acknowledged_survives_kill_9_and_so_does_the_hierarchy(tmp_path: Path) -> None:
    _settled(tmp_path)
    with running("storage", tmp_path) as process:
        accounts = _opened(tmp_path, process)
        _fill(accounts, "before")
        etag = accounts.landing.get_blob_client("before/000").get_blob_properties().etag
        accounts.lake().get_directory_client("before").rename_directory("landing/after")
        os.kill(azurite_of(process.pid), signal.SIGKILL)
        process.wait(timeout=30)
    with running("storage", tmp_path) as process:
        accounts = _opened(tmp_path, process)
        assert _top(accounts) == ["after"]
        assert accounts.landing.get_blob_client("after/000").get_blob_properties().etag == etag
        accounts.lake().get_directory_client("after").rename_directory("landing/again")
        assert _top(accounts) == ["again"]


@pytest.mark.long
def test_a_rename_of_which_only_a_part_was_written_down_has_not_happened(tmp_path: Path) -> None:
    """kill -9 can cut off a large write; the journal has a rename in one line, and leaves out half a line."""
    _settled(tmp_path)
    names_in_turn = ["first", "second"]
    with running("storage", tmp_path) as process:
        _fill(_opened(tmp_path, process), "first")
    while True:
        with running("storage", tmp_path) as process:
            source, target = names_in_turn
            _opened(tmp_path, process).lake().get_directory_client(source).rename_directory(f"landing/{target}")
            os.kill(azurite_of(process.pid), signal.SIGKILL)
            process.wait(timeout=30)
        journals = (tmp_path / "storage" / "azurite").glob("__azurite_db_blob__.json.journal.*")
        latest = max(journals, key=lambda path: int(path.suffix[1:]))
        if latest.stat().st_size > 0:
            break
        names_in_turn.reverse()  # saved just before the kill; the next rename is in the journal
    os.truncate(latest, latest.stat().st_size - 10)

    with running("storage", tmp_path) as process:
        assert _top(_opened(tmp_path, process)) == [source]
