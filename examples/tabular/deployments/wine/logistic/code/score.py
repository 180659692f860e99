"""Scores CSV files of wines: `day.csv` becomes `scored-day.csv`, with a header and one row per sample."""

import os
from pathlib import Path
from typing import Any

import joblib
import pandas

model: Any = None


def init() -> None:
    """Load the model once per process."""
    global model  # noqa: PLW0603  # init() and run() share nothing but the module
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "wine.joblib")


def run(mini_batch: list[str]) -> list[str]:
    """Write one file per file; give back what has been scored."""
    output = Path(os.environ["AZUREML_BI_OUTPUT_PATH"])
    for path in map(Path, mini_batch):
        # The whole name is kept: no other file of the folder, however it is spelled, leads to the same one.
        scored(path).to_csv(output / f"scored-{path.name}", index=False, lineterminator="\n")
    return mini_batch


def scored(path: Path) -> pandas.DataFrame:
    """Sample, cultivar and confidence of every row, in the order of the file."""
    # Without the filter a sample named NA keeps its name, and a missing measurement is an error, not a guess.
    table = pandas.read_csv(path, dtype={"sample": str}, na_filter=False)
    wanted = ["sample", *model.feature_names_in_]
    if missing := [column for column in wanted if column not in table]:
        raise ValueError(f"{path.name} has no column {', '.join(missing)}.")
    if table.empty:  # a day without samples; scikit-learn refuses to score no rows
        return pandas.DataFrame(columns=["sample", "cultivar", "confidence"])
    certainty = model.predict_proba(table[list(model.feature_names_in_)])
    return pandas.DataFrame(
        {
            "sample": table["sample"],
            "cultivar": model.classes_[certainty.argmax(axis=1)],
            "confidence": certainty.max(axis=1).round(4),
        }
    )
