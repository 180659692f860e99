"""What an app logs outside of an invocation is not shown, since Azure's host ignores it, too.

Source: Azure/azure-functions-python-worker, issues 898 and 1860.
"""

from __future__ import annotations

import logging

from local.host.worker import invocations

_OF_THE_HOST = ("Host", "Function", "local", "aiohttp", "asyncio", "py.warnings")
log = logging.getLogger("Host.Worker")


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
