"""All landings that storage holds for a route, by one listing: for the sweep, and for a backfill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.core.landing import Landing
from shared.core.location import SAFE, Location, fixed_prefix, is_safe
from shared.core.nesting import LOOKED_THROUGH
from shared.core.route import Route
from shared.core.snapshot import File, Snapshot
from shared.ports import Blobs
from shared.telemetry import warn


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A landing that has something to score. `files` and `newest` include its marker."""

    landing: Landing
    snapshot: Snapshot
    files: int
    newest: datetime


def survey(route: Route, routes: Sequence[Route], blobs: Blobs, prefix: str = "") -> Iterator[Found]:
    """The landings of a route that have something to score, and whose path, with a slash at its end, begins with
    `prefix`. Costs one listing, and as much memory as the largest landing."""
    unusable = list[str]()
    for path, pile in _piles(route, blobs, prefix):
        landing = Landing(route, path)
        if not f"{path}/".startswith(prefix):
            continue
        if not is_safe(path):
            unusable.append(path)
            continue
        snapshot = landing.freeze(pile.files, pile.below, routes)
        if snapshot.files or snapshot.strays:  # else there is a marker alone: nothing to score
            counted = [*pile.files, *(file for file in snapshot.files if "/" in file.name), *snapshot.strays]
            newest = max(file.modified for file in counted)
            yield Found(landing=landing, snapshot=snapshot, files=len(counted), newest=newest)
    if unusable:
        warn("landings.unusable", route=route.name, landings=len(unusable), first=unusable[0], usable=SAFE)


@dataclass(slots=True)
class _Pile:
    """What was listed of a landing: its files and marker, what is `below` it that it wants, and how many names it has
    in sub-folders."""

    files: list[File] = field(default_factory=list)
    below: list[File] = field(default_factory=list)
    names_below: int = 0


def _piles(route: Route, blobs: Blobs, prefix: str) -> Iterator[tuple[str, _Pile]]:
    """What was listed of each landing, once all of it was."""
    # What the prefix cuts off the listing of a landing is of one whose path does not begin with it.
    above = max(fixed_prefix(route.folder).rpartition("/")[0], prefix.rpartition("/")[0], key=len)
    ahead = dict[str, _Pile]()
    for file in blobs.list_below(Location(route.landing, above)):
        path = f"{above}/{file.name}".lstrip("/")
        # All that is below a folder is listed without a gap, with or without a hierarchy.
        for whole in [place for place in ahead if not path.startswith(f"{place}/")]:
            yield whole, ahead.pop(whole)
        folder = path.rpartition("/")[0]
        if (home := route.home_of(folder)) is None:
            continue
        landing = route.landing_of(path)
        if folder == home and landing is not None:
            ahead.setdefault(landing, _Pile()).files.append(replace(file, name=path[len(home) + 1 :]))
        elif folder != home:
            pile = ahead.setdefault(home, _Pile())
            pile.names_below += 1
            # As many as a look goes through, so that both see the same.
            if landing is not None and (route.nested == "flatten" or pile.names_below <= LOOKED_THROUGH):
                pile.below.append(replace(file, name=path[len(home) + 1 :]))
    yield from ahead.items()
