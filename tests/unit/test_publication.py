"""What is laid in the run folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from shared.core.publication import (
    FILES_PER_CHUNK,
    chunks,
    difference,
    leftovers,
    manifest,
    problem_with,
    problems_with,
    publication_of,
    told_of,
)
from shared.core.record import change
from shared.core.run import Published
from shared.core.snapshot import File, Frozen, in_order
from testbed.examples import LANDING
from testbed.fakes import NOON
from tests.unit.runs import a_job, a_run, a_spec, following, over_copies
from tests.unit.test_snapshot import a_file, snapshot

SOURCE = Frozen(name="p.csv", etag="0x7", size=3, md5="m")
OTHER = Frozen(name="part/q.csv", etag="0x8", size=5)
COPY = a_file("p.csv", size=3)
COPY_OF_OTHER = a_file("part/q.csv", size=5)
OWN = [a_file("_run.json"), a_file("_SUCCESS")]


@pytest.mark.parametrize("files", [0, 1, FILES_PER_CHUNK, FILES_PER_CHUNK + 1, 10 * FILES_PER_CHUNK])
def test_chunks_cover_every_file_once(files: int) -> None:
    covered = [number for start, stop in chunks(files) for number in range(start, stop)]

    assert covered == list(range(files))
    assert all(0 < stop - start <= FILES_PER_CHUNK for start, stop in chunks(files))


def test_no_output_is_a_problem_with_advice() -> None:
    problem = problem_with([])

    assert problem is not None
    assert "output_action" in (problem.do or "")


@pytest.mark.parametrize("name", ["_run.json", "_SUCCESS", "_SUCCESS/part.csv"])
def test_an_output_may_not_have_a_name_that_the_run_folder_needs(name: str) -> None:
    problem = problem_with([a_file("predictions.csv"), a_file(name)])

    assert problem is not None
    assert name.partition("/")[0] in problem.message


@pytest.mark.parametrize("name", ["predictions.csv", "part/_SUCCESS", "_success", "_run.json.bak"])
def test_any_other_output_can_be_published(name: str) -> None:
    assert problem_with([a_file(name)]) is None


@pytest.mark.parametrize(
    ("copied", "differs"),
    [
        pytest.param(None, "p.csv is missing after the copy", id="missing"),
        pytest.param(a_file("p.csv", size=2), "p.csv has 2 bytes after the copy; its source has 3", id="another size"),
        pytest.param(
            a_file("p.csv", size=3, md5="n"),
            "p.csv does not have the MD5 of its source after the copy",
            id="other bytes",
        ),
        pytest.param(COPY, None, id="the same"),
        pytest.param(a_file("p.csv", size=3, md5=None), None, id="no MD5 of the copy"),
    ],
)
def test_a_copy_is_compared_with_its_source(copied: File | None, differs: str | None) -> None:
    assert difference(SOURCE, copied) == differs


def test_a_source_without_an_md5_is_compared_by_size() -> None:
    assert difference(change(SOURCE, md5=None), a_file("p.csv", size=3, md5="n")) is None


@pytest.mark.parametrize(
    ("there", "left"),
    [
        pytest.param([], [], id="nothing there"),
        pytest.param([COPY, COPY_OF_OTHER, *OWN], [], id="copies and what Landfall writes itself"),
        pytest.param([COPY, a_file("old.csv")], ["old.csv"], id="a stranger"),
        pytest.param([a_file("p.csv", size=2)], ["p.csv"], id="a copy that was cut short"),
        pytest.param([a_file("p.csv", size=3, md5="n")], ["p.csv"], id="a copy of an earlier attempt"),
    ],
)
def test_what_is_no_copy_of_an_output_is_a_leftover(there: list[File], left: list[str]) -> None:
    assert [file.name for file in leftovers([SOURCE, OTHER], in_order(there))] == left


@pytest.mark.parametrize(
    ("there", "problems"),
    [
        pytest.param([COPY, COPY_OF_OTHER, *OWN], [], id="complete"),
        pytest.param([COPY], ["part/q.csv is missing after the copy"], id="one missing"),
        pytest.param(
            [COPY, COPY_OF_OTHER, a_file("b"), a_file("a")],
            ["a is not one of the outputs", "b is not one of the outputs"],
            id="strangers",
        ),
    ],
)
def test_a_run_folder_is_sealed_only_when_it_holds_the_outputs_and_nothing_else(
    there: list[File], problems: list[str]
) -> None:
    assert list(problems_with([SOURCE, OTHER], in_order(there))) == problems


def test_a_publication_says_where_and_how_much() -> None:
    folder = a_spec().publish

    assert publication_of(folder, [3, 5]) == Published(
        url=folder.url, container="lakehouse", path=folder.path, outputs=2, bytes=8
    )


def read(pieces: Iterable[bytes]) -> dict[str, Any]:
    """A manifest, which is laid out for people."""
    content = b"".join(pieces)
    told = json.loads(content)
    assert content == json.dumps(told, indent=1).encode()
    return dict(told)


def test_the_manifest_tells_what_was_scored_by_whom_and_what_came_out() -> None:
    run = change(following(), job=a_job("Completed", id="/jobs/1", studio_url="https://ml/1", deployment="classic"))
    frozen = snapshot(a_file("0.png", size=3))

    told = read(manifest(run, frozen.listed(), [SOURCE, OTHER], NOON + timedelta(minutes=30)))

    assert told == {
        "format": 1,
        "run_id": run.run_id,
        "route": "digits",
        "landing": {
            "account_url": "https://landing.blob.core.windows.net",
            "container": "landing",
            "path": "digits/tuesday",
        },
        "fingerprint": "f",
        "files": [{"name": "0.png", "etag": "0x1", "size": 3, "md5": "m"}],
        "endpoint": "https://digits.westeurope.inference.ml.azure.com/jobs",
        "deployment": "classic",
        "inputs": [{"name": "images", "type": "uri_folder", "uri": f"{LANDING.url}/digits/tuesday"}],
        "job": {"name": "batchjob-1", "id": "/jobs/1", "studio_url": "https://ml/1"},
        "attempt": 1,
        "staged": False,
        "timings": {
            "claimed": "2026-03-01T12:00:00Z",
            "submitted": "2026-03-01T12:00:00Z",
            "published": "2026-03-01T12:30:00Z",
        },
        "streamed": {"files": 0, "outputs": 0},
        "outputs": [
            {"name": "p.csv", "size": 3, "md5": "m"},
            {"name": "part/q.csv", "size": 5, "md5": None},
        ],
    }
    assert told["outputs"] == [told_of(SOURCE), told_of(OTHER)]


def test_the_manifest_says_what_a_copy_is_called_where_that_is_another_name() -> None:
    frozen = snapshot(a_file("0.png"), a_file("a/1.png")).listed()

    told = read(manifest(change(following(), spec=over_copies()), frozen, [SOURCE], NOON))

    assert [(file["name"], file.get("staged_as")) for file in told["files"]] == [
        ("0.png", None),
        ("a/1.png", "a__1.png"),
    ]
    assert "staged_as" not in told["files"][0]


def test_the_manifest_falls_back_to_what_was_asked_for_when_the_job_says_nothing() -> None:
    spec = over_copies()
    run = a_run(spec=change(spec, endpoint=change(spec.endpoint, deployment="better")), attempt=2)

    told = read(manifest(run, (), [SOURCE], NOON))

    assert (told["deployment"], told["attempt"], told["staged"]) == ("better", 2, True)
    assert told["job"] == {"name": None, "id": None, "studio_url": None}
