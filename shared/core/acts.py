"""What people ask of a run that is there: that it ends, or that its content is scored once more.

An act is in the record, with who asked and why. It reaches an orchestration that is under way through the ledger: every
update of a run's record, and every submission, is told of it. So none is lost, and nobody has to ask for it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from shared.core.record import Message, Record, load, parse
from shared.errors import InputRefused

LARGEST_BODY = 16 * 1024
"""Bytes."""
LONGEST_REASON = 500
"""Characters."""
FORM = '{"reason": TEXT}, or nothing'


class Cancel(Record, frozen=True, kw_only=True):
    """That a run is to end. `by`: who asked, where the app's sign-in tells."""

    at: datetime
    by: str | None = None
    reason: str | None = None

    @property
    def told(self) -> str:
        """In words."""
        who = self.by or "somebody"
        return f"The run was canceled by {who}{f': {self.reason}' if self.reason else ''}."


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
    if len(body) > LARGEST_BODY:
        raise InputRefused(f"The body has {len(body)} bytes; send {FORM}.")
    try:
        act = load(Act, parse(body)) if body.strip() else Act()
    except (InputRefused, RecursionError, UnicodeDecodeError) as refused:
        raise InputRefused(f"{str(refused)[:LONGEST_REASON]}. Send {FORM}.") from refused
    reason = "".join(letter if letter.isprintable() else " " for letter in act.reason or "").strip()
    if len(reason) > LONGEST_REASON:
        raise InputRefused(f"reason has {len(reason)} characters; at most {LONGEST_REASON} are kept.")
    return Act(reason=reason or None)
