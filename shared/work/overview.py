"""The landings that the app knows, a page at a time: their cards, with their runs. The last written come first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.core.acts import Said
from shared.core.card import Card, State, state_of
from shared.core.explanation import run_in, seen_by, waits_for
from shared.core.query import refuse_unknown
from shared.core.record import builtins_of
from shared.core.run import Run
from shared.errors import InputRefused, UnknownVersion
from shared.routes import Routes
from shared.threads import each
from shared.work.ledger import READS_AT_ONCE, Ledger

MOST = 200
"""Landings that one request may ask for."""

MOST_READ = 500
"""Cards that one request reads to find those of a state; the next page goes on from there."""

PARAMETERS = ("route", "state", "limit", "continuation")

_ROUTE = re.compile(r"[a-z][a-z0-9-]{0,39}")
_TOKEN = re.compile(r"(?P<moment>\d{8}T\d{6})\.(?P<key>[a-z][a-z0-9-]{0,39}-[0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class Page:
    """Which landings are asked for. `after`: the last one of the page before."""

    route: str | None
    state: State | None
    limit: int
    after: tuple[float, str] | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A landing with its latest run. `unreadable`: why the record of that cannot be read. `pause`: who has paused its
    route."""

    key: str
    card: Card
    run: Run | None
    unreadable: str | None
    pause: Said | None

    @property
    def state(self) -> State:
        return state_of(
            self.card, self.run, is_unreadable=self.unreadable is not None, is_paused=self.pause is not None
        )

    @property
    def waits(self) -> bool:
        """Whether a watch may be under way."""
        return self.state in (State.WAITING, State.PAUSED)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of landings; `continuation`: what to ask for the next one with, None if there is none."""

    entries: tuple[Entry, ...]
    continuation: str | None


def read_page(params: Mapping[str, str]) -> Page:
    """The page in an HTTP request. Raises InputRefused with what would be right."""
    refuse_unknown(params, PARAMETERS)
    route, state, limit = params.get("route"), params.get("state"), params.get("limit", "50")
    if route is not None and not _ROUTE.fullmatch(route):
        raise InputRefused(f"route is {route[:100]!r}; it must be the name of a route.")
    if state is not None and state not in set(State):
        raise InputRefused(f"state is {state[:100]!r}; it must be one of {', '.join(State)}.")
    if not limit.isdecimal() or len(limit) > 9 or not 1 <= int(limit) <= MOST:
        raise InputRefused(f"limit is {limit[:100]!r}; it must be a whole number from 1 to {MOST}.")
    token = params.get("continuation")
    return Page(route, State(state) if state else None, int(limit), _read_token(token) if token else None)


def landings(ledger: Ledger, page: Page) -> Found:
    """A page of landings. Costs a listing of the cards, two reads for each landing that is looked at, and one for each
    route that was ever paused."""
    pauses = {name: standing.pause for name, standing in ledger.standings().items()}
    listed = sorted((-moment.timestamp(), key) for key, moment in ledger.cards(page.route))
    ahead = [place for place in listed if page.after is None or place > page.after]
    entries, last = list[Entry](), 0
    while last < len(ahead) and len(entries) < page.limit and last < MOST_READ:
        some = ahead[last : last + min(READS_AT_ONCE, page.limit - len(entries), MOST_READ - last)]
        last += len(some)
        found = each(lambda place: _entry(ledger, pauses, place[1]), some, at_once=READS_AT_ONCE)
        entries += [one for one in found if one is not None and page.state in (None, one.state)]
    return Found(tuple(entries), _token(*ahead[last - 1]) if 0 < last < len(ahead) else None)


def shown(routes: Routes, entry: Entry, watched: Mapping[str, bool | None]) -> dict[str, Any]:
    """What people see of a landing. `watched`: by the keys of those that wait, whether a watch is under way; None
    where that could not be found out."""
    card, waits = entry.card, entry.waits
    route = next((one for one in routes.usable if one.name == card.route), None)
    return {
        "landing": f"{card.container}/{card.landing}",
        "route": card.route,
        "state": str(entry.state),
        "seen": None if card.looked is None else seen_by(card),
        "waits": waits_for(route.ready, card) if waits and route is not None else None,
        "watch": card.watch if waits else None,
        "watched": watched.get(entry.key) if waits else None,
        "paused": builtins_of(entry.pause) if waits else None,
        "asked": None if card.asked is None else builtins_of(card.asked),
        "run": _run(entry),
    }


def waiting(entries: Iterable[Entry]) -> dict[str, str]:
    """The watches to ask after: by the keys of the landings that wait."""
    return {one.key: one.card.watch for one in entries if one.waits and one.card.watch is not None}


def _run(entry: Entry) -> dict[str, Any] | None:
    if entry.unreadable is not None:
        return {"run_id": entry.card.run, "status": "unreadable", "error": {"message": entry.unreadable}}
    return None if entry.run is None else run_in(entry.run)


def _entry(ledger: Ledger, pauses: Mapping[str, Said | None], key: str) -> Entry | None:
    """None for a card that was removed just now, or that another version has written."""
    card = ledger.card(key)
    if card is None:
        return None
    pause = pauses.get(card.route)
    try:
        return Entry(key, card, ledger.run(card.run) if card.run is not None else None, None, pause)
    except UnknownVersion as error:
        return Entry(key, card, None, str(error), pause)


def _token(negated: float, key: str) -> str:
    return f"{datetime.fromtimestamp(-negated, UTC):%Y%m%dT%H%M%S}.{key}"


def _read_token(token: str) -> tuple[float, str]:
    try:
        match = _TOKEN.fullmatch(token)
        if match is not None:
            moment = datetime.strptime(match["moment"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
            return -moment.timestamp(), match["key"]
    except ValueError:
        pass
    raise InputRefused(f"continuation is {token[:100]!r}; it must be the one that came with the page before.")
