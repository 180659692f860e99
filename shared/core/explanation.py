"""Why a file is scored, or is not: what is told of a path, in words and in members, from plain facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.core.acts import Said
from shared.core.card import Card, State, overdue_at, quiet_at, state_of, state_of_run
from shared.core.landing import Landing
from shared.core.miss import Miss, nearest_miss
from shared.core.route import Ready, Route
from shared.core.run import UNPUBLISHED, Run, Status
from shared.core.snapshot import File, Frozen
from shared.core.spot import Spot
from shared.core.tally import HEAD_START, LOOKBACK

SWEEPS_EVERY = timedelta(minutes=15)
"""As the schedule of the sweep says (triggers/sweep.py)."""


class Role(StrEnum):
    """What a path is to its landing."""

    FILE = "file"
    MARKER = "marker"
    STRAY = "stray"
    LANDING = "landing"
    """The folder itself, or one that is a part of it."""


class Version(StrEnum):
    """Which version of a file the latest run of its landing has."""

    EXACT = "exact"
    SAME_CONTENT = "same_content"
    """It was uploaded again since, with the same content."""
    OLDER = "older"
    ABSENT = "absent"
    """The run has no file of that name."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The landing that a path counts for, and as what."""

    landing: Landing
    role: Role


@dataclass(frozen=True, slots=True)
class Watching:
    """The watch that is under way. Not `is_known`: that could not be found out."""

    instance_id: str | None
    is_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a path. `unreadable`: why the run's record cannot be read. `frozen`: the file as the run has it.
    `was_there_before`: its landing counts as in order although it has had no run; None: that was not looked up.
    `pause`: who has paused its route."""

    spot: Spot
    found: Taken | Miss
    now: datetime
    file: File | None = None
    card: Card | None = None
    run: Run | None = None
    unreadable: str | None = None
    frozen: Frozen | None = None
    watching: Watching = Watching(None)
    was_there_before: bool | None = None
    pause: Said | None = None


def place(spot: Spot, routes: Sequence[Route], *, is_blob: bool) -> Taken | Miss:
    """The landing that a path counts for, as events and listings decide it, or the nearest miss."""
    here = [route for route in routes if spot.known is not None and route.landing.identity == spot.known.identity]
    if not spot.is_folder:
        takers = [(path, route) for route in here if (path := route.landing_of(spot.path)) is not None]
        if takers:
            path, route = max(takers, key=lambda taker: len(taker[0]))
            return Taken(Landing(route, path), _role(route, path, spot.path))
    if not is_blob:
        for route in here:
            if not route.takes_files and _may_be_landing(spot, route):
                return Taken(Landing(route, route.home_of(spot.path) or spot.path), Role.LANDING)
    return nearest_miss(spot.account, spot.container, spot.path, routes, is_folder=spot.is_folder)


def _may_be_landing(spot: Spot, route: Route) -> bool:
    # Without a slash at its end it may as well be a file, and is one below the pattern's levels.
    levels, name = spot.path.count("/") - route.folder.count("/"), spot.path.rpartition("/")[2]
    is_named_like_a_file = "*" not in route.selection.files and route.wants(name)
    is_meant = spot.is_folder or (levels == 0 and not is_named_like_a_file)
    return is_meant and levels >= 0 and route.levels_below(spot.path) == ()


def _role(route: Route, landing: str, path: str) -> Role:
    folder, _, name = path.rpartition("/")
    if route.is_marker(name):
        return Role.MARKER
    return Role.STRAY if route.nested == "refuse" and not route.takes_files and folder != landing else Role.FILE


def version_of(facts: Facts) -> Version | None:
    """Which version of the file the run has; None where there is no run, or the path is no file to score."""
    if facts.run is None or not isinstance(facts.found, Taken) or facts.found.role is not Role.FILE:
        return None
    if facts.frozen is None:
        return Version.ABSENT
    if facts.file is None or facts.file.etag == facts.frozen.etag:
        return Version.EXACT
    same = facts.file.md5 is not None and (facts.file.md5, facts.file.size) == (facts.frozen.md5, facts.frozen.size)
    return Version.SAME_CONTENT if same else Version.OLDER


def sweep_at(now: datetime) -> datetime:
    """When the next sweep begins."""
    seconds = SWEEPS_EVERY.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, now.tzinfo)


def sweep_finds_at(written: datetime | None, now: datetime) -> datetime:
    """When the first sweep begins that does not leave something written then to its events."""
    following = sweep_at(now)
    return following if written is None or written <= following - HEAD_START else following + SWEEPS_EVERY


def is_settled(facts: Facts) -> bool:
    """Whether the landing's run has this version of the file, or scores it now, so that nothing else will."""
    run, version = facts.run, version_of(facts)
    if run is None or version in (Version.OLDER, Version.ABSENT):
        return False
    if not run.has_ended:
        return True
    # Uploaded again, so it is tried again.
    is_again = version is Version.SAME_CONTENT and run.status in UNPUBLISHED
    return run.status is not Status.SUPERSEDED and not is_again and not (version is None and _holds_more(facts))


def _holds_more(facts: Facts) -> bool:
    return facts.card is not None and facts.card.waits


def state_in(facts: Facts) -> str:
    """One word for where the path stands: a State, or why it has none."""
    state = _state_unpaused(facts)
    return State.PAUSED if facts.pause is not None and state in (State.WAITING, "unseen") else state


def _state_unpaused(facts: Facts) -> str:
    if isinstance(facts.found, Miss):
        return "not_taken"
    if facts.unreadable is not None:
        return State.UNREADABLE
    if facts.run is not None and is_settled(facts):
        return state_of_run(facts.run)
    if facts.found.role is not Role.LANDING and facts.file is None:
        return "absent"
    if facts.watching.instance_id is not None or (facts.run is not None and not facts.run.has_ended):
        return State.WAITING
    if facts.found.role is not Role.FILE and facts.card is not None:
        return state_of(facts.card, facts.run)
    if not facts.found.landing.route.is_watched:
        return "on_request"
    return State.SUPERSEDED if version_of(facts) is Version.EXACT else "unseen"


def waits_for(ready: Ready, card: Card) -> dict[str, Any]:
    """What a landing waits for, since when and until when; `then`: what happens after the longest wait."""
    return {
        "for": "marker" if ready.marker is not None else "quiet" if ready.quiet is not None else "request",
        "marker": ready.marker,
        "since": _time(card.since),
        "unchanged_since": _time(card.same_since),
        "quiet_at": _time(quiet_at(ready, card)),
        "until": _time(overdue_at(ready, card)),
        "then": "score" if ready.scores_after_longest_wait else "fail",
    }


def seen_by(card: Card) -> dict[str, Any]:
    """What was seen of a landing at the last look."""
    return {
        "at": _time(card.looked),
        "files": card.look.files if card.look is not None else None,
        "bytes": card.bytes if card.look is not None else None,
        "newest": _time(card.newest),
        "marked": card.look.marked if card.look is not None else None,
        "trouble": card.trouble,
    }


def run_in(run: Run) -> dict[str, Any]:
    """What is told of a run beside its landing."""
    error, publication = run.error, run.publication
    return {
        "run_id": run.run_id,
        "status": str(run.status),
        "claimed": _time(run.timings.claimed),
        "ended": _time(run.timings.ended),
        "error": None if error is None else error.shown,
        "publication": None if publication is None else publication.url,
    }


def spoken(moment: datetime) -> str:
    """A time for people."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def spoken_span(span: timedelta) -> str:
    """A duration as routes.yaml has it."""
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def is_old(facts: Facts) -> bool:
    """Whether the sweep does not take the file for new because of its time."""
    return facts.file is not None and facts.file.modified < facts.now - LOOKBACK


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
