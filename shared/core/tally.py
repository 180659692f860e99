"""What the sweep need not look at again: a tally of landings, for each route.

Whether a landing is new cannot be told from the age of its files alone: on accounts with a hierarchy, a file that is
renamed into a landing keeps its Last-Modified (HADOOP-18002), and may be years old. So the tally counts every landing
that the sweep knows to be in order: it was there before the sweep first saw the route, or its content has had its run.
What is old and not counted has come since. What was there before is not scored by surprise.

A tally is for one route as it is: with another folder, other files or another name it is begun again.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from shared.core.record import Record
from shared.core.route import Route

LOOKBACK = timedelta(days=2)
"""How far back the times of files say that they are new. Event Grid itself gives up after one day."""

HEAD_START = timedelta(seconds=10)
"""What is younger is left to its events."""

_ENTRY = struct.Struct(">8s8sI")
"""20 bytes: a hundred thousand landings take 2 MB. Two of them are taken for one with a chance of one in 10^9."""


class Tally(Record, frozen=True, kw_only=True, tag_field="version", tag=1):
    """As it is stored. `route`: what it is a tally of; `entries`: for each landing a digest of its path, one of its
    drop, and how many files it had, its marker among them."""

    route: str
    entries: bytes


class Entry(NamedTuple):
    """A landing as it was counted: a digest of its drop, and how many files it had with its marker."""

    drop: bytes
    files: int


Entries = Mapping[bytes, Entry]
"""By `place_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the sweep sees of a landing that has something to score. `files` and `newest` include its marker."""

    path: str
    fingerprint: str
    drop: str
    files: int
    newest: datetime

    @property
    def entry(self) -> Entry:
        """The landing as it is counted."""
        return Entry(bytes.fromhex(self.drop)[:8], self.files)


class Judgement(Enum):
    """What the sweep does about a landing."""

    LEAVE = "leave"
    """Its events have hardly had their chance."""
    COUNT = "count"
    """It is in order."""
    ASK = "ask"
    """The ledger says whether its content has had a run."""


def judge(sight: Sight, entries: Entries | None, now: datetime) -> Judgement:
    """What the sweep does about a landing that it sees. `entries`: of the tally; None if the route has none yet."""
    counted = None if entries is None else entries.get(place_of(sight.path))
    if sight.newest > now - HEAD_START:
        return Judgement.LEAVE
    if counted == sight.entry:
        return Judgement.COUNT
    if sight.newest >= now - LOOKBACK:
        return Judgement.ASK
    if entries is None:
        return Judgement.COUNT
    # Whoever tidies up takes old files away one by one; what is left is no new content.
    is_rest = counted is not None and sight.files < counted.files
    return Judgement.COUNT if is_rest else Judgement.ASK


def counted_now(sight: Sight, entries: Entries | None, *, is_in_order: bool) -> Entry | None:
    """What the next tally says of a landing. One that is not in order keeps its entry: it may become again what it
    was, when a file that had come is taken away."""
    return sight.entry if is_in_order else (entries or {}).get(place_of(sight.path))


def place_of(path: str) -> bytes:
    """The digest of a landing's path."""
    return hashlib.sha256(path.encode()).digest()[:8]


def entries_in(tally: Tally | None, route: Route) -> Entries | None:
    """The entries of a tally; None if it is not one of the route as it is."""
    if tally is None or tally.route != identity(route) or len(tally.entries) % _ENTRY.size:
        return None
    return {place: Entry(drop, files) for place, drop, files in _ENTRY.iter_unpack(tally.entries)}


def tally_of(route: Route, entries: Entries) -> Tally:
    """The tally with these entries; always the same bytes for the same entries."""
    packed = b"".join(_ENTRY.pack(place, *entry) for place, entry in sorted(entries.items()))
    return Tally(route=identity(route), entries=packed)


def identity(route: Route) -> str:
    """Digest of all that decides which landings a route has, what their content is, and which ids its runs have."""
    chosen = route.selection
    names = [chosen.files, chosen.exclude, chosen.ignores_case, route.ready.marker]
    said = [route.name, route.landing.url, route.folder, names, route.takes_files, route.nested]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
