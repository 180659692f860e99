"""Globs and folder patterns: what they match, and at what cost, whatever names there are."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.core.location import LONGEST_BLOB_NAME, PLACEHOLDER
from shared.core.matching import can_both_match, covers, glob_matches, parts_in, patterns_can_both_match


@pytest.mark.parametrize(
    ("pattern", "folder", "parts"),
    [
        pytest.param("digits/{batch}", "digits/tuesday", {"batch": "tuesday"}, id="segment"),
        pytest.param("digits/{batch}", "digits/a b#%+{ß}", {"batch": "a b#%+{ß}"}, id="odd names"),
        pytest.param("digits/{batch}", "digits", None, id="a part is never empty"),
        pytest.param("digits/{batch}", "digits/a/b", None, id="a part is one segment"),
        pytest.param("digits/{batch}", "Digits/a", None, id="case matters"),
        pytest.param("digits/{batch}", "x/digits/a", None, id="from the start"),
        pytest.param("{y}/{m}-{d}", "2026/03-01", {"y": "2026", "m": "03", "d": "01"}, id="parts of a segment"),
        pytest.param("{a}-{b}", "1-2-3", {"a": "1-2", "b": "3"}, id="the first part is the longest"),
        pytest.param("{a}{b}", "xyz", {"a": "xy", "b": "z"}, id="parts side by side"),
        pytest.param("{a}--{b}", "---", None, id="too short"),
        pytest.param("a.b", "axb", None, id="literal text is literal"),
        pytest.param("a", "a", {}, id="no parts"),
    ],
)
def test_a_folder_pattern_matches_whole_folders(pattern: str, folder: str, parts: dict[str, str] | None) -> None:
    assert parts_in(folder, pattern) == parts


@pytest.mark.parametrize(
    ("glob", "name", "matches"),
    [
        ("*", "anything", True),
        ("*", "", True),
        ("*.png", "0.png", True),
        ("*.png", "0.PNG", False),
        ("*.png", "0xpng", False),
        ("*.png", "a/0.png", False),
        ("?.png", "0.png", True),
        ("?.png", ".png", False),
        ("a(1)+.png", "a(1)+.png", True),
    ],
)
def test_a_glob_matches_names_within_a_folder(glob: str, name: str, matches: bool) -> None:
    assert glob_matches(glob, name) == matches


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("*.png", "*.png", True),
        ("*.png", "*.csv", False),
        ("*", "*.csv", True),
        ("a*", "*b", True),
        ("a*", "b*", False),
        ("?", "??", False),
        ("?*", "a", True),
        ("", "*", True),
        ("", "?", False),
        ("a", "", False),
    ],
)
def test_globs_that_can_match_the_same_name_are_found(one: str, other: str, both: bool) -> None:
    assert can_both_match(one, other) == both
    assert can_both_match(other, one) == both


def test_long_globs_can_be_compared() -> None:
    assert can_both_match("a" * LONGEST_BLOB_NAME, "a" * LONGEST_BLOB_NAME)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("digits/{batch}", "digits/{day}", True),
        ("digits/{batch}", "digits/tuesday", True),
        ("digits/{batch}", "letters/{batch}", False),
        ("digits/{batch}", "digits/{batch}/{part}", False),
        ("digits/a-{batch}", "digits/b-{batch}", False),
        ("{a}-{b}", "2026-{day}", True),
        ("{a}{b}", "x", False),
    ],
)
def test_patterns_that_can_match_the_same_folder_are_found(one: str, other: str, both: bool) -> None:
    assert patterns_can_both_match(one, other) == both


def slow_glob(glob: str, name: str) -> bool:
    """What a glob means, by an engine that tries everything."""
    return re.fullmatch("".join({"*": "[^/]*", "?": "[^/]"}.get(c, re.escape(c)) for c in glob), name) is not None


def slow_parts(folder: str, pattern: str) -> dict[str, str] | None:
    """What a folder pattern means: an expression takes as much as it can, from the left."""
    pieces = PLACEHOLDER.split(pattern)
    found = re.fullmatch("".join(f"(?P<{p}>[^/]+)" if i % 2 else re.escape(p) for i, p in enumerate(pieces)), folder)
    return found and found.groupdict()


@given(st.text("ab*?.\n", max_size=7), st.text("ab./\n", max_size=9))
@example("*a*", "a")
@example("a*a", "a")
@example("a*?a", "aa")
@example("?*", "\n")
def test_a_glob_matches_exactly_what_trying_everything_finds(glob: str, name: str) -> None:
    assert glob_matches(glob, name) == slow_glob(glob, name)


def numbered(pieces: list[str]) -> str:
    return "".join(f"{{p{number}}}" if piece == "{}" else piece for number, piece in enumerate(pieces))


@given(st.lists(st.sampled_from(["{}", "-", "a", "/", "a-"]), max_size=7).map(numbered), st.text("-a/b", max_size=9))
@example("{a}", "")
@example("{a}-{b}-", "---")
@example("-{a}", "-")
@example("{a}{b}", "-")
def test_a_pattern_takes_a_folder_apart_exactly_as_trying_everything_does(pattern: str, folder: str) -> None:
    assert parts_in(folder, pattern) == slow_parts(folder, pattern)


def steps(act: Callable[[], object]) -> int:
    """How many calls it takes. None of them goes through a text more than once for each letter looked for."""
    counted = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(before)
    return counted


HOSTILE = ["-" * LONGEST_BLOB_NAME, "-" * (LONGEST_BLOB_NAME - 1) + "x", "-x" * (LONGEST_BLOB_NAME // 2)]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("wildcards", [4, 40, 400])
def test_no_name_makes_matching_take_more_steps_than_there_are_wildcards(wildcards: int, name: str) -> None:
    pattern = "-".join(f"{{p{number}}}" for number in range(wildcards)) + "!"
    globs = ["*-" * wildcards + "!", "*?-" * wildcards + "!", "*-" * wildcards + "y*"]
    parts_in("", pattern)  # taken apart once, when routes are read
    for glob in globs:
        glob_matches(glob, "")
        covers(glob, "")

    most = 10 + 5 * wildcards
    assert steps(lambda: parts_in(name, pattern)) <= most
    for glob in globs:
        assert steps(partial(glob_matches, glob, name)) <= most
        assert steps(partial(covers, glob, name.replace("-", "*-"))) <= most
