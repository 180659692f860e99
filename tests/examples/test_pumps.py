"""The pipeline example: its two steps, and its deployment invoked on the local Azure ML."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.pipeline.deployments.pumps.risk.code.features import main as make_features
from examples.pipeline.make import HERE, LANDING, PLANTS, WEIGHTS, write_data, write_weights
from tests.examples.pumps import check, expected
from tests.local.azureml.cloud import Cloud


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with what its script makes."""
    folder = tmp_path_factory.mktemp("pumps") / "pipeline"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("weights.json", "data", "__pycache__"))
    write_weights(folder / WEIGHTS)
    write_data(folder / LANDING)
    return folder


@pytest.fixture(scope="module")
def cloud(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path_factory.mktemp("pumps-state"), example / "deployments", endpoint="pumps")
    try:
        yield cloud
    finally:
        cloud.close()


@pytest.mark.parametrize(("threshold", "used"), [(None, 0.5), (0.8, 0.8), (0, 0.0)])
def test_both_outputs_say_what_the_threshold_makes_of_the_readings(
    cloud: Cloud, example: Path, threshold: float | None, used: float
) -> None:
    place = f"out/{used}"
    inputs: dict[str, Any] = {
        "data": {"jobInputType": "UriFolder", "uri": cloud.land(landing(example))},
        "threshold": {"jobInputType": "Literal", "value": threshold},
    }
    outputs = {
        name: {"jobOutputType": "UriFolder", "uri": f"azureml://datastores/workspaceblobstore/paths/{place}/{name}"}
        for name in ("scores", "summary")
    }
    if threshold is None:
        del inputs["threshold"]  # the component has a default

    answer = cloud.post({"properties": {"inputData": inputs, "outputData": outputs}}, "risk")

    assert answer.status_code == 201, answer.text
    job = answer.json()["name"]
    assert cloud.end(job) == "Completed", cloud.error(job)
    check(example, lambda path: cloud.output(f"{place}/{path}"), used)


def landing(example: Path) -> dict[str, str | bytes]:
    return {path.name: path.read_bytes() for path in (example / LANDING).iterdir()}


def test_the_two_thresholds_of_the_example_differ_in_what_they_say(example: Path) -> None:
    """Else nobody would see that the route's own threshold has arrived."""
    risks = [risk for plant in PLANTS for risk in expected(example, plant).values()]

    assert 0 < sum(risk >= 0.8 for risk in risks) < sum(risk >= 0.5 for risk in risks) < len(risks)


def test_most_pumps_that_are_about_to_fail_have_a_high_risk_and_most_others_have_not(example: Path) -> None:
    risks = {pump: risk for plant in PLANTS for pump, risk in expected(example, plant).items()}

    right = sum((risk >= 0.5) == (int(pump[-2:]) % 5 == 4) for pump, risk in risks.items())
    assert right / len(risks) >= 0.9


def test_the_same_readings_and_weights_are_made_every_time(example: Path, tmp_path: Path) -> None:
    write_data(tmp_path)
    write_weights(tmp_path / "weights.json")

    assert (tmp_path / "weights.json").read_bytes() == (example / WEIGHTS).read_bytes()
    for plant in PLANTS:
        assert (tmp_path / f"{plant}.csv").read_bytes() == (example / LANDING / f"{plant}.csv").read_bytes()


def test_a_pump_of_which_a_sensor_told_nothing_is_not_judged(tmp_path: Path) -> None:
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    readings = "hour,pump,vibration,temperature\n0,a,1.0,50\n1,a,2.0,\n0,b,1.5,\n"
    (tmp_path / "in" / "dam.csv").write_text("\ufeff" + readings, "utf-8")

    make_features(tmp_path / "in", tmp_path / "out")

    assert (tmp_path / "out" / "dam.csv").read_text("utf-8") == "pump,vibration,temperature\na,1.5,50.0\n"
