"""The nearest miss: by which route a file is almost taken, why it is not, and what to do."""

from __future__ import annotations

import pytest

from shared.core.miss import Miss, Reason, broken_route, nearest_miss
from shared.core.route import Route
from shared.errors import Problem
from testbed.examples import digits_route

MARKED = ("quiet: 5s", "marker: _SUCCESS")
EXCLUDING = ('files: ["*.png"]', 'files: ["*.png"]\n      exclude: ["draft-*"]')
SPLIT = ('files: ["*.png"]', 'files: ["*.png"]\n      nested: split')
FILES = ("type: uri_folder", "type: uri_file")
DEEP = ("folder: digits/{batch}", "folder: digits/v1/{batch}")
IGNORING = ('files: ["*.png"]', 'files: ["*.png"]\n      exclude: ["draft-*"]\n      case: ignore')


def missed(path: str, *pairs: tuple[str, str], container: str = "landing", account: str | None = None) -> Miss:
    return nearest_miss(account, container, path, [digits_route(*pairs)])


@pytest.mark.parametrize(
    ("path", "pairs", "reason", "message"),
    [
        pytest.param(
            "digits/tuesday/X.PNG",
            (),
            Reason.CASE,
            "'X.PNG' does not match *.png of route 'digits'; patterns mind case",
            id="case",
        ),
        pytest.param(
            "digits/tuesday/x.csv", (), Reason.FILES, "'x.csv' does not match *.png of route 'digits'", id="files"
        ),
        pytest.param(
            "digits/tuesday/draft-1.png",
            (EXCLUDING,),
            Reason.EXCLUDED,
            "'draft-1.png' is left out by landing.exclude draft-* of route 'digits'",
            id="excluded",
        ),
        pytest.param(
            "digits/tuesday/DRAFT-1.PNG",
            (IGNORING,),
            Reason.EXCLUDED,
            "'DRAFT-1.PNG' is left out by landing.exclude draft-* of route 'digits'",
            id="excluded in any case",
        ),
        pytest.param(
            "digits/tuesday/part/_SUCCESS",
            (MARKED,),
            Reason.MARKER,
            "'_SUCCESS' is the marker of route 'digits', but it counts only directly in digits/tuesday",
            id="marker in a sub-folder",
        ),
        pytest.param(
            "digits/tuesday/_temporary/0.png",
            (),
            Reason.HIDDEN,
            "folder digits/tuesday/_temporary has a segment that begins with _ or . below digits/{batch} of route "
            "'digits'; writers keep there what is none of the data",
            id="hidden",
        ),
        pytest.param(
            "digits/tuesday/_temporary/0.png",
            (SPLIT,),
            Reason.HIDDEN,
            "folder digits/tuesday/_temporary has a segment that begins with _ or . below digits/{batch} of route "
            "'digits'; writers keep there what is none of the data",
            id="hidden where sub-folders are split",
        ),
        pytest.param(
            "digits/a/b/0.png",
            (FILES,),
            Reason.DEPTH,
            "folder digits/a/b is one level deeper than digits/{batch} of route 'digits'",
            id="deeper",
        ),
        pytest.param(
            "digits/0.png",
            (),
            Reason.DEPTH,
            "folder digits is one level above digits/{batch} of route 'digits'",
            id="up",
        ),
        pytest.param(
            "0.png",
            (),
            Reason.DEPTH,
            "the container itself is 2 levels above digits/{batch} of route 'digits'",
            id="root",
        ),
        pytest.param(
            "Digits/tuesday/0.png",
            (),
            Reason.FOLDER,
            "folder Digits/tuesday does not match digits/{batch} of route 'digits': 'Digits' is not 'digits'; patterns "
            "mind case",
            id="folder in another case",
        ),
        pytest.param(
            "digitz/tuesday/0.png",
            (),
            Reason.FOLDER,
            "folder digitz/tuesday does not match digits/{batch} of route 'digits': 'digitz' is not 'digits'",
            id="folder misspelt",
        ),
        pytest.param(
            "digits/v2/tuesday/0.png",
            (DEEP,),
            Reason.FOLDER,
            "folder digits/v2/tuesday does not match digits/v1/{batch} of route 'digits': 'v2' is not 'v1'",
            id="another level",
        ),
        pytest.param(
            "invoices/tuesday/0.png",
            (),
            Reason.NO_ROUTE,
            "no folder of a route is like it; routes read from container landing: digits/{batch}",
            id="nothing alike",
        ),
    ],
)
def test_a_miss_says_what_is_in_the_way(
    path: str, pairs: tuple[tuple[str, str], ...], reason: Reason, message: str
) -> None:
    miss = missed(path, *pairs)

    assert (miss.reason, miss.message) == (reason, message)
    assert miss.do.endswith(".")


def test_another_container_and_another_account_are_told_by_name() -> None:
    assert missed("digits/tuesday/0.png", container="inbox").message == (
        "it is in container 'inbox', but route 'digits' reads container 'landing' of account 'landing'"
    )
    assert missed("digits/tuesday/0.png", account="else").message == (
        "it is in container 'landing' of account 'else', but route 'digits' reads container 'landing' of account "
        "'landing'"
    )


def test_a_container_that_nobody_reads_is_told_with_those_that_are_read() -> None:
    miss = missed("x/y.txt", container="inbox")

    assert (miss.reason, miss.route) == (Reason.NO_ROUTE, None)
    assert miss.message == "no route reads container 'inbox'; routes read: landing (account landing)"


def test_without_any_route_there_is_no_nearest() -> None:
    assert nearest_miss(None, "landing", "a/b.png", []).message == (
        "no route reads container 'landing'; routes read: nothing"
    )


def routes(*folders: str) -> list[Route]:
    return [digits_route(("  digits:", f"  r{i}:"), ("digits/{batch}", folder)) for i, folder in enumerate(folders)]


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("b/x/0.csv", "r1"),  # the right folder goes before all folders that are not
        ("b/x/y/z", "r1"),
        ("c/d/e/0.png", "r2"),  # more levels that match
    ],
)
def test_of_several_misses_the_nearest_is_told(path: str, nearest: str) -> None:
    found = nearest_miss(None, "landing", path, routes("a/{batch}", "b/{batch}", "c/d/f/{batch}"))

    assert found.route == nearest


def test_a_broken_route_may_be_the_one_and_its_problem_is_told() -> None:
    problem = Problem("letters", "ready.quiet", "'soon' is not valid")

    miss = broken_route([problem], missed("letters/a/0.png"))

    assert (miss.reason, miss.route) == (Reason.BROKEN_ROUTE, "letters")
    assert "(route 'letters', ready.quiet: 'soon' is not valid)" in miss.message
    assert miss.message.endswith(
        "Of the other routes: no folder of a route is like it; routes read from container landing: digits/{batch}"
    )
