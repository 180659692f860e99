"""Orders and scorings at the places that tests start from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.core.event import Landing
from shared.core.job import Job
from shared.core.progress import Scoring, begin
from shared.core.run import Order, write_order
from tests.examples import tuesday
from tests.fakes import NOON
from tests.unit.test_snapshot import a_file, snapshot


def order_of(landing: Landing, *names: str, refusal: str | None = None) -> Order:
    """The order for scoring files of those names, or of one file."""
    return write_order(landing, snapshot(*map(a_file, names or ("0.png",))), number=0, refusal=refusal)


def an_order(**changes: Any) -> Order:
    """Polls after 2 s and at most every minute; two hours to start, a day in all."""
    return replace(order_of(tuesday()), **changes)


def a_job(status: str = "Running", **facts: Any) -> Job:
    return Job(name="batchjob-1", status=status, **facts)


def begun(**changes: Any) -> Scoring:
    """A run that is about to submit."""
    return begin(an_order(**changes), NOON)


def following(**changes: Any) -> Scoring:
    """A run whose job was accepted at noon and whose wait is over."""
    return begun(**changes).submitted(a_job("NotStarted"), NOON).was_recorded().waited()
