"""Kinds of trouble, and the patience that each deserves.

passing   a service does not answer as it should: tried again with growing waits, until the route's deadline
denied    a service denies access to the app's identity: the same, for an hour. A new role takes up to 30 minutes to
          take effect (Azure docs, RBAC troubleshooting)
refused   data or settings are wrong: the run ends at once, with a message
defect    the code is wrong: the run ends at once; the traceback is in the log
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from shared.core.record import Message
from shared.errors import Denied, LandfallError, Unavailable

PATIENCE = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300))
"""Waits after the first, second, … failure in a row; the last one repeats."""

DENIED_PATIENCE = timedelta(hours=1)
"""How long a service may deny access before a run or a watch ends."""

LONGEST_MESSAGE = 2000
"""Characters of a message that are kept: it is stored in histories and in the ledger."""


class Kind(StrEnum):
    PASSING = "passing"
    DENIED = "denied"
    REFUSED = "refused"
    DEFECT = "defect"


class Trouble(Message, frozen=True):
    """Why a step failed."""

    kind: Kind
    message: str

    @property
    def may_pass(self) -> bool:
        return self.kind in (Kind.PASSING, Kind.DENIED)


def trouble_of(error: BaseException) -> Trouble:
    """What an exception means for the run or watch whose step raised it."""
    match error:
        case Denied():
            kind, message = Kind.DENIED, str(error)
        case Unavailable() | OSError() | MemoryError():
            kind, message = Kind.PASSING, str(error) or type(error).__name__
        case LandfallError():
            kind, message = Kind.REFUSED, str(error)
        case _:
            kind, message = Kind.DEFECT, f"{type(error).__name__}: {error}"
    return Trouble(kind=kind, message=message[:LONGEST_MESSAGE])


def rest_after(failures: int) -> timedelta:
    """The wait after one more failure, when there have been so many in a row before it."""
    return PATIENCE[min(failures, len(PATIENCE) - 1)]
