"""Whatever stands in routes.yaml, and in the settings that it names: a problem in a sentence, and never an exception,
a program without end, or a secret in a log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from shared.core.landing import Landing
from shared.core.record import to_json
from shared.core.snapshot import freeze
from shared.core.spec import write_spec
from shared.errors import RoutesInvalid
from shared.routes import Routes
from shared.yaml_text import DEEPEST
from tests.unit.routes_files import changed, digits, parsed, text_of
from tests.unit.runs import RUN_ID

SECRET = "Xq7!vR2#pL9$wZ4~"  # nobody's


def problems(text: str, **settings: str) -> list[str]:
    try:
        return [str(problem) for problem in parsed(text, **settings).problems]
    except RoutesInvalid as invalid:
        return [str(problem) for problem in invalid.problems]


BOMB = "\n".join(
    ["routes:", "  a: &a [x, x, x, x, x, x, x, x, x, x]"]
    + [f"  {b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in zip("abcdefghijk", "bcdefghijkl", strict=True)]
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BOMB, "has more than 50000 values, with aliases written out, by line"),
        ("routes: &a\n  digits: *a\n", "the alias in line 2 stands for what it is in itself"),
        ("routes: &a [*a]", "the alias in line 1 stands for what it is in itself"),
        ("routes: " + "[" * 100_000, f"line 1 is more than {DEEPEST} levels deep"),
        ("routes: " + "{a: " * 1000, f"line 1 is more than {DEEPEST} levels deep"),
        ("- " * 5000, f"line 1 is more than {DEEPEST} levels deep"),
        ("routes: " + "1" * 5000, "not valid YAML: Exceeds the limit"),
        ("routes: 2026-13-45", "not valid YAML: month must be in 1..12"),
        ("routes: !!binary 'a'", "not valid YAML"),
        ("routes: !!python/object/apply:os.system [ls]", "not valid YAML"),
        ("routes: *nothing", "not valid YAML"),
        ("\x00", "not valid YAML"),
        ("", "is not valid; expected"),
        ("~", "is not valid; expected"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else None,
)
def test_a_file_that_is_made_to_be_hard_is_a_problem_in_a_sentence(text: str, told: str) -> None:
    found = problems(text)

    assert any(told in one for one in found), found
    assert all(len(one) < 1000 for one in found)


def test_anchors_and_merges_as_people_write_them_are_fine() -> None:
    one = digits()
    other = {**one, "landing": {**one["landing"], "folder": "second/{batch}"}}
    text = text_of({"digits": one, "second": other})
    assert "&id001" in text  # as the dumper writes what is there twice

    assert problems(text) == []


def leaves(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, f"{path}.{name}" if path else name)
    else:
        yield path


ODD: list[Any] = [
    *(None, True, False, 0, -1, 10**30, -(10**30), 1e308, float("inf"), float("nan"), b"bytes", [], {}, [[]], [{}]),
    *("", " ", "\n", "30s\n", "landing\n", "99999d", "0s", "1" * 400, "{", "}", "{}", "{a}{a}", "{{a}}", "${", "${}"),
    *("https://[", "https://[::1", "https://a:b@c/jobs", "https://a:99999999/jobs", "https://\ud800/jobs", "https:///"),
    *("http://plain", "file:///etc/passwd", "../x", "a/../b", "a//b", "a\\b", "a\x00b", "*", "**", "?", "[a-z]", "~"),
    *("azureml://datastores//paths/", "azureml:x:y:z", "/subscriptions/", "x" * 5000, "\ud800", "\ufffe", "é" * 300),
]


@pytest.mark.parametrize(("number", "path"), list(enumerate(leaves(digits()))))
def test_no_value_in_any_field_is_more_than_a_problem(number: int, path: str) -> None:
    """Each field with half of them, in turn; fields of one kind are next to each other."""
    for value in ODD[number % 2 :: 2]:
        spoilt(path, value)


PATHS = [*leaves(digits()), "settings.mini_batch_size", "settings.retry_settings.timeout", "landing.exclude", "shadow"]
values = st.one_of(st.text(), st.integers(), st.floats(), st.lists(st.text(), max_size=3), st.none())


@given(st.sampled_from(PATHS), values)
@example("settings.mini_batch_size", 10**400)
def test_nor_is_any_other(path: str, value: Any) -> None:
    spoilt(path, value)


def spoilt(path: str, value: Any) -> None:
    """A route with that value is used, all the way to its records, or has a problem."""
    try:
        routes = _document(path, value)
    except RoutesInvalid as invalid:
        assert all(str(problem) for problem in invalid.problems)
        return
    for route in routes.usable:
        landing = "/".join("x" if "{" in level else level for level in route.folder.split("/"))
        to_json(write_spec(Landing(route, landing), freeze((), wants=bool, is_marker=bool), RUN_ID))


def _document(path: str, value: Any) -> Routes:
    document = {"routes": {"digits": changed(digits(), (path, value))}}
    return parsed(yaml.dump(document, Dumper=yaml.SafeDumper, allow_unicode=False))


@pytest.mark.parametrize("path", [path for path in leaves(digits()) if not path.startswith("landing.files")])
@pytest.mark.parametrize("written", ["${SECRET}", "x//${SECRET}", "https://a/${SECRET}?x", "{day}-${SECRET}"])
def test_a_secret_that_is_named_in_the_wrong_place_is_told_of_by_its_name(path: str, written: str) -> None:
    found = problems(text_of({"digits": changed(digits(), (path, written))}), SECRET=SECRET)

    assert SECRET not in "".join(found)
    assert SECRET.replace("'", "\\'") not in "".join(found)


def test_it_is_the_name_of_the_setting_that_is_told() -> None:
    found = problems(text_of({"digits": changed(digits(), ("ready.quiet", "${SECRET}"))}), SECRET=SECRET)

    (told,) = found
    assert told.startswith("route 'digits', ready.quiet: '${SECRET}' is not valid; expected a duration:")
