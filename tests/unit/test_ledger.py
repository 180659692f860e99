"""The durable record of every run."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from shared.core.location import Location
from shared.errors import Unavailable
from shared.work.ledger import Ledger
from tests.examples import STATE
from tests.fakes import NOON, FakeBlobs, FakeClock

SNAPSHOT = {"fingerprint": "f", "files": []}


@pytest.fixture
def blobs() -> FakeBlobs:
    return FakeBlobs(FakeClock())


@pytest.fixture
def ledger(blobs: FakeBlobs) -> Ledger:
    return Ledger(blobs, STATE)


def a_document(run_id: str = "digits-1", *, created: datetime = NOON, **fields: Any) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "revision": 0,
        "status": "claimed",
        "created": created.isoformat(),
        "updated": created.isoformat(),
        "abandoned": [],
        **fields,
    }


def ids(runs: Any) -> list[str]:
    return [run["run_id"] for run in runs]


def test_a_run_is_claimed_once_and_whoever_comes_later_learns_of_it(ledger: Ledger) -> None:
    assert ledger.claim(a_document(claimed_by="a"), SNAPSHOT) is None

    known = ledger.claim(a_document(claimed_by="b"), SNAPSHOT)

    assert known is not None
    assert known["claimed_by"] == "a"
    assert ledger.run("digits-1") == known


def test_of_two_that_claim_at_the_same_moment_one_wins(ledger: Ledger, blobs: FakeBlobs) -> None:
    create = blobs.create

    def overtaken(blob: Location, content: bytes) -> bool:
        blobs.put(blob, json.dumps(a_document(claimed_by="another")).encode())
        return create(blob, content)

    blobs.create = overtaken  # type: ignore[method-assign]
    known = ledger.claim(a_document(claimed_by="me"), SNAPSHOT)

    assert known is not None
    assert known["claimed_by"] == "another"


def test_where_the_document_is_the_snapshot_and_the_pointers_are_too(ledger: Ledger, blobs: FakeBlobs) -> None:
    def cut_short(blob: Location, content: bytes) -> bool:
        raise Unavailable("the process was stopped")

    create, blobs.create = blobs.create, cut_short  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        ledger.claim(a_document(), SNAPSHOT)
    assert (ledger.run("digits-1"), ids(ledger.newest()), ids(ledger.unfinished(NOON))) == (None, [], [])
    blobs.create = create  # type: ignore[method-assign]

    assert ledger.claim(a_document(), SNAPSHOT) is None

    assert ids(ledger.newest()) == ids(ledger.unfinished(NOON)) == ["digits-1"]
    assert ledger.kept("snapshots", "digits-1") == SNAPSHOT


def test_a_run_whose_claim_was_cut_short_and_made_again_is_listed_once(ledger: Ledger, blobs: FakeBlobs) -> None:
    def cut_short(blob: Location, content: bytes) -> bool:
        raise Unavailable("the process was stopped")

    create, blobs.create = blobs.create, cut_short  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        ledger.claim(a_document(), SNAPSHOT)
    blobs.create = create  # type: ignore[method-assign]
    ledger.claim(a_document(created=NOON + timedelta(seconds=5)), SNAPSHOT)

    assert ids(ledger.newest()) == ["digits-1"]


def test_a_run_that_nobody_claimed_is_not_known(ledger: Ledger) -> None:
    assert ledger.run("digits-9") is None


def test_an_update_changes_its_fields_and_leaves_the_others(ledger: Ledger) -> None:
    ledger.claim(a_document(route="digits"), SNAPSHOT)

    ledger.update("digits-1", {"revision": 1, "status": "scoring"}, NOON + timedelta(seconds=1))

    assert ledger.run("digits-1") == a_document(
        route="digits", revision=1, status="scoring", updated=(NOON + timedelta(seconds=1)).isoformat()
    )


@pytest.mark.parametrize("revision", [1, 2])
def test_an_update_that_comes_late_changes_nothing(ledger: Ledger, revision: int) -> None:
    ledger.claim(a_document(), SNAPSHOT)
    ledger.update("digits-1", {"revision": 2, "status": "scoring"}, NOON)

    ledger.update("digits-1", {"revision": revision, "status": "submitting"}, NOON)

    run = ledger.run("digits-1")
    assert run is not None
    assert (run["revision"], run["status"]) == (2, "scoring")


def overtaken_by(blobs: FakeBlobs, times: int) -> None:
    """Have somebody else write the document just before each of the next replacements."""
    replace, left = blobs.replace, [None] * times

    def overtaken(blob: Location, content: bytes, *, etag: str | None) -> bool:
        if left:
            left.pop()
            blobs.put(blob, blobs.contents[blob][0])
        return replace(blob, content, etag=etag)

    blobs.replace = overtaken  # type: ignore[method-assign]


def test_an_update_that_was_overtaken_is_made_on_what_is_there_now(ledger: Ledger, blobs: FakeBlobs) -> None:
    ledger.claim(a_document(), SNAPSHOT)
    overtaken_by(blobs, 2)

    ledger.update("digits-1", {"revision": 1, "status": "scoring"}, NOON)

    run = ledger.run("digits-1")
    assert run is not None
    assert run["status"] == "scoring"


def test_an_update_that_is_always_overtaken_gives_up_for_now(ledger: Ledger, blobs: FakeBlobs) -> None:
    ledger.claim(a_document(), SNAPSHOT)
    overtaken_by(blobs, 100)

    with pytest.raises(Unavailable, match="changed by somebody else"):
        ledger.update("digits-1", {"revision": 1, "status": "scoring"}, NOON)


def test_an_update_of_a_run_that_is_gone_says_so(ledger: Ledger) -> None:
    with pytest.raises(Unavailable, match="has no document of run digits-9"):
        ledger.update("digits-9", {"revision": 1}, NOON)


@pytest.mark.parametrize("status", ["published", "failed", "superseded"])
def test_a_run_that_has_ended_is_no_longer_unfinished(ledger: Ledger, status: str) -> None:
    ledger.claim(a_document(), SNAPSHOT)
    assert ids(ledger.unfinished(NOON)) == ["digits-1"]

    ledger.update("digits-1", {"revision": 1, "status": status}, NOON)

    assert ids(ledger.unfinished(NOON)) == []


def test_a_run_that_gave_up_attempts_is_watched_for_their_jobs_for_a_day(ledger: Ledger) -> None:
    ledger.claim(a_document(), SNAPSHOT)
    ledger.update("digits-1", {"revision": 1, "status": "failed", "abandoned": [1]}, NOON)

    assert ids(ledger.unfinished(NOON + timedelta(days=1))) == ["digits-1"]
    assert ids(ledger.unfinished(NOON + timedelta(days=1, seconds=1))) == []
    assert ids(ledger.unfinished(NOON)) == []


def test_what_was_kept_is_found_and_what_was_not_is_told(ledger: Ledger) -> None:
    ledger.keep("publications", "digits-1", {"outputs": []})

    assert ledger.kept("publications", "digits-1") == {"outputs": []}
    with pytest.raises(Unavailable, match=r"publications/digits-9\.json"):
        ledger.kept("publications", "digits-9")


def test_one_caller_may_send_an_attempts_post_however_often_it_asks(ledger: Ledger) -> None:
    assert ledger.may_post("digits-1", 1, "a")
    assert ledger.may_post("digits-1", 1, "a")
    assert not ledger.may_post("digits-1", 1, "b")
    assert ledger.may_post("digits-1", 2, "b")


def test_runs_are_listed_from_the_newest_to_the_oldest_and_may_be_limited(ledger: Ledger) -> None:
    for days in range(3):
        for hours in range(2):
            created = NOON + timedelta(days=days, hours=hours)
            ledger.claim(a_document(f"digits-{days}{hours}", created=created), SNAPSHOT)

    assert ids(ledger.newest()) == ["digits-21", "digits-20", "digits-11", "digits-10", "digits-01", "digits-00"]
    since = NOON + timedelta(days=1, hours=1)
    assert ids(ledger.newest(since=since)) == ["digits-21", "digits-20", "digits-11"]


def test_since_is_a_moment_whatever_its_time_zone(ledger: Ledger) -> None:
    claimed = datetime(2026, 2, 28, 22, 0, tzinfo=UTC)
    ledger.claim(a_document(created=claimed), SNAPSHOT)
    since = (claimed - timedelta(hours=1)).astimezone(timezone(timedelta(hours=5)))

    assert ids(ledger.newest(since=since)) == ["digits-1"]


def test_a_container_that_does_not_answer_is_told(ledger: Ledger, blobs: FakeBlobs) -> None:
    ledger.check()
    blobs.down = "503"

    with pytest.raises(Unavailable, match="503"):
        ledger.check()
