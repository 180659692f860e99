"""Takes its time: ends only when the job is canceled, or after as many seconds as the files say."""

import time
from pathlib import Path


def init() -> None:
    """Nothing to load."""


def run(mini_batch: list[str]) -> list[str]:
    """Busy for as many seconds as the largest number in a file."""
    time.sleep(max(float(Path(path).read_text()) for path in mini_batch))
    return [Path(path).name for path in mini_batch]
