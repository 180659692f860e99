"""What the app has logged."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest


def told(caplog: pytest.LogCaptureFixture, event: str, level: int = logging.NOTSET) -> list[dict[str, Any]]:
    """The fields of each line with that event, at that level or above."""
    lines = (r.getMessage().partition(" ") for r in caplog.records if r.name == "landfall" and r.levelno >= level)
    return [json.loads(fields) for name, _, fields in lines if name == f"landfall.{event}"]
