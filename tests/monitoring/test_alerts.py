"""alerts.json is a template that Azure takes, as far as its documentation says what it takes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from monitoring.alerts import RULES, Rule, template
from monitoring.questions import COMPONENT, HERE, questions, without_comments
from tests.monitoring.kusto import QUERIES, answers

pytestmark = pytest.mark.thorough

TEMPLATE = json.loads((HERE / "alerts.json").read_text("utf-8"))
LOG, METRIC = "Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/metricAlerts"
LOG_RULES = {
    one["properties"]["displayName"].removeprefix("Landfall: "): one
    for one in TEMPLATE["resources"]
    if one["type"] == LOG
}
MINUTES = {"PT1M": 1, "PT5M": 5, "PT10M": 10, "PT15M": 15, "PT30M": 30, "PT45M": 45, "PT1H": 60, "PT2H": 120}
"""Some of the windows and frequencies that there are. Source: Azure docs, resource-manager-alerts-log."""

MOST_DIMENSIONS = 6
LARGEST_RULE = 64 * 1024
REFUSED = ("bag_unpack", "pivot", "narrow", "AggregatedValue", "search", "union", "take", "limit")
"""What a query of a rule must not have, or should not. Source: Azure docs, alerts-create-log-alert-rule and
alerts-log-query."""

RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.question)


def test_the_file_is_what_the_rules_make() -> None:
    assert template(questions()) == TEMPLATE


def test_there_is_a_rule_for_each_thing_that_somebody_has_to_be_told_of() -> None:
    assert set(LOG_RULES) == {
        "failed-runs",
        "repeated-steps",
        "missed-events",
        "poison-messages",
        "quiet-routes",
        "app-errors",
    }
    assert [one["type"] for one in TEMPLATE["resources"]].count(METRIC) == 1


@RULE
def test_a_rule_asks_what_the_question_asks(rule: Rule) -> None:
    (condition,) = LOG_RULES[rule.question]["properties"]["criteria"]["allOf"]

    assert condition["query"] == QUERIES[COMPONENT, rule.question]


@RULE
def test_a_query_of_a_rule_is_one_that_rules_take(rule: Rule) -> None:
    text = without_comments(QUERIES[COMPONENT, rule.question])

    assert [word for word in REFUSED if re.search(rf"\b{word}\b", text)] == []
    assert [span for span in re.findall(r"ago\((.*?)\)", text) if not re.fullmatch(r"\d+[dhm]", span)] == []


@RULE
def test_alerts_are_told_apart_by_texts_or_numbers_of_the_answer(rule: Rule) -> None:
    columns = answers(COMPONENT)[rule.question]["columns"]

    assert len(rule.by) <= MOST_DIMENSIONS
    assert {columns[name] for name in rule.by} <= {"string", "int", "long", "real"}


@RULE
def test_no_line_falls_between_two_looks(rule: Rule) -> None:
    assert MINUTES[rule.window] >= MINUTES[rule.every] >= MINUTES["PT5M"]
    assert rule.looks_back in (None, "P2D")


@RULE
def test_a_rule_has_what_it_has_to_have(rule: Rule) -> None:
    resource = LOG_RULES[rule.question]
    properties = resource["properties"]

    assert resource["apiVersion"] == "2023-12-01"
    assert {"enabled", "criteria", "scopes", "severity", "evaluationFrequency", "windowSize"} <= set(properties)
    assert properties["severity"] in range(5)
    assert len(json.dumps(properties)) < LARGEST_RULE


def test_every_parameter_is_used_and_every_used_one_is_there() -> None:
    used = set(re.findall(r"parameters\('(\w+)'\)", json.dumps(TEMPLATE["resources"])))

    assert used == set(TEMPLATE["parameters"])
    assert [name for name, one in TEMPLATE["parameters"].items() if "defaultValue" not in one] == ["component"]
    assert {one["type"] for one in TEMPLATE["parameters"].values()} == {"string", "array", "bool"}


def test_names_are_names_of_rules_and_differ() -> None:
    names = [one["name"] for one in TEMPLATE["resources"]]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"\[concat\(parameters\('prefix'\), '-[a-z-]+'\)\]", name) for name in names)


def test_a_text_that_is_no_expression_does_not_look_like_one() -> None:
    """Resource Manager evaluates every text that begins with a bracket."""
    texts = [text for text in texts_in(TEMPLATE["resources"]) if text.startswith("[")]

    assert [text for text in texts if not re.match(r"\[(parameters|concat|not|map)\(.*\)\]$", text)] == []


def texts_in(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for inner in value.values() for text in texts_in(inner)]
        case list():
            return [text for inner in value for text in texts_in(inner)]
    return []
