"""A backfill: runs for landings that are there and have none, because they were there before their route was.

What is scored is told by the ledger, as for events: content that has a run is not scored again, so a backfill that was
cut short is sent again, and goes on with what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from shared.core.acts import plain_reason, read_body
from shared.core.landing import Landing
from shared.core.location import is_safe
from shared.core.readiness import CLOCK_GRAIN
from shared.core.record import Record, change
from shared.core.route import Ready
from shared.core.run import Run
from shared.core.snapshot import Snapshot
from shared.errors import InputRefused

MOST = 500
"""Runs that one request begins: what a function can claim and start before its caller gives up."""

FORM = '{"route": NAME}, and optionally "prefix", "from", "to", "dry_run", "limit" and "reason"'


class Backfill(Record, frozen=True, kw_only=True):
    """The body of a request. `prefix`: of the landings' paths within their container. `from`, `to`: when the newest
    file of a landing was written, the end excluded. `limit`: runs to begin with this request."""

    route: str
    prefix: str = ""
    since: datetime | None = msgspec.field(name="from", default=None)
    until: datetime | None = msgspec.field(name="to", default=None)
    dry_run: bool = False
    limit: int = 100
    reason: str | None = None

    def takes(self, newest: datetime) -> bool:
        """Whether a landing whose newest file was written then is asked for."""
        return (self.since is None or newest >= self.since) and (self.until is None or newest < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A landing whose content has no run, with the run as it would be claimed."""

    landing: Landing
    snapshot: Snapshot
    newest: datetime
    run: Run


class Skip(StrEnum):
    """Why a landing is left out."""

    KNOWN = "known"
    """Its content has a run."""
    WAITING = "waiting"
    """It is not complete, which is for its watch to see."""
    REFUSED = "refused"
    """Its run would be refused, because of what is in it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a backfill would score, the oldest first, and how many landings it leaves out."""

    due: tuple[Due, ...]
    skipped: Mapping[str, int]


def planned(found: Iterable[Due | Skip]) -> Plan:
    """The plan for the landings that were found."""
    due, skipped = list[Due](), dict.fromkeys((str(why) for why in Skip), 0)
    for one in found:
        if isinstance(one, Due):
            due.append(one)
        else:
            skipped[one] += 1
    return Plan(tuple(sorted(due, key=lambda one: (one.newest, one.landing.path))), skipped)


def read_backfill(body: bytes) -> Backfill:
    """What a body asks for. Raises InputRefused with what would be right."""
    found = read_body(Backfill, body, FORM)
    if not 1 <= found.limit <= MOST:
        raise InputRefused(f"limit is {found.limit}; it must be a whole number from 1 to {MOST}.")
    if found.prefix and not is_safe(found.prefix.removesuffix("/")):
        raise InputRefused(f"prefix is {found.prefix[:200]!r}; it must be the beginning of a path, without . and ..")
    since, until = _moment(found.since), _moment(found.until)
    if since is not None and until is not None and since >= until:
        raise InputRefused(f"from ({since.isoformat()}) must be before to ({until.isoformat()}).")
    return change(found, since=since, until=until, reason=plain_reason(found.reason))


def is_complete(ready: Ready, snapshot: Snapshot, newest: datetime, now: datetime) -> bool:
    """Whether a landing may be scored without being watched first. What has just been renamed into a folder may look
    old where an account has a hierarchy; its run is superseded then, as any run is whose landing grows."""
    if ready.marker is not None:
        return snapshot.is_marked
    return ready.quiet is None or now - newest >= ready.quiet + CLOCK_GRAIN


def told(asked: Backfill, plan: Plan, begun: Iterable[Due]) -> dict[str, Any]:
    """The answer: what was begun, or what would be."""
    counted = plan.due if asked.dry_run else tuple(begun)
    return {
        "route": asked.route,
        "dry_run": asked.dry_run,
        "landings": len(counted),
        "files": sum(len(one.snapshot.files) for one in counted),
        "bytes": sum(one.snapshot.size for one in counted),
        "jobs": len(counted),  # a landing is a job, also where every file is a landing
        "left": 0 if asked.dry_run else len(plan.due) - len(counted),
        "skipped": dict(plan.skipped),
        "list": [_shown(one) for one in counted[: asked.limit]],
    }


def _shown(one: Due) -> dict[str, Any]:
    return {
        "landing": f"{one.landing.route.landing.name}/{one.landing.path}",
        "files": len(one.snapshot.files),
        "bytes": one.snapshot.size,
        "newest": one.newest.isoformat(),
        "run_id": one.run.run_id,
    }


def _moment(given: datetime | None) -> datetime | None:
    try:
        return None if given is None else given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    except OverflowError as error:
        raise InputRefused("A time is out of range; use e.g. 2026-01-31T12:00:00Z.") from error
