"""Clients that people use, unmodified, through the front. Those not installed are left out: see `make clients`.

azure-storage-blob's own client is what all other tests here use; its client for asyncio is one of these.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas
from azure.storage.blob.aio import ContainerClient

from local import tls
from local.addresses import ACCOUNT, ACCOUNT_KEY, LAKEHOUSE_ACCOUNT
from testbed.programs import program
from tests.local.storage.accounts import Accounts

AZCOPY = Path("node_modules/@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64")
WITH_ADLFS = Path(__file__).with_name("with_adlfs.py")


def _sas(account: str) -> str:
    return generate_account_sas(
        account,
        ACCOUNT_KEY,
        resource_types=ResourceTypes(service=True, container=True, object=True),
        permission=AccountSasPermissions(read=True, write=True, delete=True, list=True, add=True, create=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )


def _run(accounts: Accounts, *command: str, **environment: str) -> str:
    trust = {"SSL_CERT_FILE": str(tls.ca_bundle(accounts.state))}
    ended = subprocess.run(
        command, env={**os.environ, **trust, **environment}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is copied: a name with a space, a folder, a file of several blocks' size."""
    source = tmp_path / "source"
    (source / "day=1").mkdir(parents=True)
    (source / "a+b ä.txt").write_text("one")
    (source / "day=1" / "rows.csv").write_text("1,2\n")
    (source / "large.bin").write_bytes(os.urandom(2_000_000))
    return source


NAMES = ["a+b ä.txt", "day=1/rows.csv", "large.bin"]


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


class _Token:
    """A credential as the clients for asyncio want it."""

    def __init__(self, token: str) -> None:
        self.token = token

    async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken(self.token, int(datetime.now(UTC).timestamp()) + 600)


def test_the_client_for_asyncio_writes_in_blocks_lists_reads_and_deletes(accounts: Accounts) -> None:
    async def at_work() -> tuple[list[str], bytes]:
        url, trusted = accounts.where.account_url(ACCOUNT), str(tls.ca_bundle(accounts.state))
        token = _Token(accounts.bearer().removeprefix("Bearer "))
        sizes = {"max_single_put_size": 1000, "max_block_size": 1000, "connection_verify": trusted}
        async with ContainerClient(url, "landing", credential=token, **sizes) as landing:  # type: ignore[arg-type]  # the protocol's __aenter__ is not used
            blobs = await asyncio.gather(*(landing.upload_blob(f"aio/{n}", bytes(5000)) for n in range(8)))
            listed = [blob.name async for blob in landing.list_blobs("aio/")]
            part = await (await landing.download_blob("aio/0", offset=10, length=3)).readall()
            await asyncio.gather(*(blob.delete_blob() for blob in blobs))
            assert [blob.name async for blob in landing.list_blobs("aio/")] == []
            return listed, part

    listed, part = asyncio.run(at_work())

    assert (listed, part) == ([f"aio/{n}" for n in range(8)], bytes(3))


@pytest.mark.parametrize("account", [ACCOUNT, LAKEHOUSE_ACCOUNT])
def test_delta_tables_grow_commit_by_commit(accounts: Accounts, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """delta-rs lists its log from a version on. Where that was ignored, it failed at the third commit."""
    deltalake = pytest.importorskip("deltalake", reason="`make clients` installs deltalake")
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.ca_bundle(accounts.state)))
    container = "landing" if account == ACCOUNT else "lakehouse"
    options = {
        "azure_storage_account_name": account,
        "azure_storage_endpoint": accounts.where.account_url(account),
        "bearer_token": accounts.bearer().removeprefix("Bearer "),
    }

    for number in range(5):
        rows = pa.table({"number": [number]})
        deltalake.write_deltalake(f"az://{container}/delta", rows, mode="append", storage_options=options)

    table = deltalake.DeltaTable(f"az://{container}/delta", storage_options=options)
    assert (table.version(), sorted(table.to_pyarrow_table()["number"].to_pylist())) == (4, [0, 1, 2, 3, 4])
    assert deltalake.DeltaTable(f"az://{container}/delta", version=1, storage_options=options).version() == 1


@pytest.mark.parametrize("account", [ACCOUNT, LAKEHOUSE_ACCOUNT])
def test_adlfs_writes_finds_moves_and_removes_with_a_token(accounts: Accounts, account: str) -> None:
    pytest.importorskip("adlfs", reason="`make clients` installs adlfs")
    host = accounts.where.account_url(account).removeprefix("https://")
    container = "landing" if account == ACCOUNT else "lakehouse"

    told = _run(
        accounts, sys.executable, str(WITH_ADLFS), host, container, TOKEN=accounts.bearer().removeprefix("Bearer ")
    )

    assert json.loads(told) == [["a b.csv", "deep/x.csv"], "1,2", ["a b.csv", "moved.csv"], []]


@pytest.mark.parametrize("how", ["key", "sas"])
def test_rclone_copies_checks_and_purges(accounts: Accounts, folder: Path, how: str) -> None:
    rclone = program("rclone")
    url = accounts.where.account_url(ACCOUNT)
    access = {
        # The emulator's account and key are devstoreaccount1's. Otherwise rclone 1.60 takes no path in an endpoint.
        "key": {"RCLONE_CONFIG_IT_USE_EMULATOR": "true", "RCLONE_CONFIG_IT_ENDPOINT": url},
        "sas": {"RCLONE_CONFIG_IT_SAS_URL": f"{url}?{_sas(ACCOUNT)}"},
    }
    there, back = f"it:landing/rclone-{how}", folder.parent / "back"

    def run(*command: str) -> str:
        once = ("--retries", "1", "--low-level-retries", "1", "--config", str(folder.parent / "none"))
        return _run(accounts, rclone, *command, *once, RCLONE_CONFIG_IT_TYPE="azureblob", **access[how])

    run("copy", str(folder), there)
    run("check", str(folder), there)
    listed = sorted(run("lsf", "-R", "--files-only", there).splitlines())
    run("copy", there, str(back))
    run("purge", there)

    assert listed == NAMES
    assert _contents(back) == _contents(folder)
    assert run("lsf", "-R", "it:landing").find(f"rclone-{how}") < 0


def test_rclone_moves_within_the_account_with_a_sas(accounts: Accounts, folder: Path) -> None:
    rclone = program("rclone")
    url = f"{accounts.where.account_url(ACCOUNT)}?{_sas(ACCOUNT)}"
    access = {"RCLONE_CONFIG_IT_TYPE": "azureblob", "RCLONE_CONFIG_IT_SAS_URL": url}
    config = ("--config", str(folder.parent / "none"))

    _run(accounts, rclone, "copy", str(folder), "it:landing/rclone-from", *config, **access)
    _run(accounts, rclone, "move", "it:landing/rclone-from", "it:landing/rclone-to", *config, **access)

    with accounts.landing as landing:
        assert list(landing.list_blobs("rclone-from")) == []
        assert [blob.name for blob in landing.list_blobs("rclone-to")] == [f"rclone-to/{name}" for name in NAMES]


@pytest.mark.long  # azcopy takes two seconds for anything
def test_azcopy_uploads_copies_between_accounts_and_downloads(accounts: Accounts, folder: Path) -> None:
    azcopy = program("azcopy", AZCOPY)
    landing = f"{accounts.where.account_url(ACCOUNT)}/landing/azcopy?{_sas(ACCOUNT)}"
    lakehouse = f"{accounts.where.account_url(LAKEHOUSE_ACCOUNT)}/lakehouse/azcopy?{_sas(LAKEHOUSE_ACCOUNT)}"
    own = folder.parent / "azcopy"
    places = {"AZCOPY_JOB_PLAN_LOCATION": str(own), "AZCOPY_LOG_LOCATION": str(own), "AZCOPY_DISABLE_SYSLOG": "true"}

    for source, target, kinds in (
        (f"{folder}/*", landing, "LocalBlob"),
        (landing.replace("azcopy?", "azcopy/*?"), lakehouse, "BlobBlob"),
        (lakehouse.replace("azcopy?", "azcopy/*?"), f"{folder.parent}/back", "BlobLocal"),
    ):
        options = ("--recursive", "--from-to", kinds, "--skip-version-check", "--output-level", "essential")
        _run(accounts, azcopy, "copy", source, target, *options, **places)

    assert _contents(folder.parent / "back") == _contents(folder)
