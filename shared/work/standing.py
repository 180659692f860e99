"""Gathers what the status page tells: a hundred reads or so, however large the ledger is, and one for each run that is
under way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import islice

from shared.core.overall import Place, Standings
from shared.core.pointer import pointer_to
from shared.core.run import Run
from shared.errors import RoutesInvalid
from shared.routes import Routes
from shared.work import overview
from shared.work.ledger import Ledger

MOST_RUNS = 48
MOST_LANDINGS = 24
MOST_UNDER_WAY = 50
"""Of each, the last ones are shown."""


def gather(routes: Callable[[], Routes], ledger: Ledger, now: datetime) -> Standings:
    """All that the page tells. Routes that cannot be read are among what needs attention."""
    try:
        known = routes()
    except RoutesInvalid as invalid:
        known = Routes((), tuple(invalid.problems))
    going = sorted(
        (run for run in ledger.open() if isinstance(run, Run) and not run.has_ended), key=pointer_to, reverse=True
    )
    page = overview.Page(route=None, state=None, limit=MOST_LANDINGS, after=None)
    found = overview.landings(ledger, page).entries
    return Standings(
        now=now,
        routes=known.usable,
        problems=[str(problem) for problem in known.problems],
        pauses={name: standing.pause for name, standing in ledger.standings().items()},
        under_way=going[:MOST_UNDER_WAY],
        runs=[run for run in islice(ledger.newest(), MOST_RUNS) if isinstance(run, Run)],
        places=[Place(card=one.card, state=one.state, run=one.run, unreadable=one.unreadable) for one in found],
    )
