"""Texts that anybody may have written become no markup."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.markup import LONGEST, Markup, element, joined, plain

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onclick='x",
    "</style><b>",
    "&lt;b&gt;",
]


class Tags(HTMLParser):
    """The elements that a browser would see, with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.one_of(st.text(), st.sampled_from(HOSTILE)), st.one_of(st.text(), st.sampled_from(HOSTILE)))
def test_no_text_is_more_than_text(content: str, value: str) -> None:
    seen = Tags(element("p", content, data_name=value))

    assert seen.tags == [("p", {"data-name": plain(value)})]
    assert seen.text == plain(content)


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\x1b", "\x00", "\n", "\ufeff", "\ud800", "\u2028"])
def test_what_cannot_be_seen_is_shown_by_its_number(hidden: str) -> None:
    assert plain(f"a{hidden}b") == f"a\\u{ord(hidden):04x}b"


def test_a_text_without_end_is_cut() -> None:
    assert len(plain("x" * 10_000)) == LONGEST + 1


def test_markup_is_not_escaped_again_and_nothing_is_left_out_but_none() -> None:
    assert joined(element("b", "<"), None, "", " & ", Markup("<br>")) == "<b>&lt;</b> &amp; <br>"
    assert element("input", hidden=True, disabled=False, maxlength=0) == '<input hidden maxlength="0">'
