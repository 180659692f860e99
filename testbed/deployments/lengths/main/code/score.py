"""Scores a file by its length: quick, and easy to predict."""

from pathlib import Path


def init() -> None:
    """Nothing to load."""


def run(mini_batch: list[str]) -> list[str]:
    """`name length` for every file."""
    return [f"{Path(path).name} {Path(path).stat().st_size}" for path in mini_batch]
