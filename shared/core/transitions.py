"""Tables of allowed transitions: data that guards, and that the diagrams are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

State = TypeVar("State", bound=StrEnum)

Table = Mapping[tuple[State, State], str]
"""From, to, and when it is so."""


class IllegalTransition(Exception):
    """Something was about to go a way that its table does not have: a defect of the code."""

    def __init__(self, before: StrEnum, after: StrEnum) -> None:
        self.before, self.after = before, after
        super().__init__(f"what is {before} cannot become {after}")


def require(table: Table[State], before: State, after: State) -> None:
    """Raise IllegalTransition unless the table has that way."""
    if (before, after) not in table:
        raise IllegalTransition(before, after)
