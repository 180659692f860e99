"""What people ask of the run API."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.core import course
from shared.core.hints import hint_for
from shared.core.location import Location
from shared.core.record import change
from shared.core.run import Run, Status, Timings
from shared.core.snapshot import Frozen
from shared.errors import InputRefused, UnknownVersion
from shared.work.inquiry import PRIVATE, Query, read_query, run, runs
from shared.work.ledger import Ledger
from testbed.examples import SETTINGS, STATE
from testbed.fakes import NOON, FakeBlobs, FakeClock
from tests.unit.runs import a_run, seen

FILES = [Frozen(name="0.png", etag="0x1", size=1)]
EVERYTHING = Query(None, None, None, 50)


@pytest.mark.parametrize(
    ("params", "query"),
    [
        pytest.param({}, EVERYTHING, id="nothing"),
        pytest.param({"route": "digits"}, replace(EVERYTHING, route="digits"), id="route"),
        pytest.param({"landing": "a/b"}, replace(EVERYTHING, landing="a/b"), id="landing"),
        pytest.param({"landing": "/a/b/"}, replace(EVERYTHING, landing="a/b"), id="landing with slashes around it"),
        pytest.param(
            {"landing": ""}, replace(EVERYTHING, landing=""), id="a landing without a name, of which there is none"
        ),
        pytest.param({"status": "failed"}, replace(EVERYTHING, status=Status.FAILED), id="status"),
        pytest.param({"since": "2026-03-01T12:00:00Z"}, replace(EVERYTHING, since=NOON), id="UTC"),
        pytest.param({"since": "2026-03-01T12:00:00"}, replace(EVERYTHING, since=NOON), id="no zone means UTC"),
        pytest.param(
            {"since": "2026-03-01T13:00:00 01:00"}, replace(EVERYTHING, since=NOON), id="a plus lost on the way"
        ),
        pytest.param({"since": "2026-03-01"}, replace(EVERYTHING, since=datetime(2026, 3, 1, tzinfo=UTC)), id="a day"),
        pytest.param({"limit": "1000"}, replace(EVERYTHING, limit=1000), id="limit"),
    ],
)
def test_a_query_is_read(params: dict[str, str], query: Query) -> None:
    assert read_query(params) == query


@pytest.mark.parametrize(
    ("params", "hint"),
    [
        (
            {"status": "done"},
            "one of claimed, .*, scoring, canceling, publishing, published, failed, canceled, superseded",
        ),
        ({"status": ""}, "it must be one of claimed"),
        ({"since": "yesterday"}, "it must be an ISO 8601 time, e.g. 2026-01-31T12:00:00Z"),
        ({"limit": "0"}, "a whole number from 1 to 1000"),
        ({"limit": "1001"}, "a whole number from 1 to 1000"),
        ({"limit": "-1"}, "a whole number from 1 to 1000"),
        ({"limit": "ten"}, "a whole number from 1 to 1000"),
        ({"limit": ""}, "a whole number from 1 to 1000"),
    ],
)
def test_a_query_that_is_not_understood_is_told_what_would_be(params: dict[str, str], hint: str) -> None:
    with pytest.raises(InputRefused, match=hint):
        read_query(params)


def test_a_limit_beyond_all_reason_is_told_what_would_be() -> None:
    with pytest.raises(InputRefused):
        read_query({"limit": "9" * 5000})


@pytest.fixture
def blobs() -> FakeBlobs:
    return FakeBlobs(FakeClock())


@pytest.fixture
def ledger(blobs: FakeBlobs) -> Ledger:
    """Three runs: digits-…0 has failed, digits-…1 and letters-…2 are claimed."""
    ledger = Ledger(blobs, STATE)
    for number, route in enumerate(("digits", "digits", "letters")):
        ledger.claim(a_claim(number, route), FILES)
    ended = course.explained(seen("Failed"), None, NOON)
    assert ended.job is not None
    ledger.record(id_of(0), change(ended, job=change(ended.job, studio_url="https://ml/1")).progress, None)
    return ledger


def id_of(number: int, route: str = "digits") -> str:
    return f"{route}-{number:020x}"


def a_claim(number: int, route: str) -> Run:
    """The run of that number, claimed so many hours after noon."""
    return a_run(run_id=id_of(number, route), route=route, timings=Timings(claimed=NOON + timedelta(hours=number)))


def make_unreadable(blobs: FakeBlobs, run_id: str) -> None:
    blobs.put(Location(STATE, f"runs/{run_id}.json"), b'{"version": 2}')


@pytest.mark.parametrize(
    ("changes", "numbers"),
    [
        ({}, [2, 1, 0]),
        ({"route": "digits"}, [1, 0]),
        ({"route": "nothing"}, []),
        ({"status": Status.FAILED}, [0]),
        ({"status": Status.PUBLISHED}, []),
        ({"landing": "digits/tuesday"}, [2, 1, 0]),
        ({"landing": "landing/digits/tuesday", "route": "digits"}, [1, 0]),
        ({"landing": "digits/tues"}, []),
        ({"landing": "other/digits/tuesday"}, []),
        ({"landing": "Digits/tuesday"}, []),
        ({"landing": ""}, []),
        ({"since": NOON + timedelta(hours=1)}, [2, 1]),
        ({"limit": 1}, [2]),
        ({"route": "digits", "limit": 1}, [1]),
    ],
    ids=str,
)
def test_runs_are_found_from_the_newest_on(ledger: Ledger, changes: dict[str, Any], numbers: list[int]) -> None:
    found = runs(ledger, replace(EVERYTHING, **changes)).runs

    assert [int(run["run_id"].rpartition("-")[2], 16) for run in found] == numbers


def test_a_run_is_shown_with_its_endpoint_and_link_and_without_what_only_landfall_needs(ledger: Ledger) -> None:
    shown = runs(ledger, replace(EVERYTHING, status=Status.FAILED)).runs[0]

    assert (shown["endpoint"], shown["studio_url"]) == (SETTINGS["DIGITS_SCORING_URI"], "https://ml/1")
    assert (shown["landing"], shown["staged"], shown["created"]) == (
        "landing/digits/tuesday",
        False,
        "2026-03-01T12:00:00Z",
    )
    assert shown["error"] == {
        "reason": "job_failed",
        "message": "Job batchjob-1 failed.",
        "do": hint_for("job_failed"),
    }
    assert not PRIVATE & set(shown)


def test_everything_that_people_may_rely_on_is_shown_even_where_there_is_nothing(ledger: Ledger) -> None:
    shown = runs(ledger, replace(EVERYTHING, route="letters")).runs[0]

    nothing = ("job", "studio_url", "publication", "error", "wait_until", "unanswered")
    assert {name: shown[name] for name in nothing} == dict.fromkeys(nothing)
    assert (shown["status"], shown["attempt"], list(shown["attempts"])) == ("claimed", 1, [])
    assert json.loads(json.dumps(shown))["snapshot"] == {"files": 1, "bytes": 1, "fingerprint": "f", "drop": "d"}


def test_every_member_of_a_run_is_either_shown_or_private(ledger: Ledger) -> None:
    shown = runs(ledger, EVERYTHING).runs[0]

    assert set(Run.__struct_fields__) - PRIVATE - set(shown) == set()
    assert set(Run.__struct_fields__) >= PRIVATE


def test_one_run_is_shown_with_its_files(ledger: Ledger) -> None:
    shown = run(ledger, id_of(2, "letters"))

    assert shown is not None
    assert shown["snapshot"]["list"] == [{"name": "0.png", "etag": "0x1", "size": 1, "md5": None, "staged_as": None}]
    assert shown["snapshot"]["fingerprint"] == "f"
    assert shown["studio_url"] is None


def test_a_run_that_cannot_be_read_is_told_of_where_all_are_asked_for(ledger: Ledger, blobs: FakeBlobs) -> None:
    make_unreadable(blobs, id_of(1))

    shown = runs(ledger, EVERYTHING).runs

    assert [run["run_id"] for run in shown] == [id_of(2, "letters"), id_of(1), id_of(0)]
    assert (shown[1]["status"], shown[1]["error"]["reason"]) == ("unreadable", "version")
    assert "it has version 2, but this version of Landfall reads version 1" in shown[1]["error"]["message"]


@pytest.mark.parametrize(
    "changes",
    [{"route": "digits"}, {"status": Status.FAILED}, {"landing": "digits/tuesday"}],
    ids=["route", "status", "landing"],
)
def test_a_run_that_cannot_be_read_is_none_of_those_of_a_route_status_or_landing(
    ledger: Ledger, blobs: FakeBlobs, changes: dict[str, Any]
) -> None:
    make_unreadable(blobs, id_of(1))

    assert id_of(1) not in [run["run_id"] for run in runs(ledger, replace(EVERYTHING, **changes)).runs]


def test_one_run_that_cannot_be_read_is_told_with_the_reason(ledger: Ledger, blobs: FakeBlobs) -> None:
    make_unreadable(blobs, id_of(1))

    with pytest.raises(UnknownVersion, match="it has version 2"):
        run(ledger, id_of(1))


def test_a_run_that_there_is_not_is_none(ledger: Ledger) -> None:
    assert run(ledger, f"digits-{9:020x}") is None


@pytest.mark.parametrize("text", ["", "digits-1", "../routes", "digits-" + "0" * 21, "Digits-" + "0" * 20])
def test_what_cannot_be_a_run_id_is_not_looked_for(ledger: Ledger, text: str) -> None:
    with pytest.raises(InputRefused, match="is not a run id"):
        run(ledger, text)
