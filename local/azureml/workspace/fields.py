"""Takes values out of one YAML mapping and remembers every problem, so that all of them are told at once."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from reprlib import repr as short
from typing import TypeVar

Choice = TypeVar("Choice", bound=StrEnum)


class Fields:
    """The keys of one mapping. What nobody asked for is reported by `finish`, as Azure's CLI reports unknown fields."""

    def __init__(self, raw: object, where: str, problems: list[str]) -> None:
        self.where = where
        self.problems = problems
        self._asked = {"$schema"}
        self._raw: Mapping[object, object] = raw if isinstance(raw, dict) else {}
        if not isinstance(raw, dict):
            self.problem(where or "the file", f"must be a mapping, not {short(raw)}")

    def problem(self, name: str, text: str) -> None:
        self.problems.append(f"{name} {text}")

    def path_of(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def has(self, name: str) -> bool:
        return self._raw.get(name) is not None

    def any(self, name: str) -> object:
        """Whatever is there; read and recorded, not interpreted."""
        self._asked.add(name)
        return self._raw.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        """Required unless there is a default."""
        value = self.any(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value:
            self.problem(
                self.path_of(name), "is required" if value is None else f"must be a string, not {short(value)}"
            )
            return default or ""
        return value

    def whole(self, name: str, default: int, *, least: int) -> int:
        value = self.any(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.problem(self.path_of(name), f"must be a whole number of at least {least}, not {short(value)}")
            return default
        return value

    def flag(self, name: str) -> bool:
        """False unless it is there."""
        value = self.any(name)
        if value not in (None, True, False):
            self.problem(self.path_of(name), f"must be true or false, not {short(value)}")
        return value is True

    def choice(self, name: str, default: Choice) -> Choice:
        value = self.any(name)
        choices = {str(member): member for member in type(default)}
        if value is None:
            return default
        if str(value).lower() not in choices:
            self.problem(self.path_of(name), f"must be one of {', '.join(choices)}, not {short(value)}")
            return default
        return choices[str(value).lower()]

    def texts(self, name: str) -> dict[str, str]:
        """A mapping of scalars, each taken as text."""
        value = self.any(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or any(isinstance(item, dict | list) for item in value.values()):
            self.problem(self.path_of(name), f"must be a mapping of names to strings, not {short(value)}")
            return {}
        return {str(key): "" if item is None else str(item) for key, item in value.items()}

    def section(self, name: str) -> Fields:
        """A nested mapping; empty when absent."""
        value = self.any(name)
        return Fields({} if value is None else value, self.path_of(name), self.problems)

    def finish(self) -> None:
        for key in self._raw:
            if key not in self._asked:
                self.problem(self.path_of(str(key)), "is not a known field")
