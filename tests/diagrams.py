"""`python -m tests.diagrams`: draws the diagrams of docs/architecture.md from the tables that the code obeys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from shared.core import run, watch
from testbed.examples import ROOT

PAGE = ROOT / "docs/architecture.md"

Table = Mapping[tuple[StrEnum, StrEnum], str]

DIAGRAMS: Mapping[str, Table] = {
    "run": {(before, after): when for (before, after), when in run.TRANSITIONS.items()},
    "watch": {(before, after): when for (before, after), when in watch.TRANSITIONS.items()},
}
"""By the name that the page's markers give: `<!-- diagram: run -->` to `<!-- end of diagram -->`."""

_PLACE = re.compile(r"(<!-- diagram: (\w+) -->\n).*?(<!-- end of diagram -->)", re.DOTALL)


def drawn(table: Table) -> str:
    """A state diagram in Mermaid: begins where nothing leads to, ends where nothing leads away."""
    befores, afters = [pair[0] for pair in table], [pair[1] for pair in table]
    first = [state for state in dict.fromkeys(befores) if state not in afters]
    last = [state for state in dict.fromkeys(afters) if state not in befores]
    lines = [
        *(f"    [*] --> {state}" for state in first),
        *(f"    {before} --> {after}: {when}" for (before, after), when in table.items()),
        *(f"    {state} --> [*]" for state in last),
    ]
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```\n"


def redrawn(page: str) -> str:
    """The page with every diagram drawn anew."""
    return _PLACE.sub(lambda place: f"{place[1]}{drawn(DIAGRAMS[place[2]])}{place[3]}", page)


def named_in(page: str) -> list[str]:
    """The diagrams that the page has a place for."""
    return [name for _, name, _ in _PLACE.findall(page)]


def main(page: Path = PAGE) -> None:
    page.write_text(redrawn(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
