"""The diagrams of the architecture page are those of the tables."""

from __future__ import annotations

from shared.core.run import TRANSITIONS, Status
from tests.diagrams import DIAGRAMS, PAGE, drawn, named_in, redrawn


def test_the_page_shows_every_table_as_it_is() -> None:
    """When this fails, draw them anew: python -m tests.diagrams"""
    page = PAGE.read_text("utf-8")

    assert sorted(named_in(page)) == sorted(DIAGRAMS)
    assert redrawn(page) == page


def test_a_diagram_has_every_way_of_its_table_and_says_where_it_begins_and_ends() -> None:
    lines = drawn(DIAGRAMS["run"]).splitlines()

    assert "    [*] --> claimed" in lines
    assert {f"    {status} --> [*]" for status in (Status.PUBLISHED, Status.FAILED, Status.SUPERSEDED)} <= set(lines)
    assert {f"    {before} --> {after}: {when}" for (before, after), when in TRANSITIONS.items()} <= set(lines)
