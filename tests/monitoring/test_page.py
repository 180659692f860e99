"""docs/monitoring.md has every question, as the files ask it."""

from __future__ import annotations

import re

from monitoring.alerts import RULES
from monitoring.questions import questions
from testbed.examples import ROOT

PAGE = ROOT / "docs/monitoring.md"
ROW = re.compile(r"^\| (.+\?) \| \[([\w-]+)\]\(\.\./monitoring/questions/([\w-]+)\.kql\) \|$", re.MULTILINE)
RULE = re.compile(r"^\| `([\w-]+)` \| (\d) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
SPANS = {"PT5M": "5 min", "PT15M": "15 min", "PT30M": "30 min", "PT1H": "1 h", "P2D": "2 d"}
LINK = re.compile(r"\]\((\.\./monitoring/[^)#]*)")


def test_the_page_asks_what_the_files_ask() -> None:
    rows = ROW.findall(PAGE.read_text("utf-8"))

    assert rows == [(one.asked, one.name, one.name) for one in questions()]


def test_the_page_leads_to_files_that_are_there() -> None:
    linked = LINK.findall(PAGE.read_text("utf-8"))

    assert len(linked) > len(questions())
    assert [link for link in linked if not (PAGE.parent / link).exists()] == []


def test_there_is_no_query_on_the_page_that_nobody_checks() -> None:
    assert "```kusto" not in PAGE.read_text("utf-8")


def test_the_page_has_the_alert_rules_as_they_are() -> None:
    rows = RULE.findall(PAGE.read_text("utf-8"))

    made = [
        (one.question, str(one.severity), told_apart(one.by), SPANS[one.every], SPANS[one.looks_back or one.window])
        for one in RULES
    ]
    assert rows == [*made, ("dead-letters", "2", "one for all", "15 min", "30 min")]


def told_apart(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in columns) or "one for all"
