"""How a run gets its turn at an endpoint."""

from __future__ import annotations

from datetime import datetime

from shared.core.course import got_ahead
from shared.core.record import change
from shared.core.run import HAS_WAITED, Error, Run
from shared.core.slots import InLine, next_turn


def admitted(run: Run, slot: str | None, now: datetime) -> Run:
    """The attempt may be sent. If it has waited for that, route and landing are read again before."""
    going_on = change(run, admitted=True, slot=slot, ahead=None, wait_until=None)
    return going_on if run.ahead is None else got_ahead(change(going_on, renewed_for=HAS_WAITED), now)


def lined_up(run: Run, place: InLine, now: datetime) -> Run:
    """All slots are taken. The wait for one is no trouble, however long it takes; the record tells of it when it
    begins, and whenever half of those before the run are through."""
    waits = change(
        got_ahead(run, now),
        slot=place.slot,
        wait_until=now + next_turn(run.spec.polling, place),
        error=run.error,
    )
    if run.ahead is not None and place.ahead > run.ahead // 2:
        return waits
    return waits.noted(ahead=place.ahead, error=Error("in_line", place.message))
