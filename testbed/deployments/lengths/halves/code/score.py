"""Scores a file by half its length, so that it cannot be taken for the other deployment's result.

A file that says `fail` fails, and one that says `slow` takes its time.
"""

import time
from pathlib import Path


def init() -> None:
    """Nothing to load."""


def run(mini_batch: list[str]) -> list[str]:
    """`name half-its-length` for every file."""
    texts = [Path(path).read_text() for path in mini_batch]
    if "fail" in texts:
        raise ValueError("this model does not take everything")
    if "slow" in texts:
        time.sleep(20)
    return [f"{Path(path).name} {len(text) / 2}" for path, text in zip(mini_batch, texts, strict=True)]
