"""When a landing is looked at, and when it is ready to be scored."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from shared.core.landing import Landing
from shared.core.readiness import (
    MARKER_LOOK,
    UNFLUSHED,
    Empty,
    IsReady,
    Look,
    NotYet,
    Overdue,
    Readiness,
    coalesce,
    look_of,
    readiness,
)
from shared.core.record import dump, load
from shared.core.route import Ready
from shared.core.snapshot import Snapshot
from testbed.examples import digits_route, tuesday
from testbed.fakes import NOON
from tests.unit.test_snapshot import a_file

MARKED = ("quiet: 5s", "marker: _SUCCESS")
QUIET = Ready(quiet=timedelta(minutes=1), marker=None, longest_wait=timedelta(hours=1), scores_after_longest_wait=True)
MARKER = Ready(quiet=None, marker="_OK", longest_wait=timedelta(hours=1), scores_after_longest_wait=False)
SCORES_ANYWAY = Ready(quiet=None, marker="_OK", longest_wait=timedelta(hours=1), scores_after_longest_wait=True)
STRICT = Ready(
    quiet=timedelta(minutes=1), marker=None, longest_wait=timedelta(hours=1), scores_after_longest_wait=False
)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


class TestCoalescing:
    def test_events_of_one_bucket_start_one_watch(self) -> None:
        """The quiet period is 5 s, so a bucket is 2.5 s; noon is at a bucket's beginning."""
        first = coalesce(tuesday(), is_marker=False, now=NOON)

        assert coalesce(tuesday(), is_marker=False, now=NOON + seconds(2.4)) == first
        assert coalesce(tuesday(), is_marker=False, now=NOON + seconds(2.5)) != first
        assert first.not_before == NOON + seconds(3.5)

    @pytest.mark.parametrize(("quiet", "wait"), [("1s", 2), ("5s", 3.5), ("30s", 16), ("2m", 61), ("1d", 61)], ids=str)
    def test_a_bucket_is_half_the_quiet_period_within_bounds(self, quiet: str, wait: float) -> None:
        landing = tuesday(digits_route(("quiet: 5s", f"quiet: {quiet}"), ("longest_wait: 2h", "longest_wait: 2d")))

        assert coalesce(landing, is_marker=False, now=NOON).not_before == NOON + seconds(wait)

    def test_the_marker_has_a_short_bucket_of_its_own(self) -> None:
        landing = tuesday(digits_route(MARKED))

        file = coalesce(landing, is_marker=False, now=NOON)
        marker = coalesce(landing, is_marker=True, now=NOON)

        assert file.not_before == NOON + seconds(61)
        assert marker.not_before == NOON + seconds(2)
        assert file.instance_id != marker.instance_id

    def test_landings_have_watches_of_their_own(self) -> None:
        route = digits_route()
        ids = {
            coalesce(Landing(route, path), is_marker=False, now=NOON).instance_id
            for path in ("digits/tuesday", "digits/Tuesday", "digits/tues day", "digits/tues%20day")
        }

        assert len(ids) == 4


def ready(
    how: Ready, *, files: int = 1, age: float | None = 0, same: float = 0, watched: float = 0, marked: bool = False
) -> Readiness:
    """Whether a landing is ready whose newest file is that old, that has been the same and watched that long."""
    newest = None if age is None or not files else NOON - seconds(age)
    look = Look(files=files, fingerprint="f", newest=newest, seen_at=NOON, marked=marked)
    return readiness(how, look, same_since=NOON - seconds(same), watched_since=NOON - seconds(watched), now=NOON)


HOUR = 3600


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        pytest.param(ready(QUIET, files=0), Empty(), id="nothing there"),
        pytest.param(ready(QUIET, age=61), IsReady(), id="old enough by the service's clock"),
        pytest.param(ready(QUIET, age=60.9), NotYet(NOON + seconds(0.1)), id="not yet, for a grain of the clock"),
        pytest.param(ready(QUIET, age=0), NotYet(NOON + seconds(60)), id="just written"),
        pytest.param(ready(QUIET, age=0, same=60), IsReady(), id="the same for the quiet period"),
        pytest.param(ready(QUIET, age=-30, same=45), NotYet(NOON + seconds(15)), id="written in the service's future"),
        pytest.param(
            ready(QUIET, age=0, watched=HOUR - 10), NotYet(NOON + seconds(10)), id="not past the longest wait"
        ),
        pytest.param(ready(QUIET, age=0, watched=HOUR), IsReady(), id="never quiet, scored anyway"),
        pytest.param(
            ready(STRICT, age=0, watched=HOUR),
            Overdue(
                "The landing was not complete within 1:00:00: files kept arriving or changing, "
                "so it was never quiet for 0:01:00."
            ),
            id="never quiet, refused",
        ),
        pytest.param(ready(MARKER, marked=True), IsReady(), id="marked"),
        pytest.param(ready(MARKER, files=0, marked=True), Empty(), id="marked, but empty"),
        pytest.param(ready(MARKER, age=HOUR * 9), NotYet(NOON + MARKER_LOOK), id="not marked, however old"),
        pytest.param(ready(MARKER, files=0), NotYet(NOON + MARKER_LOOK), id="not marked and empty so far"),
        pytest.param(ready(MARKER, watched=HOUR - 10), NotYet(NOON + seconds(10)), id="not marked, nearly too late"),
        pytest.param(
            ready(MARKER, watched=HOUR),
            Overdue("The landing was not complete within 1:00:00: _OK did not arrive."),
            id="never marked, refused",
        ),
        pytest.param(ready(SCORES_ANYWAY, watched=HOUR), IsReady(), id="never marked, scored anyway"),
        pytest.param(ready(MARKER, files=0, watched=HOUR), Empty(), id="never marked and empty"),
        pytest.param(ready(SCORES_ANYWAY, files=0, watched=HOUR), Empty(), id="never marked, nothing to score anyway"),
    ],
)
def test_a_look_tells_whether_a_landing_is_ready(verdict: Readiness, expected: Readiness) -> None:
    assert verdict == expected


def test_a_landing_whose_route_was_removed_is_empty_where_quiet_was_waited_for() -> None:
    assert ready(QUIET, files=0, age=None, marked=True) == Empty()


@pytest.mark.parametrize("newest", [None, NOON], ids=["empty", "some files"])
def test_a_look_survives_the_way_between_functions(newest: datetime | None) -> None:
    look = Look(files=3, fingerprint="f", newest=newest, seen_at=NOON, marked=True)

    assert load(Look, json.loads(json.dumps(dump(look)))) == look


def hierarchical(*, same: float, sizes: tuple[int, ...] = (6,), is_hierarchical: bool = True) -> Readiness:
    """Whether a landing is ready whose files are all older than the quiet period, and that was the same that long."""
    files = tuple(a_file(f"{i}.png", size=size, after=-90) for i, size in enumerate(sizes))
    look = look_of(Snapshot(files=files), NOON, is_hierarchical=is_hierarchical)
    return readiness(QUIET, look, same_since=NOON - seconds(same), watched_since=NOON - seconds(same), now=NOON)


class TestAccountsWithAHierarchy:
    def test_old_times_prove_nothing_there_but_two_equal_looks_do(self) -> None:
        """Seen before: files that were renamed in one after the other were scored after the first."""
        assert hierarchical(same=0) == NotYet(NOON + seconds(60))
        assert hierarchical(same=59) == NotYet(NOON + seconds(1))
        assert hierarchical(same=60) == IsReady()

    def test_without_one_the_first_look_is_enough(self) -> None:
        assert hierarchical(same=0, is_hierarchical=False) == IsReady()

    def test_an_empty_file_may_still_be_written_without_a_sign_so_it_takes_longer(self) -> None:
        assert hierarchical(same=60, sizes=(6, 0)) == NotYet(NOON + seconds(61))
        assert hierarchical(same=UNFLUSHED.total_seconds(), sizes=(6, 0)) == IsReady()

    def test_it_is_looked_at_again_soon_and_then_less_and_less_often(self) -> None:
        assert hierarchical(same=0, sizes=(0,)) == NotYet(NOON + seconds(61))
        assert hierarchical(same=150, sizes=(0,)) == NotYet(NOON + seconds(75))
        assert hierarchical(same=299, sizes=(0,)) == NotYet(NOON + seconds(1))

    def test_without_one_an_empty_file_is_one_that_is_meant_to_be_empty(self) -> None:
        assert hierarchical(same=0, sizes=(6, 0), is_hierarchical=False) == IsReady()

    def test_what_a_look_says_of_it_survives_the_way_between_functions_and_is_left_out_elsewhere(self) -> None:
        unflushed = look_of(Snapshot(files=(a_file("a", size=0),)), NOON, is_hierarchical=True)

        assert load(Look, json.loads(json.dumps(dump(unflushed)))) == unflushed
        assert "unflushed" not in dump(look_of(Snapshot(files=(a_file("a", size=6),)), NOON, is_hierarchical=True))
