"""Scores 8 by 8 grey PNG files: file name, digit, confidence."""

import os
from pathlib import Path
from typing import Any

import joblib
import numpy
import pandas
from PIL import Image

model: Any = None


def init() -> None:
    """Load the model once per process."""
    global model  # noqa: PLW0603  # init() and run() share nothing but the module
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "digits.joblib")


def run(mini_batch: list[str]) -> pandas.DataFrame:
    """One row per file. The images carry 0 to 16 as multiples of 15, see demo/digits.py."""
    rows = []
    for path in mini_batch:
        with Image.open(path) as image:
            rows.append(numpy.asarray(image, dtype=float).reshape(-1) / 15)
    certainty = model.predict_proba(numpy.array(rows))
    best = certainty.argmax(axis=1)
    return pandas.DataFrame(
        {
            "file": [Path(path).name for path in mini_batch],
            "digit": model.classes_[best],
            "confidence": certainty.max(axis=1).round(4),
        }
    )
