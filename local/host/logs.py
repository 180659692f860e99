"""What of the log is shown: host.json `logging.logLevel`, by category, as .NET's logging decides it.

The loggers of an app belong to the category `Function.User`, whatever their names: Azure puts them into
`Function.<name>.User`. Source: Azure docs, functions-host-json (logging) and configure-monitoring (categories).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from local.host.settings import HostJson, SettingsError

LEVELS = {"trace": 5, "debug": 10, "information": 20, "warning": 30, "error": 40, "critical": 50, "none": 60}
"""The log levels of .NET."""
_OWN = ("Host", "Function")


class Levels(logging.Filter):
    """Lets a record through if its category's level allows it; the longest name that fits the category decides."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        super().__init__()
        self._levels = {name.lower(): level for name, level in levels.items()}
        self._known: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        level = self._known.get(record.name)
        if level is None:
            level = self._known[record.name] = self._of(record.name)
        return record.levelno >= level

    def _of(self, logger: str) -> int:
        category = logger if logger.startswith(_OWN) else f"Function.User.{logger}"
        parts = category.lower().split(".")
        names = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
        return next((self._levels[name] for name in names if name in self._levels), self._default)

    @property
    def _default(self) -> int:
        return self._levels.get("default", logging.INFO)


def levels_of(host: HostJson) -> Levels:
    """Raises SettingsError for a level that does not exist."""
    given: Mapping[str, object] = host.get("logging", "logLevel", default={})
    for category, level in given.items():
        if str(level).lower() not in LEVELS:
            raise SettingsError(f"host.json: logging.logLevel.{category} is '{level}'; use one of {', '.join(LEVELS)}.")
    return Levels({category: LEVELS[str(level).lower()] for category, level in given.items()})
