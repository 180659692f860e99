"""The examples, by the very commands of their READMEs, through the whole local cloud and the unmodified app."""

from __future__ import annotations

import csv
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import pandas
import pytest

from examples.tabular.make import MODEL as WINE_MODEL
from examples.tabular.make import wines
from testbed.examples import ROOT
from testbed.stack import Stack, running
from tests.examples.pumps import check

# Three stacks, each for one run.
pytestmark = pytest.mark.long

PYTHON = ".venv/bin/python"
MADE = ("data", "model", "weights.json", "__pycache__")


@dataclass(frozen=True, slots=True)
class Shown:
    """What has become of an example: its folder, and all that was published."""

    folder: Path
    stack: Stack
    run: dict[str, Any]
    published: dict[str, bytes]

    def rows(self, name: str) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.published[name].decode())))

    def landed(self) -> list[Path]:
        return sorted((self.folder / "data" / "tuesday").iterdir())


def commands(example: str) -> Iterator[list[str]]:
    """The arguments of Python in each command of the README, in their order."""
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "examples" / example / "README.md").read_text("utf-8"), re.S):
        for line in block.splitlines():
            program, *arguments = shlex.split(line, comments=True)
            assert program == PYTHON, line
            yield arguments


@contextmanager
def shown(example: str, folder: Path) -> Iterator[Shown]:
    """Do what the README says, in a fresh copy of the examples."""
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns(*MADE))
    made, up, *rest = commands(example)
    assert up[:3] == ["-m", "local", "up"]
    follow(made, folder)
    with running(folder / ".local", *up[3:], folder=folder) as stack:
        for arguments in rest:
            follow(arguments, folder)
        (run,) = stack.cloud.runs()
        assert run["status"] == "published", run["error"]
        published = stack.cloud.published(run["publication"]["container"], run["publication"]["path"])
        yield Shown(folder / "examples" / example, stack, run, published)


def follow(arguments: list[str], folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def tabular(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with shown("tabular", tmp_path_factory.mktemp("tabular")) as example:
        yield example


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with shown("mlflow", tmp_path_factory.mktemp("mlflow")) as example:
        yield example


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with shown("pipeline", tmp_path_factory.mktemp("pipeline")) as example:
        yield example


def test_each_csv_file_of_wines_becomes_one_with_a_header_and_what_the_model_says(tabular: Shown) -> None:
    model = joblib.load(tabular.folder / WINE_MODEL)
    landed = tabular.landed()

    assert set(tabular.published) == {f"scored-{path.name}" for path in landed} | {"_run.json", "_SUCCESS"}
    for path in landed:
        table = pandas.read_csv(path, dtype={"sample": str})
        features = table.drop(columns="sample")
        header, *rows = tabular.rows(f"scored-{path.name}")
        assert header == ["sample", "cultivar", "confidence"]
        assert [row[:2] for row in rows] == list(map(list, zip(table["sample"], model.predict(features), strict=True)))
        assert [float(row[2]) for row in rows] == pytest.approx(model.predict_proba(features).max(axis=1), abs=1e-4)


def test_the_published_cultivars_are_those_of_the_wines(tabular: Shown) -> None:
    truth = {f"{number:04}": cultivar for number, cultivar in wines()[1][1::2].items()}
    told = {
        sample: cultivar for path in tabular.landed() for sample, cultivar, _ in tabular.rows(f"scored-{path.name}")[1:]
    }

    assert told.keys() == truth.keys()
    assert sum(told[sample] == cultivar for sample, cultivar in truth.items()) / len(truth) >= 0.95


def test_each_row_of_each_parquet_file_has_the_prediction_of_the_mlflow_model(mlflow: Shown) -> None:
    model = load_mlflow_model(mlflow.folder / "deployments" / "progression" / "forest" / "model")

    assert set(mlflow.published) == {"predictions.csv", "_run.json", "_SUCCESS"}
    rows = mlflow.rows("predictions.csv")
    told = {(file, int(row)): float(prediction) for row, prediction, file in rows}
    wanted = {
        (path.name, row): float(prediction)
        for path in mlflow.landed()
        for row, prediction in enumerate(model.predict(pandas.read_parquet(path)))
    }
    assert len(told) == len(rows) == 221
    assert told == pytest.approx(wanted)


def test_both_outputs_of_the_pipeline_are_published_and_say_what_the_threshold_of_the_route_makes_of_the_readings(
    pipeline: Shown,
) -> None:
    scores = {f"scores/{path.name}" for path in pipeline.landed()}

    assert set(pipeline.published) == scores | {"summary/summary.csv", "_run.json", "_SUCCESS"}
    check(pipeline.folder, pipeline.published.get, 0.8)


def load_mlflow_model(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns about its own type hints when it is imported
        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(str(folder))
