"""Writes a file for each file, and knows only text: whatever else there is fails it."""

import os
from pathlib import Path


def init():
    pass


def run(mini_batch):
    for path in map(Path, mini_batch):
        if path.suffix != ".txt":
            raise ValueError(f"{path.name} is not a text")
        (Path(os.environ["AZUREML_BI_OUTPUT_PATH"]) / path.name).write_text(path.read_text().upper())
    return [str(path) for path in mini_batch]
