"""Times and durations in the JSON that travels between functions."""

from __future__ import annotations

from datetime import datetime, timedelta


def when(text: str | None) -> datetime | None:
    """The time in an ISO 8601 text."""
    return None if text is None else datetime.fromisoformat(text)


def text_of(moment: datetime | None) -> str | None:
    """ISO 8601."""
    return None if moment is None else moment.isoformat()


def seconds(duration: timedelta) -> float:
    return duration.total_seconds()


def span(value: float) -> timedelta:
    return timedelta(seconds=value)
