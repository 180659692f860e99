"""Slots: how many runs may have a job at an endpoint at the same time, and whose turn it is.

More jobs than a cluster has nodes only wait there, each with its start deadline running. So a run takes a slot before
its attempt is sent, and gives it back once its job has ended. Who comes next is decided from what is listed: between
routes, the one with the fewest slots; within a route, the run that was claimed first.

Nobody is called: whoever waits asks again after most of the time that its turn should take to come, and the sooner the
fewer come before it, because a slot that is free while nobody asks is a cluster that idles.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from statistics import median_high
from typing import Literal

from shared.core.pointer import Pointer
from shared.core.record import Message, Names, Record, change
from shared.core.route import Endpoint, JobSettings, Limits, Polling

OFTEN = timedelta(minutes=1)
"""Whoever comes before as many as there are slots asks at least that often."""
QUICK = timedelta(seconds=30)
"""A job is over sooner than in that time on no cluster. Whoever is further back waits no longer than if all took only
that, however long they have taken so far: on eight nodes that is twice a second that somebody asks, however long the
line is."""
SELDOM = timedelta(minutes=15)
"""Whoever stands far back asks at least that often."""
REMEMBERED = 15
"""Slots that were given back, of which is known for how long they had been taken."""


class Holder(Record, frozen=True):
    """A run that has a slot, and since when."""

    run_id: str
    since: datetime

    @property
    def route(self) -> str:
        """As the run's id says."""
        return self.run_id.rpartition("-")[0]


class Slots(Record, frozen=True, tag_field="version", tag=1):
    """Who has a slot at an endpoint. `held`: for how long those were taken that were given back last."""

    endpoint: str
    holders: tuple[Holder, ...] = ()
    held: tuple[timedelta, ...] = ()

    def has(self, run_id: str) -> bool:
        return any(holder.run_id == run_id for holder in self.holders)

    def taken_by(self, run_id: str, now: datetime) -> Slots:
        """With one more holder."""
        return change(self, holders=(*self.holders, Holder(run_id, now)))

    def without(self, run_id: str, now: datetime) -> Slots:
        """With one holder fewer."""
        lasted = [max(now - one.since, timedelta()) for one in self.holders if one.run_id == run_id]
        return change(
            self,
            holders=tuple(holder for holder in self.holders if holder.run_id != run_id),
            held=(*self.held, *lasted)[-REMEMBERED:],
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A run's place in line: `ahead` others come before it. `of`: what has no slot left, and `most` is how many it
    has."""

    ahead: int
    of: Literal["endpoint", "route"]
    most: int


class TakeSlot(Record, frozen=True, kw_only=True):
    """Take a slot of an endpoint for a run, or a place in line. `settings`: of its job. `claimed`: when the run was;
    that is its place among others of its route. `before`: what the slot is filed under that it has, or is in line
    for."""

    names: Names
    endpoint: Endpoint
    settings: JobSettings
    claimed: datetime
    before: str | None = None


class Admitted(Message, frozen=True):
    """The attempt may be sent. `slot`: what its slot is filed under; None: nothing limits how many runs have a job."""

    slot: str | None = None


class InLine(Message, frozen=True):
    """The run has to wait for its turn: `ahead` others come before it, there are `most` slots, and each of them is
    taken for `age`, as far as is known. `message`: why."""

    slot: str
    ahead: int
    most: int
    age: timedelta
    message: str


def slots_of(endpoint: Endpoint) -> str:
    """What the slots of an endpoint are filed under. Its deployments share them, as they mostly share a cluster."""
    return hashlib.sha256(endpoint.scoring_uri.encode()).hexdigest()[:16]


def most_at(limits: Limits, nodes: int | None, instances: int, settings: JobSettings) -> int | None:
    """How many slots an endpoint has: as many as the route says, else as its cluster can run jobs at the same time;
    None: any number. `nodes`: of that cluster, if they are known; `instances`: how many of them each of its jobs takes,
    unless the route's settings say another number."""
    if limits.endpoint_runs is not None or nodes is None:
        return limits.endpoint_runs
    return max(1, nodes // (settings.instance_count or instances))


def place_in(
    line: Iterable[Pointer], own: Pointer, holders: Sequence[Holder], most: int | None, of_routes: Mapping[str, int]
) -> Place | None:
    """Where a run stands in line, or None if it is its turn. `most`: slots of the endpoint, `of_routes`: how many of
    them a route may have; any number where nothing is said.

    The slots that are free are dealt out, one after the other, to whose turn it is.
    """
    taken = Counter(holder.route for holder in holders)
    waiting: dict[str, list[Pointer]] = {}
    count_not = {own.run_id, *(holder.run_id for holder in holders)}
    waits = [one for one in line if one.run_id not in count_not]
    for one in sorted([*waits, own], key=attrgetter("claimed", "run_id")):  # mostly in order as they come
        waiting.setdefault(one.route, []).append(one)
    before = waiting[own.route].index(own)
    heads = dict.fromkeys(waiting, 0)
    free = most - len(holders) if most is not None else 1 + sum(map(len, waiting.values()))
    for _ in range(free):
        eligible = [
            (taken[route], waiting[route][head], route)
            for route, head in heads.items()
            if head < len(waiting[route]) and not (route in of_routes and taken[route] >= of_routes[route])
        ]
        if not eligible:
            return Place(before, "route", of_routes[own.route])
        _, one, route = min(eligible)
        if one == own:
            return None
        heads[route] += 1
        taken[route] += 1
    assert most is not None, "only where there are so many slots are none left"
    # A route gets as many slots as any other, so as many of each other one come before it as of its own.
    others = sum(min(before + 1, len(them)) for route, them in waiting.items() if route != own.route)
    return Place(before + others, "endpoint", most)


def age_of(slots: Slots, place: Place, route: str, now: datetime) -> timedelta:
    """For how long a slot is taken that a run waits for: as those were that were given back, unless those that are
    taken have been for longer."""
    ages = [now - holder.since for holder in slots.holders if place.of == "endpoint" or holder.route == route]
    return max((median_high(some) for some in (ages, slots.held) if some), default=timedelta())


def next_turn(polling: Polling, waits: InLine) -> timedelta:
    """How long a run in line waits before it asks again: three quarters of the time after which its turn should come,
    if slots are given back as they have been. So a run asks a few times however long the line is, and who is next is
    there soon."""
    turn_comes = waits.age * (waits.ahead + 1) / waits.most
    longest = OFTEN if waits.ahead < waits.most else max(OFTEN, min(QUICK * waits.ahead / waits.most, SELDOM))
    return max(polling.first, min(turn_comes * 3 / 4, longest))


def told_of(place: Place, route: str, endpoint: str) -> str:
    """Why a run waits, for people."""
    whose = f"Endpoint {endpoint}" if place.of == "endpoint" else f"Route {route!r}"
    limit = "limits.endpoint_runs, or its cluster's size" if place.of == "endpoint" else "limits.active_runs"
    before = "it is next" if place.ahead == 0 else f"about {place.ahead:,} come before this one"
    return f"{whose} has as many runs with a job as it may have at once ({place.most:,}, by {limit}); {before}."
