"""Log lines made for the Azure portal: a constant event name, then the fields as JSON.

The Functions host forwards a record's message, not its extra attributes, so the fields are part of the message; KQL
takes them apart with `parse` and `parse_json` (docs/monitoring.md). For OpenTelemetry they are attributes, too.
"""

from __future__ import annotations

import json
import logging
from typing import Any

logger = logging.getLogger("landfall")


def log(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log that something happened. Not for orchestrators: they are replayed, and would say it again."""
    if logger.isEnabledFor(level):
        told = {name: value for name, value in fields.items() if value is not None}
        logger.log(level, "%s %s", event, json.dumps(told, default=str), extra={"landfall": told})


def debug(event: str, **fields: Any) -> None:
    log(event, level=logging.DEBUG, **fields)


def warn(event: str, **fields: Any) -> None:
    log(event, level=logging.WARNING, **fields)


def error(event: str, **fields: Any) -> None:
    log(event, level=logging.ERROR, **fields)
