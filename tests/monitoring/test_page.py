"""docs/monitoring.md has every question, as the files ask it."""

from __future__ import annotations

import re

from monitoring.questions import questions
from testbed.examples import ROOT

PAGE = ROOT / "docs/monitoring.md"
ROW = re.compile(r"^\| (.+\?) \| \[([\w-]+)\]\(\.\./monitoring/questions/([\w-]+)\.kql\) \|$", re.MULTILINE)
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
