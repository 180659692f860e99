"""What people ask of the run API."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.core.run import Status, first_document
from shared.errors import InputRefused
from shared.routes import parse_routes
from shared.services import Services
from shared.work.inquiry import Query, health, read_query, run, runs
from shared.work.ledger import Ledger
from tests.examples import SETTINGS, STATE, endpoint_over, replaced
from tests.fakes import NOON, FakeBlobs, FakeClock
from tests.unit.scorings import an_order

EVERYTHING = Query(None, None, None, 50)


@pytest.mark.parametrize(
    ("params", "query"),
    [
        pytest.param({}, EVERYTHING, id="nothing"),
        pytest.param({"route": "digits"}, replace(EVERYTHING, route="digits"), id="route"),
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
        ({"status": "done"}, "it can be claimed, submitting, scoring, publishing, published, failed, superseded"),
        ({"status": ""}, "it can be claimed"),
        ({"since": "yesterday"}, "it must be a time such as 2026-01-31T12:00:00Z"),
        ({"limit": "0"}, "a number from 1 to 1000"),
        ({"limit": "1001"}, "a number from 1 to 1000"),
        ({"limit": "-1"}, "a number from 1 to 1000"),
        ({"limit": "ten"}, "a number from 1 to 1000"),
        ({"limit": ""}, "a number from 1 to 1000"),
    ],
)
def test_a_query_that_is_not_understood_is_told_what_would_be(params: dict[str, str], hint: str) -> None:
    with pytest.raises(InputRefused, match=hint):
        read_query(params)


def test_a_limit_beyond_all_reason_is_told_what_would_be() -> None:
    with pytest.raises(InputRefused):
        read_query({"limit": "9" * 5000})


@pytest.fixture
def ledger() -> Ledger:
    """Three runs: digits-…0 has failed, digits-…1 and letters-…2 are claimed."""
    ledger = Ledger(FakeBlobs(FakeClock()), STATE)
    for number, route in enumerate(("digits", "digits", "letters")):
        ledger.claim(a_document(f"{route}-{number:020x}", route=route, hours=number), {"files": [{"name": "0.png"}]})
    ledger.update(f"digits-{0:020x}", {"revision": 1, "status": "failed", "job": {"studio_url": "https://ml/1"}}, NOON)
    return ledger


def a_document(run_id: str, *, route: str, hours: int) -> dict[str, Any]:
    order = an_order(run_id=run_id, route=route)
    return first_document(order, claimed_by="w", number=0, now=NOON + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("changes", "numbers"),
    [
        ({}, [2, 1, 0]),
        ({"route": "digits"}, [1, 0]),
        ({"route": "nothing"}, []),
        ({"status": Status.FAILED}, [0]),
        ({"status": Status.PUBLISHED}, []),
        ({"since": NOON + timedelta(hours=1)}, [2, 1]),
        ({"limit": 1}, [2]),
        ({"route": "digits", "limit": 1}, [1]),
    ],
    ids=str,
)
def test_runs_are_found_from_the_newest_on(ledger: Ledger, changes: dict[str, Any], numbers: list[int]) -> None:
    found = runs(ledger, replace(EVERYTHING, **changes))

    assert [int(run["run_id"].rpartition("-")[2], 16) for run in found] == numbers


def test_a_run_is_shown_with_its_endpoint_and_link_and_without_its_order(ledger: Ledger) -> None:
    shown = runs(ledger, replace(EVERYTHING, status=Status.FAILED))[0]

    assert shown["endpoint"] == SETTINGS["DIGITS_SCORING_URI"]
    assert shown["studio_url"] == "https://ml/1"
    assert not {"order", "revision"} & set(shown)


def test_one_run_is_shown_with_its_files(ledger: Ledger) -> None:
    shown = run(ledger, f"letters-{2:020x}")

    assert shown is not None
    assert shown["snapshot"]["list"] == [{"name": "0.png"}]
    assert shown["studio_url"] is None


def test_a_run_that_there_is_not_is_none(ledger: Ledger) -> None:
    assert run(ledger, f"digits-{9:020x}") is None


@pytest.mark.parametrize("text", ["", "digits-1", "../routes", "digits-" + "0" * 21, "Digits-" + "0" * 20])
def test_what_cannot_be_a_run_id_is_not_looked_for(ledger: Ledger, text: str) -> None:
    with pytest.raises(InputRefused, match="is not a run id"):
        run(ledger, text)


def some_services(**env: str) -> Services:
    """Services over fakes that are all well."""
    services = Services(env={**SETTINGS, "LANDFALL_STATE_URL": STATE.url, **env}, now=FakeClock(), new_id=lambda: "id")
    blobs = FakeBlobs(FakeClock())
    (route,) = parse_routes(replaced(), SETTINGS).usable
    services.__dict__.update(blobs=blobs, endpoint=endpoint_over(blobs, route))
    return services


def test_where_everything_answers_nothing_is_wrong() -> None:
    assert health(some_services()) == []


def test_storage_and_endpoints_that_do_not_answer_are_told() -> None:
    services = some_services()
    services.__dict__["blobs"].down = "storage: 503"
    services.__dict__["endpoint"].down = "endpoint: 503"

    assert set(health(services)) == {"storage: 503", "endpoint: 503"}


def test_settings_that_are_wrong_are_told() -> None:
    assert any("LANDFALL_STATE_URL" in problem for problem in health(some_services(LANDFALL_STATE_URL="")))


def test_routes_that_are_wrong_are_told_beside_the_rest() -> None:
    (problem,) = health(some_services(DIGITS_SCORING_URI=""))

    assert problem.startswith("route 'digits', endpoint.scoring_uri: the app setting DIGITS_SCORING_URI is not set")
