"""Log lines made for the Azure portal: a constant event name, then the fields as JSON.

The Functions host forwards a record's message, not its extra attributes, so the fields are part of the message; KQL
takes them apart with `parse` and `parse_json` (docs/monitoring.md). For OpenTelemetry they are attributes, too.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from shared.core.record import Names, dump
from shared.threads import hold_lines_below, hold_lines_of

LONGEST_TRACEBACK = 8000
"""Characters; the end is what says where it was."""

logger = logging.getLogger("landfall")
hold_lines_of(logger)


def quieten_libraries() -> None:
    """Have libraries log only what is wrong: a line for every request of theirs would bury ours."""
    for name in ("azure", "httpx", "httpcore", "urllib3"):
        library = logging.getLogger(name)
        library.setLevel(logging.WARNING)
        hold_lines_below(library)


def log(event: str, **fields: Any) -> None:
    """Log that something happened. Not for orchestrators: they are replayed, and would say it again."""
    _write(logging.INFO, event, fields)


def warn(event: str, **fields: Any) -> None:
    _write(logging.WARNING, event, fields)


def error(event: str, **fields: Any) -> None:
    _write(logging.ERROR, event, fields)


def report_defect(names: Names, where: str, traceback: str) -> None:
    """Log that the code is wrong, with where it was noticed."""
    error("step.defect", **dump(names), step=where, traceback=traceback[-LONGEST_TRACEBACK:])


def _write(level: int, event: str, fields: Mapping[str, Any]) -> None:
    if logger.isEnabledFor(level):
        told = {name: value for name, value in fields.items() if value is not None}
        # Prefixed, because a LogRecord has attributes such as `message` of its own.
        attributes = {f"landfall_{name}": _encodable(value) for name, value in told.items()}
        logger.log(level, "landfall.%s %s", event, json.dumps(told, default=str), extra=attributes)


def _encodable(value: Any) -> Any:
    """A text that UTF-8 can hold: what events name may have half a character."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
