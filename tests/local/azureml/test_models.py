"""A model scored through the emulator gives the predictions of the same model called directly."""

from __future__ import annotations

import inspect
import io
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest
import yaml
from PIL import Image

from tests.local.azureml.cloud import Cloud

PARQUET = """
    import os
    from pathlib import Path

    import joblib
    import pandas

    def init():
        global model
        model = joblib.load(next(Path(os.environ["AZUREML_MODEL_DIR"]).glob("*/*.joblib")))

    def run(mini_batch):
        for path in mini_batch:
            table = pandas.read_csv(path)
            table["prediction"] = model.predict(table)
            table.to_parquet(Path(os.environ["AZUREML_BI_OUTPUT_PATH"]) / f"{Path(path).stem}.parquet")
        return mini_batch
"""
ENDPOINT = "models"


@pytest.fixture(scope="module")
def model() -> Any:
    from sklearn.linear_model import LogisticRegression

    generator = numpy.random.default_rng(1)
    table = pandas.DataFrame({"age": generator.uniform(20, 80, 60), "chol": generator.uniform(100, 300, 60)})
    return LogisticRegression(max_iter=1000).fit(table, (table["age"] + table["chol"] / 5 > 90).astype(int))


@pytest.fixture(scope="module")
def tables() -> dict[str, pandas.DataFrame]:
    generator = numpy.random.default_rng(2)
    return {
        name: pandas.DataFrame({"age": generator.uniform(20, 80, rows), "chol": generator.uniform(100, 300, rows)})
        for name, rows in (("a", 3), ("b", 1), ("c", 12))
    }


@pytest.fixture(scope="module")
def endpoint(cloud: Cloud, model: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An endpoint with an MLflow model and a script, made over Resource Manager."""
    import joblib

    folder = tmp_path_factory.mktemp("models")
    (folder / "plain").mkdir()
    joblib.dump(model, folder / "plain" / "heart.joblib")
    save_with_mlflow(model, folder / "mlflow")
    cloud.create(f"/batchEndpoints/{ENDPOINT}", {"authMode": "AADToken"})
    cloud.create("/models/heart/versions/1", {"modelType": "mlflow_model", "modelUri": cloud.upload(folder / "mlflow")})
    cloud.create("/models/plain/versions/1", {"modelType": "custom_model", "modelUri": cloud.upload(folder / "plain")})
    cloud.deploy(ENDPOINT, "mlflow", model="heart", miniBatchSize=2)
    cloud.deploy(ENDPOINT, "parquet", model="plain", script=PARQUET, outputAction="SummaryOnly")
    return ENDPOINT


def save_with_mlflow(model: Any, target: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns about its own type hints when it is imported
        import mlflow.sklearn
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema

        signature = ModelSignature(
            Schema([ColSpec("double", "age"), ColSpec("double", "chol")]), Schema([ColSpec("long")])
        )
        mlflow.sklearn.save_model(
            model, str(target), signature=signature, pip_requirements=[], serialization_format="cloudpickle"
        )


class Brightness:
    """What an image model may look like inside: the mean of each image of a batch."""

    def predict(self, pixels: Any, params: Any = None) -> Any:
        return pixels.reshape(len(pixels), -1).mean(axis=1)


def save_image_model(target: Path) -> None:
    """An MLflow model without a flavour of its own, which takes batches of 2 by 2 RGB images as floats."""
    target.mkdir()
    (target / "brightness.py").write_text(
        textwrap.dedent(inspect.getsource(Brightness)).replace("Any", "object")
        + "\n\ndef _load_pyfunc(path):\n    return Brightness()\n"
    )
    shape = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2, 2, 3]}}
    flavor = {"loader_module": "brightness", "code": ".", "python_version": "3.11.0"}
    signature = {"inputs": json.dumps([shape]), "outputs": None, "params": None}
    (target / "MLmodel").write_text(
        yaml.safe_dump({"flavors": {"python_function": flavor}, "model_uuid": "1", "signature": signature})
    )


def rows_of(cloud: Cloud, job: str, path: str) -> Iterator[list[str]]:
    assert cloud.end(job) == "Completed", cloud.error(job)
    for line in (cloud.output(path) or "").splitlines():
        yield line.split(",")


def written(table: pandas.DataFrame, kind: str) -> bytes:
    content: bytes = table.to_csv(index=False).encode() if kind == "csv" else table.to_parquet()
    return content


@pytest.mark.parametrize("kind", ["csv", pytest.param("parquet", marks=pytest.mark.long)])
def test_an_mlflow_model_without_a_script_scores_tables(
    cloud: Cloud, endpoint: str, model: Any, tables: dict[str, pandas.DataFrame], kind: str
) -> None:
    folder = cloud.land({f"{name}.{kind}": written(table, kind) for name, table in tables.items()})

    job = cloud.submit(folder, "mlflow", output=f"models/{kind}.csv", endpoint=endpoint)

    found = {(file, int(row)): int(value) for row, value, file in rows_of(cloud, job, f"models/{kind}.csv")}
    assert found == {
        (f"{name}.{kind}", row): int(value)
        for name, table in tables.items()
        for row, value in enumerate(model.predict(table))
    }


@pytest.mark.long
def test_an_mlflow_model_without_a_script_scores_images(cloud: Cloud, endpoint: str, tmp_path: Path) -> None:
    save_image_model(tmp_path / "image-model")
    uri = cloud.upload(tmp_path / "image-model")
    cloud.create("/models/bright/versions/1", {"modelType": "mlflow_model", "modelUri": uri})
    cloud.deploy(endpoint, "images", model="bright")
    files: dict[str, str | bytes] = {}
    for value in (0, 100):
        image = io.BytesIO()
        Image.fromarray(numpy.full((2, 2, 3), value, dtype=numpy.uint8)).save(image, "PNG")
        files[f"{value}.png"] = image.getvalue()

    job = cloud.submit(cloud.land(files), "images", output="models/images.csv", endpoint=endpoint)

    assert sorted(rows_of(cloud, job, "models/images.csv")) == [["0.0", "0.png"], ["100.0", "100.png"]]


def test_a_file_that_an_mlflow_model_cannot_read_fails_the_job(cloud: Cloud, endpoint: str) -> None:
    job = cloud.submit(cloud.land({"a.csv": "age,chol\n1,2\n", "b.avro": "x"}), "mlflow", endpoint=endpoint)

    assert cloud.end(job) == "Failed"
    assert cloud.error(job) == "ERROR:azureml:Error processing input file: 'b.avro'. File type 'avro' is not supported."


def test_a_summary_only_deployment_writes_parquet_beside_its_output(
    cloud: Cloud, endpoint: str, model: Any, tables: dict[str, pandas.DataFrame]
) -> None:
    folder = cloud.land({f"{name}.csv": table.to_csv(index=False) for name, table in tables.items()})

    job = cloud.submit(folder, "parquet", output="models/parquet/predictions.csv", endpoint=endpoint)

    assert cloud.end(job) == "Completed", cloud.error(job)
    assert cloud.output("models/parquet/predictions.csv") is None
    for name, table in tables.items():
        written = cloud.get(f"azuremlstore/azureml-blobstore-local/models/parquet/{name}.parquet")
        assert written is not None
        assert list(pandas.read_parquet(io.BytesIO(written))["prediction"]) == list(model.predict(table))
