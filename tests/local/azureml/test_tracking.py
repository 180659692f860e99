"""What scripts log with MLflow is kept for later jobs."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from local.azureml.execution import tracking
from tests.local.azureml.cloud import Cloud

SCRIPT = """
    import mlflow
    from mlflow.exceptions import MlflowException

    def init():
        pass

    def run(mini_batch):
        client = mlflow.MlflowClient()
        try:
            client.create_registered_model("tracked")
        except MlflowException:
            pass  # by an earlier job
        with mlflow.start_run() as run:
            mlflow.log_metric("files", len(mini_batch))
            mlflow.log_text("kept", "note.txt")
        version = client.create_model_version("tracked", source=run.info.artifact_uri, run_id=run.info.run_id)
        return [str(version.version)] * len(mini_batch)
"""

needs_mlflow = pytest.mark.skipif(find_spec("mlflow") is None, reason="mlflow is not installed")


def test_jobs_are_told_of_a_folder(tmp_path: Path) -> None:
    told = tracking.variables(tmp_path / "a b", is_installed=True)

    assert told["MLFLOW_TRACKING_URI"] == f"file://{tmp_path}/a%20b"


def test_without_mlflow_jobs_are_told_nothing(tmp_path: Path) -> None:
    assert tracking.variables(tmp_path, is_installed=False) == {}


@needs_mlflow
@pytest.mark.long
def test_metrics_artifacts_and_registered_models_are_kept_between_jobs(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.txt").write_text("1")
    cloud.create("/batchEndpoints/tracked", {"authMode": "AADToken"})
    uri = cloud.upload(tmp_path / "model")
    cloud.create("/models/tracked/versions/1", {"modelType": "custom_model", "modelUri": uri})
    cloud.deploy("tracked", "tracked", model="tracked", script=SCRIPT, miniBatchSize=2)

    first = cloud.score({"a": "1", "b": "2"}, "tracked", endpoint="tracked")
    second = cloud.score({"a": "1"}, "tracked", endpoint="tracked")

    assert (cloud.predictions(first), cloud.predictions(second)) == (["1", "1"], ["2"])
    for name, value in tracking.variables(cloud.state.resolve() / "azureml" / "mlflow", is_installed=True).items():
        monkeypatch.setenv(name, value)
    assert sorted(logged()) == [(1.0, "kept"), (2.0, "kept")]


def logged() -> list[tuple[float, str]]:
    """The metric and the artifact of every run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns about its own type hints when it is imported
        import mlflow

        runs: Any = mlflow.MlflowClient().search_runs(["0"])
        return [
            (one.data.metrics["files"], mlflow.artifacts.load_text(f"{one.info.artifact_uri}/note.txt")) for one in runs
        ]
