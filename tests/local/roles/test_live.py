"""roles.yaml of a state directory, read while everything runs."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import pytest

from local.clock import SteadyClock
from local.roles import scopes
from local.roles.assignments import InvalidAssignments
from local.roles.definitions import data_action
from local.roles.identities import APP
from local.roles.live import DEFAULT, NAME, LiveRoles, rewrite

LANDING = scopes.container("devstoreaccount1", "landing")
READ = data_action("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read")
READER = "assignments: [{identity: landfall-app, role: Storage Blob Data Reader, scope: account devstoreaccount1%s}]"


def may_read(roles: LiveRoles) -> bool:
    return roles.missing(APP.object_id, READ, LANDING) is None


def test_a_state_directory_begins_with_a_copy_of_the_default(tmp_path: Path) -> None:
    roles = LiveRoles.of(tmp_path / "new", SteadyClock())

    assert (tmp_path / "new" / NAME).read_bytes() == DEFAULT.read_bytes()
    assert may_read(roles)


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    rewrite(tmp_path, "assignments: []")

    assert not may_read(LiveRoles.of(tmp_path, SteadyClock()))
    assert (tmp_path / NAME).read_text("utf-8") == "assignments: []"


def test_a_change_counts_at_once_and_so_does_its_undoing(tmp_path: Path) -> None:
    roles = LiveRoles.of(tmp_path, SteadyClock())

    rewrite(tmp_path, "assignments: []")
    assert not may_read(roles)
    rewrite(tmp_path, READER % "")
    assert may_read(roles)


def test_a_file_that_is_deleted_begins_anew(tmp_path: Path) -> None:
    rewrite(tmp_path, "assignments: []")
    roles = LiveRoles.of(tmp_path, SteadyClock())

    (tmp_path / NAME).unlink()

    assert may_read(roles)


def test_a_file_that_breaks_changes_nothing_and_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    roles = LiveRoles.of(tmp_path, SteadyClock())
    rewrite(tmp_path, "assignments: [{identity: landfall-app}]")

    with caplog.at_level(logging.ERROR):
        assert may_read(roles)
        assert may_read(roles)

    assert [record.message.endswith("{'identity': 'landfall-app'}.") for record in caplog.records] == [True]


def test_a_file_that_is_broken_from_the_start_is_named(tmp_path: Path) -> None:
    rewrite(tmp_path, "nothing")

    with pytest.raises(InvalidAssignments, match=NAME):
        LiveRoles.of(tmp_path, SteadyClock())


def test_a_delay_passes_by_the_clock_of_the_state_directory(tmp_path: Path) -> None:
    """A minute after the file was written, an hour has passed on a clock that is sixty times as fast."""
    rewrite(tmp_path, READER % ", after: 30m")
    a_minute_ago = time.time() - 60
    os.utime(tmp_path / NAME, (a_minute_ago, a_minute_ago))

    assert not may_read(LiveRoles.of(tmp_path, SteadyClock(epoch=a_minute_ago)))
    assert may_read(LiveRoles.of(tmp_path, SteadyClock(epoch=a_minute_ago, rate=60)))
