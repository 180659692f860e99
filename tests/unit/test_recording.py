"""How a run's record is brought up to date, and what keeps it from being overwritten."""

from __future__ import annotations

import logging

import pytest

from shared.core.acts import Cancel
from shared.core.location import Location
from shared.core.record import Done, change, dump
from shared.core.run import Error, Run, Status
from shared.core.steps import Overtaken, Recorded, RecordRun
from shared.core.trouble import Kind, trouble_of
from shared.errors import LedgerDamaged, Unavailable
from shared.work.ledger import Ledger
from shared.work.recording import record
from testbed.examples import STATE
from testbed.fakes import NOON, FakeBlobs, FakeClock
from tests.triggers.log import told
from tests.unit.runs import AT, a_spec, canceled, failed, following, published, submitting, superseded
from tests.unit.test_ledger import FILES, ONE, a_claim, write


@pytest.fixture
def blobs() -> FakeBlobs:
    return FakeBlobs(FakeClock())


@pytest.fixture
def ledger(blobs: FakeBlobs) -> Ledger:
    return Ledger(blobs, STATE)


def test_a_record_is_brought_up_to_date_and_what_does_not_change_stays(ledger: Ledger) -> None:
    ledger.claim(a_claim(), FILES)

    write(ledger, following())

    assert ledger.run(ONE) == following()


def test_a_spec_is_written_as_long_as_one_comes_along(ledger: Ledger) -> None:
    corrected = a_spec(refusal="Remove them.")
    ledger.claim(a_claim(), FILES)

    write(ledger, submitting(), spec=corrected)
    write(ledger, following())

    run = ledger.run(ONE)
    assert run is not None
    assert (run.spec, run.status) == (corrected, Status.SCORING)


@pytest.mark.parametrize(
    ("revision", "answer"), [(0, Overtaken(Status.SCORING)), (1, Overtaken(Status.SCORING)), (2, Done())]
)
def test_an_older_revision_and_the_same_one_change_nothing(
    ledger: Ledger, blobs: FakeBlobs, revision: int, answer: Recorded
) -> None:
    """Who has an older one is told so. Seen before: it went on, beside whoever has carried the run on since."""
    ledger.claim(a_claim(), FILES)
    assert write(ledger, change(following(), revision=2)) == Done()
    writes = blobs.writes

    assert write(ledger, change(failed(), revision=revision), spec=a_spec(refusal="no")) == answer

    assert ledger.run(ONE) == change(following(), revision=2)
    assert blobs.writes == writes


@pytest.mark.parametrize("later", [*AT.values(), change(failed(), error=Error("defect", "another"))], ids=[*AT, "anew"])
@pytest.mark.parametrize("end", [run for run in AT.values() if run.has_ended], ids=lambda run: str(run.status))
def test_an_end_is_never_overwritten_whatever_the_revision(ledger: Ledger, end: Run, later: Run) -> None:
    ledger.claim(a_claim(), FILES)
    write(ledger, end)

    assert write(ledger, change(later, revision=end.revision + 9)) == Overtaken(end.status)

    assert ledger.run(ONE) == end


def test_an_end_that_is_recorded_again_because_its_answer_was_lost_is_the_same_end(ledger: Ledger) -> None:
    ledger.claim(a_claim(), FILES)

    assert [write(ledger, failed()), write(ledger, failed())] == [Done(), Done()]


def overtaken_by(blobs: FakeBlobs, times: int) -> None:
    """Have somebody else write the record just before each of the next replacements."""
    replace, left = blobs.replace, [None] * times

    def overtaken(blob: Location, content: bytes, *, etag: str | None) -> bool:
        if left:
            left.pop()
            blobs.put(blob, blobs.contents[blob][0])
        return replace(blob, content, etag=etag)

    blobs.replace = overtaken  # type: ignore[method-assign]


def test_an_update_that_was_overtaken_is_made_on_what_is_there_now(ledger: Ledger, blobs: FakeBlobs) -> None:
    ledger.claim(a_claim(), FILES)
    overtaken_by(blobs, 2)

    write(ledger, following())

    assert ledger.run(ONE) == following()


def test_an_update_that_is_always_overtaken_gives_up_for_now(ledger: Ledger, blobs: FakeBlobs) -> None:
    ledger.claim(a_claim(), FILES)
    overtaken_by(blobs, 100)

    with pytest.raises(Unavailable, match="it keeps changing"):
        write(ledger, following())


def test_an_update_of_a_run_that_is_gone_says_so(ledger: Ledger) -> None:
    """Seen before: the run waited a day for a document that nobody would write again."""
    with pytest.raises(LedgerDamaged, match=f"has no record of run {ONE}") as raised:
        write(ledger, following())

    assert trouble_of(raised.value).kind is Kind.REFUSED


def test_the_step_that_records_brings_the_record_up_to_date(ledger: Ledger) -> None:
    ledger.claim(a_claim(), FILES)

    answer = record(ledger, RecordRun(names=following().names, progress=following().progress, spec=None))

    assert (answer, ledger.run(ONE)) == (Done(), following())


def recorded(ledger: Ledger, run: Run) -> Recorded:
    return record(ledger, RecordRun(names=run.names, progress=run.progress, spec=None))


@pytest.mark.parametrize(
    ("run", "event", "level"),
    [(failed(), "run.failed", "ERROR"), (canceled(), "run.canceled", "WARNING")],
    ids=["failed", "canceled"],
)
def test_an_end_that_somebody_should_know_of_is_told_once_with_what_to_do(
    ledger: Ledger, caplog: pytest.LogCaptureFixture, run: Run, event: str, level: str
) -> None:
    """However often the step is carried out: after a lost answer, or by two workers one after the other."""
    ledger.claim(a_claim(), FILES)

    for _ in range(3):
        assert recorded(ledger, run) == Done()

    (line,) = told(caplog, event)
    (logged,) = (one for one in caplog.records if one.levelno >= logging.WARNING)
    assert logged.levelname == level
    assert run.error is not None
    assert line == {**dump(run.names), **run.error.shown}


def test_an_end_is_told_of_although_the_first_call_was_cut_short_before_it_could(
    ledger: Ledger, blobs: FakeBlobs, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.claim(a_claim(), FILES)
    write(ledger, failed())  # and then its worker was lost

    recorded(ledger, failed())

    assert len(told(caplog, "run.failed")) == 1


def test_storage_that_fails_after_an_end_was_told_of_does_not_lose_it(
    ledger: Ledger, blobs: FakeBlobs, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.claim(a_claim(), FILES)

    replace = blobs.replace

    def refused(blob: Location, content: bytes, *, etag: str | None) -> bool:
        if blob.path.startswith("told/"):
            raise Unavailable("503")
        return replace(blob, content, etag=etag)

    monkeypatch.setattr(blobs, "replace", refused)
    with pytest.raises(Unavailable):
        recorded(ledger, failed())
    monkeypatch.undo()

    assert recorded(ledger, failed()) == Done()
    assert len(told(caplog, "run.failed")) == 2, "twice rather than never"


@pytest.mark.parametrize("run", [published(), superseded(), following()], ids=lambda run: str(run.status))
def test_other_states_of_a_run_are_not_told_aloud(ledger: Ledger, caplog: pytest.LogCaptureFixture, run: Run) -> None:
    ledger.claim(a_claim(), FILES)

    recorded(ledger, run)

    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_the_failure_of_a_shadow_says_that_it_is_one(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    ledger.claim(change(a_claim(), shadow_of="digits-1"), FILES)

    recorded(ledger, failed())

    assert told(caplog, "run.failed")[0]["shadow_of"] == "digits-1"


def test_who_canceled_a_run_is_told(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    ledger.claim(a_claim(), FILES)
    ledger.cancel(ONE, Cancel(at=NOON, by="kim"))

    recorded(ledger, canceled())

    assert told(caplog, "run.canceled")[0]["by"] == "kim"


def test_who_has_been_overtaken_is_told_so_and_it_is_logged(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    ledger.claim(a_claim(), FILES)
    write(ledger, failed())

    answer = record(ledger, RecordRun(names=following().names, progress=following().progress, spec=None))

    assert answer == Overtaken(Status.FAILED)
    (logged,) = caplog.records
    assert (logged.levelno, ONE in logged.getMessage()) == (logging.WARNING, True)
    assert logged.getMessage().startswith("landfall.run.overtaken")
