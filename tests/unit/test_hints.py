"""Whatever ends a run or keeps it waiting, people are told what to do next."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.core.hints import HINTS, hint_for
from shared.core.record import dump, load
from shared.core.run import Error
from shared.core.submission import ADVICE
from shared.core.trouble import Kind
from shared.work import inquiry
from shared.work.ledger import Ledger
from testbed.examples import STATE
from testbed.fakes import FakeBlobs, FakeClock

ROOT = Path(__file__).parents[2]


def reasons_in_the_code() -> Iterator[str]:
    """Of every error that is made with a reason that is written down there."""
    for folder in ("shared", "triggers"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                match node:
                    case ast.Call(func=ast.Name(id="Error" | "_job_error"), args=[ast.Constant(value=str(reason)), *_]):
                        yield reason


def test_every_reason_has_a_hint() -> None:
    by_trouble = {Kind.REFUSED, Kind.DEFECT}
    by_deadline = {"deadline", "start_deadline"}
    by_status = {"rejected"}

    assert {*reasons_in_the_code(), *by_trouble, *by_deadline, *by_status} == set(HINTS)


@pytest.mark.parametrize("reason", [*HINTS, *(f"rejected_{status}" for status in (*ADVICE, 409)), "", "of_tomorrow"])
def test_what_to_do_is_said_in_sentences(reason: str) -> None:
    told = hint_for(reason)

    assert told[0].isupper()
    assert told.endswith(".")
    assert "  " not in told


def test_an_error_of_before_has_no_advice_of_its_own_and_is_shown_with_the_hint() -> None:
    stored = {"reason": "job_failed", "message": "Job batchjob-1 failed."}

    error = load(Error, stored)

    assert dump(error) == stored, "what an older program has written stays as it is"
    assert error.shown == {**stored, "do": hint_for("job_failed")}


def test_advice_of_its_own_comes_before_the_hint() -> None:
    error = Error("rejected_404", "No such deployment.", "Name another one.")

    assert load(Error, dump(error)) == error
    assert error.shown["do"] == "Name another one."


def test_a_record_that_cannot_be_read_is_shown_with_what_to_do() -> None:
    blobs = FakeBlobs(FakeClock())
    ledger = Ledger(blobs, STATE)
    name = f"digits-{1:020x}"
    blobs.put(ledger._at(f"runs/{name}.json"), b'{"version": 9}')
    blobs.put(ledger._at(f"days/2026-03-01/120000000000_{name}"), b"")

    (shown,) = inquiry.runs(ledger, inquiry.read_query({})).runs

    assert shown["status"] == "unreadable"
    assert shown["error"]["do"] == hint_for("version")
