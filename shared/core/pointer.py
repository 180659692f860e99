"""Pointers to runs: empty documents of the ledger whose names alone say which runs there are, from day to day.

days/…              to every run, by the time it was claimed
ended/<status>/…    to every run that has ended so
of/<digest>/…       to every run of a landing that has ended, by the digest of its path

A pointer is a hint: it is written before the record that it tells of, so that no run is without one, and whoever reads
the record finds out whether it is true. An end is for ever, so no pointer is ever moved.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.core.run import Run
from shared.errors import InputRefused

DAYS = "days/"

_NAME = re.compile(r"\d{4}-\d\d-\d\d/\d{12}_[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True, order=True)
class Pointer:
    """Points to a run. They are in the order in which the runs were claimed."""

    claimed: datetime
    run_id: str

    @property
    def name(self) -> str:
        """Below its root: a folder for the day, then the time of the day and the run."""
        return f"{self.claimed:%Y-%m-%d}/{self.claimed:%H%M%S%f}_{self.run_id}"

    @property
    def route(self) -> str:
        """As the run's id says."""
        return self.run_id.rpartition("-")[0]


def pointer_to(run: Run) -> Pointer:
    return Pointer(run.timings.claimed, run.run_id)


def read_pointer(name: str) -> Pointer:
    """The pointer with that name. Raises InputRefused."""
    pointer = pointer_named(name)
    if pointer is None:
        raise InputRefused(f"{name[:200]!r} is no pointer to a run.")
    return pointer


def pointer_named(name: str) -> Pointer | None:
    """The pointer with that name; None if no pointer has it."""
    when, _, run_id = name.partition("_")
    try:
        moment = datetime.strptime(when, "%Y-%m-%d/%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Pointer(moment, run_id) if _NAME.fullmatch(name) else None


def ended(status: str) -> str:
    """The root of the pointers to runs that have ended so."""
    return f"ended/{status}/"


def of_landing(path: str) -> str:
    """The root of the pointers to the runs of a landing that have ended."""
    return f"of/{hashlib.sha256(path.encode()).hexdigest()[:16]}/"


def at_the_end(run: Run) -> tuple[str, str]:
    """The pointers that are written when a run ends, in this order: where the last one is, the first one is, too."""
    name = pointer_to(run).name
    return f"{of_landing(run.landing)}{name}", f"{ended(run.status)}{name}"
