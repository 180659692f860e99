"""The landings that storage holds for a route, by listing: all of them for a backfill, some after the others for the
sweep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain

from shared.core.landing import Landing
from shared.core.location import SAFE, fixed_prefix, is_safe
from shared.core.nesting import LOOKED_THROUGH
from shared.core.record import change
from shared.core.route import Route
from shared.core.snapshot import MOST_LISTED, File, Snapshot
from shared.core.tally import Stretch
from shared.ports import Blobs, Page
from shared.spool import Spool, spooled
from shared.telemetry import warn

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A landing, whether or not it has something to score. `files` and `newest` include its marker; where it has
    nothing at all, `newest` is the beginning of time."""

    landing: Landing
    snapshot: Snapshot
    files: int
    newest: datetime

    @property
    def has_something(self) -> bool:
        """Whether it has something to score. A marker alone is nothing."""
        return bool(self.snapshot.files or self.snapshot.strays)


def survey(route: Route, routes: Sequence[Route], blobs: Blobs, prefix: str = "") -> Iterator[Found]:
    """The landings of a route whose path, with a slash at its end, begins with `prefix`. Costs one listing, and as much
    memory as the largest landing."""
    # What the prefix cuts off the listing of a landing is of one whose path does not begin with it.
    above = max(_above(route), prefix[: prefix.rfind("/") + 1], key=len)
    reading = _Reading(route, routes)
    whole = chain.from_iterable(map(reading.read, blobs.pages(route.landing, above)))
    for found in chain(whole, reading.end()):
        if f"{found.landing.path}/".startswith(prefix):
            yield found
    reading.tell()


def survey_on(
    route: Route,
    routes: Sequence[Route],
    blobs: Blobs,
    stretch: Stretch,
    goes_on: Callable[[int], bool],
) -> Iterator[Found | Stretch]:
    """The landings from where an earlier survey has stopped, and last of all where this one did: whole landings only,
    each in one of them. After each page `goes_on` is told how many there were. If what the earlier one stopped at is
    gone, nothing is found, and the next survey begins at the beginning."""
    reading, pages = _Reading(route, routes, since=stretch.landing, past=stretch.past), 0
    for page in blobs.pages(route.landing, _above(route), at=stretch.at):
        if not pages and page.at != stretch.at:
            yield Stretch()  # the service does not know any more where that was
            return
        pages += 1
        yield from reading.read(page)
        if reading.is_lost:
            yield Stretch()
            return
        if page.next is not None and not goes_on(pages):
            begun = reading.unfinished(page.next)
            if (begun.at, begun.landing) != (stretch.at, stretch.landing):
                yield change(begun, pages=stretch.pages + pages)
                reading.tell()
                return
    yield from reading.end()
    yield Stretch(pages=stretch.pages + pages, is_whole=True)
    reading.tell()


def _above(route: Route) -> str:
    """What the names of all that a route takes begin with: whole folders, with a slash."""
    fixed = fixed_prefix(route.folder)
    return fixed[: fixed.rfind("/") + 1]


@dataclass(slots=True)
class _Pile:
    """What was listed of a landing: its files and marker, what is `below` it that it wants, and how many names it has
    in sub-folders. `at`: the page that it begins in."""

    at: str | None
    files: Spool = field(default_factory=Spool)
    below: Spool = field(default_factory=Spool)
    names_below: int = 0
    is_cut: bool = False


class _Reading:
    """Piles up what is listed, and tells each landing once all of it was, or as much of it as is looked through.
    `since`: what comes before the first file of that landing was read before; `past`: that landing was told, and there
    is more of it."""

    def __init__(
        self, route: Route, routes: Sequence[Route], since: str | None = None, past: str | None = None
    ) -> None:
        self._route, self._routes, self._since, self._past = route, routes, since, past
        self._ahead = dict[str, _Pile]()
        self._folder, self._home = "", route.home_of("")
        self._unusable = list[str]()
        self.is_lost = False

    def read(self, page: Page) -> Iterator[Found]:
        """The landings that are whole now."""
        for file in page.files:
            path = file.name
            if self._since is not None:
                if path != self._since and not path.startswith(f"{self._since}/"):
                    continue
                self._since = None
            # All that is below a folder is listed without a gap, with or without a hierarchy.
            for whole in [place for place in self._ahead if not path.startswith(f"{place}/")]:
                yield from self._found(whole, self._ahead.pop(whole))
            if self._past is not None and not path.startswith(f"{self._past}/"):
                self._past = None
            cut = self._put(path, file, page.at)
            if cut is not None:
                yield from self._found(cut, self._ahead.pop(cut))
                self._past = cut
        self.is_lost = self._since is not None

    def end(self) -> Iterator[Found]:
        """The landings that are whole because nothing follows."""
        for path, pile in self._ahead.items():
            yield from self._found(path, pile)
        self._ahead = {}

    def unfinished(self, at: str) -> Stretch:
        """Where to go on: with the first landing that is not whole yet, or else with the page `at`."""
        for path, pile in self._ahead.items():
            return Stretch(at=pile.at, landing=path)
        return Stretch(at=at, past=self._past)

    def tell(self) -> None:
        """Log what could not be used."""
        if self._unusable:
            first = self._unusable[0]
            warn("landings.unusable", route=self._route.name, landings=len(self._unusable), first=first, usable=SAFE)

    def _put(self, path: str, file: File, at: str | None) -> str | None:
        """Put a file on its pile; the path of that landing, if it has more by now than is looked through."""
        route, folder = self._route, path.rpartition("/")[0]
        if folder != self._folder:
            self._folder, self._home = folder, route.home_of(folder)
        if (home := self._home) is None:
            return None
        landing = route.landing_at(home, folder, path[len(folder) + 1 :])
        if landing is None and route.takes_files:
            return None
        place = landing if folder == home and landing is not None else home
        if place == self._past:
            return None
        pile = self._ahead.setdefault(place, _Pile(at))
        if folder == home and landing is not None:
            pile.files.add(replace(file, name=path[len(home) + 1 :]))
            pile.is_cut = len(pile.files) > MOST_LISTED
        elif folder != home:
            pile.names_below += 1
            pile.is_cut = route.nested == "flatten" and pile.names_below > MOST_LISTED
            # As many as a look goes through, so that both see the same.
            most = MOST_LISTED + 1 if route.nested == "flatten" else LOOKED_THROUGH
            if landing is not None and pile.names_below <= most:
                pile.below.add(replace(file, name=path[len(home) + 1 :]))
        return place if pile.is_cut else None

    def _found(self, path: str, pile: _Pile) -> Iterable[Found]:
        if not is_safe(path):
            self._unusable.append(path)
            return ()
        landing = Landing(self._route, path)
        snapshot = landing.freeze(pile.files.in_order(), pile.below.in_order(), self._routes, hold=spooled)
        below = (file for file in snapshot.files if "/" in file.name)
        files, newest = 0, LONG_AGO
        for file in chain(pile.files.in_order(), below, snapshot.strays):
            files, newest = files + 1, max(newest, file.modified)
        snapshot = replace(snapshot, is_cut=pile.is_cut)
        return (Found(landing=landing, snapshot=snapshot, files=files, newest=newest),)
