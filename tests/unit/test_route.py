"""What a checked route says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.route import duration
from testbed.examples import LAKEHOUSE, LANDING, digits_route

MARKED = ("quiet: 5s", "marker: all.png")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("100d", timedelta(days=100)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, value: timedelta) -> None:
    assert duration(text) == value


def test_the_demos_route_reads_as_it_is_written() -> None:
    route = digits_route()

    assert (route.landing, route.publish) == (LANDING, LAKEHOUSE)
    assert route.account == "landing"
    assert (route.ready.quiet, route.ready.marker) == (timedelta(seconds=5), None)
    assert route.ready.scores_after_longest_wait
    assert not route.takes_files
    assert route.staging == "when_needed"
    assert (route.polling.first, route.polling.longest) == (timedelta(seconds=2), timedelta(minutes=1))


def test_a_route_whose_input_is_a_file_takes_files() -> None:
    assert digits_route(("type: uri_folder", "type: uri_file")).takes_files


@pytest.mark.parametrize(("name", "wanted"), [("0.png", True), ("0.csv", True), ("0.txt", False), ("0.PNG", False)])
def test_a_file_is_wanted_if_any_glob_matches_its_name(name: str, wanted: bool) -> None:
    assert digits_route(('["*.png"]', '["*.png", "*.csv"]')).wants(name) == wanted


def test_the_marker_is_never_wanted_even_if_a_glob_matches_it() -> None:
    assert digits_route().wants("all.png")
    assert not digits_route(MARKED).wants("all.png")


ANY_CASE = ("files:", 'case: ignore\n      exclude: ["*.tmp.png"]\n      files:')


def test_an_excluded_file_is_not_wanted() -> None:
    route = digits_route(("files:", 'exclude: ["*.tmp.png"]\n      files:'))

    assert route.wants("0.png")
    assert not route.wants("0.tmp.png")
    assert route.wants("0.TMP.png")


def test_where_case_is_ignored_files_excluded_ones_and_the_marker_are_known_in_any() -> None:
    route = digits_route(ANY_CASE, MARKED)

    assert route.wants("0.PNG")
    assert not route.wants("0.TMP.png")
    assert route.is_marker("ALL.PNG")
    assert not route.wants("ALL.PNG")


def test_else_a_marker_in_another_case_is_none() -> None:
    assert not digits_route(MARKED).is_marker("ALL.png")


def test_without_a_marker_no_file_is_one() -> None:
    assert not digits_route().is_marker("")


def test_the_parts_of_a_folder_are_named_by_the_pattern() -> None:
    route = digits_route(("folder: digits/{batch}", "folder: " + "digits/{batch}/{part}"))

    assert route.parts("digits/tuesday/1") == {"batch": "tuesday", "part": "1"}
    assert route.parts("digits/tuesday") is None


@pytest.mark.parametrize("folder", ["digits/..-x", "digits/.-x", "digits/x-..", "digits/x-."])
def test_no_part_of_a_folder_could_lead_elsewhere(folder: str) -> None:
    """Whoever may create folders chooses their names, and `..` may become a whole segment of what is published."""
    route = replace(digits_route(), folder="digits/{kind}-{day}")

    assert route.parts(folder) is None
    assert route.parts("digits/..a-b..") == {"kind": "..a", "day": "b.."}
