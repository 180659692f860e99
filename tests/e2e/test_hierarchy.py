"""Accounts with a hierarchy, the ledger's too: what is renamed into place, through the local cloud and the app."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.filedatalake import DataLakeServiceClient, FileSystemClient

from local.addresses import ACCOUNTS
from local.identity.credential import LocalCredential
from testbed.eventually import eventually
from testbed.stack import Stack, running

# The tests of sub-folders run on such accounts, too.
pytestmark = pytest.mark.long

AGE = timedelta(seconds=3)
"""Well above the quiet period of the route, which is a second: by their times, files of that age are quiet."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    named = [part for account in ACCOUNTS for part in ("--hierarchical", account)]
    with running(tmp_path_factory.mktemp("hierarchy"), *named) as started:
        yield started


@pytest.fixture(scope="module")
def files(stack: Stack) -> Iterator[FileSystemClient]:
    """The landing container at its Data Lake endpoint."""
    storage = stack.cloud.stack["storage"]
    credential = LocalCredential.of(stack.cloud.state)
    with DataLakeServiceClient(
        storage["account_url"], credential=credential, connection_verify=storage["ca_cert"]
    ) as service:
        yield service.get_file_system_client("landing")


@pytest.fixture(autouse=True)
def mended(stack: Stack) -> Iterator[None]:
    yield
    stack.break_with("eventgrid")
    assert stack.doubled() == []


def upload(files: FileSystemClient, folder: str, *names: str) -> None:
    for name in names:
        files.get_file_client(f"{folder}/{name}").upload_data(name.encode() * 3, overwrite=True)


def upload_long_ago(files: FileSystemClient, folder: str, *names: str) -> None:
    """Files that are older than any quiet period here by the time that this returns."""
    upload(files, folder, *names)
    last = files.get_file_client(f"{folder}/{names[-1]}").get_file_properties().last_modified
    eventually(lambda: datetime.now(UTC) - last > AGE + timedelta(seconds=1), "the files to grow old")


def rename_folder(files: FileSystemClient, source: str, target: str) -> None:
    files.get_directory_client(source).rename_directory(f"landing/{target}")


def rename_file(files: FileSystemClient, source: str, target: str) -> None:
    files.get_file_client(source).rename_file(f"landing/{target}")


def published_once(stack: Stack, landing: str, count: int) -> None:
    """The landing has one run, of so many files, and nothing more comes of it."""
    stack.ended(landing)
    stack.quiet()
    (run,) = stack.ended(landing)
    assert (run["status"], run["snapshot"]["files"]) == ("published", count)
    assert len(stack.lines(run)) == count


def test_an_old_file_that_is_renamed_into_a_landing_is_scored_once(stack: Stack, files: FileSystemClient) -> None:
    upload_long_ago(files, "elsewhere/one", "a.txt")
    files.get_directory_client("lengths/one").create_directory()

    rename_file(files, "elsewhere/one/a.txt", "lengths/one/a.txt")

    published_once(stack, "lengths/one", 1)


def test_a_folder_that_is_renamed_to_a_landing_is_scored_once(stack: Stack, files: FileSystemClient) -> None:
    """The way in which committers of Hadoop and Spark finish."""
    upload_long_ago(files, "lengths/_temporary/folder", "a.txt", "b.txt", "c.txt")

    rename_folder(files, "lengths/_temporary/folder", "lengths/folder")

    published_once(stack, "lengths/folder", 3)


def test_a_file_that_is_created_and_written_to_later_is_not_scored_while_it_is_empty(
    stack: Stack, files: FileSystemClient
) -> None:
    """The event of its creation is a hint as any other. What is appended shows when it is flushed, and a flush that
    does not close the file raises no event."""
    upload(files, "lengths/slow", "a.txt")
    slow = files.get_file_client("lengths/slow/b.txt")
    slow.create_file()
    eventually(lambda: stack.cloud.instances("watch-lengths", status="Running"), "a watch")
    slow.append_data(b"12345", offset=0, length=5)
    slow.flush_data(5)

    published_once(stack, "lengths/slow", 2)


Rename = Callable[[FileSystemClient, str, str], None]


@pytest.mark.parametrize(("rename", "what"), [(rename_folder, ""), (rename_file, "/a.txt")], ids=["a folder", "a file"])
def test_what_is_renamed_into_place_and_not_told_of_is_found_by_the_sweep_once(
    stack: Stack, files: FileSystemClient, rename: Rename, what: str
) -> None:
    landing = f"lengths/unheard{what.replace('/', '-')}"
    stack.break_with("eventgrid", {"match": {"path": "unheard"}, "action": {"drop": True}, "times": None})
    upload_long_ago(files, f"elsewhere/{landing}", "a.txt")
    if what:
        files.get_directory_client(landing).create_directory()
    rename(files, f"elsewhere/{landing}{what}", f"{landing}{what}")

    def swept() -> bool:
        stack.cloud.trigger("sweep")
        return bool(stack.runs_at(landing))

    eventually(swept, "the sweep to find it", every=2.0)  # it leaves what is younger than ten seconds to its events

    published_once(stack, landing, 1)


def test_the_accounts_have_said_that_they_have_a_hierarchy(stack: Stack, files: FileSystemClient) -> None:
    """One that does not say is treated alike, so nothing else here would show it."""
    upload(files, "lengths/told", "a.txt")
    published_once(stack, "lengths/told", 1)

    assert "hierarchy_unknown" not in (stack.cloud.state / "logs" / "host.log").read_text("utf-8")
