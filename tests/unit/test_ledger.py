"""The durable record of every run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import IO, Any

import pytest

from shared.core.location import Location
from shared.core.record import change, dump, from_json, to_json
from shared.core.run import Content, Run, Timings
from shared.core.snapshot import Frozen
from shared.core.spec import RunSpec
from shared.core.steps import Recorded
from shared.errors import LedgerDamaged, Unavailable, UnknownVersion
from shared.work.ledger import Ledger, Unreadable
from testbed.examples import STATE
from testbed.fakes import NOON, FakeBlobs, FakeClock
from tests.unit.runs import AT, a_run, failed, following

FILES = [Frozen(name="0.png", etag="0x1", size=1)]
OTHER_FILES = [Frozen(name="0.png", etag="0x2", size=2)]
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
ONE = a_run().run_id


@pytest.fixture
def blobs() -> FakeBlobs:
    return FakeBlobs(FakeClock())


@pytest.fixture
def ledger(blobs: FakeBlobs) -> Ledger:
    return Ledger(blobs, STATE)


def a_claim(run_id: str = ONE, *, claimed: datetime = NOON, **changes: Any) -> Run:
    return a_run(run_id=run_id, timings=Timings(claimed=claimed), updated=claimed, **changes)


def of_drop(drop: str) -> Content:
    return Content(files=1, bytes=1, fingerprint="f", drop=drop)


def ids(runs: Iterable[Run | Unreadable]) -> list[str]:
    return [run.run_id for run in runs]


def record_of(run_id: str) -> Location:
    return Location(STATE, f"runs/{run_id}.json")


def write_as_version_2(blobs: FakeBlobs, run: Run, **members: Any) -> bytes:
    """Have the run's record written by a later version of the program."""
    content = json.dumps({**dump(run), "version": 2, **members}).encode()
    blobs.put(record_of(run.run_id), content)
    return content


def write(ledger: Ledger, run: Run, *, spec: RunSpec | None = None) -> Recorded:
    return ledger.record(run.run_id, run.progress, spec)


def test_a_run_is_claimed_once_and_whoever_comes_later_learns_of_it(ledger: Ledger) -> None:
    assert ledger.claim(a_claim(claimed_by="a"), FILES) is None

    known = ledger.claim(a_claim(claimed_by="b"), FILES)

    assert known == a_claim(claimed_by="a")
    assert ledger.run(ONE) == known


def test_of_two_that_claim_at_the_same_moment_one_wins(ledger: Ledger, blobs: FakeBlobs) -> None:
    create = blobs.create

    def overtaken(blob: Location, content: bytes | IO[bytes]) -> bool:
        blobs.put(blob, to_json(a_claim(claimed_by="another")))
        return create(blob, content)

    blobs.create = overtaken  # type: ignore[method-assign]
    known = ledger.claim(a_claim(claimed_by="me"), FILES)

    assert known == a_claim(claimed_by="another")


def cut_claims_short(blobs: FakeBlobs) -> None:
    """Have the process stopped right before a claim's record is written."""

    def cut_short(blob: Location, content: bytes | IO[bytes]) -> bool:
        raise Unavailable("the process was stopped")

    blobs.create = cut_short  # type: ignore[method-assign]


def test_where_the_record_is_the_snapshot_and_the_pointers_are_too(ledger: Ledger, blobs: FakeBlobs) -> None:
    create = blobs.create
    cut_claims_short(blobs)
    with pytest.raises(Unavailable):
        ledger.claim(a_claim(), FILES)
    assert (ledger.run(ONE), ids(ledger.newest()), ids(ledger.unfinished(NOON))) == (None, [], [])
    blobs.create = create  # type: ignore[method-assign]

    assert ledger.claim(a_claim(), FILES) is None

    assert ids(ledger.newest()) == ids(ledger.unfinished(NOON)) == [ONE]
    assert list(ledger.snapshot(ONE, "d")) == FILES


def test_a_run_whose_claim_was_cut_short_and_made_again_is_listed_once(ledger: Ledger, blobs: FakeBlobs) -> None:
    create = blobs.create
    cut_claims_short(blobs)
    with pytest.raises(Unavailable):
        ledger.claim(a_claim(), FILES)
    blobs.create = create  # type: ignore[method-assign]
    ledger.claim(a_claim(claimed=NOON + 5 * SECOND), FILES)

    assert ids(ledger.newest()) == [ONE]


def test_a_run_that_nobody_claimed_is_not_known(ledger: Ledger) -> None:
    assert ledger.run(ONE) is None


def test_snapshots_are_kept_per_drop(ledger: Ledger) -> None:
    ledger.claim(a_claim("digits-1", snapshot=of_drop("first")), FILES)
    ledger.claim(a_claim("digits-2", snapshot=of_drop("second")), OTHER_FILES)

    assert list(ledger.snapshot("digits-1", "first")) == FILES
    assert list(ledger.snapshot("digits-2", "second")) == OTHER_FILES
    with pytest.raises(
        LedgerDamaged, match=r"no snapshot of run digits-1; was .*/snapshots/digits-1/second\.json deleted"
    ):
        ledger.snapshot("digits-1", "second")


def test_a_slow_second_claim_does_not_change_the_snapshot_of_the_first(ledger: Ledger, blobs: FakeBlobs) -> None:
    """The same bytes were dropped again between two claims: the second one's etags are not those of the first."""
    replace = blobs.replace
    entered: list[Location] = []

    def slow(blob: Location, content: bytes, *, etag: str | None) -> bool:
        if blob.path.startswith("snapshots/") and not entered:
            entered.append(blob)
            ledger.claim(a_claim(snapshot=of_drop("first")), FILES)
        return replace(blob, content, etag=etag)

    blobs.replace = slow  # type: ignore[method-assign]
    known = ledger.claim(a_claim(snapshot=of_drop("second")), OTHER_FILES)

    assert known is not None
    assert known.snapshot.drop == "first"
    assert list(ledger.snapshot(ONE, known.snapshot.drop)) == FILES


ENDED = [run for run in AT.values() if run.has_ended]


@pytest.mark.parametrize("run", ENDED, ids=[run.status for run in ENDED])
def test_a_run_that_has_ended_is_no_longer_unfinished(ledger: Ledger, run: Run) -> None:
    ledger.claim(a_claim(), FILES)
    assert ids(ledger.unfinished(NOON)) == [ONE]

    write(ledger, run)

    assert ids(ledger.unfinished(NOON)) == []


def test_a_run_that_gave_up_attempts_is_watched_for_their_jobs_for_a_day(ledger: Ledger) -> None:
    ledger.claim(a_claim(), FILES)
    write(ledger, change(failed(), abandoned=(failed().sent,)))

    assert ids(ledger.unfinished(NOON + DAY)) == [ONE]
    assert ids(ledger.unfinished(NOON + DAY + SECOND)) == []
    assert ids(ledger.unfinished(NOON)) == []


def test_an_end_whose_pointer_was_not_removed_is_noticed(ledger: Ledger, blobs: FakeBlobs) -> None:
    """The process was stopped between the record and the pointer."""
    ledger.claim(a_claim(), FILES)
    blobs.put(record_of(ONE), to_json(failed()))

    assert ids(ledger.unfinished(NOON)) == []
    assert blobs.stat(Location(STATE, f"open/{ONE}")) is None


def test_a_pinned_list_of_outputs_stays_the_first_one(ledger: Ledger) -> None:
    assert list(ledger.pin_outputs(ONE, 1, FILES)) == FILES

    assert list(ledger.pin_outputs(ONE, 1, OTHER_FILES)) == FILES
    assert list(ledger.outputs(ONE, 1)) == FILES


def test_every_attempt_has_outputs_of_its_own(ledger: Ledger) -> None:
    ledger.pin_outputs(ONE, 1, FILES)
    ledger.pin_outputs(ONE, 2, OTHER_FILES)

    assert (list(ledger.outputs(ONE, 1)), list(ledger.outputs(ONE, 2))) == (FILES, OTHER_FILES)
    with pytest.raises(LedgerDamaged, match=rf"publications/{ONE}/3\.json deleted"):
        ledger.outputs(ONE, 3)


def test_one_caller_may_send_an_attempts_post_however_often_it_asks(ledger: Ledger) -> None:
    assert ledger.may_post(ONE, 1, "a")
    assert ledger.may_post(ONE, 1, "a")
    assert not ledger.may_post(ONE, 1, "b")
    assert ledger.may_post(ONE, 2, "b")


def test_an_attempt_that_somebody_was_let_to_send_may_have_been_sent(ledger: Ledger) -> None:
    ledger.may_post(ONE, 1, "a")

    assert (ledger.may_be_posted(ONE, 1), ledger.may_be_posted(ONE, 2)) == (True, False)


def test_runs_are_listed_from_the_newest_to_the_oldest_and_may_be_limited(ledger: Ledger) -> None:
    for days in range(3):
        for hours in range(2):
            ledger.claim(a_claim(f"digits-{days}{hours}", claimed=NOON + timedelta(days=days, hours=hours)), FILES)

    assert ids(ledger.newest()) == ["digits-21", "digits-20", "digits-11", "digits-10", "digits-01", "digits-00"]
    since = NOON + timedelta(days=1, hours=1)
    assert ids(ledger.newest(since=since)) == ["digits-21", "digits-20", "digits-11"]


def test_since_is_a_moment_whatever_its_time_zone(ledger: Ledger) -> None:
    claimed = datetime(2026, 2, 28, 22, 0, tzinfo=UTC)
    ledger.claim(a_claim(claimed=claimed), FILES)
    since = (claimed - timedelta(hours=1)).astimezone(timezone(timedelta(hours=5)))

    assert ids(ledger.newest(since=since)) == [ONE]


def test_a_record_of_another_version_is_told_in_lists_and_left_out_of_none(ledger: Ledger, blobs: FakeBlobs) -> None:
    ledger.claim(a_claim("digits-1"), FILES)
    ledger.claim(a_claim("digits-2", claimed=NOON + SECOND), FILES)
    write_as_version_2(blobs, a_claim("digits-1"))

    for listed in (list(ledger.newest()), sorted(ledger.unfinished(NOON), key=lambda run: run.run_id, reverse=True)):
        assert listed[0] == a_claim("digits-2", claimed=NOON + SECOND)
        assert isinstance(listed[1], Unreadable)
        assert listed[1].run_id == "digits-1"
        assert "it has version 2, but this version of Landfall reads version 1" in listed[1].reason


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"version": 1}'], ids=["cut short", "no record", "members missing"])
def test_a_record_that_is_broken_is_unreadable_too(ledger: Ledger, blobs: FakeBlobs, content: bytes) -> None:
    ledger.claim(a_claim(), FILES)
    blobs.put(record_of(ONE), content)

    (listed,) = ledger.newest()
    assert isinstance(listed, Unreadable)
    with pytest.raises(UnknownVersion, match=f"The record of run {ONE} cannot be read and was left unchanged"):
        ledger.run(ONE)


def test_a_record_of_another_version_is_refused_and_never_written(ledger: Ledger, blobs: FakeBlobs) -> None:
    """A rollback must not lose what the later version has noted."""
    ledger.claim(a_claim(), FILES)
    content = write_as_version_2(blobs, a_claim(), priority="high")

    with pytest.raises(UnknownVersion):
        ledger.run(ONE)
    with pytest.raises(UnknownVersion):
        write(ledger, following())
    with pytest.raises(UnknownVersion):
        ledger.claim(a_claim(), FILES)

    assert blobs.contents[record_of(ONE)][0] == content


def test_a_member_that_this_program_does_not_know_makes_a_record_unreadable(ledger: Ledger, blobs: FakeBlobs) -> None:
    ledger.claim(a_claim(), FILES)
    content = json.dumps({**dump(a_claim()), "priority": "high"}).encode()
    blobs.put(record_of(ONE), content)

    with pytest.raises(UnknownVersion, match="unknown field `priority`"):
        write(ledger, following())

    assert blobs.contents[record_of(ONE)][0] == content


def test_that_a_run_cannot_be_read_is_reported_once_for_each_reason(ledger: Ledger) -> None:
    assert ledger.report_once(Unreadable(ONE, "version 2"))
    assert not ledger.report_once(Unreadable(ONE, "version 2"))
    assert ledger.report_once(Unreadable("digits-2", "version 2"))
    assert ledger.report_once(Unreadable(ONE, "version 3"))
    assert not ledger.report_once(Unreadable(ONE, "version 3"))


def test_the_record_is_json_that_people_can_read(ledger: Ledger, blobs: FakeBlobs) -> None:
    ledger.claim(a_claim(), FILES)

    content = blobs.contents[record_of(ONE)][0]

    assert b'\n "run_id": "' in content
    assert from_json(Run, content) == a_claim()


def test_a_container_that_does_not_answer_is_told(ledger: Ledger, blobs: FakeBlobs) -> None:
    ledger.check()
    blobs.down = "503"

    with pytest.raises(Unavailable, match="503"):
        ledger.check()


def test_a_ledger_on_an_account_with_a_hierarchy_does_not_mind_directories_that_stay(blobs: FakeBlobs) -> None:
    """Directories are listed like folders with something in them, and stay when the last pointer is gone."""
    blobs.hierarchical = True
    ledger = Ledger(blobs, STATE)
    ledger.claim(a_claim(), FILES)
    for empty in ("days/2025-01-01/x", "days/2027-01-01/x", "open/x/y"):
        blobs.put(Location(STATE, empty), b"")
        blobs.delete(Location(STATE, empty))

    assert ids(ledger.newest()) == ids(ledger.newest(since=NOON - DAY)) == ids(ledger.unfinished(NOON)) == [ONE]
    ledger.check()

    write(ledger, failed())
    assert ids(ledger.unfinished(NOON)) == []
