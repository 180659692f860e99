"""When a landing is looked at, and when it is ready to be scored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.core.landing import Landing
from shared.core.record import Message
from shared.core.route import Ready
from shared.core.snapshot import Snapshot

SETTLE = timedelta(seconds=1)
"""How long a watch waits before its first look, at least; covers what clocks of two instances differ by."""

LONGEST_BUCKET = timedelta(seconds=60)

MARKER_LOOK = timedelta(minutes=5)
"""How often a landing that waits for its marker is looked at without an event, in case the event was lost."""

CLOCK_GRAIN = timedelta(seconds=1)
"""The storage service tells times in whole seconds, so an age it shows may be up to this much too large."""

UNFLUSHED = timedelta(minutes=5)
"""How long an empty file has to stay as it is before it counts as one that is meant to be empty, on accounts with a
hierarchy: what is appended to a file there is not seen, not even by its etag, until the writer flushes it."""


@dataclass(frozen=True, slots=True)
class WatchStart:
    """How one event starts (or joins) a watch."""

    instance_id: str
    not_before: datetime


def coalesce(landing: Landing, *, is_marker: bool, now: datetime) -> WatchStart:
    """The watch that serves an event seen at `now`.

    Time is cut into buckets and all events of one bucket share one watch, which looks at the landing no earlier than
    SETTLE after the bucket's end. So every event is followed by a look, and ten thousand events of one upload cost as
    many watches as the upload had buckets. A bucket is half the quiet period, which delays nothing: the folder cannot
    be ready before. While a marker is awaited other files matter little; the marker itself gets a bucket of its own.
    """
    ready = landing.route.ready
    if is_marker:
        bucket = SETTLE
    elif ready.quiet is None:
        bucket = LONGEST_BUCKET
    else:
        bucket = min(max(ready.quiet / 2, SETTLE), LONGEST_BUCKET)
    number = math.floor(now.timestamp() / bucket.total_seconds())
    end = datetime.fromtimestamp((number + 1) * bucket.total_seconds(), now.tzinfo)
    kind = "m" if is_marker else "w"
    return WatchStart(f"watch-{landing.key}-{kind}{number}", end + SETTLE)


def recent_watches(landing: Landing, now: datetime) -> list[str]:
    """The watches that events of this moment may have started, and that have not looked yet."""
    moments = (now, now - 2 * SETTLE)  # the second: a bucket that has just ended
    starts = [coalesce(landing, is_marker=is_marker, now=at) for is_marker in (False, True) for at in moments]
    return list(dict.fromkeys(start.instance_id for start in starts))


class Look(Message, frozen=True, kw_only=True):
    """What one look at a landing saw. `files` includes those in sub-folders that cannot be scored. `newest` and
    `seen_at` are both by the storage service's clock. `newest` is None where there is no file, and where times do not
    tell when files came. `unflushed`: one of them may still be empty because its writer has not flushed it."""

    files: int
    fingerprint: str
    newest: datetime | None
    seen_at: datetime
    marked: bool
    unflushed: bool = False


def look_of(snapshot: Snapshot, seen_at: datetime, *, is_hierarchical: bool) -> Look:
    """What a look has seen of a landing. On accounts with a hierarchy a file that is renamed into a landing keeps its
    etag and its Last-Modified (HADOOP-18002, HADOOP-18012), so its age says nothing of when it came."""
    return Look(
        files=len(snapshot.files) + len(snapshot.strays),
        fingerprint=snapshot.fingerprint,
        newest=None if is_hierarchical else snapshot.newest,
        seen_at=seen_at,
        marked=snapshot.is_marked,
        unflushed=is_hierarchical and any(file.size == 0 for file in snapshot.files),
    )


@dataclass(frozen=True, slots=True)
class Empty:
    """There is nothing to score and nothing to wait for."""


@dataclass(frozen=True, slots=True)
class IsReady:
    """The landing is complete."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """Look again at that time."""

    look_at: datetime


@dataclass(frozen=True, slots=True)
class Overdue:
    """The longest wait is over and the route says not to score what is there."""

    reason: str


Readiness = Empty | IsReady | NotYet | Overdue


def readiness(ready: Ready, look: Look, *, same_since: datetime, watched_since: datetime, now: datetime) -> Readiness:
    """Whether a landing can be scored, as of a look that was asked for at `now`.

    `same_since` is when the answer of the first look that saw exactly this content was there. `now`, `same_since` and
    `watched_since` are by the watcher's clock. Quiet is proven in either of two ways, each on a single clock: the
    storage service's own times show that the newest file is old enough, where they tell when files came; or two looks
    that far apart saw the same.
    """
    if look.files == 0 and (ready.marker is None or look.marked):
        return Empty()
    deadline = watched_since + ready.longest_wait
    if ready.marker is not None:
        if look.marked:
            return IsReady()
        look_at, missing = now + MARKER_LOOK, f"{ready.marker} did not arrive"
    else:
        quiet = ready.quiet or timedelta(0)
        needed = max(quiet, UNFLUSHED) if look.unflushed else quiet
        age, same = look.seen_at - (look.newest or look.seen_at), now - same_since
        if age >= needed + CLOCK_GRAIN or same >= needed:
            return IsReady()
        pause = quiet + CLOCK_GRAIN - age
        if look.unflushed:  # most writers flush soon, and each that does not costs a few looks
            pause = max(pause, same / 2)
        look_at = min(now + pause, same_since + needed)
        missing = f"files kept arriving or changing, so it was never quiet for {quiet}"
    if now < deadline:
        return NotYet(min(look_at, deadline))
    if ready.scores_after_longest_wait and look.files:
        return IsReady()
    if look.files == 0:
        return Empty()
    return Overdue(f"The landing was not complete within {ready.longest_wait}: {missing}.")
