"""Whom a path counts for is the same for people who ask as for events; and nothing that is asked is too much."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.event import Arrived, Match, match_blob
from shared.core.explanation import Facts, Role, Taken, place, spoken_span, sweep_finds_at
from shared.core.route import Route
from shared.core.spot import read_spot
from shared.core.wording import explained
from shared.errors import InputRefused
from testbed.examples import digits_route
from testbed.fakes import NOON

SETS = (
    (digits_route(),),
    (digits_route(('files: ["*.png"]', 'files: ["*.png"]\n      nested: split')),),
    (digits_route(('files: ["*.png"]', 'files: ["*.png"]\n      nested: flatten')),),
    (digits_route(("type: uri_folder", "type: uri_file")),),
    (digits_route(("quiet: 5s", "marker: _SUCCESS")),),
    (digits_route(), digits_route(("  digits:", "  deeper:"), ("digits/{batch}", "digits/{batch}/more"))),
)
segments = st.one_of(
    st.sampled_from(["landing", "digits", "Digits", "tuesday", "more", "0.png", "X.PNG", "_SUCCESS", "_tmp", ".a", ""]),
    st.text(max_size=8),
)
paths = st.lists(segments, min_size=1, max_size=6).map("/".join)


@pytest.mark.parametrize("routes", SETS, ids=range(len(SETS)))
@given(path=paths)
def test_who_asks_is_told_what_an_event_would_do(routes: tuple[Route, ...], path: str) -> None:
    try:
        spot = read_spot(f"landing/{path}", routes)
    except InputRefused as refused:
        assert str(refused).endswith(".")
        return
    found = place(spot, routes, is_blob=True)
    if spot.is_folder or spot.known is None:
        return

    match = match_blob(Arrived("landing", spot.container, spot.path), routes)

    assert isinstance(found, Taken) is isinstance(match, Match)
    if isinstance(found, Taken) and isinstance(match, Match):
        assert (found.landing, found.role is Role.MARKER) == (match.landing, match.is_marker)


@given(text=st.one_of(paths, st.text(max_size=60), paths.map("https://landing.blob.core.windows.net/".__add__)))
def test_whatever_is_asked_is_answered_or_refused_with_a_sentence(text: str) -> None:
    for routes in SETS:
        try:
            spot = read_spot(text, routes)
        except InputRefused as refused:
            assert str(refused).endswith(".")
            continue
        answer = explained(Facts(spot=spot, found=place(spot, routes, is_blob=False), now=NOON))
        assert answer["text"].endswith(".")
        assert (answer["miss"] is None) is (answer["route"] is not None)


@pytest.mark.parametrize(
    ("span", "told"),
    [
        ({"seconds": 5}, "5s"),
        ({"minutes": 5}, "5m"),
        ({"seconds": 90}, "90s"),
        ({"hours": 2}, "2h"),
        ({"days": 1}, "1d"),
    ],
)
def test_durations_are_told_as_routes_have_them(span: dict[str, int], told: str) -> None:
    assert spoken_span(timedelta(**span)) == told


def test_a_sweep_begins_every_quarter_of_an_hour() -> None:
    assert sweep_finds_at(None, NOON) == NOON + timedelta(minutes=15)
    assert sweep_finds_at(NOON, NOON + timedelta(minutes=14, seconds=59)) == NOON + timedelta(minutes=15)
