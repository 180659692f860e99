"""The demo's model, and its deployment on the local Azure ML."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import joblib
import numpy
import pytest

from demo.digits import from_png, held_back, to_png, write_held_back
from demo.train import DEPLOYMENTS, MODEL, train
from tests.local.azureml.cloud import Cloud

COUNT = 120


@pytest.fixture(scope="module")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's deployments with a model of their own."""
    folder = tmp_path_factory.mktemp("demo") / "deployments"
    shutil.copytree(DEPLOYMENTS, folder, ignore=shutil.ignore_patterns("model"))
    assert train(folder / MODEL.relative_to(DEPLOYMENTS)) >= 0.95
    return folder


def test_a_png_keeps_every_grey_value(tmp_path: Path) -> None:
    image = numpy.arange(64).reshape(8, 8) % 17.0

    to_png(image).save(tmp_path / "x.png")

    assert from_png(tmp_path / "x.png").tolist() == image.reshape(-1).tolist()


def test_each_held_back_image_has_its_file_and_label(tmp_path: Path) -> None:
    labels = write_held_back(tmp_path)

    images, targets = held_back()
    assert len(labels) == len(images) == 600
    assert list(labels.values()) == targets.tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == list(labels)
    assert from_png(tmp_path / "digit-0599.png").tolist() == images[599].reshape(-1).tolist()


def test_training_gives_the_same_model_every_time(deployments: Path, tmp_path: Path) -> None:
    train(tmp_path / "again.joblib")

    images = held_back()[0].reshape(600, -1)
    first, second = (
        joblib.load(path) for path in (deployments / MODEL.relative_to(DEPLOYMENTS), tmp_path / "again.joblib")
    )
    assert (first.predict_proba(images) == second.predict_proba(images)).all()


@pytest.mark.long
def test_the_deployment_predicts_what_the_model_predicts(deployments: Path, tmp_path: Path) -> None:
    labels = write_held_back(tmp_path / "digits", COUNT)
    model = joblib.load(deployments / MODEL.relative_to(DEPLOYMENTS))
    cloud = Cloud(tmp_path / "state", deployments, endpoint="digits")
    try:
        files = {name: (tmp_path / "digits" / name).read_bytes() for name in labels}
        job = cloud.score(files, "classic")
        rows = [line.split(" ") for line in cloud.predictions(job)]
    finally:
        cloud.close()

    certainty = model.predict_proba(numpy.array([from_png(tmp_path / "digits" / name) for name in sorted(labels)]))
    expected: list[tuple[str, int, Any]] = [
        (name, int(model.classes_[row.argmax()]), pytest.approx(row.max(), abs=1e-4))
        for name, row in zip(sorted(labels), certainty, strict=True)
    ]
    assert sorted((name, int(digit), float(confidence)) for name, digit, confidence in rows) == expected
