"""workbook.json has the structure that the portal documents, and every question."""

from __future__ import annotations

import json
import re
from uuid import UUID

import pytest

from monitoring.questions import COMPONENT, HERE, questions
from monitoring.workbook import FIRST, ONE, OWN_SPANS, workbook
from tests.monitoring.kusto import QUERIES, read

pytestmark = pytest.mark.thorough

WORKBOOK = json.loads((HERE / "workbook.json").read_text("utf-8"))
TEXT, QUERY, PARAMETERS = 1, 3, 9
"""Kinds of items (microsoft/Application-Insights-Workbooks, schema/workbook.json)."""

ANSWERS = {item["name"]: item["content"] for item in WORKBOOK["items"] if item["type"] == QUERY}
PICKED = {one["name"]: one for item in WORKBOOK["items"] for one in item["content"].get("parameters", [])}
A_SPAN = 4
A_TEXT = 1


def test_the_file_is_what_the_questions_make() -> None:
    assert workbook(questions()) == WORKBOOK


def test_it_is_a_workbook_of_known_items() -> None:
    assert WORKBOOK["version"] == "Notebook/1.0"
    assert WORKBOOK["$schema"].endswith("/schema/workbook.json")
    assert {item["type"] for item in WORKBOOK["items"]} == {TEXT, QUERY, PARAMETERS}
    assert all({"type", "content", "name"} <= set(item) for item in WORKBOOK["items"])
    assert len({item["name"] for item in WORKBOOK["items"]}) == len(WORKBOOK["items"])


def test_every_question_is_answered_and_those_that_people_come_with_first() -> None:
    assert set(ANSWERS) == {name for kind, name in QUERIES if kind == COMPONENT}
    assert tuple(ANSWERS)[: len(FIRST)] == FIRST
    assert {content["title"] for content in ANSWERS.values()} <= {question.asked for question in questions()}


def test_queries_are_the_questions_with_the_id_that_was_put_in() -> None:
    assert {name for name, content in ANSWERS.items() if content["query"] != QUERIES[COMPONENT, name]} == {ONE}
    filled = ANSWERS[ONE]["query"].replace("{id}", "digits-0123456789abcdef0123")
    assert filled == QUERIES[COMPONENT, ONE]


def test_kusto_takes_the_queries_as_they_are_in_the_workbook() -> None:
    told = read(COMPONENT, {name: content["query"].replace("{id}", "x") for name, content in ANSWERS.items()})

    assert {name: one["errors"] for name, one in told.items() if one["errors"]} == {}


def test_what_is_referred_to_can_be_picked() -> None:
    referred = {content["timeContextFromParameter"] for name, content in ANSWERS.items() if name not in OWN_SPANS}
    referred |= {name for content in ANSWERS.values() for name in re.findall(r"\{(\w+)\}", content["query"])}
    referred |= {one["parameterName"] for item in WORKBOOK["items"] if (one := item.get("conditionalVisibility"))}

    assert referred == set(PICKED) == {"TimeRange", "id"}
    assert (PICKED["TimeRange"]["type"], PICKED["id"]["type"]) == (A_SPAN, A_TEXT)
    assert len({UUID(one["id"]) for one in PICKED.values()}) == len(PICKED)


def test_a_question_looks_as_far_back_as_it_says_itself_or_as_was_picked() -> None:
    own = {name for name, content in ANSWERS.items() if "ago(" in content["query"]}

    assert own == set(OWN_SPANS)
    assert all(ANSWERS[name]["timeContext"] == {"durationMs": span} for name, span in OWN_SPANS.items())


def test_queries_are_for_the_resource_that_the_workbook_is_opened_from() -> None:
    kinds = {(content["version"], content["queryType"], content["resourceType"]) for content in ANSWERS.values()}

    assert kinds == {("KqlItem/1.0", 0, "microsoft.insights/components")}
