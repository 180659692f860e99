"""Makes what the example needs, the same every time: `python -m examples.tabular.make`.

Scikit-learn's 178 wines are split once and for all: every other one trains the model, the others land.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
MODEL = Path("deployments/wine/logistic/model/wine.joblib")
"""Where deployment.yml expects it."""
LANDING = Path("data/tuesday")
LABORATORIES = ("north", "south", "west")


def wines() -> tuple[Any, Any]:
    """A table of measurements, one row per wine, and the cultivar that each one really is."""
    bunch = load_wine(as_frame=True)
    names = bunch.target.map(lambda number: str(bunch.target_names[number]))
    return bunch.data, names.rename("cultivar")


def write_model(path: Path) -> None:
    """Train on every other wine."""
    measured, cultivars = wines()
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(measured[::2], cultivars[::2])
    path.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, path)


def write_data(folder: Path) -> None:
    """The other wines as one file per laboratory, each wine with the number of its sample."""
    folder.mkdir(parents=True, exist_ok=True)
    landing = wines()[0][1::2]
    landing.insert(0, "sample", [f"{number:04}" for number in landing.index])
    for number, laboratory in enumerate(LABORATORIES):
        landing[number :: len(LABORATORIES)].to_csv(folder / f"{laboratory}.csv", index=False)


if __name__ == "__main__":
    write_model(HERE / MODEL)
    write_data(HERE / LANDING)
    print(f"The model is in {MODEL}, the data in {LANDING}, both below {HERE}.")
