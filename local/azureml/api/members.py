"""JSON objects of callers, whose keys and enum values come in several spellings."""

from __future__ import annotations

from collections.abc import Mapping


class Members:
    """A JSON object whose keys are found in any case."""

    def __init__(self, raw: object, where: str) -> None:
        self.where = where
        self.broken = not isinstance(raw, dict)
        self._raw: Mapping[str, object] = (
            {str(key).lower(): value for key, value in raw.items()} if isinstance(raw, dict) else {}
        )

    def get(self, name: str) -> object:
        return self._raw.get(name.lower())

    def inner(self, name: str) -> Members:
        value = self.get(name)
        return Members({} if value is None else value, f"{self.where}{name}.")


def plain(value: object) -> str:
    """An enum value, which comes as UriFile, uriFile and uri_file."""
    return str(value or "").replace("_", "").lower()
