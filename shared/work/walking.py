"""From a folder that was renamed down to the landings in it: one event tells of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.core.event import Leads
from shared.core.landing import Landing
from shared.core.location import fixed_prefix, is_safe
from shared.core.route import Route
from shared.ports import Blobs

LONGEST_WALK = timedelta(seconds=10)
"""Event Grid waits half a minute for an answer, and the watches have to be started in that time, too. Source: Azure
docs, event-grid/delivery-and-retry."""

MOST_LISTINGS = 100
MOST_LANDINGS = 500


@dataclass(frozen=True, slots=True)
class Found:
    """The landings that were found. Not `all`: there may be more of them."""

    landings: tuple[Landing, ...]
    all: bool


def landings_in(blobs: Blobs, leads: Leads, clock: Callable[[], datetime]) -> Found:
    """The landings in a folder, and the one that it is a part of: found by listing the levels that the routes' patterns
    have below it, and files only where each of them, or each sub-folder with some, is a landing.

    The walk is bounded. What it does not reach is left to the sweep rather than to another delivery of the event, whose
    walk would begin with the same folders and reach no further.
    """
    walk = _Walk(blobs, clock, clock() + LONGEST_WALK)
    found = tuple(landing for route in leads.routes for landing in walk.down(route, leads.folder))
    return Found(found, all=not walk.is_over)


@dataclass(slots=True)
class _Walk:
    blobs: Blobs
    clock: Callable[[], datetime]
    until: datetime
    listings: int = 0
    landings: int = 0
    is_over: bool = False

    def down(self, route: Route, folder: str) -> Iterator[Landing]:
        levels = route.levels_below(folder)
        if levels is None or not self._goes_on():
            return
        if levels:
            for found in self._below(route, f"{folder}/{fixed_prefix(levels[0])}", folders=True):
                yield from self.down(route, found)
        elif route.nested in ("refuse", "flatten"):
            if (landing := route.home_of(folder)) is not None:
                yield self._landing(route, landing)
        else:  # landings are told by the files in them
            told = set()
            for found in self._below(route, f"{folder}/", folders=False):
                landing = route.landing_of(found)
                if landing is not None and landing not in told:
                    told.add(landing)
                    yield self._landing(route, landing)

    def _below(self, route: Route, prefix: str, *, folders: bool) -> Iterator[str]:
        self.listings += 1
        for name in self.blobs.names(route.landing, prefix, folders=folders):
            if not self._goes_on():
                return
            found = f"{prefix}{name}" if folders else name
            if is_safe(found):  # the sweep says so of any other
                yield found

    def _landing(self, route: Route, path: str) -> Landing:
        self.landings += 1
        return Landing(route, path)

    def _goes_on(self) -> bool:
        self.is_over = (
            self.is_over
            or self.listings > MOST_LISTINGS
            or self.landings >= MOST_LANDINGS
            or self.clock() >= self.until
        )
        return not self.is_over
