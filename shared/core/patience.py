"""How long a step that failed for a reason that may pass is left alone before it is tried again."""

from __future__ import annotations

from datetime import timedelta

PATIENCE = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300))
"""Waits after the first, second, … failure in a row; the last one repeats."""


def rest_after(failures: int) -> timedelta:
    """The wait after one more failure, when there have been so many in a row before it."""
    return PATIENCE[min(failures, len(PATIENCE) - 1)]
