"""Texts and tables: coloured and aligned on a terminal, and one line with tabs for each row in a pipe.

What people and services have written is shown with everything visible, so that no blob name can command a terminal.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

GOOD, BAD = frozenset({"published", "scored"}), frozenset({"failed", "canceled", "refused", "unreadable"})


def plain(text: object) -> str:
    """The text on one line, with what cannot be seen shown by its number."""
    return "".join(
        one if unicodedata.category(one)[0] not in "CZ" or one == " " else f"\\u{ord(one):04x}" for one in str(text)
    )


def say(text: object = "") -> None:
    """To whoever reads the answer; lines stay lines."""
    print("\n".join(plain(line) for line in str(text).splitlines()), flush=True)  # noqa: T201


def tell(text: object) -> None:
    """Beside the answer."""
    print(plain(text), file=sys.stderr, flush=True)  # noqa: T201


def as_json(answer: Any) -> None:
    """The API's own answer."""
    print(json.dumps(answer, indent=1), flush=True)  # noqa: T201


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows, as fits where they go."""
    console = Console(highlight=False)
    if not console.is_terminal:
        for row in rows:
            print("\t".join(plain("" if cell is None else cell) for cell in row), flush=True)  # noqa: T201
        return
    shown = Table(*names, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*(_cell(cell) for cell in row))
    console.print(shown)


def _cell(cell: object) -> Text:
    text = plain("" if cell is None else cell)
    return Text(text, style="green" if text in GOOD else "red" if text in BAD else "")
