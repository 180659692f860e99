"""Programs that tests try where they are installed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


def program(name: str, *elsewhere: Path) -> str:
    """The one on the PATH, or at one of these places; without it, the test is left out."""
    found = shutil.which(name) or next((str(path.resolve()) for path in elsewhere if path.exists()), None)
    if found is None:
        pytest.skip(f"{name} is not installed; see `make clients`")
    return found
