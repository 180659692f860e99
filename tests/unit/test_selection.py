"""Which files are scored, by their names, and whether two selections have one in common."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.matching import covers
from shared.core.selection import Selection, folded
from tests.unit.test_properties import TEXTS, globs, matched_by

SPELLINGS = frozenset(
    spelling for text in TEXTS if len(text) <= 4 for spelling in (text, text.upper(), text.capitalize())
)
"""Short names in several spellings."""

selections = st.builds(
    Selection,
    files=st.lists(globs, min_size=1, max_size=2).map(tuple),
    exclude=st.lists(st.text("abA*?", max_size=3), max_size=2).map(tuple),
    ignores_case=st.booleans(),
)


@pytest.mark.parametrize(
    ("selection", "name", "has"),
    [
        (Selection(), "anything", True),
        (Selection(exclude=("*.tmp",)), "a.csv", True),
        (Selection(exclude=("*.tmp",)), "a.tmp", False),
        (Selection(exclude=("*.tmp",)), "a.TMP", True),
        (Selection(exclude=("*.tmp",), ignores_case=True), "a.TMP", False),
        (Selection(files=("*.csv",)), "a.CSV", False),
        (Selection(files=("*.csv",), ignores_case=True), "a.CSV", True),
        (Selection(files=("*.CSV",), ignores_case=True), "a.csv", True),
        (Selection(files=("É?.csv",), ignores_case=True), "éß.csv", True),
        (Selection(files=("*.csv", "*.txt"), exclude=("~*", "*.bak.*")), "~a.txt", False),
    ],
)
def test_a_file_is_selected_by_files_unless_it_is_excluded(selection: Selection, name: str, has: bool) -> None:
    assert selection.has(name) == has


@pytest.mark.parametrize(
    ("one", "other", "may"),
    [
        pytest.param(Selection(), Selection(files=("*.csv",)), True, id="wider"),
        pytest.param(Selection(exclude=("*.csv",)), Selection(files=("*.csv",)), False, id="excluded"),
        pytest.param(Selection(exclude=("*.c*",)), Selection(files=("a*.csv",)), False, id="excluded by a wider one"),
        pytest.param(Selection(exclude=("a.csv",)), Selection(files=("*.csv",)), True, id="only some excluded"),
        pytest.param(Selection(exclude=("?.csv",)), Selection(files=("*.csv",)), True, id="only short ones excluded"),
        pytest.param(Selection(files=("*.csv",)), Selection(files=("*.CSV",)), False, id="another case"),
        pytest.param(Selection(files=("*.csv",)), Selection(files=("*.CSV",), ignores_case=True), True, id="any case"),
        pytest.param(
            Selection(exclude=("*.csv",)),
            Selection(files=("*.csv",), ignores_case=True),
            True,
            id="excluded in one case, taken in any",
        ),
        pytest.param(
            Selection(exclude=("*.CSV",), ignores_case=True),
            Selection(files=("*.csv",)),
            False,
            id="excluded in any case",
        ),
    ],
)
def test_selections_that_may_share_a_file_are_found(one: Selection, other: Selection, may: bool) -> None:
    assert one.may_share_a_file_with(other) == may
    assert other.may_share_a_file_with(one) == may


@given(selections, selections)
def test_two_selections_that_share_a_name_are_always_found(one: Selection, other: Selection) -> None:
    """Else two routes would score one file, and each would publish it."""
    if any(one.has(name) and other.has(name) for name in SPELLINGS):
        assert one.may_share_a_file_with(other)


@given(selections)
def test_a_selection_that_is_said_to_be_void_has_no_name(selection: Selection) -> None:
    assert not selection.is_void or not any(map(selection.has, SPELLINGS))


@given(globs, globs)
def test_a_glob_that_is_said_to_cover_another_matches_all_that_it_matches(wide: str, narrow: str) -> None:
    assert not covers(wide, narrow) or matched_by(narrow) <= matched_by(wide)


@given(st.text(), st.text("aB*?ß", max_size=5))
def test_where_case_is_ignored_the_spelling_of_names_and_globs_makes_no_difference(name: str, glob: str) -> None:
    selection, shouted = (Selection(files=(text,), ignores_case=True) for text in (glob, folded(glob)))

    assert selection.has(name) == selection.has(folded(name)) == shouted.has(name)


def test_folding_keeps_every_length_and_makes_no_wildcard_or_slash() -> None:
    folds = {letter: folded(letter) for letter in map(chr, range(sys.maxunicode + 1))}
    changed = {letter: fold for letter, fold in folds.items() if fold != letter}

    assert {len(fold) for fold in folds.values()} == {1}
    assert not set("*?/") & {*changed, *changed.values()}
    assert {folds[fold] for fold in changed.values()} == set(changed.values())  # folding again changes nothing
