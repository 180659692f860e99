"""The questions, and the queries that they become: one for each kind of table.

A question speaks of `lines`, `told`, `calls` and `metrics`. Each of these words is a part: a `let` that makes it out of
a table, or out of another part. A query is the question with the parts that it needs in front.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
QUESTIONS = HERE / "questions"
PARTS = HERE / "parts"

COMPONENT, WORKSPACE = "component", "workspace"
KINDS = (COMPONENT, WORKSPACE)
"""Whose tables: the Application Insights resource's, or the Log Analytics workspace's."""

ORDER = ("lines", "told", "calls", "metrics")
"""The parts; each needs only such as come after it."""

_NAME = re.compile(r"[a-z]\w*")


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the query that answers it: still in the words of the parts."""

    name: str
    text: str

    @property
    def asked(self) -> str:
        """The question itself, for people."""
        return self.text.partition("\n")[0].removeprefix("//").strip()

    def query(self, kind: str) -> str | None:
        """The query for one kind of table; None if a table that it needs is only there in the other kind."""
        text = self.text
        for name in ORDER:
            if name in _words(text):
                part = _part(name, kind)
                if part is None:
                    return None
                text = f"{part}\n{text}"
        return text


def questions() -> list[Question]:
    """All of them, in the order of their names."""
    return [Question(path.stem, path.read_text("utf-8")) for path in sorted(QUESTIONS.glob("*.kql"))]


def queries(kind: str) -> Iterator[tuple[Question, str]]:
    """The questions that can be asked of one kind of table, with their queries."""
    for question in questions():
        query = question.query(kind)
        if query is not None:
            yield question, query


def without_comments(text: str) -> str:
    """What of a query is read by machines. No text in it holds two slashes."""
    return re.sub(r"//.*", "", text)


def _part(name: str, kind: str) -> str | None:
    places = (PARTS / f"{name}.kql", PARTS / kind / f"{name}.kql")
    return next((place.read_text("utf-8") for place in places if place.exists()), None)


def _words(text: str) -> set[str]:
    return set(_NAME.findall(without_comments(text)))
