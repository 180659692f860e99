"""docs/azure.md tells of every open question, with all its answers, and of tests that there are."""

from __future__ import annotations

import re

import pytest

from local.azure import FACTS
from testbed.examples import ROOT

PAGE = (ROOT / "docs/azure.md").read_text("utf-8")
SECTION = PAGE.partition("## Open questions\n")[2].partition("\n## ")[0]
ROWS = {
    cells[0].strip(" `").partition("`")[0]: cells
    for cells in ([cell.strip() for cell in line.strip("|").split("|")] for line in SECTION.splitlines()[3:])
    if len(cells) == 4
}


def test_every_question_to_which_the_local_cloud_has_answers_is_told_of() -> None:
    assert list(ROWS) == list(FACTS)


@pytest.mark.parametrize("fact", FACTS)
def test_a_question_is_told_with_all_its_answers(fact: str) -> None:
    assert re.findall(r"`([^`]+)`", ROWS[fact][1]) == [str(answer) for answer in FACTS[fact]]


@pytest.mark.parametrize("fact", FACTS)
def test_the_tests_that_are_named_are_there(fact: str) -> None:
    named = re.findall(r"`(tests/[^`]+)`", ROWS[fact][3])

    assert "tests/e2e/test_profiles.py" in named
    assert [path for path in named if not (ROOT / path).is_file()] == []
