"""Times and durations on their way between functions."""

from __future__ import annotations

from datetime import timedelta

from shared.core.payload import seconds, span, text_of, when
from tests.fakes import NOON


def test_a_time_comes_back_as_it_went() -> None:
    moment = NOON + timedelta(microseconds=1)

    assert when(text_of(moment)) == moment
    assert text_of(NOON) == "2026-03-01T12:00:00+00:00"


def test_no_time_stays_no_time() -> None:
    assert when(text_of(None)) is None


def test_a_duration_comes_back_as_it_went() -> None:
    assert span(seconds(timedelta(days=1, milliseconds=1))) == timedelta(days=1, milliseconds=1)
