"""kill -9 of any process of the storage part takes back nothing that a client was told is done."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from local import addresses
from tests.local.parts import running
from tests.local.receiver import NOBODY
from tests.local.storage.accounts import Accounts
from tests.local.storage.processes import azurite_of


def _contents(accounts: Accounts) -> dict[str, tuple[str, bytes]]:
    with accounts.landing as landing:
        return {b.name: (b.etag, landing.download_blob(b.name).readall()) for b in landing.list_blobs()}


def _opened(state: Path, process: subprocess.Popen[bytes]) -> Accounts:
    return Accounts(state, addresses.load(state), NOBODY, process)


@pytest.mark.long
def test_no_acknowledged_write_is_lost_by_killing_azurite(tmp_path: Path) -> None:
    addresses.settle(tmp_path)
    with running("storage", tmp_path) as process:
        accounts = _opened(tmp_path, process)
        with accounts.landing as landing:
            for number in range(30):
                landing.upload_blob(f"{number}", str(number).encode())
            for number in range(0, 30, 3):
                landing.delete_blob(f"{number}")
            for number in range(1, 30, 3):
                landing.upload_blob(f"{number}", b"changed", overwrite=True)
        before = _contents(accounts)

        os.kill(azurite_of(process.pid), signal.SIGKILL)

        assert process.wait(timeout=30) == 1
    with running("storage", tmp_path) as process:
        accounts = _opened(tmp_path, process)
        assert _contents(accounts) == before
        assert len(before) == 20
        with accounts.landing as landing:
            landing.upload_blob("after", b"after")
        os.kill(azurite_of(process.pid), signal.SIGKILL)
        process.wait(timeout=30)
    with running("storage", tmp_path) as process:
        assert _contents(_opened(tmp_path, process)).keys() == before.keys() | {"after"}


def test_azurite_does_not_outlive_the_part_and_its_successor_finds_everything(tmp_path: Path) -> None:
    addresses.settle(tmp_path)
    with running("storage", tmp_path) as process:
        accounts = _opened(tmp_path, process)
        with accounts.landing as landing:
            landing.upload_blob("kept", b"kept")
        process.kill()
        process.wait()
    with running("storage", tmp_path) as process:
        assert {name: data for name, (_, data) in _contents(_opened(tmp_path, process)).items()} == {"kept": b"kept"}
