"""Which landings the sweep counts as in order, which it asks the ledger of, and how a tally is kept."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.record import from_json, to_json
from shared.core.route import Route
from shared.core.tally import (
    HEAD_START,
    LOOKBACK,
    Book,
    Entries,
    Judgement,
    Sight,
    Tally,
    closed,
    counted_now,
    entry_of,
    identity,
    judge,
    opened,
    place_of,
)
from testbed.examples import digits_route
from testbed.fakes import NOON

OLD = NOON - LOOKBACK - timedelta(seconds=1)
YOUNG = NOON - HEAD_START + timedelta(seconds=1)
RECENT = NOON - timedelta(hours=1)


def sight(drop: str = "a", *, files: int = 3, newest: datetime = OLD, path: str = "digits/tuesday") -> Sight:
    digest = hashlib.sha256(drop.encode()).hexdigest()
    return Sight(path=path, drop=digest, files=files, newest=newest)


def counting(*sights: Sight) -> Entries:
    return {place_of(one.path): one.entry for one in sights}


FIRST = None
"""There is no tally yet: the sweep sees the route for the first time."""

THREE = counting(sight())
"""A tally of digits/tuesday with its three files."""


@pytest.mark.parametrize(
    ("seen", "entries", "expected"),
    [
        pytest.param(sight(), FIRST, Judgement.COUNT, id="there before the route was"),
        pytest.param(sight(newest=RECENT), FIRST, Judgement.ASK, id="new when the route was"),
        pytest.param(sight(), {}, Judgement.ASK, id="old files that have come since"),
        pytest.param(sight(), THREE, Judgement.COUNT, id="as it was counted"),
        pytest.param(sight(newest=RECENT), THREE, Judgement.COUNT, id="as it was counted, and recent"),
        pytest.param(sight("b", files=4), THREE, Judgement.ASK, id="one old file more"),
        pytest.param(sight("b", files=3), THREE, Judgement.ASK, id="an old file in place of another"),
        pytest.param(sight("b", files=2), THREE, Judgement.COUNT, id="one file less"),
        pytest.param(sight("b", files=2, newest=RECENT), THREE, Judgement.ASK, id="fewer, with a new one"),
        pytest.param(sight(newest=YOUNG), FIRST, Judgement.LEAVE, id="left to its events"),
        pytest.param(sight("b", files=4, newest=YOUNG), THREE, Judgement.LEAVE, id="changed, left to its events"),
        pytest.param(sight(newest=NOON - LOOKBACK), FIRST, Judgement.ASK, id="at the end of the look back"),
        pytest.param(sight(newest=NOON - HEAD_START), FIRST, Judgement.ASK, id="at the end of the head start"),
        pytest.param(sight(path="digits/monday"), THREE, Judgement.ASK, id="the same in another place"),
    ],
)
def test_a_landing_is_judged_by_the_tally_and_its_times(
    seen: Sight, entries: Entries | None, expected: Judgement
) -> None:
    assert judge(seen, entries, NOON) is expected


def test_a_landing_in_order_is_counted_as_it_is_and_any_other_as_it_was() -> None:
    changed = sight("b", files=4)

    assert counted_now(changed, THREE, is_in_order=True) == changed.entry
    assert counted_now(changed, THREE, is_in_order=False) == sight().entry
    assert counted_now(changed, FIRST, is_in_order=False) is None


def test_a_tally_of_another_version_of_its_route_is_none() -> None:
    route = digits_route()
    stored = closed(Book(entries=THREE), route)

    assert opened(stored, route).entries == THREE
    for changed in (
        digits_route(("folder: digits/{batch}", "folder: digits/{other}/{batch}")),
        digits_route(('files: ["*.png"]', 'files: ["*.png", "*.jpg"]')),
        digits_route(("files:", 'exclude: ["~*"]\n      files:')),
        digits_route(("files:", "case: ignore\n      files:")),
        digits_route(("files:", "nested: flatten\n      files:")),
        digits_route(("files:", "nested: split\n      files:")),
        digits_route(("quiet: 5s", "marker: _SUCCESS")),
        digits_route(("  digits:\n", "  numbers:\n")),
        digits_route(("      container: landing", "      container: landing2"), ("/landing/{l", "/landing2/{l")),
        digits_route(("type: uri_folder", "type: uri_file")),
    ):
        assert identity(changed) != identity(route)
        assert opened(stored, changed).entries is None


def test_what_does_not_change_the_landings_of_a_route_leaves_its_tally() -> None:
    assert identity(digits_route(("longest_wait: 2h", "longest_wait: 3h"))) == identity(digits_route())


def test_no_tally_and_a_torn_one_are_none() -> None:
    route = digits_route()

    assert opened(None, route).entries is None
    assert opened(Tally(route=identity(route), entries=b"torn"), route).entries is None


entries = st.dictionaries(
    st.binary(min_size=8, max_size=8),
    st.builds(entry_of, st.binary(min_size=8, max_size=8), st.integers(0, 2**32 - 1)),
    max_size=5,
)
ROUTE: Route = digits_route()


@given(entries)
def test_a_tally_is_read_as_it_was_written(given_entries: dict[bytes, bytes]) -> None:
    stored = to_json(closed(Book(entries=given_entries), ROUTE))

    assert opened(from_json(Tally, stored), ROUTE).entries == given_entries


def test_a_tally_of_a_year_of_landings_is_a_small_document() -> None:
    """A hundred thousand landings are one every five minutes."""
    many = counting(*(sight(path=f"digits/{number}") for number in range(100_000)))

    stored = to_json(closed(Book(entries=many), ROUTE))

    assert len(stored) < 3_000_000
    assert opened(from_json(Tally, stored), ROUTE).entries == many
