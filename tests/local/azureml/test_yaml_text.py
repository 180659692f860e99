"""What is taken from YAML, and what is too much."""

from __future__ import annotations

import pytest
import yaml

from local.azureml.workspace.yaml_text import load


def test_a_date_is_the_text_that_it_was_written_as() -> None:
    assert load("{created: 2026-11-27, at: 2026-11-27 10:00:00, number: 1.5, whole: 7, yes: true}") == {
        "created": "2026-11-27",
        "at": "2026-11-27 10:00:00",
        "number": 1.5,
        "whole": 7,
        True: True,
    }


def test_aliases_may_repeat_what_they_name() -> None:
    assert load("a: &a [1, 2]\nb: *a\n") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize("nesting", [10, 30])
def test_but_not_stand_for_more_than_anybody_means(nesting: int) -> None:
    lines = ['a0: &a0 ["x", "x"]', *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, nesting))]

    with pytest.raises(yaml.YAMLError, match="more than"):
        load("\n".join(lines))


@pytest.mark.parametrize("text", ["[" * 10_000, "a: !!python/object/apply:os.system [x]"])
def test_what_is_no_plain_yaml_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load(text)
