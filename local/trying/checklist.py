"""One line of a checklist."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LONGEST = 300
"""Characters of a reason that are shown."""


class Verdict(StrEnum):
    """What was found. OPEN: it was not tried, or its failure is not to be blamed on what was tried."""

    WORKS = "✓"
    FAILED = "✗"
    OPEN = "-"


@dataclass(frozen=True, slots=True)
class Line:
    """What was looked at, and what came of it."""

    verdict: Verdict
    what: str
    why: str = ""

    def __str__(self) -> str:
        why = " ".join(self.why.split())
        shown = why if len(why) <= LONGEST else f"{why[:LONGEST]}…"
        return f"{self.verdict} {self.what}{': ' if shown else ''}{shown}"
