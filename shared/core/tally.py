"""What the sweep need not look at again: a tally of landings, for each route.

Whether a landing is new cannot be told from the age of its files alone: on accounts with a hierarchy, a file that is
renamed into a landing keeps its Last-Modified (HADOOP-18002), and may be years old. So the tally counts every landing
that the sweep knows to be in order: it was there before the sweep first saw the route, or its content has had its run.
What is old and not counted has come since. What was there before is not scored by surprise.

A tally is for one route as it is: with another folder, other files or another name it is begun again.

Where a route has more than a few pages of blobs, a sweep surveys only a stretch of them and goes on from there the next
time, so that its cost does not follow what is there. Folders that no tally has are found between times, by their names
alone. What was surveyed in such a round is collected, and takes the place of the entries when the round is complete: so
what is gone is forgotten.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from shared.core.record import Record
from shared.core.route import Route

LOOKBACK = timedelta(days=2)
"""How far back the times of files say that they are new. Event Grid itself gives up after one day."""

HEAD_START = timedelta(seconds=10)
"""What is younger is left to its events."""

SWEEPS_APART = timedelta(minutes=15)

FEW_PAGES = 2
"""Of 5 000 blobs each: a route with no more of them is surveyed whole in every sweep."""

FEW_PAGES_OF_FILES = 50
"""The same where new landings are no folders, which would be found by their names."""

SWEEPS_PER_ROUND = 24
"""A route with more is surveyed once in six hours, as sweeps are a quarter of an hour apart."""

MOST_AT_ONCE = 200
"""Pages of a route that one sweep reads at the most, the first one too."""

_ENTRY = struct.Struct(">8sI")
_PLACE, _SIZE = 8, 20
"""Bytes of a place, and of it with its entry: a hundred thousand landings take 2 MB. Two of them are taken for one with
a chance of one in 10^9."""


class Stretch(Record, frozen=True, kw_only=True):
    """How far a survey has come: to the page `at`, and in it to the first file of `landing`; None: to the beginning of
    all, and of that page. `past`: what follows of that landing is passed over. `pages`: how many it has read so far;
    `is_whole`: there are no more."""

    at: str | None = None
    landing: str | None = None
    past: str | None = None
    pages: int = 0
    is_whole: bool = False


BEGINNING = Stretch()


class Round(Record, frozen=True, kw_only=True):
    """A survey of a route that takes several sweeps: where it goes on, and the entries of what it has seen."""

    stretch: Stretch
    entries: bytes


class Tally(Record, frozen=True, kw_only=True, tag_field="version", tag=1):
    """As it is stored. `route`: what it is a tally of; `entries`: for each landing a digest of its path, one of its
    drop, and how many files it had, its marker among them; None until all was seen once. `round`: what was surveyed of
    a round that is not complete, and how far it is; `pages`: how many the last complete one had."""

    route: str
    entries: bytes | None
    round: Round | None = None
    pages: int = 0


Entries = Mapping[bytes, bytes]
"""Landings as they were counted, by `place_of`: see `entry_of`."""


def entry_of(drop: bytes, files: int) -> bytes:
    """A landing as it is counted: a digest of its drop, and how many files it has with its marker. Bytes, because a
    sweep reads all of them: a hundred thousand in a tenth of the time that named values take."""
    return _ENTRY.pack(drop, files)


def files_of(entry: bytes) -> int:
    """How many files a landing had when it was counted."""
    _, files = _ENTRY.unpack(entry)
    return int(files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the sweep sees of a landing that has something to score. `files` and `newest` include its marker."""

    path: str
    drop: str
    files: int
    newest: datetime

    @property
    def entry(self) -> bytes:
        """The landing as it is counted."""
        return entry_of(bytes.fromhex(self.drop[:16]), self.files)


class Judgement(Enum):
    """What the sweep does about a landing."""

    LEAVE = "leave"
    """Its events have hardly had their chance."""
    COUNT = "count"
    """It is in order."""
    ASK = "ask"
    """The ledger says whether its content has had a run."""


def judge(sight: Sight, entries: Entries | None, now: datetime, *, at_once: bool = False) -> Judgement:
    """What the sweep does about a landing that it sees. `entries`: of the tally; None if the route has none yet.
    `at_once`: nothing is left to its events, whose watch may have ended because the route was paused."""
    counted = None if entries is None else entries.get(place_of(sight.path))
    if sight.newest > now - HEAD_START and not at_once:
        return Judgement.LEAVE
    if counted == sight.entry:
        return Judgement.COUNT
    if sight.newest >= now - LOOKBACK:
        return Judgement.ASK
    if entries is None:
        return Judgement.COUNT
    # Whoever tidies up takes old files away one by one; what is left is no new content.
    is_rest = counted is not None and sight.files < files_of(counted)
    return Judgement.COUNT if is_rest else Judgement.ASK


def counted_now(sight: Sight, entries: Entries | None, *, is_in_order: bool) -> bytes | None:
    """What the next tally says of a landing. One that is not in order keeps its entry: it may become again what it
    was, when a file that had come is taken away."""
    return sight.entry if is_in_order else (entries or {}).get(place_of(sight.path))


def place_of(path: str) -> bytes:
    """The digest of a landing's path."""
    return hashlib.sha256(path.encode()).digest()[:8]


NOTHING = entry_of(bytes(8), 0)
"""Of a landing in which there was nothing to score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A tally, opened: what it has of each landing, and of a round that is not complete. `entries`: None until all was
    seen once."""

    entries: Entries | None = None
    collected: Entries = field(default_factory=dict)
    stretch: Stretch = BEGINNING
    pages: int = 0

    def pages_due(self, route: Route) -> int:
        """How many pages the next sweep reads: enough for a round within some hours."""
        if self.entries is None:
            return MOST_AT_ONCE
        few = FEW_PAGES if route.has_folders_alone else FEW_PAGES_OF_FILES
        # One more, because the last page of a stretch is mostly read again.
        return min(MOST_AT_ONCE, max(few, -(-self.pages // SWEEPS_PER_ROUND) + 1))

    def has(self, path: str) -> bool:
        """Whether a landing was seen, in this round or the one before."""
        place = place_of(path)
        return place in (self.entries or {}) or place in self.collected

    def is_in_order(self, path: str) -> bool:
        """Whether the sweep counts a landing as in order, or will when it has seen the whole route."""
        entry = (self.entries or {}).get(place_of(path), NOTHING)
        return self.entries is None or entry != NOTHING

    def with_more(self, seen: Mapping[bytes, bytes | None], come_to: Stretch) -> Book:
        """The book after one more sweep, which has seen these landings (None: it has no entry), and surveyed so far."""
        known = {place: entry for place, entry in seen.items() if entry is not None}
        collected = {**self.collected, **known} if self.stretch != BEGINNING else known
        if come_to.is_whole:
            return Book(entries=collected, pages=come_to.pages)
        if come_to == BEGINNING:  # what it had come to is gone
            collected = known
        entries = None if self.entries is None else {**self.entries, **known}
        return Book(entries=entries, collected=collected, stretch=come_to, pages=self.pages)


def opened(tally: Tally | None, route: Route) -> Book:
    """What a tally has; nothing if it is not one of the route as it is."""
    if tally is None or tally.route != identity(route):
        return Book()
    if any(len(packed or b"") % _SIZE for packed in (tally.entries, tally.round and tally.round.entries)):
        return Book()  # torn
    entries = None if tally.entries is None else _unpacked(tally.entries)
    if tally.round is None:
        return Book(entries=entries, pages=tally.pages)
    collected = _unpacked(tally.round.entries)
    return Book(entries=entries, collected=collected, stretch=tally.round.stretch, pages=tally.pages)


def closed(book: Book, route: Route) -> Tally:
    """The tally as it is stored; always the same bytes for the same entries."""
    packed = None if book.entries is None else _packed(book.entries)
    ongoing = None if book.stretch == BEGINNING else Round(stretch=book.stretch, entries=_packed(book.collected))
    return Tally(route=identity(route), entries=packed, round=ongoing, pages=book.pages)


def _unpacked(entries: bytes) -> Entries:
    return {entries[at : at + _PLACE]: entries[at + _PLACE : at + _SIZE] for at in range(0, len(entries), _SIZE)}


def _packed(entries: Entries) -> bytes:
    return b"".join(place + entry for place, entry in sorted(entries.items()))


def identity(route: Route) -> str:
    """Digest of all that decides which landings a route has, what their content is, and which ids its runs have."""
    chosen = route.selection
    names = [chosen.files, chosen.exclude, chosen.ignores_case, route.ready.marker]
    said = [route.name, route.landing.url, route.folder, names, route.takes_files, route.nested]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
