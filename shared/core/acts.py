"""What people ask of runs: that one ends, or that its content is scored once more; and of routes: that they pause.

An act is in the record, with who asked and why. It reaches an orchestration that is under way through the ledger: every
update of a run's record, and every submission, is told of it. So none is lost, and nobody has to ask for it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from shared.core.record import Message, Record, load, parse
from shared.errors import InputRefused

T = TypeVar("T")

LARGEST_BODY = 16 * 1024
"""Bytes."""
LONGEST_REASON = 500
"""Characters."""
FORM = '{"reason": TEXT}, or nothing'


class Said(Record, frozen=True, kw_only=True):
    """That somebody asked for something. `by`: who it was, where the app's sign-in tells."""

    at: datetime
    by: str | None = None
    reason: str | None = None

    @property
    def by_whom(self) -> str:
        """Who and why, in words."""
        return f"{self.by or 'somebody'}{f': {self.reason}' if self.reason else ''}"


class Cancel(Said, frozen=True, kw_only=True):
    """That a run is to end."""

    @property
    def told(self) -> str:
        """In words."""
        return f"The run was canceled by {self.by_whom}."


class Withdrawn(Message, frozen=True):
    """Somebody has asked for the end of the run."""

    cancel: Cancel


class Repetition(StrEnum):
    """Why content is scored once more."""

    REPLAY = "replay"
    """Its run has ended without a publication."""
    RESCORE = "rescore"
    """It was published, and is to be scored again: with a new model, say."""


class Repeats(Record, frozen=True, kw_only=True):
    """The run whose content is scored once more, and why."""

    run_id: str
    act: Repetition
    reason: str | None = None


class Act(Record, frozen=True, kw_only=True):
    """The body of a request."""

    reason: str | None = None


def read_act(body: bytes) -> Act:
    """What a body says; an empty one says nothing. Raises InputRefused with what would be right."""
    return Act(reason=plain_reason(read_body(Act, body, FORM).reason))


def read_body(kind: type[T], body: bytes, form: str) -> T:
    """What a body says; an empty one is like `{}`. Raises InputRefused with what would be right, which `form` is."""
    if len(body) > LARGEST_BODY:
        raise InputRefused(f"The body has {len(body)} bytes; send {form}.")
    try:
        return load(kind, parse(body) if body else {})
    except (InputRefused, RecursionError, UnicodeDecodeError) as refused:
        raise InputRefused(f"{str(refused)[:LONGEST_REASON]}. Send {form}.") from refused


def plain_reason(text: str | None) -> str | None:
    """A reason as it is kept: on one line. Raises InputRefused for one that is too long."""
    given = text or ""
    if len(given) > LONGEST_REASON:
        raise InputRefused(f"reason has {len(given)} characters; at most {LONGEST_REASON} are kept.")
    return "".join(letter if letter.isprintable() else " " for letter in given).strip() or None
