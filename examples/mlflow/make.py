"""Makes what the example needs, the same every time: `python -m examples.mlflow.make`.

Scikit-learn's 442 diabetes patients are split once and for all: every other one trains the model, the others land.
"""

from __future__ import annotations

import logging
import shutil
import warnings
from pathlib import Path
from typing import Any

import pandas
import sklearn
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns about its own type hints when it is imported
    import mlflow.sklearn
    from mlflow.models import infer_signature

HERE = Path(__file__).parent
MODEL = Path("deployments/progression/forest/model")
"""Where deployment.yml expects it."""
LANDING = Path("data/tuesday")
CLINICS = ("east", "harbour", "old-town")


def patients() -> tuple[Any, Any]:
    """A table of examinations, one row per patient, and how far the disease was one year later."""
    bunch = load_diabetes(as_frame=True, scaled=False)
    return bunch.data.astype(float), bunch.target


def write_model(folder: Path) -> None:
    """Train on every other patient and save as MLflow does. The signature has the names of the columns."""
    examined, progress = patients()
    model = RandomForestRegressor(n_estimators=50, min_samples_leaf=5, random_state=0)
    model.fit(examined[::2], progress[::2])
    shutil.rmtree(folder, ignore_errors=True)
    # It warns of pickles: one that somebody else has made may do anything. This one is made here.
    logging.getLogger("mlflow.sklearn").setLevel(logging.ERROR)
    mlflow.sklearn.save_model(
        model,
        str(folder),
        signature=infer_signature(examined[::2], model.predict(examined[::2])),
        serialization_format="cloudpickle",
        # What Azure ML makes the environment of: nobody writes one for this deployment.
        pip_requirements=[
            f"mlflow=={mlflow.__version__}",
            f"scikit-learn=={sklearn.__version__}",
            f"pandas=={pandas.__version__}",
            "pyarrow",
            "cloudpickle",
        ],
    )


def write_data(folder: Path) -> None:
    """The other patients as one file per clinic."""
    folder.mkdir(parents=True, exist_ok=True)
    landing = patients()[0][1::2]
    for number, clinic in enumerate(CLINICS):
        landing[number :: len(CLINICS)].to_parquet(folder / f"{clinic}.parquet", index=False)


if __name__ == "__main__":
    write_model(HERE / MODEL)
    write_data(HERE / LANDING)
    print(f"The model is in {MODEL}, the data in {LANDING}, both below {HERE}.")
