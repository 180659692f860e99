"""Files in sub-folders: the flat names of their copies, and the sentences that refuse them."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.hints import ONCE_MORE, Objection
from shared.core.nesting import LONGEST_NAME, stray_refusal
from shared.core.nesting import flat_names as flat_names_of


def flat_names(paths: Iterable[str]) -> dict[str, str]:
    """The flat name of each path."""
    ordered = sorted(paths)
    flat = flat_names_of(ordered)
    return {path: flat(path) for path in ordered}


def test_a_path_becomes_one_name_and_what_is_in_no_sub_folder_keeps_its_own() -> None:
    assert flat_names(["c.csv", "a/b.csv", "a/d/e.tar.gz"]) == {
        "c.csv": "c.csv",
        "a/b.csv": "a__b.csv",
        "a/d/e.tar.gz": "a__d__e.tar.gz",
    }


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["a/b.csv", "a__b.csv"], id="the name of a file beside the folders"),
        pytest.param(["a/b.csv", "A__B.CSV"], id="that name in another case"),
        pytest.param(["a/b__c.csv", "a__b/c.csv", "a/b/c.csv"], id="the same when joined"),
        pytest.param(["A/b.csv", "a/b.csv", "a/B.csv"], id="one name where case does not count"),
        pytest.param(["é/a.csv", "e\u0301/a.csv"], id="an accent in either encoding"),
        pytest.param(["ß/a.csv", "ss/a.csv", "SS/a.csv"], id="a letter that folds to two"),
    ],
)
def test_paths_that_would_get_one_name_get_different_ones_and_keep_their_extensions(names: list[str]) -> None:
    flat = flat_names(names)

    assert set(flat) == set(names)
    assert len({name.casefold() for name in flat.values()}) == len(names)
    assert all(name.lower().endswith(".csv") and "/" not in name for name in flat.values())
    assert all(flat[name] == name for name in names if "/" not in name)


@pytest.mark.parametrize(
    "path",
    [
        "/".join(["folder"] * 100) + "/file.parquet",
        "a/" + "x" * 1000 + ".parquet",
        "ü" * 200 + "/" + "ü" * 200 + ".parquet",
    ],
    ids=["many folders", "a long name", "letters of two bytes"],
)
def test_a_name_is_never_longer_than_a_file_system_takes_it(path: str) -> None:
    name = flat_names([path])[path]

    assert len(name.encode()) <= LONGEST_NAME
    assert name.endswith(".parquet")


def test_an_extension_that_is_none_may_be_cut() -> None:
    path = "a/b." + "x" * 500

    assert len(flat_names([path])[path].encode()) <= LONGEST_NAME


def test_a_name_that_somebody_has_put_in_the_way_is_not_taken() -> None:
    """Whoever may upload can work out the digest of a path."""
    long = "a/" + "x" * 300 + ".csv"
    guessed = flat_names([long])[long]

    flat = flat_names([long, guessed.upper()])

    assert flat[guessed.upper()] == guessed.upper()
    assert flat[long].casefold() != guessed.casefold()


segments = st.text("aA_.ßé\u0301", min_size=1, max_size=4)
trees = st.sets(st.lists(segments, min_size=1, max_size=3).map("/".join), max_size=8)


def folded(name: str) -> str:
    return name.casefold()


@given(trees, st.randoms(use_true_random=False))
def test_every_file_has_a_name_of_its_own_in_whatever_order_they_are_listed(
    names: set[str], order: random.Random
) -> None:
    shuffled = list(names)
    order.shuffle(shuffled)

    flat = flat_names(shuffled)

    assert flat == flat_names(sorted(names))
    assert flat.keys() == names
    nested = [folded(flat[name]) for name in names if "/" in name]
    beside = {folded(name) for name in names if "/" not in name}
    assert len(set(nested)) == len(nested)
    assert not beside & set(nested)
    assert not any("/" in name for name in flat.values())


def test_ten_thousand_files_get_ten_thousand_names() -> None:
    names = [f"part-{i % 100}/{i}.csv" for i in range(10_000)]

    assert len(set(flat_names(names).values())) == 10_000


def test_without_files_in_sub_folders_nothing_is_refused() -> None:
    assert stray_refusal("digits", []) is None


def test_a_refusal_names_the_first_sub_folders_and_says_what_to_do() -> None:
    assert stray_refusal("digits", ["a/1", "b/c/1", "b/c/2", "d/1", "e/1", "f/1"]) == Objection(
        "There are files to score in sub-folders, which a batch job ignores: 'a', 'b/c', 'd' and 2 more. Nothing was "
        "scored.",
        "Set landing.nested of route 'digits' to flatten (they are scored with the others) or split (each folder has a "
        f"run of its own), or move or remove them. {ONCE_MORE}",
    )


def test_a_refusal_of_what_cannot_be_used_under_its_name_says_so() -> None:
    assert stray_refusal("digits", ["b/1", "a//b", ".."]) == Objection(
        "There are files to score whose names cannot be used: '..', 'a//b'. Nothing was scored.",
        "Rename or remove them: a usable name has no empty, . or .. segment, no backslash, no control character or "
        f"surrogate, and at most 1024 characters. {ONCE_MORE}",
    )


@pytest.mark.parametrize("names", [["a\nb/1", "y\n" * 500], ["x" * 1000 + "/1", "z" * 1000 + "/1"]])
def test_odd_and_long_names_do_no_harm_to_a_message(names: list[str]) -> None:
    refusal = stray_refusal("digits", names)

    assert refusal is not None
    assert refusal.message.isprintable()
    assert len(refusal.message) < 400
