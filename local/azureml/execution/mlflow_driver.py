"""The scoring script of an MLflow model that is deployed without one: predict() once per file.

Tables give `row,prediction,file_name`, images `prediction,file_name`, separated by commas, without a header.
Source: Azure docs, how-to-mlflow-batch. Runs in worker processes, so it imports nothing of this package.
"""

import csv
import io
import os
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy
import pandas

_model: Any = None


def init() -> None:
    """The model is the only entry of the model folder, or its parent when a file was registered."""
    global _model  # noqa: PLW0603  # init() and run() share nothing but the module
    (registered,) = Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()
    _model = mlflow.pyfunc.load_model(str(registered if registered.is_dir() else registered.parent))


def run(mini_batch: list[str]) -> list[str]:
    """All rows of all files of the mini-batch."""
    return [line for path in mini_batch for line in _predict(Path(path))]


def _predict(path: Path) -> list[str]:
    data = _read(path)
    predictions = _listed(_model.predict(data))
    if isinstance(data, pandas.DataFrame):
        return [_line(row, prediction, path.name) for row, prediction in enumerate(predictions)]
    return [_line(prediction, path.name) for prediction in predictions]


def _read(path: Path) -> Any:
    match path.suffix.lower():
        case ".csv":
            return pandas.read_csv(path)
        case ".parquet" | ".pqt":
            return pandas.read_parquet(path)
    return _image(path)


def _image(path: Path) -> Any:
    """The pixels, in the shape and type that the model's signature wants; bytes as they are without one."""
    from PIL import Image  # only where there are images

    with Image.open(path) as image:
        pixels = numpy.asarray(image)
    wanted = _model.metadata.get_input_schema()
    if wanted is None or not wanted.is_tensor_spec():
        return pixels
    (tensor,) = wanted.inputs
    return pixels.astype(tensor.type).reshape(tensor.shape)


def _listed(predictions: Any) -> list[Any]:
    """One element per prediction; several columns stay together as one list."""
    if isinstance(predictions, pandas.Series):
        return list(predictions)
    if isinstance(predictions, pandas.DataFrame):
        rows = predictions.to_numpy().tolist()
        return [row[0] if len(row) == 1 else row for row in rows]
    return list(numpy.asarray(predictions).tolist())


def _line(*cells: object) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
