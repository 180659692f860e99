"""Every query is one that Kusto takes, for the tables as they are documented."""

from __future__ import annotations

import pytest

from monitoring.made import made
from monitoring.questions import COMPONENT, HERE, KINDS, WORKSPACE, questions
from tests.monitoring.kusto import QUERIES, answers, read, tables

pytestmark = [pytest.mark.thorough, pytest.mark.long]

MANY = 10
ONLY_IN_THE_WORKSPACE = {"storage-transactions"}
"""Metrics of other resources are sent to a workspace; an Application Insights resource has none of them."""

NAMES = ["-".join(key) for key in QUERIES]


@pytest.mark.parametrize(("kind", "name"), QUERIES, ids=NAMES)
def test_kusto_finds_nothing_wrong_with_a_query(kind: str, name: str) -> None:
    assert answers(kind)[name]["errors"] == []


@pytest.mark.parametrize(("kind", "name"), QUERIES, ids=NAMES)
def test_every_column_of_an_answer_has_a_type(kind: str, name: str) -> None:
    columns = answers(kind)[name]["columns"]

    assert columns
    assert "unknown" not in columns.values()


def test_both_kinds_of_tables_give_the_same_answers() -> None:
    both = {name for kind, name in QUERIES if kind == COMPONENT}

    assert len(both) > MANY
    assert {name for kind, name in QUERIES if kind == WORKSPACE} == both | ONLY_IN_THE_WORKSPACE
    for name in both:
        assert answers(COMPONENT)[name]["columns"] == answers(WORKSPACE)[name]["columns"]


MISSPELT = {
    "a table": "AppTrace | count",
    "a column": "AppTraces | project TimeGenrated",
    "the case of a column": "AppTraces | project message",
    "a function": "AppTraces | extend x = tostrin(Message)",
    "an operator": "AppTraces | wher SeverityLevel > 1",
    "a type": "AppTraces | where SeverityLevel == Message - 1",
    "a word that is Kusto's own": "AppTraces | summarize latest = max(TimeGenerated) | where latest < ago(1d)",
}


def test_kusto_is_really_asked() -> None:
    """Else every other test here would find nothing wrong."""
    told = read(WORKSPACE, MISSPELT)

    assert [name for name in MISSPELT if not told[name]["errors"]] == []
    assert read(WORKSPACE, {"right": "AppTraces | project Message"})["right"]["columns"] == {"Message": "string"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_columns_of_a_table_have_types_of_kusto(kind: str) -> None:
    types = {kept for columns in tables(kind).values() for kept in columns.values()}

    assert types <= {"bool", "datetime", "dynamic", "int", "long", "real", "string"}


def test_what_is_in_the_folder_is_what_the_questions_make() -> None:
    """`python -m monitoring` writes it."""
    kept = {path.relative_to(HERE).as_posix() for kind in KINDS for path in (HERE / kind).iterdir()}

    assert {name for name in made() if "/" in name} == kept
    assert {name for name, content in made().items() if (HERE / name).read_text("utf-8") != content} == set()


def test_a_question_begins_with_itself() -> None:
    asked = [question.asked for question in questions()]

    assert len(set(asked)) == len(asked) > MANY
    assert [question for question in asked if not question.endswith("?")] == []
