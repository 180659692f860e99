"""When a landing is looked at, when it is ready to be scored, and who watches it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.core.event import Landing
from shared.core.route import Ready

SETTLE = timedelta(seconds=1)
"""How long a watch waits before its first look, at least; covers what clocks of two instances differ by."""

LONGEST_BUCKET = timedelta(seconds=60)

MARKER_LOOK = timedelta(minutes=5)
"""How often a landing that waits for its marker is looked at without an event, in case the event was lost."""

CLOCK_GRAIN = timedelta(seconds=1)
"""The storage service tells times in whole seconds, so an age it shows may be up to this much too large."""


@dataclass(frozen=True, slots=True)
class WatchStart:
    """How one event starts (or joins) a watch."""

    instance_id: str
    not_before: datetime


def landing_key(route: str, landing: Landing) -> str:
    """A short name of the landing, usable in instance ids and blob names; different for different landings."""
    digest = hashlib.sha256(landing.location.url.encode()).hexdigest()
    return f"{route}-{digest[:16]}"


def coalesce(landing: Landing, ready: Ready, *, is_marker: bool, now: datetime) -> WatchStart:
    """The watch that serves an event seen at `now`.

    Time is cut into buckets and all events of one bucket share one watch, which looks at the landing no earlier than
    SETTLE after the bucket's end. So every event is followed by a look, and ten thousand events of one upload cost as
    many watches as the upload had buckets. A bucket is half the quiet period, which delays nothing: the folder cannot
    be ready before. While a marker is awaited other files matter little; the marker itself gets a bucket of its own.
    """
    if is_marker:
        bucket = SETTLE
    elif ready.quiet is None:
        bucket = LONGEST_BUCKET
    else:
        bucket = min(max(ready.quiet / 2, SETTLE), LONGEST_BUCKET)
    number = math.floor(now.timestamp() / bucket.total_seconds())
    end = datetime.fromtimestamp((number + 1) * bucket.total_seconds(), now.tzinfo)
    kind = "m" if is_marker else "w"
    return WatchStart(f"watch-{landing_key(landing.route.name, landing)}-{kind}{number}", end + SETTLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at a landing saw. `newest` and `seen_at` are both by the storage service's clock."""

    files: int
    fingerprint: str
    newest: datetime | None
    seen_at: datetime
    marked: bool

    def to_payload(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "fingerprint": self.fingerprint,
            "newest": self.newest.isoformat() if self.newest else None,
            "seen_at": self.seen_at.isoformat(),
            "marked": self.marked,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Look:
        return cls(
            files=payload["files"],
            fingerprint=payload["fingerprint"],
            newest=datetime.fromisoformat(payload["newest"]) if payload["newest"] else None,
            seen_at=datetime.fromisoformat(payload["seen_at"]),
            marked=payload["marked"],
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
    storage service's own times show that the newest file is old enough, or two looks that far apart saw the same.
    """
    if look.files == 0 and (ready.marker is None or look.marked):
        return Empty()
    deadline = watched_since + ready.longest_wait
    if ready.marker is not None:
        if look.marked:
            return IsReady()
        look_at, missing = now + MARKER_LOOK, f"{ready.marker} has not arrived"
    else:
        quiet = ready.quiet or timedelta(0)
        age = look.seen_at - (look.newest or look.seen_at)
        if age >= quiet + CLOCK_GRAIN or now - same_since >= quiet:
            return IsReady()
        look_at = min(now + quiet + CLOCK_GRAIN - age, same_since + quiet)
        missing = f"files kept arriving or changing; the folder was never quiet for {quiet}"
    if now < deadline:
        return NotYet(min(look_at, deadline))
    if ready.scores_after_longest_wait and look.files:
        return IsReady()
    if look.files == 0:
        return Empty()
    return Overdue(f"{missing} within {ready.longest_wait}")


@dataclass(frozen=True, slots=True)
class Watchers:
    """The landing entity's state: who watches, whether a run is being made, whether somebody came by since.

    Operations on an entity are carried out one at a time, so there is no gap between `leave` and a next `enter`.
    """

    watcher: str | None = None
    busy: bool = False
    touched: bool = False

    def enter(self, who: str, *, urgent: bool) -> tuple[Watchers, str]:
        """Who watches from now on. `who` does if nobody else does, or if it is urgent and the other only waits;
        else the landing is marked as touched."""
        if self.watcher in (None, who):
            return replace(self, watcher=who), who
        if urgent and not self.busy:
            return Watchers(who, touched=self.touched), who
        return replace(self, touched=True), self.watcher or who

    def begin(self, who: str) -> tuple[Watchers, bool]:
        """Whether `who` is (still) the watcher and may make a run; nobody takes over until it leaves."""
        return (replace(self, busy=True), True) if self.watcher == who else (self, False)

    def leave(self, who: str) -> tuple[Watchers, bool]:
        """Whether `who` has to look again, staying the watcher; else it is free to end."""
        if self.watcher != who:
            return self, False
        return (Watchers(who), True) if self.touched else (Watchers(), False)

    def release(self, who: str) -> Watchers:
        """Forget a watcher that has ended without leaving."""
        return Watchers(touched=self.touched) if self.watcher == who else self

    def to_payload(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any] | None) -> Watchers:
        return cls(**payload) if payload else cls()
