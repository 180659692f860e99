"""Folders with sub-folders, on accounts with and without a hierarchy: refused, split and flattened, through the whole
local cloud and the unmodified app."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from azure.storage.filedatalake import DataLakeServiceClient

from local.addresses import ACCOUNTS
from local.identity.credential import LocalCredential
from testbed.eventually import eventually
from testbed.stack import Stack, running

pytestmark = pytest.mark.long

FILES = {"a.txt": b"1", "part-a/b.txt": b"22", "part-a/deep/c.txt": b"333", "part-a__b.txt": b"4444"}


@pytest.fixture(
    scope="module",
    params=["flat", "hierarchical"],
)
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    named = [part for account in ACCOUNTS for part in ("--hierarchical", account)]
    with running(tmp_path_factory.mktemp("nested"), *(named if request.param == "hierarchical" else ())) as started:
        yield started


@pytest.fixture(autouse=True)
def mended(stack: Stack) -> Iterator[None]:
    yield
    stack.break_with("eventgrid")
    assert stack.doubled() == []


def manifest(stack: Stack, run: dict[str, Any]) -> dict[str, Any]:
    files = stack.cloud.published(run["publication"]["container"], run["publication"]["path"])
    return dict(json.loads(files["_run.json"]))


def jobs_over(stack: Stack, landing: str) -> list[dict[str, Any]]:
    return [job for job in stack.cloud.jobs() if landing in job["input_uri"]]


def test_a_folder_with_files_in_sub_folders_is_refused_and_no_job_is_made(stack: Stack) -> None:
    stack.drop("lengths/nested", FILES)

    (run, *_) = stack.ended("lengths/nested")
    stack.quiet()

    assert (run["status"], run["error"]["reason"]) == ("failed", "refused")
    assert "'part-a'" in run["error"]["message"]
    assert jobs_over(stack, "lengths/nested") == []


def test_a_folder_with_nothing_but_sub_folders_is_refused_too(stack: Stack) -> None:
    stack.drop("lengths/only-deep", {"part-a/b.txt": b"22"})

    (run,) = stack.ended("lengths/only-deep")

    assert "'part-a'. Nothing was scored." in run["error"]["message"]


def test_what_was_refused_is_scored_once_its_sub_folder_is_gone(stack: Stack) -> None:
    stack.drop("lengths/tidied", {"a.txt": b"1", "part-a/b.txt": b"22"})
    (refused,) = stack.ended("lengths/tidied")
    assert refused["error"]["reason"] == "refused"
    stack.quiet()

    stack.cloud.landing.get_container_client("landing").delete_blob("lengths/tidied/part-a/b.txt")
    stack.drop("lengths/tidied", {"a.txt": b"1"})

    run, _ = stack.ended("lengths/tidied", count=2)
    assert run["status"] == "published"
    assert stack.lines(run) == [("a.txt", "1")]


def test_a_folder_whose_sub_folders_hold_nothing_to_score_is_scored(stack: Stack) -> None:
    stack.drop("lengths/shallow", {"part-a/notes.md": b"no", "a.txt": b"1"})

    (run,) = stack.ended("lengths/shallow")

    assert run["status"] == "published"


def test_split_each_folder_has_a_run_and_a_publication_of_its_own(stack: Stack) -> None:
    stack.drop("split/monday", FILES)

    for folder, expected in {
        "split/monday": [("a.txt", "1"), ("part-a__b.txt", "4")],
        "split/monday/part-a": [("b.txt", "2")],
        "split/monday/part-a/deep": [("c.txt", "3")],
    }.items():
        (run,) = stack.ended(folder)
        assert run["status"] == "published"
        assert run["publication"]["path"] == f"{folder}/run_id={run['run_id']}"
        assert stack.lines(run) == expected


def test_flattened_all_files_are_scored_under_names_that_the_run_and_the_manifest_tell(stack: Stack) -> None:
    stack.drop("flattened/monday", FILES)

    (run,) = stack.ended("flattened/monday")

    assert (run["status"], run["staged"]) == ("published", True)
    listed = stack.cloud.api(f"runs/{run['run_id']}")["snapshot"]["list"]
    assert sorted(file["name"] for file in listed) == sorted(FILES)
    names = {file["name"]: file["staged_as"] or file["name"] for file in listed}
    assert names["part-a/deep/c.txt"] == "part-a__deep__c.txt"
    assert stack.lines(run) == sorted((names[name], str(len(content))) for name, content in FILES.items())
    told = {file["name"]: file.get("staged_as") for file in manifest(stack, run)["files"]}
    assert told == {file["name"]: file["staged_as"] for file in listed}


@pytest.mark.parametrize(
    ("landing", "expected"),
    [
        ("lengths/unheard", ["lengths/unheard"]),
        ("split/unheard", ["split/unheard/part-a", "split/unheard/part-a/deep"]),
        ("flattened/unheard", ["flattened/unheard"]),
    ],
    ids=["refused", "split", "flattened"],
)
def test_files_in_sub_folders_whose_events_are_lost_are_found_by_the_sweep(
    stack: Stack, landing: str, expected: list[str]
) -> None:
    stack.break_with("eventgrid", {"match": {"path": landing}, "action": {"drop": True}, "times": None})
    stack.drop(landing, {name: content for name, content in FILES.items() if "/" in name})

    def swept() -> bool:
        stack.cloud.trigger("sweep")
        known = {run["landing"] for run in stack.cloud.runs()}
        return {f"landing/{path}" for path in expected} <= known

    eventually(swept, "the sweep to find them", every=2.0)  # it leaves what is younger than ten seconds to its events

    for path in expected:
        (run,) = stack.ended(path)
        assert run["status"] == ("failed" if landing.startswith("lengths") else "published")


@pytest.mark.parametrize("stack", ["hierarchical"], indirect=True)
@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("lengths/renamed/part-a", {"lengths/renamed": "failed"}),
        ("split/renamed/part-a", {"split/renamed/part-a": "published", "split/renamed/part-a/deep": "published"}),
        ("flattened/renamed/part-a", {"flattened/renamed": "published"}),
    ],
    ids=["refused", "split", "flattened"],
)
def test_a_folder_that_is_renamed_into_a_landing_is_seen(stack: Stack, target: str, expected: dict[str, str]) -> None:
    """One event tells of all that is in it."""
    storage = stack.cloud.stack["storage"]
    source = f"elsewhere/{target}"
    stack.drop(source, {"b.txt": b"22", "deep/c.txt": b"333"})
    with DataLakeServiceClient(
        storage["account_url"],
        credential=LocalCredential.of(stack.cloud.state),
        connection_verify=storage["ca_cert"],
    ) as service:
        files = service.get_file_system_client("landing")
        files.create_directory(target.rpartition("/")[0])
        files.get_directory_client(source).rename_directory(f"landing/{target}")

    for path, status in expected.items():
        (run,) = stack.ended(path)
        assert run["status"] == status
