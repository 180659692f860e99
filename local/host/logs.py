"""What of the log is shown: host.json `logging.logLevel`, by category, as .NET's logging decides it.

The loggers of an app belong to the category `Function.User`, whatever their names: Azure puts them into
`Function.<name>.User`. Source: Azure docs, functions-host-json (logging) and configure-monitoring (categories).

What an app logs outside of an invocation is not shown at all, since Azure's host ignores it, too. Source:
Azure/azure-functions-python-worker, issues 898 and 1860.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from local.host.settings import HostJson, SettingsError
from local.host.worker import invocations

LEVELS = {"trace": 5, "debug": 10, "information": 20, "warning": 30, "error": 40, "critical": 50, "none": 60}
"""The log levels of .NET."""
_OWN = ("Host", "Function")
_OF_THE_HOST = (*_OWN, "local", "aiohttp", "asyncio", "py.warnings")
log = logging.getLogger("Host.Worker")


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


class Arrivals(logging.Filter):
    """Lets a record of the app through if it is known to which invocation it belongs; else says once for each logger
    what becomes of it."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(_OF_THE_HOST) or invocations.current() is not None:
            return True
        if record.name not in self._told:
            self._told.add(record.name)
            log.warning(
                "Logger '%s' has written outside of an invocation, probably in a thread of its own. Azure drops such "
                "lines, and so does this host. The first was: %s",
                record.name,
                record.getMessage(),
            )
        return False


def levels_of(host: HostJson) -> Levels:
    """Raises SettingsError for a level that does not exist."""
    given: Mapping[str, object] = host.get("logging", "logLevel", default={})
    for category, level in given.items():
        if str(level).lower() not in LEVELS:
            raise SettingsError(f"host.json: logging.logLevel.{category} is '{level}'; use one of {', '.join(LEVELS)}.")
    return Levels({category: LEVELS[str(level).lower()] for category, level in given.items()})
