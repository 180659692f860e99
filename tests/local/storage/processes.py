"""The processes of a running storage part."""

from __future__ import annotations

from pathlib import Path


def azurite_of(parent: int) -> int:
    """The Azurite that the storage part `parent` has started."""
    (child,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return int(child)
