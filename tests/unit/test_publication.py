"""What is laid in the run folder."""

from __future__ import annotations

import pytest

from shared.core.publication import FILES_PER_CHUNK, chunks, difference, manifest, problem_with
from shared.core.run import first_document
from tests.fakes import NOON
from tests.unit.scorings import an_order
from tests.unit.test_snapshot import a_file, snapshot


@pytest.mark.parametrize("files", [0, 1, FILES_PER_CHUNK, FILES_PER_CHUNK + 1, 10 * FILES_PER_CHUNK])
def test_chunks_cover_every_file_once(files: int) -> None:
    covered = [number for start, stop in chunks(files) for number in range(start, stop)]

    assert covered == list(range(files))
    assert all(0 < stop - start <= FILES_PER_CHUNK for start, stop in chunks(files))


def test_no_output_is_a_problem_with_advice() -> None:
    problem = problem_with([])

    assert problem is not None
    assert "output_action" in problem


@pytest.mark.parametrize("name", ["_run.json", "_SUCCESS"])
def test_an_output_may_not_have_a_name_that_the_run_folder_needs(name: str) -> None:
    problem = problem_with([a_file("predictions.csv"), a_file(name)])

    assert problem is not None
    assert name in problem


@pytest.mark.parametrize("name", ["predictions.csv", "part/_SUCCESS", "_success", "_run.json.bak"])
def test_any_other_output_can_be_published(name: str) -> None:
    assert problem_with([a_file(name)]) is None


SOURCE = {"name": "p.csv", "size": 3, "md5": "m"}


@pytest.mark.parametrize(
    ("copied", "differs"),
    [
        pytest.param(None, "is missing", id="missing"),
        pytest.param(a_file("p.csv", size=2), "has 2 bytes after it was copied; its source has 3", id="another size"),
        pytest.param(a_file("p.csv", size=3, md5="n"), "another MD5", id="other bytes"),
        pytest.param(a_file("p.csv", size=3), None, id="the same"),
        pytest.param(a_file("p.csv", size=3, md5=None), None, id="no MD5 of the copy"),
    ],
)
def test_a_copy_is_compared_with_its_source(copied: object, differs: str | None) -> None:
    found = difference(SOURCE, copied)  # type: ignore[arg-type]

    assert (found is None) == (differs is None)
    assert (differs or "") in (found or "")


def test_a_source_without_an_md5_is_compared_by_size() -> None:
    assert difference({**SOURCE, "md5": None}, a_file("p.csv", size=3, md5="n")) is None


def test_the_manifest_falls_back_to_what_was_ordered_when_the_job_says_nothing() -> None:
    frozen = snapshot(a_file("0.png", size=3))
    order = an_order()
    document = {
        **first_document(order, claimed_by="watch", number=0, now=NOON),
        "attempt": 2,
        "staged": True,
    }

    told = manifest(document, frozen.to_payload(), [SOURCE], "2026-03-01T12:30:00+00:00")

    assert told == {
        "format": 1,
        "run_id": order.run_id,
        "route": "digits",
        "landing": {
            "account_url": "https://landing.blob.core.windows.net",
            "container": "landing",
            "path": "digits/tuesday",
        },
        "fingerprint": frozen.fingerprint,
        "files": [{"name": "0.png", "etag": "0x1", "size": 3, "md5": "m"}],
        "endpoint": "https://digits.westeurope.inference.ml.azure.com/jobs",
        "deployment": None,
        "job": {"name": None, "id": None, "studio_url": None},
        "attempt": 2,
        "staged": True,
        "timings": {"claimed": NOON.isoformat(), "published": "2026-03-01T12:30:00+00:00"},
        "outputs": [SOURCE],
    }
