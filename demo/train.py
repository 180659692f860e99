"""Trains the digit classifier of the demo: `python -m demo.train`.

The result is the same on every run. It is written where the demo's deployment.yml expects its model.
"""

from __future__ import annotations

from pathlib import Path

import joblib
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import SVC

from demo.digits import held_back, training_set

DEPLOYMENTS = Path(__file__).parent / "deployments"
MODEL = DEPLOYMENTS / "digits" / "classic" / "model" / "digits.joblib"


def train(path: Path = MODEL) -> float:
    """Write the model to `path`; returns its accuracy on the held-back images."""
    # A support vector machine says which digit; the calibration around it says how sure that is.
    model = CalibratedClassifierCV(SVC(gamma=0.001, C=10.0), ensemble=False)
    model.fit(*training_set())
    images, targets = held_back()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".new")
    joblib.dump(model, partial)
    partial.replace(path)
    return float(model.score(images.reshape(len(images), -1), targets))


if __name__ == "__main__":
    print(f"{MODEL.name}: {train():.3f} of the held-back digits are recognised")
